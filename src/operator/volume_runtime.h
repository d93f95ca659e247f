/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_VOLUME_RUNTIME_H
#define OPERATOR_VOLUME_RUNTIME_H

/*
 * operator/volume_runtime -- as whom, and where, a Job of ours opens a Repository that lies in a volume.
 *
 * Why      files in a volume belong to the user that wrote them, and a folder of a node is on that node: what reads or deletes
 *          there runs as what writes there. Pure: objects in, settings out.
 * Whose    those of a BackupConfiguration or BackupBatch in the Repository's own namespace: whoever may make one there may run
 *          such a Pod there anyway. One that runs as root goes first, since root reads what the others wrote; then by name.
 * What     the security contexts of pod and container, nodeSelector, nodeName, affinity and tolerations.
 */
#include "json/node.h"

/*
 * runtimeSettings for podspec_apply_runtime and podspec_secure. `writers`: BackupConfigurations and BackupBatches, of which
 * those play no part that write elsewhere or are being deleted. NULL: nobody asks for anything, or it is not in a volume. The
 * caller frees.
 */
struct json *volume_runtime(const struct json *repo, const struct json *writers);

#endif

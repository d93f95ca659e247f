/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_SNAPSHOT_JSON_H
#define REPO_FORMAT_SNAPSHOT_JSON_H

/*
 * repo/format/snapshot_json -- snapshot files as text. Source: restic's field names and their
 * order.
 */
#include "base/buf.h"
#include "repo/snapshots.h"

NODISCARD enum rc snapshot_encode(const struct snapshot *s, struct buf *out, struct err *e);
/* `out->id` stays zero. The caller releases `*out`. RC_CORRUPT. */
NODISCARD enum rc snapshot_decode(struct str json, struct snapshot *out, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_BLUEPRINT_H
#define API_BLUEPRINT_H

/*
 * api/blueprint -- what a BackupBlueprint makes of an AppBinding that names it: a Repository and a BackupConfiguration.
 *
 * Names    Stash's: app-NAME in the AppBinding's own namespace, NAMESPACE-app-NAME in another one. Of several
 *          blueprints each further one adds its own name (Stash does not say how they differ).
 * Marks    both carry annotations (api/notes) that say from what and for whom they were made: by these they are known
 *          again, and are never taken for somebody else's.
 * Errors   RC_INVALID names the field or the variable.
 * Threads  pure.
 * Source   Stash's guides for automatic backups.
 * Tests    blueprint_test.c
 */
#include "json/node.h"

#define BLUEPRINT_ANNOTATION "stash.appscode.com/backup-blueprint"
#define BLUEPRINT_SCHEDULE "stash.appscode.com/schedule"
#define BLUEPRINT_PARAMS "params.stash.appscode.com/" /* before the name of a param of the task */

/* The names in an AppBinding's annotation, in order, each once; the caller frees. */
struct json *blueprints_of(const struct json *app);

struct blueprint_made {
    struct json *repository, *configuration;
};
/* Both objects as they should be. `plain`: without the blueprint's name in theirs. blueprint_made_release, also after an error. */
NODISCARD enum rc blueprint_make(const struct json *blueprint, const struct json *app, bool plain,
                                 struct blueprint_made *out, struct err *e);
void blueprint_made_release(struct blueprint_made *m);

/* By the marks of what was made, borrowed: from which blueprint; for which AppBinding, "namespace/name". NULL: no marks. */
const char *blueprint_of(const struct json *obj);
const char *blueprint_target(const struct json *obj);

#endif

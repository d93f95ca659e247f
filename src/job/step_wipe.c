/* SPDX-License-Identifier: Apache-2.0 */
/* wipe-repository: the data of a Repository that goes with spec.wipeOut. */
#include "base/log.h"
#include "job/step_internal.h"

enum rc
step_wipe_repository(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *secret = NULL;
    struct store *s = NULL;
    struct kube *k = NULL;
    uint64_t n = 0;
    enum rc rc;

    if (strcmp(step_text(f->provider, ""), "local") == 0)
        return err_set(e, RC_UNSUPPORTED, "the files of a local backend are in a volume");
    rc = step_need(f->secret, "storage-secret-name", e);
    if (rc == RC_OK)
        rc = step_need(f->provider, "provider", e);
    if (rc == RC_OK)
        rc = step_connect(f, &k, NULL, e);
    if (rc == RC_OK)
        rc = step_repo_secret(cx, k, f, &secret, e);
    if (rc == RC_OK)
        rc = step_repo_store_of_flags(f, secret, false, &s, e);
    if (rc == RC_OK)
        rc = store_wipe(cx, s, &n, e);
    if (s != NULL && (rc == RC_OK || n > 0))
        log_info("%llu %s of %s deleted%s", (unsigned long long)n,
                 str_plural(n, "object", "objects"), s->place, rc == RC_OK ? "" : ", not all");
    store_release(s);
    kube_free(k);
    return rc == RC_OK ? RC_OK : err_wrap(e, "the data are not deleted");
}

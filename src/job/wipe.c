/* SPDX-License-Identifier: Apache-2.0 */
#include "job/wipe.h"

#include "base/log.h"
#include "job/step_internal.h"
#include "kube/object.h"

static enum rc
wipe(struct ctx *cx, struct kube *k, const struct json *repository, const struct backend *b,
     struct err *e)
{
    CLEANUP(json_free_ptr) struct json *secret = NULL;
    const char *ns = kube_ns(repository);
    struct store *s = NULL;
    uint64_t n = 0;
    enum rc rc;

    if (strcmp(b->provider, "local") == 0)
        return err_set(e, RC_UNSUPPORTED, "the files of a local backend are in a volume");
    if (kube_get(cx, k, &KUBE_SECRET, ns, b->secret != NULL ? b->secret : "", &secret, e))
        return err_wrap(e, "could not read the storage Secret %s/%s", ns,
                        b->secret != NULL ? b->secret : "");
    if (vault_store(b, secret, false, &s, e))
        return e->code;
    rc = store_wipe(cx, s, &n, e);
    if (rc == RC_OK || n > 0)
        log_info("Repository %s/%s: %llu objects of %s are deleted%s", ns, kube_name(repository),
                 (unsigned long long)n, s->place, rc == RC_OK ? "" : ", not all");
    store_release(s);
    return rc;
}

enum rc
job_wipe(struct ctx *cx, struct kube *k, const struct json *repository, struct err *e)
{
    struct backend b;
    enum rc rc;

    if (backend_decode(json_dig(repository, "spec", "backend"), &b, e))
        return e->code;
    rc = wipe(cx, k, repository, &b, e);
    backend_release(&b);
    return rc == RC_OK ? RC_OK : err_wrap(e, "wipeOut: the data are not deleted");
}

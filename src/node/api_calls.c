/* SPDX-License-Identifier: Apache-2.0 */
/* What all controllers of the node do with the API. */
#include "base/clock.h"
#include "node/node_internal.h"

const char *
node_now(char to[static API_TIME_TEXT])
{
    return api_time(clock_real_ms(), to);
}

void
requeue_by(struct ctl_result *out, int64_t ms)
{
    ms = MAX(ms, 1);
    if (out->requeue_after_ms == 0 || out->requeue_after_ms > ms)
        out->requeue_after_ms = ms;
}

enum rc
node_put_status(struct ctx *cx, struct node *r, const struct kube_gvr *kind, struct cache *cache,
                const struct json *obj, struct json *take, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *whole = NULL;
    CLEANUP(json_free_ptr) struct json *now = NULL;
    struct kube_write w = {.subresource = "status"};

    if (json_same(json_field(obj, "status"), take)) {
        json_free(take);
        return RC_OK;
    }
    whole = json_clone(obj);
    json_set(whole, "status", take);
    if (kube_update(cx, r->k, kind, whole, &w, &now, e))
        return e->code == RC_NOT_FOUND ? RC_OK : err_code(e); /* it went; the watch will tell */
    cache_note(cache, now);
    return RC_OK;
}

enum rc
node_delete(struct ctx *cx, struct node *r, const struct kube_gvr *kind, const struct json *obj,
            const char *propagation, int64_t grace, struct err *e)
{
    struct kube_delete_opts o = {.propagation = propagation,
                                 .uid = kube_uid(obj),
                                 .grace_s = MAX(grace, 0),
                                 .has_grace = grace >= 0};
    enum rc rc = kube_delete(cx, r->k, kind, kube_ns(obj), kube_name(obj), &o, e);

    return rc == RC_NOT_FOUND || rc == RC_CONFLICT ? RC_OK : rc;
}

const char *
job_end(const struct json *job)
{
    const struct json *status = json_field(job, "status");

    if (condition_holds(status, "Complete"))
        return "Complete";
    return condition_holds(status, "Failed") ? "Failed" : NULL;
}

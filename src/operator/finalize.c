/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done before an object may go. It must not keep a deletion, of a namespace above all, for
 * longer than it can be expected to work out: then the object goes and what is left is said.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/operator_internal.h"

enum { RETRY_MS = 10 * 1000 };

enum rc
finalize(struct ctx *cx, struct operator* op, const struct deletion *l, const struct err *undone,
         struct ctl_result *out, struct err *e)
{
    int64_t since = kube_time_ms(json_dig(l->obj, "metadata", "deletionTimestamp")),
            left = l->hopeless ? 0 : since + op->opts->deletion_limit_ms - clock_real_ms();

    if (undone->code != RC_OK) {
        recorder_event(cx, l->kind->events, l->obj, "Warning",
                       left > 0 ? "CleanupFailed" : "CleanupGivenUp", "%s%s%s", undone->msg,
                       undone->hint[0] != '\0' ? "; " : "", undone->hint);
        /* In a namespace that goes as well no event can be written. */
        log_warn("%s %s/%s %s: %s", cache_kind(l->kind->cache)->kind, kube_ns(l->obj),
                 kube_name(l->obj), left > 0 ? "is not deleted yet" : "goes", undone->msg);
    }
    if (undone->code == RC_OK || left <= 0)
        return write_finalizer(cx, op, l->kind->cache, l->obj, l->finalizer, false, e);
    if (out->requeue_after_ms == 0)
        out->requeue_after_ms = RETRY_MS;
    out->requeue_after_ms = MIN(left, out->requeue_after_ms);
    return RC_OK;
}

enum rc
finalize_invoker(struct ctx *cx, struct operator* op, const struct deletion *l,
                 const struct invoker *inv, struct ctl_result *out, struct err *e)
{
    struct err undone = ERR_INIT;

    if (!kube_has_finalizer(l->obj, l->finalizer))
        return RC_OK;
    if (remove_foreign_rbac(cx, op, inv, NULL, &undone) == RC_CANCELLED) {
        *e = undone;
        return err_code(e);
    }
    return finalize(cx, op, l, &undone, out, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "metrics/stash.h"
#include "operator/operator_internal.h"
#include "operator/phase.h"

/* What the phase will be once metrics are pushed. */
static bool
is_success(const struct invoker *inv, const struct json *session)
{
    struct json *status = json_clone(json_field(session, "status"));
    bool good;

    if (status == NULL)
        return false;
    (void)condition_set(status, COND_METRICS_PUSHED, COND_TRUE, NULL);
    good = strcmp(inv->restore ? phase_restore(status) : phase_session(status), "Succeeded") == 0;
    json_free(status);
    return good;
}

static enum rc
report_session(struct ctx *cx, struct operator* op, const struct invoker *inv,
               const struct json *session, struct err *e)
{
    const char *url = op->opts->pushgateway_url;
    struct metrics m = METRICS_INIT;
    struct json *app;
    char *job;
    enum rc rc;

    app = target_app(cx, op, inv);
    job = stash_job_name(inv);
    stash_metrics_session(&m, inv, app, is_success(inv, session),
                          (double)(clock_real_ms() - kube_created_ms(session)) / 1000, 1);
    rc = metrics_push(cx, op->http, url, job, &m, e);
    metrics_release(&m);
    json_free(app);
    mem_free(job);
    return rc;
}

void
report_metrics(struct ctx *cx, struct operator* op, const struct invoker *inv,
               const struct json *session, struct json *status)
{
    const char *url = op->opts->pushgateway_url;
    struct err why = ERR_INIT;

    if (condition_is_there(status, COND_METRICS_PUSHED))
        return;
    if (condition_is_true(status, COND_DRY_RUN))
        (void)condition_set(status, COND_METRICS_OF_DRY_RUN, COND_FALSE, NULL);
    else if (url == NULL || url[0] == '\0')
        (void)condition_set(status, COND_METRICS_NOWHERE, COND_FALSE, NULL);
    else
        (void)condition_report(status, COND_METRICS_PUSHED,
                               report_session(cx, op, inv, session, &why), &why);
}

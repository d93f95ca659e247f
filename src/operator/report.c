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
report_push(struct ctx *cx, struct operator* op, const struct invoker *inv, bool of_member,
            const struct metrics *m, struct err *e)
{
    struct stash_group group;
    enum rc rc;

    stash_group_init(&group, inv, of_member);
    rc = metrics_push(cx, op->http, op->opts->pushgateway_url, group.labels, m, e);
    stash_group_release(&group);
    return rc;
}

/* Did the member at hand succeed? A single one is what its session is. */
static bool
is_member_good(const struct invoker *m, const struct json *session)
{
    const struct json *list = json_dig(session, "status", m->restore ? "members" : "targets");

    for (size_t i = 0; m->batch && i < json_size(list); i++) {
        const struct json *one = json_elem(list, i);

        if (invoker_is_target(m, json_field(one, "ref")))
            return strcmp(m->restore ? phase_restore_member(one) : phase_target(one),
                          "Succeeded") == 0;
    }
    return !m->batch && is_success(m, session);
}

static enum rc
report_session(struct ctx *cx, struct operator* op, const struct invoker *inv,
               const struct json *session, struct err *e)
{
    struct metrics whole = METRICS_INIT;
    enum rc rc = RC_OK;

    stash_metrics_session(&whole, inv, is_success(inv, session),
                          (double)(clock_real_ms() - kube_created_ms(session)) / 1000);
    for (size_t i = 0; i < inv->n && rc == RC_OK; i++) {
        CLEANUP(json_free_ptr) struct json *app = NULL;
        struct metrics own = METRICS_INIT, *to = inv->batch ? &own : &whole;
        struct invoker m;

        invoker_member(inv, i, &m);
        app = target_app(cx, op, &m);
        stash_metrics_target(to, &m, app, is_member_good(&m, session), 1);
        if (inv->batch)
            rc = report_push(cx, op, &m, true, &own, e);
        metrics_release(&own);
    }
    if (rc == RC_OK)
        rc = report_push(cx, op, inv, false, &whole, e);
    metrics_release(&whole);
    return rc;
}

static bool
is_dry(const struct json *place)
{
    return condition_is_true(place, COND_DRY_RUN) ||
           condition_is_there(place, COND_RESTORE_POSSIBLE);
}

/* One that only looked has no metrics: they would be those of a restore. */
static bool
is_dry_run(const struct json *status)
{
    const struct json *members = json_field(status, "members");
    bool dry = is_dry(status);

    for (size_t i = 0; i < json_size(members); i++)
        dry = dry || is_dry(json_elem(members, i));
    return dry;
}

void
report_metrics(struct ctx *cx, struct operator* op, const struct invoker *inv,
               const struct json *session, struct json *status)
{
    const char *url = op->opts->pushgateway_url;
    struct err why = ERR_INIT;

    if (condition_is_there(status, COND_METRICS_PUSHED))
        return;
    if (inv->planned || is_dry_run(status))
        (void)condition_set(status, COND_METRICS_OF_DRY_RUN, COND_FALSE, NULL);
    else if (url == NULL || url[0] == '\0')
        (void)condition_set(status, COND_METRICS_NOWHERE, COND_FALSE, NULL);
    else
        (void)condition_report(status, COND_METRICS_PUSHED,
                               report_session(cx, op, inv, session, &why), &why);
}

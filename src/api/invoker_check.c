/* SPDX-License-Identifier: Apache-2.0 */
/* Values whose type is right, and with which nothing could ever run. */
#include "api/cron.h"
#include "api/duration.h"
#include "api/hook_templates.h"
#include "api/invoker.h"
#include "api/kinds.h"

/* What no Task of ours does is refused, not passed over. */
static enum rc
check_driver(const struct invoker *inv, struct err *e)
{
    return strcmp(inv->driver, "Restic") == 0
               ? RC_OK
               : err_set(e, RC_UNSUPPORTED, "the driver %.40s is not supported: only Restic is",
                         inv->driver);
}

/* A target that is named is named in full; whether one is needed is the Task's word. */
static enum rc
check_references(const struct invoker *inv, struct err *e)
{
    static const char *const parts[] = {"apiVersion", "kind", "name"};
    const struct json *ref = json_field(inv->target, "ref");
    bool given[ARRAY_LEN(parts)], any = false;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        given[i] = json_text_or(json_field(ref, parts[i]), "")[0] != '\0';
        any = any || given[i];
    }
    for (size_t i = 0; any && i < ARRAY_LEN(parts); i++)
        if (!given[i])
            return err_set(e, RC_INVALID, "spec.target.ref.%s is missing", parts[i]);
    if (inv->repo_name[0] == '\0')
        return err_set(e, RC_INVALID, "spec.repository.name is missing");
    return RC_OK;
}

static enum rc
check_time_out(const struct invoker *inv, struct err *e)
{
    const char *given = json_text_or(json_field(inv->spec, "timeOut"), "");

    return given[0] == '\0' || inv->timeout_ms > 0
               ? RC_OK
               : err_set(e, RC_INVALID,
                         "spec.timeOut must be more than 0: leave it out to have no limit");
}

static enum rc
check_at_least(const struct json *in, const char *in_name, const char *name, int64_t least,
               struct err *e)
{
    if (json_int_or(json_field(in, name), least) >= least)
        return RC_OK;
    if (least < 0)
        return err_set(e, RC_INVALID, "%s.%s must be a number of snapshots, or -1 for all of them",
                       in_name, name);
    return err_set(e, RC_INVALID, "%s.%s must not be negative", in_name, name);
}

static enum rc
check_numbers(const struct invoker *inv, struct err *e)
{
    static const char *const keep[] = {"keepLast",   "keepHourly",  "keepDaily",
                                       "keepWeekly", "keepMonthly", "keepYearly"};
    const struct json *retry = json_field(inv->spec, "retryConfig");
    int64_t delay = 0;

    for (size_t i = 0; i < ARRAY_LEN(keep); i++)
        if (check_at_least(inv->retention, "spec.retentionPolicy", keep[i], -1, e))
            return err_code(e);
    if (check_at_least(inv->spec, "spec", "backupHistoryLimit", 0, e) ||
        check_at_least(retry, "spec.retryConfig", "maxRetry", 0, e))
        return err_code(e);
    if (json_field(retry, "delay") != NULL &&
        (duration_parse(json_text_str(json_field(retry, "delay")), &delay, e) || delay < 0))
        return err_set(e, RC_INVALID, "spec.retryConfig.delay must not be negative");
    return RC_OK;
}

enum rc
invoker_check_schedule(const struct invoker *inv, int64_t now_ms, struct err *e)
{
    const char *schedule = json_text_or(json_field(inv->spec, "schedule"), "");
    struct cron cron;
    int64_t next;

    if (inv->restore)
        return RC_OK;
    if (cron_parse(schedule, NULL, &cron, e))
        return err_wrap(e, "spec.schedule \"%.60s\"", schedule);
    next = cron_next(&cron, now_ms);
    cron_release(&cron);
    return next > 0 ? RC_OK
                    : err_set(e, RC_INVALID,
                              "spec.schedule \"%.60s\" names a time that never comes", schedule);
}

/* With no rule for its host the latest snapshot would be taken, whatever the rules name. */
static enum rc
check_rules(const struct invoker *inv, struct err *e)
{
    if (json_size(inv->rules) == 0 || invoker_rule(inv) != NULL)
        return RC_OK;
    return err_set(e, RC_INVALID,
                   "spec.target.rules has no rule for the host %.60s: name it in targetHosts, or "
                   "leave targetHosts out",
                   inv->alias[0] != '\0' ? inv->alias : DEFAULT_HOST);
}

enum rc
invoker_check(const struct invoker *inv, int64_t now_ms, struct err *e)
{
    if (check_driver(inv, e) || check_references(inv, e) || check_time_out(inv, e) ||
        check_numbers(inv, e) || invoker_check_schedule(inv, now_ms, e) || check_rules(inv, e) ||
        hook_templates_check(inv, e))
        return err_code(e);
    return RC_OK;
}

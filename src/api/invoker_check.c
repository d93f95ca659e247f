/* SPDX-License-Identifier: Apache-2.0 */
/* Values whose type is right, and with which nothing could ever run. */
#include "api/cron.h"
#include "api/duration.h"
#include "api/hook_templates.h"
#include "api/invoker.h"
#include "api/kinds.h"
#include "api/restore_choice.h"

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
check_target_ref(const struct invoker *inv, struct err *e)
{
    static const char *const parts[] = {"apiVersion", "kind", "name"};
    const struct json *ref = json_field(inv->target, "ref");
    bool given[ARRAY_LEN(parts)], any = false;
    char path[INVOKER_PATH];

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        given[i] = json_text_or(json_field(ref, parts[i]), "")[0] != '\0';
        any = any || given[i];
    }
    for (size_t i = 0; any && i < ARRAY_LEN(parts); i++)
        if (!given[i])
            return err_set(e, RC_INVALID, "%s.target.ref.%s is missing", invoker_path(inv, path),
                           parts[i]);
    return RC_OK;
}

static enum rc
check_repository_ref(const struct invoker *inv, struct err *e)
{
    return inv->repo_name[0] != '\0' ? RC_OK
                                     : err_set(e, RC_INVALID, "spec.repository.name is missing");
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
    char path[INVOKER_PATH];

    if (json_size(inv->rules) == 0 || invoker_rule(inv) != NULL)
        return RC_OK;
    return err_set(e, RC_INVALID,
                   "%s.target.rules has no rule for the host %.60s: name it in targetHosts, or "
                   "leave targetHosts out",
                   invoker_path(inv, path), invoker_host(inv));
}

static enum rc
check_choice(const struct invoker *inv, struct err *e)
{
    char place[INVOKER_PATH], path[INVOKER_PATH + 8];
    struct json *options = NULL;

    (void)snprintf(path, sizeof(path), "%s.cstash", invoker_path(inv, place));
    if (restore_choice_options(inv->choice, path, &options, e))
        return err_code(e);
    json_free(options);
    return RC_OK;
}

/* Results, conditions and snapshots are told apart by their targets. */
static enum rc
check_distinct(const struct invoker *inv, struct err *e)
{
    char path[INVOKER_PATH];

    for (size_t i = 0; i < inv->at; i++) {
        struct invoker other;

        invoker_member(inv, i, &other);
        if (invoker_same_target(inv, &other))
            return err_set(e, RC_INVALID,
                           "%s.target is that of spec.members[%zu] too: a target can be a member "
                           "only once",
                           invoker_path(inv, path), i);
    }
    return RC_OK;
}

/* A hook of the whole is of no Redis: there is no pod that it could be about. */
static enum rc
check_whole(const struct invoker *inv, struct err *e)
{
    struct invoker whole;

    if (!inv->batch)
        return RC_OK;
    if (inv->n == 0)
        return err_set(e, RC_INVALID, "spec.members is empty");
    invoker_whole(inv, &whole);
    for (struct json_item it = json_first(whole.hooks); it.key != NULL;
         it = json_next(whole.hooks, it)) {
        static const char *const actions[] = {"httpGet", "httpPost", "tcpSocket"};

        if (json_field(it.value, "exec") != NULL)
            return err_set(e, RC_INVALID,
                           "spec.hooks.%.20s.exec: a hook of the whole batch has no pod to run a "
                           "command in; give it to a member, or use httpGet, httpPost or tcpSocket",
                           it.key);
        for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
            const struct json *action = json_field(it.value, actions[i]);

            if (action != NULL && json_text_or(json_field(action, "host"), "")[0] == '\0')
                return err_set(e, RC_INVALID,
                               "spec.hooks.%.20s.%s.host is missing: a hook of the whole batch has "
                               "no pod whose address could be meant",
                               it.key, actions[i]);
        }
    }
    return hook_templates_check(&whole, e);
}

enum rc
invoker_check(const struct invoker *inv, int64_t now_ms, struct err *e)
{
    if (check_driver(inv, e) || check_repository_ref(inv, e) || check_time_out(inv, e) ||
        check_numbers(inv, e) || invoker_check_schedule(inv, now_ms, e) || check_whole(inv, e))
        return err_code(e);
    for (size_t i = 0; i < inv->n; i++) {
        struct invoker m;

        invoker_member(inv, i, &m);
        if (check_target_ref(&m, e) || check_rules(&m, e) || check_choice(&m, e) ||
            check_distinct(&m, e) || hook_templates_check(&m, e))
            return err_code(e);
    }
    return RC_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/slots.h"

#include "api/conditions.h"
#include "api/cron.h"
#include "base/mem.h"
#include "kube/object.h"

enum { LOOK_AHEAD = 64, GRACE_MS = 60 * 1000, SECOND_MS = 1000 };

#define LOOK_AHEAD_MS ((int64_t)366 * 86400 * SECOND_MS)
#define SCHEDULE "activeSchedule"
#define SINCE "activeSince"
#define INTERVAL "intervalSeconds"

static const char *
slots_schedule(const struct json *obj)
{
    return json_text_or(json_dig(obj, "spec", "schedule"), "");
}

static bool
slots_paused(const struct json *obj)
{
    return json_is_true(json_dig(obj, "spec", "paused"));
}

static bool
slots_parse(const char *schedule, struct cron *out)
{
    struct err e = ERR_INIT;

    return cron_parse(schedule, NULL, out, &e) == RC_OK;
}

/* Those of weekdays are a day apart, and three over a weekend. */
static int64_t
longest_gap(const struct cron *cron, int64_t now_ms)
{
    int64_t at = cron_next(cron, now_ms), longest = 0;

    for (int i = 0; i < LOOK_AHEAD && at != 0 && (i == 0 || at - now_ms < LOOK_AHEAD_MS); i++) {
        int64_t next = cron_next(cron, at);

        if (next == 0)
            break;
        longest = MAX(longest, next - at);
        at = next;
    }
    return longest;
}

void
slots_note(const struct json *obj, struct json *status, int64_t now_ms)
{
    const char *schedule = slots_schedule(obj),
               *was = json_text_or(json_field(status, SCHEDULE), "");
    bool first = json_field(status, "observedGeneration") == NULL;
    char text[API_TIME_TEXT];
    struct cron cron;

    if (slots_paused(obj)) {
        json_remove(status, SCHEDULE);
        json_remove(status, SINCE);
        json_remove(status, INTERVAL);
        return;
    }
    if (strcmp(schedule, was) == 0 || !slots_parse(schedule, &cron))
        return;
    json_set_cstr(status, SCHEDULE, schedule);
    json_set_cstr(status, SINCE, api_time(first ? kube_created_ms(obj) : now_ms, text));
    json_set_int(status, INTERVAL, longest_gap(&cron, now_ms) / SECOND_MS);
    cron_release(&cron);
}

int64_t
slots_next(const struct json *obj, int64_t now_ms)
{
    struct cron cron;
    int64_t next;

    if (slots_paused(obj) || !slots_parse(slots_schedule(obj), &cron))
        return 0;
    next = cron_next(&cron, now_ms);
    cron_release(&cron);
    return next;
}

int64_t
slots_since(const struct json *obj)
{
    return kube_time_ms(json_dig(obj, "status", SINCE));
}

int64_t
slots_interval(const struct json *obj)
{
    return json_int_or(json_dig(obj, "status", INTERVAL), 0);
}

int64_t
slots_missed(const struct json *obj, int64_t last_run_ms, int64_t now_ms)
{
    const char *schedule = json_text_or(json_dig(obj, "status", SCHEDULE), "");
    int64_t at = MAX(slots_since(obj), last_run_ms), missed = 0,
            until = now_ms - MIN((int64_t)GRACE_MS, slots_interval(obj) * SECOND_MS / 2);
    struct cron cron;

    if (slots_since(obj) == 0 || !slots_parse(schedule, &cron))
        return 0;
    while (missed < SLOTS_MISSED_MAX) {
        at = cron_next(&cron, at);
        if (at == 0 || at > until)
            break;
        missed++;
    }
    cron_release(&cron);
    return missed;
}

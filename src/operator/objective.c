/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/objective.h"

#include "api/duration.h"
#include "api/notes.h"
#include "operator/operator_internal.h"
#include "operator/record.h"

enum { SECOND_MS = 1000, TEXT_MAX = 480, SHOWN_MAX = 60 };

static const struct objective_row {
    const char *name, *shown, *note;
} objectives[OBJECTIVES] = {
    [OBJECTIVE_RPO] = {"rpo", "RPO", NOTE_RPO}, [OBJECTIVE_RTO] = {"rto", "RTO", NOTE_RTO}};

const char *
objective_name(enum objective which)
{
    return objectives[which].name;
}

static const struct json *
objective_asked(const struct json *obj, enum objective which)
{
    return json_dig(obj, "metadata", "annotations", objectives[which].note);
}

/* From when what is written would be lost now. */
static int64_t
objective_point(const struct json *obj)
{
    int64_t last = kube_time_ms(json_dig(obj, "status", RECORD_SUCCESS));

    return last != 0 ? last : kube_created_ms(obj);
}

enum objective_state
objective_judge(const struct json *obj, enum objective which, int64_t now_ms, int64_t *limit_ms)
{
    const struct json *asked = objective_asked(obj, which),
                      *took = json_dig(obj, "status", RECORD_RESTORE);
    struct err e = ERR_INIT;
    int64_t limit, measured;

    *limit_ms = 0;
    if (asked == NULL)
        return OBJECTIVE_NONE;
    if (duration_parse(json_text_str(asked), &limit, &e) || limit <= 0)
        return OBJECTIVE_INVALID;
    *limit_ms = limit;
    if (which == OBJECTIVE_RTO && took == NULL)
        return OBJECTIVE_UNKNOWN;
    measured =
        which == OBJECTIVE_RTO ? json_int_or(took, 0) * SECOND_MS : now_ms - objective_point(obj);
    return measured > limit ? OBJECTIVE_BREACHED : OBJECTIVE_MET;
}

int64_t
objective_next_ms(const struct json *obj, int64_t now_ms)
{
    int64_t limit;

    if (objective_judge(obj, OBJECTIVE_RPO, now_ms, &limit) != OBJECTIVE_MET)
        return 0;
    return objective_point(obj) + limit - now_ms + SECOND_MS;
}

/* A sentence on one of them, behind what is in `to`. It says no age: that would be another text each time. */
static void
objective_words(const struct json *obj, enum objective which, enum objective_state state,
                char to[static TEXT_MAX])
{
    const struct objective_row *row = &objectives[which];
    const char *asked = json_text_or(objective_asked(obj, which), ""),
               *last = json_text(json_dig(obj, "status", RECORD_SUCCESS));
    size_t n = strlen(to);
    char shown[SHOWN_MAX], when[SHOWN_MAX + 40], took[DURATION_TEXT];

    (void)str_show(str_c(asked), shown, sizeof(shown));
    (void)snprintf(when, sizeof(when), last != NULL ? "last succeeded at %.40s" : "never succeeded",
                   last);
    (void)duration_format(json_int_or(json_dig(obj, "status", RECORD_RESTORE), 0) * SECOND_MS,
                          took);
    if (n > 0)
        n += (size_t)snprintf(to + n, TEXT_MAX - n, " ");
    if (state == OBJECTIVE_INVALID)
        (void)snprintf(to + n, TEXT_MAX - n,
                       "%s: annotation %s is %s, which is not a duration longer than 0, such as "
                       "26h or 90m.",
                       row->shown, row->note, shown);
    else if (state == OBJECTIVE_UNKNOWN)
        (void)snprintf(to + n, TEXT_MAX - n,
                       "%s of %s: not measured yet; a BackupVerification of level restore does.",
                       row->shown, shown);
    else if (which == OBJECTIVE_RPO)
        (void)snprintf(to + n, TEXT_MAX - n, "%s of %s is %s: a backup %s.", row->shown, shown,
                       state == OBJECTIVE_MET ? "met" : "breached", when);
    else
        (void)snprintf(to + n, TEXT_MAX - n, "%s of %s is %s: the last load took %s.", row->shown,
                       shown, state == OBJECTIVE_MET ? "met" : "breached", took);
}

void
objectives_tell(const struct teller *to, const struct json *obj, struct json *status,
                int64_t now_ms)
{
    enum objective_state worst = OBJECTIVE_NONE;
    char text[TEXT_MAX] = "";

    for (enum objective i = 0; i < OBJECTIVES; i++) {
        int64_t limit;
        enum objective_state state = objective_judge(obj, i, now_ms, &limit);

        if (state != OBJECTIVE_NONE)
            objective_words(obj, i, state, text);
        worst = MAX(worst, state);
    }
    if (worst == OBJECTIVE_NONE)
        condition_remove(status, COND_OBJECTIVES_MET);
    else if (worst == OBJECTIVE_MET)
        (void)condition_set(status, COND_OBJECTIVES_MET, COND_TRUE, text);
    else if (worst == OBJECTIVE_UNKNOWN)
        (void)condition_set(status, COND_OBJECTIVES_MET, COND_UNKNOWN, text);
    else
        condition_tell(to, status,
                       worst == OBJECTIVE_INVALID ? COND_OBJECTIVE_INVALID : COND_OBJECTIVES_MET,
                       COND_FALSE, text);
}

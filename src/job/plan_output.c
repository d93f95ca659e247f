/* SPDX-License-Identifier: Apache-2.0 */
/* A plan in output.json, and as conditions of the session. */
#include "job/plan.h"
#include "job/step_internal.h"

/* "plan" of the host: "works" and "text" of all, and of each topic. */
struct json *
plan_output(const struct plan *p)
{
    struct json *out = json_new_object();
    char words[PLAN_WORDS];

    json_set_cstr(out, "works", plan_grade_name(p->verdict));
    json_set_cstr(out, "text", plan_words(p, words));
    for (unsigned i = 0; i < PLAN_N; i++) {
        const struct plan_point *point = &p->points[i];
        struct json *one;
        char text[PLAN_TEXT + PLAN_HINT + 4];

        if (point->text[0] == '\0')
            continue;
        (void)snprintf(text, sizeof(text), "%s%s%s%s", point->text,
                       point->hint[0] != '\0' ? " (" : "", point->hint,
                       point->hint[0] != '\0' ? ")" : "");
        one = json_need_object(out, plan_topic_name((enum plan_topic)i));
        json_set_cstr(one, "works", plan_grade_name(point->grade));
        json_set_cstr(one, "text", text);
    }
    return out;
}

const struct json *
output_plan(const struct json *status)
{
    return json_field(json_elem(json_field(status, "stats"), 0), "plan");
}

static enum condition_state
plan_state(const struct json *one)
{
    const char *works = json_text_or(json_field(one, "works"), "");

    return strcmp(works, plan_grade_name(PLAN_YES)) == 0  ? COND_TRUE
           : strcmp(works, plan_grade_name(PLAN_NO)) == 0 ? COND_FALSE
                                                          : COND_UNKNOWN;
}

bool
output_plan_says_yes(const struct json *plan)
{
    return plan_state(plan) == COND_TRUE;
}

void
plan_conditions(const struct json *plan, struct json *place)
{
    (void)condition_set(place, COND_RESTORE_POSSIBLE, plan_state(plan),
                        json_text_or(json_field(plan, "text"), ""));
    for (unsigned i = 0; i <= PLAN_COPY; i++) {
        const struct json *one = json_field(plan, plan_topic_name((enum plan_topic)i));

        if (one != NULL)
            (void)condition_set(place, (enum condition_id)(COND_PLAN_SNAPSHOT + i), plan_state(one),
                                json_text_or(json_field(one, "text"), ""));
    }
}

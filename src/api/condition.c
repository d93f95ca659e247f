/* SPDX-License-Identifier: Apache-2.0 */
#include "api/condition.h"

#include "base/clock.h"

const char *
api_time(int64_t ms, char to[static API_TIME_TEXT])
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    (void)strftime(to, API_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return to;
}

const struct json *
condition_find(const struct json *holder, const char *type)
{
    const struct json *list = json_field(holder, "conditions");

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *c = json_elem(list, i);

        if (strcmp(json_text_or(json_field(c, "type"), ""), type) == 0)
            return c;
    }
    return NULL;
}

bool
condition_is(const struct json *holder, const char *type, const char *status)
{
    const struct json *c = condition_find(holder, type);

    return c != NULL && strcmp(json_text_or(json_field(c, "status"), ""), status) == 0;
}

bool
condition_is_true(const struct json *holder, const char *type)
{
    return condition_is(holder, type, "True");
}

bool
condition_is_false(const struct json *holder, const char *type)
{
    return condition_is(holder, type, "False");
}

static bool
same_text(const struct json *c, const char *field, const char *text)
{
    return strcmp(json_text_or(json_field(c, field), ""), text) == 0;
}

bool
condition_set(struct json *holder, const char *type, const char *status, const char *reason,
              const char *message)
{
    struct json *c = (struct json *)(uintptr_t)condition_find(holder, type);
    char now[API_TIME_TEXT];

    if (message == NULL)
        message = "";
    if (c != NULL && same_text(c, "status", status) && same_text(c, "reason", reason) &&
        same_text(c, "message", message))
        return false;
    if (c == NULL) {
        c = json_new_object();
        json_push(json_need_array(holder, "conditions"), c);
    }
    json_set_cstr(c, "type", type);
    json_set_cstr(c, "status", status);
    json_set_cstr(c, "reason", reason);
    json_set_cstr(c, "message", message);
    json_set_cstr(c, "lastTransitionTime", api_time(clock_real_ms(), now));
    return true;
}

void
condition_remove(struct json *holder, const char *type)
{
    const struct json *list = json_field(holder, "conditions");
    struct json *left;

    if (condition_find(holder, type) == NULL)
        return;
    left = json_new_array();
    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "type"), ""), type) != 0)
            json_push(left, json_ref(json_elem(list, i)));
    json_set(holder, "conditions", left);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/hook_templates.h"

#include "api/kinds.h"
#include "api/template.h"

struct json *
hook_data(const struct invoker *inv, const struct hook_outcome *o)
{
    struct json *s = json_new_object(), *by = json_need_object(s, "Invoker"),
                *target = json_need_object(s, "Target"), *status = json_need_object(s, "Status");
    bool whole = inv->at == INVOKER_WHOLE;

    json_set_cstr(s, "Name", o->session);
    json_set_cstr(s, "Namespace", inv->ns);
    json_set_int(s, "RetryLeft", o->retry_left);
    json_set_cstr(by, "APIGroup", STASH_GROUP);
    json_set_cstr(by, "Kind", inv->kind);
    json_set_cstr(by, "Name", inv->name);
    /* A hook of a whole batch is about no target. */
    json_set_cstr(target, "APIVersion", whole ? "" : inv->target_api);
    json_set_cstr(target, "Kind", whole ? "" : inv->target_kind);
    json_set_cstr(target, "Name", whole ? "" : inv->target_name);
    json_set_cstr(target, "Namespace", whole ? "" : inv->target_ns);
    json_set_cstr(status, "Phase", o->failure != NULL ? "Failed" : "Succeeded");
    json_set_cstr(status, "Duration", o->duration);
    json_set_cstr(status, "Error", o->failure != NULL ? o->failure : "");
    return s;
}

static enum rc
check_text(const struct json *text, const struct json *data, struct err *e)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(TEMPLATE_MAX);

    return json_text(text) == NULL || !template_is_one(json_text(text))
               ? RC_OK
               : template_render(json_text_str(text), data, &out, e);
}

static enum rc
check_hook(const struct json *hook, const struct json *data, struct err *e)
{
    const struct json *command = json_dig(hook, "exec", "command");

    for (size_t i = 0; i < json_size(command); i++)
        if (check_text(json_elem(command, i), data, e))
            return err_wrap(e, "exec.command[%zu]", i);
    return check_text(json_dig(hook, "httpPost", "body"), data, e) ? err_wrap(e, "httpPost.body")
                                                                   : RC_OK;
}

enum rc
hook_templates_check(const struct invoker *inv, struct err *e)
{
    static const struct hook_outcome samples[] = {
        {.session = "redis-backup-1627490702", .duration = "1m2s"},
        {.session = "redis-backup-1627490702",
         .duration = "1m2s",
         .failure = "what went wrong",
         .retry_left = 1},
        {.session = "redis-backup-1627490702", .duration = "1m2s", .failure = "what went wrong"},
    };

    char path[INVOKER_PATH];

    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        CLEANUP(json_free_ptr) struct json *data = hook_data(inv, &samples[i]);

        for (struct json_item it = json_first(inv->hooks); it.key != NULL;
             it = json_next(inv->hooks, it))
            if (check_hook(it.value, data, e))
                return err_wrap(e, "%s.hooks.%.20s", invoker_path(inv, path), it.key);
    }
    return RC_OK;
}

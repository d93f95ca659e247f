/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in the form that was asked for. */
#include "base/clock.h"
#include "base/mem.h"
#include "plane/core.h"
#include "plane/table.h"

void
show_version(const struct call *c, struct json *obj)
{
    if (c->kind->custom)
        json_set_cstr(obj, "apiVersion", c->kind->api_version);
}

bool
answer_object(struct call *c, int status, struct json *obj)
{
    CLEANUP(json_free_ptr) struct json *other = NULL;

    show_version(c, obj);
    if (c->output == OUT_TABLE) {
        other = table_new(c->kind);
        table_add(other, c->kind, obj, c->include);
        json_set(json_need_object(other, "metadata"), "resourceVersion",
                 json_ref(json_dig(obj, "metadata", "resourceVersion")));
        obj = other;
    } else if (c->output == OUT_META) {
        other = table_partial(obj);
        obj = other;
    }
    reply_json(c->rp, status, obj);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Objects on their way from and to the database. */
#include "plane/core.h"

bool
load_object(struct call *c, const char *name, struct json **obj, int64_t *rev)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(KUBE_BODY_MAX);
    struct err e = ERR_INIT;
    int64_t got;
    enum rc rc = db_get(c->plane->db, call_key(c, name), &text, &got, &e);

    if (rc == RC_NOT_FOUND)
        return answer_not_found(c, name);
    if (rc == RC_OK)
        rc = json_parse(buf_str(&text), obj, &e);
    if (rc != RC_OK) {
        e.code = RC_INTERNAL;
        return answer_err(c, &e);
    }
    if (rev != NULL)
        *rev = got;
    return true;
}

void
drop_nulls(struct json *j)
{
    CLEANUP(json_free_ptr) struct json *gone = NULL;

    for (size_t i = 0; json_kind_of(j) == JSON_IS_ARRAY && i < json_size(j); i++)
        drop_nulls(json_elem(j, i));
    for (struct json_item it = json_first(j); it.key != NULL; it = json_next(j, it)) {
        if (json_kind_of(it.value) != JSON_IS_NULL) {
            drop_nulls(it.value);
            continue;
        }
        if (gone == NULL)
            gone = json_new_array();
        json_push_cstr(gone, it.key);
    }
    for (size_t i = 0; i < json_size(gone); i++)
        json_remove(j, json_text(json_elem(gone, i)));
}

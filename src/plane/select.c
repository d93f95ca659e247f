/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/select.h"

#include "base/mem.h"

bool
selection_init(struct selection *s, struct call *c)
{
    struct err e = ERR_INIT;

    *s = (struct selection){0};
    if (kube_selector_labels(call_param(c, "labelSelector"), &s->labels, &e) ||
        kube_selector_fields(call_param(c, "fieldSelector"), &s->fields, &e)) {
        selection_release(s);
        return answer_err(c, &e);
    }
    if (c->name != NULL)
        s->name = mem_strdup(c->name);
    s->all =
        s->name == NULL && kube_selector_is_empty(s->labels) && kube_selector_is_empty(s->fields);
    return true;
}

void
selection_release(struct selection *s)
{
    kube_selector_free(s->labels);
    kube_selector_free(s->fields);
    mem_free(s->name);
    *s = (struct selection){0};
}

bool
selection_match(const struct selection *s, struct str text)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    struct err e = ERR_INIT;
    enum rc rc;

    if (s->all)
        return true;
    rc = kube_selector_is_empty(s->fields) ? json_parse_field(text, "metadata", &obj, &e)
                                           : json_parse(text, &obj, &e);
    if (rc != RC_OK)
        BUG("a stored object does not parse: %s", e.msg);
    return (s->name == NULL ||
            strcmp(s->name, json_text_or(json_dig(obj, "metadata", "name"), "")) == 0) &&
           kube_selector_match(s->labels, obj) && kube_selector_match(s->fields, obj);
}

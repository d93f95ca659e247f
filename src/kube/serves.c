/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "kube/kube_internal.h"

enum { DISCOVERY_MAX = 4 * 1024 * 1024 };

static bool
has_word(const struct json *list, const char *word)
{
    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_elem(list, i), ""), word) == 0)
            return true;
    return false;
}

enum rc
kube_serves(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, struct err *e)
{
    char version[KUBE_API_VERSION];
    CLEANUP(mem_free_ptr)
    char *path = mem_printf("/api%s/%s", *kind->group != '\0' ? "s" : "",
                            kube_gvr_api_version(kind, version));
    CLEANUP(buf_release) struct buf text = BUF_INIT(DISCOVERY_MAX);
    CLEANUP(json_free_ptr) struct json *answer = NULL;
    const struct json *list;
    struct err why = ERR_INIT;
    enum rc rc = kube_raw(cx, k, &(struct kube_raw){.path = path, .once = true}, &text, &why);

    if (rc == RC_OK)
        rc = json_parse(buf_str(&text), &answer, &why);
    if (rc != RC_OK && rc != RC_NOT_FOUND) {
        *e = why;
        return why.sys == 503
                   ? err_wrap(e,
                              "nobody answers for %s; if that is an APIService that nobody needs "
                              "any more, remove it (%s.%s)",
                              kind->group, kind->version, kind->group)
                   : err_wrap(e, "could not ask what there is of %s", version);
    }
    list = json_field(answer, "resources");
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *one = json_elem(list, i);

        if (strcmp(json_text_or(json_field(one, "name"), ""), kind->plural) != 0)
            continue;
        if (has_word(json_field(one, "verbs"), "watch"))
            return RC_OK;
        return err_set(e, RC_UNSUPPORTED,
                       "another API server serves %s of %s: remove its APIService, %s.%s",
                       kind->plural, kind->group, kind->version, kind->group);
    }
    return err_set(e, RC_NOT_FOUND, "there is no CustomResourceDefinition %s.%s", kind->plural,
                   kind->group);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May an account do that, by the Roles and bindings that are here? Nothing on this machine is kept
 * from doing it; but what is asked before something is done for an account has the answer that a
 * cluster would give. Source: Kubernetes pkg/registry/rbac/validation.
 */
#include "plane/review_rbac.h"

#include "base/mem.h"
#include "plane/core.h"

struct ask {
    const struct json *spec, *what;
    struct json *found; /* bindings that name the account */
};

static bool
review_rbac_holds(const struct json *list, const char *word)
{
    for (size_t i = 0; i < json_size(list); i++) {
        const char *s = json_text_or(json_elem(list, i), "");

        if (strcmp(s, "*") == 0 || strcmp(s, word) == 0)
            return true;
    }
    return false;
}

static bool
is_subject(const struct ask *a, const struct json *s)
{
    const char *kind = json_text_or(json_field(s, "kind"), ""),
               *name = json_text_or(json_field(s, "name"), ""),
               *user = json_text_or(json_field(a->spec, "user"), "");
    const struct json *groups = json_field(a->spec, "groups");
    CLEANUP(mem_free_ptr) char *account = NULL;

    if (strcmp(kind, "User") == 0)
        return strcmp(name, user) == 0;
    if (strcmp(kind, "Group") == 0) {
        for (size_t i = 0; i < json_size(groups); i++)
            if (strcmp(json_text_or(json_elem(groups, i), ""), name) == 0)
                return true;
        return false;
    }
    account = mem_printf("system:serviceaccount:%s:%s",
                         json_text_or(json_field(s, "namespace"), ""), name);
    return strcmp(kind, "ServiceAccount") == 0 && strcmp(account, user) == 0;
}

static bool
keep_binding(void *arg, const struct db_row *row)
{
    struct ask *a = (struct ask *)arg;
    struct err ignored = ERR_INIT;
    struct json *b = NULL;
    bool mine = false;

    if (json_parse(row->text, &b, &ignored))
        return true;
    for (size_t i = 0; i < json_size(json_field(b, "subjects")) && !mine; i++)
        mine = is_subject(a, json_elem(json_field(b, "subjects"), i));
    if (mine)
        json_push(a->found, b);
    else
        json_free(b);
    return true;
}

static bool
rule_allows(const struct ask *a, const struct json *rule)
{
    const struct json *names = json_field(rule, "resourceNames");
    const char *name = json_text_or(json_field(a->what, "name"), ""),
               *sub = json_text_or(json_field(a->what, "subresource"), "");
    CLEANUP(mem_free_ptr)
    char *resource = mem_printf("%s%s%s", json_text_or(json_field(a->what, "resource"), ""),
                                sub[0] != '\0' ? "/" : "", sub);

    return review_rbac_holds(json_field(rule, "verbs"),
                             json_text_or(json_field(a->what, "verb"), "")) &&
           review_rbac_holds(json_field(rule, "apiGroups"),
                             json_text_or(json_field(a->what, "group"), "")) &&
           review_rbac_holds(json_field(rule, "resources"), resource) &&
           (json_size(names) == 0 || (name[0] != '\0' && review_rbac_holds(names, name)));
}

static enum rc
role_allows(struct plane *p, const struct ask *a, const struct json *binding, bool *yes,
            struct err *e)
{
    bool wide = strcmp(json_text_or(json_dig(binding, "roleRef", "kind"), ""), "ClusterRole") == 0;
    struct db_key key = {
        .kind = wide ? "clusterroles.rbac.authorization.k8s.io" : "roles.rbac.authorization.k8s.io",
        .ns = wide ? "" : json_text_or(json_dig(binding, "metadata", "namespace"), ""),
        .name = json_text_or(json_dig(binding, "roleRef", "name"), "")};
    CLEANUP(buf_release) struct buf text = BUF_INIT(BODY_MAX);
    CLEANUP(json_free_ptr) struct json *role = NULL;
    struct err why = ERR_INIT;
    int64_t rev;
    enum rc rc = db_get(p->db, key, &text, &rev, &why);

    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc != RC_OK) {
        *e = why;
        return rc;
    }
    if (json_parse(buf_str(&text), &role, e))
        return err_code(e);
    for (size_t i = 0; i < json_size(json_field(role, "rules")) && !*yes; i++)
        *yes = rule_allows(a, json_elem(json_field(role, "rules"), i));
    return RC_OK;
}

enum rc
review_rbac(struct plane *p, const struct json *spec, bool *yes, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *found = json_new_array();
    struct ask a = {.spec = spec, .what = json_field(spec, "resourceAttributes"), .found = found};
    const char *ns = json_text_or(json_field(a.what, "namespace"), "");
    struct db_key wide = {.kind = "clusterrolebindings.rbac.authorization.k8s.io",
                          .ns = "",
                          .name = ""},
                  own = {.kind = "rolebindings.rbac.authorization.k8s.io", .ns = "", .name = ""};
    int64_t rev;

    *yes = false;
    if (db_list(p->db, wide, NULL, keep_binding, &a, &rev, e) ||
        (ns[0] != '\0' && db_list(p->db, own, ns, keep_binding, &a, &rev, e)))
        return err_code(e);
    for (size_t i = 0; i < json_size(found) && !*yes; i++)
        if (role_allows(p, &a, json_elem(found, i), yes, e))
            return err_code(e);
    return RC_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/resources.h"

#include <ctype.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"

enum { DISCOVERY_MAX = 64 * 1024 * 1024 };

#define AGGREGATED                                                                                 \
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"

void
resources_release(struct resources *r)
{
    for (size_t i = 0; i < r->n; i++) {
        mem_free(r->v[i]->plural_group);
        mem_free(r->v[i]->kind_group);
        mem_free(r->v[i]);
    }
    for (size_t i = 0; i < r->n_docs; i++)
        json_free(r->docs[i]);
    mem_free(r->v);
    mem_free(r->docs);
    *r = (struct resources){.v = NULL};
}

static void
resources_keep(struct resources *r, struct json *take)
{
    r->docs = (struct json **)mem_more(r->docs, r->n_docs, sizeof(struct json *));
    r->docs[r->n_docs++] = take;
}

static const char *
text_of(const struct json *obj, const char *key)
{
    return json_text_or(json_field(obj, key), "");
}

static char *
with_group(const char *word, const char *group)
{
    char *s = group[0] != '\0' ? mem_printf("%s.%s", word, group) : mem_strdup(word);

    for (size_t i = 0; word[i] != '\0'; i++)
        s[i] = (char)tolower((unsigned char)s[i]);
    return s;
}

static void
resources_add(struct resources *r, const struct resource *res)
{
    struct resource *own = MEM_NEW(struct resource);

    *own = *res;
    own->plural_group = with_group(res->kind.plural, res->kind.group);
    own->kind_group = with_group(res->kind.kind, res->kind.group);
    r->v = (struct resource **)mem_more(r->v, r->n, sizeof(struct resource *));
    r->v[r->n++] = own;
}

static void
add_aggregated_version(struct resources *r, const char *group, const struct json *version)
{
    const struct json *list = json_field(version, "resources");

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *item = json_elem(list, i), *kind = json_field(item, "responseKind");
        struct resource res = {.kind = {group, text_of(version, "version"),
                                        text_of(item, "resource"), text_of(kind, "kind"),
                                        strcmp(text_of(item, "scope"), "Namespaced") == 0},
                               .singular = text_of(item, "singularResource"),
                               .shorts = json_field(item, "shortNames"),
                               .categories = json_field(item, "categories"),
                               .verbs = json_field(item, "verbs")};
        resources_add(r, &res);
    }
}

bool
resources_add_aggregated(struct resources *r, struct json *take)
{
    const struct json *groups = json_field(take, "items");

    if (strcmp(text_of(take, "kind"), "APIGroupDiscoveryList") != 0) {
        json_free(take);
        return false;
    }
    for (size_t g = 0; g < json_size(groups); g++) {
        const struct json *group = json_elem(groups, g), *versions = json_field(group, "versions");
        const char *name = json_text_or(json_dig(group, "metadata", "name"), "");
        for (size_t v = 0; v < json_size(versions); v++)
            add_aggregated_version(r, name, json_elem(versions, v));
    }
    resources_keep(r, take);
    return true;
}

void
resources_add_plain(struct resources *r, struct json *take)
{
    const char *gv = text_of(take, "groupVersion"), *slash = strchr(gv, '/');
    const struct json *list = json_field(take, "resources");

    if (slash != NULL) { /* the group as a text of its own */
        char *group = mem_strndup(gv, (size_t)(slash - gv));
        json_set_cstr(take, "group", group);
        mem_free(group);
    }
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *item = json_elem(list, i);
        struct resource res = {.kind = {text_of(take, "group"), slash != NULL ? slash + 1 : gv,
                                        text_of(item, "name"), text_of(item, "kind"),
                                        json_is_true(json_field(item, "namespaced"))},
                               .singular = text_of(item, "singularName"),
                               .shorts = json_field(item, "shortNames"),
                               .categories = json_field(item, "categories"),
                               .verbs = json_field(item, "verbs")};
        if (strchr(res.kind.plural, '/') == NULL)
            resources_add(r, &res);
    }
    resources_keep(r, take);
}

static enum rc
resources_ask(struct ctx *cx, struct kube *k, const char *path, const char *accept,
              struct json **out, struct err *e)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DISCOVERY_MAX);

    if (kube_raw(cx, k, &(struct kube_raw){.path = path, .accept = accept}, &body, e) ||
        json_parse(buf_str(&body), out, e))
        return err_wrap(e, "could not ask for %s", path);
    return RC_OK;
}

static enum rc
discover_version(struct ctx *cx, struct kube *k, const char *path, struct resources *r,
                 struct err *e)
{
    struct json *doc = NULL;

    if (resources_ask(cx, k, path, NULL, &doc, e))
        return err_code(e);
    resources_add_plain(r, doc);
    return RC_OK;
}

/* A group's versions one by one, the preferred one first. */
static enum rc
discover_group(struct ctx *cx, struct kube *k, const struct json *group, struct resources *r,
               struct err *e)
{
    const char *best = json_text_or(json_dig(group, "preferredVersion", "groupVersion"), "");
    const struct json *versions = json_field(group, "versions");

    for (int rest = 0; rest < 2; rest++)
        for (size_t i = 0; i < json_size(versions); i++) {
            const char *gv = text_of(json_elem(versions, i), "groupVersion");
            CLEANUP(mem_free_ptr) char *path = mem_printf("/apis/%s", gv);
            if ((strcmp(gv, best) != 0) != (rest != 0))
                continue;
            if (discover_version(cx, k, path, r, e) == RC_OK)
                continue;
            if (e->sys == 0)
                return err_code(e);
            log_debug("%s", e->msg); /* an aggregated API that is away */
        }
    return RC_OK;
}

enum rc
resources_discover(struct ctx *cx, struct kube *k, struct resources *r, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *groups = NULL;
    struct json *doc = NULL;
    const struct json *list;

    if (resources_ask(cx, k, "/api", AGGREGATED, &doc, e))
        return err_code(e);
    if (!resources_add_aggregated(r, doc) && discover_version(cx, k, "/api/v1", r, e))
        return err_code(e);
    doc = NULL;
    if (resources_ask(cx, k, "/apis", AGGREGATED, &doc, e))
        return err_code(e);
    groups = json_ref(doc);
    if (resources_add_aggregated(r, doc))
        return RC_OK;
    list = json_field(groups, "groups");
    for (size_t i = 0; i < json_size(list); i++)
        if (discover_group(cx, k, json_elem(list, i), r, e))
            return err_code(e);
    return RC_OK;
}

static bool
has_word(const struct json *list, const char *word, size_t n)
{
    for (size_t i = 0; i < json_size(list); i++) {
        const char *s = json_text_or(json_elem(list, i), "");
        if (strlen(s) == n && strncasecmp(s, word, n) == 0)
            return true;
    }
    return false;
}

static bool
resources_same(const char *s, const char *word, size_t n)
{
    return strlen(s) == n && strncasecmp(s, word, n) == 0;
}

static bool
is_called(const struct resource *res, const char *word, size_t n, bool by_short)
{
    if (by_short)
        return has_word(res->shorts, word, n);
    return resources_same(res->kind.plural, word, n) || resources_same(res->singular, word, n) ||
           resources_same(res->kind.kind, word, n);
}

/* "group" (its beginning is enough), "version.group" or "version" behind the first dot. */
static bool
is_of(const struct resource *res, const char *rest)
{
    size_t n = strlen(res->kind.version);

    if (rest == NULL)
        return true;
    if (strncasecmp(res->kind.group, rest, strlen(rest)) == 0)
        return true;
    return strncasecmp(res->kind.version, rest, n) == 0 &&
           (rest[n] == '\0' || (rest[n] == '.' && strcasecmp(res->kind.group, rest + n + 1) == 0));
}

const struct resource *
resources_find(const struct resources *r, const char *name)
{
    const char *dot = strchr(name, '.');
    size_t n = dot != NULL ? (size_t)(dot - name) : strlen(name);

    for (int by_short = 0; n > 0 && by_short < 2; by_short++)
        for (size_t i = 0; i < r->n; i++)
            if (is_called(r->v[i], name, n, by_short != 0) &&
                is_of(r->v[i], dot != NULL ? dot + 1 : NULL))
                return r->v[i];
    return NULL;
}

const struct resource *
resources_of(const struct resources *r, const char *api_version, const char *kind)
{
    char gv[KUBE_API_VERSION];

    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->v[i]->kind.kind, kind) == 0 &&
            strcmp(kube_gvr_api_version(&r->v[i]->kind, gv), api_version) == 0)
            return r->v[i];
    return NULL;
}

bool
resource_can(const struct resource *res, const char *verb)
{
    return has_word(res->verbs, verb, strlen(verb));
}

static void
resources_push(struct targets *t, const struct resource *res, const char *name)
{
    t->v = (struct resource_arg *)mem_more(t->v, t->n, sizeof(struct resource_arg));
    t->v[t->n++] = (struct resource_arg){res, name};
    t->several_types = t->several_types || res != t->v[0].res;
}

static char *
copy_word(struct targets *t, const char *word)
{
    t->text = (char **)mem_more(t->text, t->n_text, sizeof(char *));
    return t->text[t->n_text++] = mem_strdup(word);
}

/* The types of a category that can be listed, each in its first version only. */
static bool
push_category(const struct resources *r, const char *word, struct targets *t)
{
    bool any = false;

    for (size_t i = 0; i < r->n; i++) {
        const struct resource *res = r->v[i];
        if (!has_word(res->categories, word, strlen(word)) || !resource_can(res, "list") ||
            resources_find(r, res->plural_group) != res)
            continue;
        resources_push(t, res, NULL);
        any = true;
    }
    return any;
}

static enum rc
push_type(const struct resources *r, const char *word, bool category, struct targets *t,
          struct err *e)
{
    const struct resource *res = resources_find(r, word);

    if (res != NULL)
        resources_push(t, res, NULL);
    else if (!category || !push_category(r, word, t))
        return err_set(e, RC_NOT_FOUND, "the server doesn't have a resource type \"%.*s\"",
                       (int)strcspn(word, "."), word);
    return RC_OK;
}

static enum rc
push_pair(const struct resources *r, const char *word, struct targets *t, struct err *e)
{
    char *type = copy_word(t, word), *slash = strchr(type, '/');
    const struct resource *res;

    if (slash == NULL)
        return err_set(e, RC_INVALID,
                       "there is no need to specify a resource type as a separate argument when "
                       "passing arguments in resource/name form (e.g. 'get resource/<name>' "
                       "instead of 'get resource resource/<name>')");
    *slash++ = '\0';
    if (*slash == '\0' || strchr(slash, '/') != NULL || *type == '\0')
        return err_set(e, RC_INVALID,
                       "arguments in resource/name form must have a single resource and name");
    res = resources_find(r, type);
    if (res == NULL)
        return err_set(e, RC_NOT_FOUND, "the server doesn't have a resource type \"%.*s\"",
                       (int)strcspn(type, "."), type);
    resources_push(t, res, slash);
    return RC_OK;
}

enum rc
targets_parse(const struct resources *r, const char *const *words, size_t n, struct targets *out,
              struct err *e)
{
    struct targets types = {.v = NULL};
    enum rc rc = RC_OK;
    char *save = NULL;
    bool pairs = false;

    for (size_t i = 0; i < n; i++)
        pairs = pairs || strchr(words[i], '/') != NULL;
    for (size_t i = 0; pairs && i < n && rc == RC_OK; i++)
        rc = push_pair(r, words[i], out, e);
    if (pairs || n == 0)
        return n == 0 ? err_set(e, RC_INVALID, "You must specify the type of resource") : rc;
    for (char *w = strtok_r(copy_word(&types, words[0]), ",", &save); w != NULL && rc == RC_OK;
         w = strtok_r(NULL, ",", &save))
        rc = push_type(r, w, n == 1, &types, e);
    for (size_t t = 0; t < types.n && rc == RC_OK; t++) {
        if (n == 1)
            resources_push(out, types.v[t].res, NULL);
        for (size_t i = 1; i < n; i++)
            resources_push(out, types.v[t].res, copy_word(out, words[i]));
    }
    targets_release(&types);
    return rc;
}

void
targets_release(struct targets *t)
{
    for (size_t i = 0; i < t->n_text; i++)
        mem_free(t->text[i]);
    mem_free(t->text);
    mem_free(t->v);
    *t = (struct targets){.v = NULL};
}

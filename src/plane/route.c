/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to a verb. */
#include "base/mem.h"
#include "plane/core.h"

enum { SEGMENTS_MAX = 12 };

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %41 and (in queries) + in place. False: malformed, or a NUL. */
static bool
route_unescape(char *s, bool query)
{
    char *to = s;

    for (; *s != '\0'; s++) {
        if (*s == '+' && query) {
            *to++ = ' ';
        } else if (*s == '%') {
            int hi = hex_digit(s[1]), lo = hi < 0 ? -1 : hex_digit(s[2]);
            if (lo < 0 || hi * 16 + lo == 0)
                return false;
            *to++ = (char)(hi * 16 + lo);
            s += 2;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
    return true;
}

/* c->path is cut into path and parameters, which point into it. */
static bool
parse_query(struct call *c)
{
    char *at = strchr(c->path, '?'), *save = NULL;

    if (at == NULL)
        return true;
    *at++ = '\0';
    for (char *pair = strtok_r(at, "&", &save); pair != NULL; pair = strtok_r(NULL, "&", &save)) {
        char *eq = strchr(pair, '=');
        if (c->n_params == PARAMS_MAX)
            return false;
        if (eq != NULL)
            *eq++ = '\0';
        else
            eq = pair + strlen(pair);
        if (!route_unescape(pair, true) || !route_unescape(eq, true))
            return false;
        c->params[c->n_params++] = (struct param){pair, eq};
    }
    return true;
}

/* The form that the client wants most, of those we know. */
static void
parse_accept(struct call *c)
{
    static const char *const table = ";as=Table;", *const meta = "as=PartialObjectMetadata";
    const char *include = call_param(c, "includeObject");
    const char *first = c->accept;
    size_t n = first == NULL ? 0 : strcspn(first, ",");
    CLEANUP(mem_free_ptr) char *word = mem_strndup(first == NULL ? "" : first, n);
    CLEANUP(mem_free_ptr) char *padded = mem_printf("%s;", word);

    c->include = include != NULL ? include : "Metadata";
    if (strstr(padded, table) != NULL)
        c->output = OUT_TABLE;
    else if (strstr(padded, meta) != NULL)
        c->output = OUT_META;
}

/* Find group, version, namespace, resource, name and subresource. False: no such resource. */
static bool
parse_resource(struct call *c, char **seg, size_t n)
{
    const char *group = "", *version;
    size_t at;

    if (n >= 3 && strcmp(seg[0], "api") == 0) {
        version = seg[1];
        at = 2;
    } else if (n >= 4 && strcmp(seg[0], "apis") == 0) {
        group = seg[1];
        version = seg[2];
        at = 3;
    } else {
        return false;
    }
    if (n - at >= 3 && strcmp(seg[at], "namespaces") == 0 &&
        (c->kind = resource_find(c->plane->kinds, group, version, seg[at + 2])) != NULL &&
        c->kind->namespaced) {
        c->ns = seg[at + 1];
        at += 2;
    } else {
        resource_drop(c->kind);
        c->kind = resource_find(c->plane->kinds, group, version, seg[at]);
    }
    if (c->kind == NULL)
        return false;
    if (n - at >= 2)
        c->name = seg[at + 1];
    if (n - at >= 3)
        c->sub = seg[at + 2];
    return n - at <= 3;
}

static bool
bad_method(struct call *c)
{
    return answer_error(c, 405, "MethodNotAllowed",
                        "the server does not allow this method on the requested resource");
}

static bool
has_subresource(const struct resource_info *k, const char *name)
{
    if (strcmp(name, "status") == 0)
        return k->has_status;
    for (const char *const *sub = k->ops != NULL ? k->ops->subresources : NULL;
         sub != NULL && *sub != NULL; sub++)
        if (strcmp(*sub, name) == 0)
            return true;
    return false;
}

static bool
run_named(struct call *c)
{
    bool get = strcmp(c->method, "GET") == 0;

    if (c->sub != NULL && !has_subresource(c->kind, c->sub))
        return answer_error(c, 404, "NotFound", "the server could not find the requested resource");
    if (c->sub != NULL && strcmp(c->sub, "log") == 0)
        return get ? verb_log(c) : bad_method(c);
    if (c->sub != NULL && strcmp(c->sub, "exec") == 0)
        return get || strcmp(c->method, "POST") == 0 ? verb_exec(c) : bad_method(c);
    if (get)
        return call_flag(c, "watch") ? verb_watch(c) : verb_get(c);
    if (strcmp(c->method, "PUT") == 0)
        return verb_update(c);
    if (strcmp(c->method, "PATCH") == 0)
        return verb_patch(c);
    if (strcmp(c->method, "DELETE") == 0 && c->sub == NULL)
        return verb_delete(c);
    return bad_method(c);
}

static bool
run_verb(struct call *c)
{
    if (c->kind->namespaced && c->ns == NULL && c->name != NULL)
        return answer_error(c, 404, "NotFound", "the server could not find the requested resource");
    if (c->kind->namespaced && c->ns == NULL && strcmp(c->method, "GET") != 0)
        return bad_method(c);
    if (c->name != NULL)
        return run_named(c);
    if (strcmp(c->method, "GET") == 0)
        return call_flag(c, "watch") ? verb_watch(c) : verb_list(c);
    if (strcmp(c->method, "POST") == 0)
        return verb_create(c);
    if (strcmp(c->method, "DELETE") == 0)
        return verb_delete_collection(c);
    return bad_method(c);
}

static void
route_request(struct call *c)
{
    char *seg[SEGMENTS_MAX], *save = NULL, *copy;
    const char *dry = call_param(c, "dryRun");
    size_t n = 0;
    bool good = true;

    if (answer_other(c) || answer_discovery(c) || answer_openapi(c) || answer_review(c))
        return;
    copy = mem_strdup(c->path);
    for (char *s = strtok_r(copy, "/", &save); s != NULL; s = strtok_r(NULL, "/", &save)) {
        good = good && n < SEGMENTS_MAX && route_unescape(s, false);
        if (n < SEGMENTS_MAX)
            seg[n++] = s;
    }
    c->dry_run = dry != NULL && dry[0] != '\0';
    if (!good || !parse_resource(c, seg, n))
        (void)answer_error(c, 404, "NotFound", "the server could not find the requested resource");
    else
        (void)run_verb(c);
    resource_drop(TAKE(c->kind));
    mem_free(copy);
}

void
plane_answer(struct plane *p, struct ctx *cx, const struct kube_request *rq, int peer,
             struct reply *rp)
{
    const char *type = rq->content_type != NULL ? rq->content_type : "application/json";
    struct call c = {
        .plane = p,
        .cx = cx,
        .rp = rp,
        .method = rq->method,
        .accept = rq->accept,
        .content_type = str_of(type, strcspn(type, "; ")),
        .body = rq->body,
        .peer = peer,
        .upgrades = rq->upgrade_key != NULL,
        .path = mem_strdup(rq->path),
    };

    if (rq->body.n > BODY_MAX) {
        (void)answer_error(&c, 413, "RequestEntityTooLarge", "the body is larger than %d bytes",
                           BODY_MAX);
    } else if (!parse_query(&c)) {
        (void)answer_error(&c, 400, "BadRequest", "the query is malformed");
    } else {
        parse_accept(&c);
        route_request(&c);
    }
    mem_free(c.path);
}

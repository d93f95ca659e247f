/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view_spec.h"

#include "base/b64.h"
#include "base/mem.h"
#include "json/utf8.h"

enum { KEY_MAX = 96 * 1024, TOP_PRESET = 100 };

const char *const keys_orders[] = {"none", "size", NULL};
static const char *const looks[] = {"keys", "get", "diff", NULL};

/* ---- to the spec ---- */

static bool
is_text(struct str s)
{
    uint32_t rune;
    size_t len;

    for (; s.n > 0; s = str_of(s.p + len, s.n - len))
        if (!utf8_next(s, &rune, &len))
            return false;
    return true;
}

static enum rc
put_list(struct json *spec, const char *field, const char *const *v, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        char shown[80];

        if (!is_text(str_c(v[i])))
            return err_set(e, RC_USAGE,
                           "\"%s\" is not text, which a SnapshotView needs: write \\xNN as ? in a "
                           "pattern",
                           str_show(str_c(v[i]), shown, sizeof(shown)));
        json_push_cstr(json_need_array(spec, field), v[i]);
    }
    return RC_OK;
}

static void
put_flag(struct json *spec, const char *field, bool on)
{
    if (on)
        json_set_bool(spec, field, true);
}

static enum rc
put_key(struct json *spec, const char *key, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(2 * KEY_MAX);

    if (strlen(key) > KEY_MAX)
        return err_set(e, RC_USAGE, "a key of a SnapshotView has at most %d bytes", KEY_MAX);
    if (is_text(str_c(key)) && *key != '\0') {
        json_set_cstr(spec, "key", key);
        return RC_OK;
    }
    if (b64_encode(str_c(key), &text, e))
        return err_code(e);
    json_set_cstr(spec, "keyBase64", buf_c(&text));
    return RC_OK;
}

/* What is said of the way to a repository or a Redis, and a Job is told by others. */
static const char *
without_place(const struct look_args *a)
{
    const struct repo_access *r = &a->repo;

    return r->password_file != NULL         ? "--password-file"
           : r->store_options.n > 0         ? "--option"
           : r->ca_file != NULL             ? "--repo-cacert"
           : r->client_cert != NULL         ? "--tls-client-cert"
           : r->insecure_tls                ? "--insecure-tls"
           : r->limit_upload != OPT_UNSET   ? "--limit-upload"
           : r->limit_download != OPT_UNSET ? "--limit-download"
           : a->redis.url != NULL           ? "--redis"
                                            : NULL;
}

static enum rc
put_snapshots(struct json *spec, enum look which, const struct look_args *a, struct err *e)
{
    const struct snapshot_choice *c = &a->snapshot;
    size_t n = which == LOOK_GET ? 1 : a->app.words.n;
    char when[INSTANT_TEXT];

    if (which == LOOK_DIFF && n != 2)
        return err_set(e, RC_USAGE, "a SnapshotView compares two snapshots, not a Redis");
    for (size_t i = 0; i < n; i++)
        if (strstr(a->app.words.v[i], "://") != NULL)
            return err_set(e, RC_USAGE, "a SnapshotView compares two snapshots, not a Redis");
    if (put_list(spec, "snapshots", a->app.words.v, n, e) ||
        put_list(spec, "hosts", c->hosts.v, c->hosts.n, e) ||
        put_list(spec, "tags", c->tags.v, c->tags.n, e) ||
        (c->target != NULL && !is_text(str_c(c->target))) ||
        (c->path != NULL && !is_text(str_c(c->path))))
        return e->code != RC_OK ? err_code(e)
                                : err_set(e, RC_USAGE, "--target and --path must be text");
    json_set_cstr(spec, "target", c->target);
    json_set_cstr(spec, "path", c->path);
    if (c->before.given)
        json_set_cstr(spec, "before", instant_format(c->before.at, when));
    return RC_OK;
}

static enum rc
put_filter(struct json *spec, const struct filter *f, struct err *e)
{
    if (put_list(spec, "match", f->match.v, f->match.n, e) ||
        put_list(spec, "exclude", f->exclude.v, f->exclude.n, e))
        return err_code(e);
    for (unsigned t = 0; t < KV_N_TYPES; t++)
        if ((f->types & UINT32_C(1) << t) != 0)
            json_push_cstr(json_need_array(spec, "types"), kv_info[t].name);
    for (uint32_t i = 0; i < f->dbs.n; i++)
        json_push(json_need_array(spec, "databases"), json_new_int(f->dbs.v[i]));
    return RC_OK;
}

static enum rc
put_all(struct json *spec, enum look which, const struct look_args *a, struct err *e)
{
    json_set_cstr(spec, "command", looks[which]);
    put_flag(spec, "json", a->app.json);
    put_flag(spec, "noLock", a->repo.no_lock);
    if (put_snapshots(spec, which, a, e))
        return err_code(e);
    if (which == LOOK_GET) {
        json_set_int(spec, "db", a->db);
        put_flag(spec, "resp", a->resp);
        return put_key(spec, a->app.words.v[1], e);
    }
    put_flag(spec, "summary", a->summary);
    put_flag(spec, "values", a->values);
    if (which == LOOK_KEYS && a->sort == BY_SIZE) {
        json_set_cstr(spec, "sort", keys_orders[a->sort]);
        json_set_int(spec, "top", a->top);
    }
    return put_filter(spec, &a->keys, e);
}

enum rc
view_spec_encode(enum look which, const struct look_args *a, struct json **out, struct err *e)
{
    const char *odd = without_place(a);
    struct json *spec;

    if (odd != NULL)
        return err_set(e, RC_USAGE,
                       "%s plays no part in a SnapshotView: its Repository says how it is reached",
                       odd);
    spec = json_new_object();
    if (put_all(spec, which, a, e)) {
        json_free(spec);
        return err_code(e);
    }
    *out = spec;
    return RC_OK;
}

/* ---- and back ---- */

static enum rc
take_list(const struct json *spec, const char *field, const char **to, size_t max, size_t *n,
          struct err *e)
{
    const struct json *list = json_field(spec, field);

    if (json_size(list) > max)
        return err_set(e, RC_USAGE, "spec.%s has more than %zu", field, max);
    for (size_t i = 0; i < json_size(list); i++) {
        const char *text = json_text(json_elem(list, i));

        if (text == NULL)
            return err_set(e, RC_USAGE, "spec.%s[%zu] is not a text", field, i);
        to[(*n)++] = text;
    }
    return RC_OK;
}

static enum rc
take_opt_list(const struct json *spec, const char *field, struct opt_list *to, struct err *e)
{
    return take_list(spec, field, to->v, OPT_LIST_MAX, &to->n, e);
}

/* A number of a field; `otherwise` when it is missing. */
static enum rc
take_number(const struct json *spec, const char *field, int64_t range[2], int64_t *to,
            struct err *e)
{
    int64_t v = json_int_or(json_field(spec, field), *to);

    if (json_field(spec, field) != NULL && (v < range[0] || v > range[1]))
        return err_set(e, RC_USAGE, "spec.%s is not a number from %lld to %lld", field,
                       (long long)range[0], (long long)range[1]);
    *to = v;
    return RC_OK;
}

static enum rc
take_types(const struct json *list, uint32_t *bits, struct err *e)
{
    for (size_t i = 0; i < json_size(list); i++) {
        const char *name = json_text_or(json_elem(list, i), "");
        unsigned t = 0;
        char shown[80];

        while (t < KV_N_TYPES && strcmp(kv_info[t].name, name) != 0)
            t++;
        if (t == KV_N_TYPES)
            return err_set(e, RC_USAGE, "spec.types: \"%s\" is not a type",
                           str_show(str_c(name), shown, sizeof(shown)));
        *bits |= UINT32_C(1) << t;
    }
    return RC_OK;
}

static enum rc
take_databases(const struct json *list, struct db_set *dbs, struct err *e)
{
    for (size_t i = 0; i < json_size(list); i++) {
        int64_t n = json_int_or(json_elem(list, i), -1);

        if (n < 0 || n > DB_NUMBER_MAX)
            return err_set(e, RC_USAGE, "spec.databases[%zu] is not a number from 0 to %d", i,
                           DB_NUMBER_MAX);
        if (!db_set_add(dbs, (uint64_t)n))
            return err_set(e, RC_USAGE, "spec.databases has more than %d elements", DB_SET_MAX);
    }
    return RC_OK;
}

static enum rc
take_snapshots(const struct json *spec, enum look which, struct look_args *a, struct err *e)
{
    struct snapshot_choice *c = &a->snapshot;
    const char *before = json_text(json_field(spec, "before"));
    struct opt_list *words = &a->app.words;

    if (take_opt_list(spec, "snapshots", words, e) || take_opt_list(spec, "hosts", &c->hosts, e) ||
        take_opt_list(spec, "tags", &c->tags, e))
        return err_code(e);
    if (which == LOOK_DIFF ? words->n != 2 : words->n > 1)
        return err_set(e, RC_USAGE, "spec.snapshots: %s names %s", looks[which],
                       which == LOOK_DIFF ? "two" : "one at most");
    for (size_t i = 0; i < words->n; i++)
        if (strchr(words->v[i], '/') != NULL)
            return err_set(e, RC_USAGE, "spec.snapshots[%zu] is an address, or a path", i);
        else if (app_check_snapshot(words->v[i], e))
            return err_code(e);
    c->target = json_text(json_field(spec, "target"));
    c->path = json_text(json_field(spec, "path"));
    c->before.given = before != NULL;
    if (before != NULL && which == LOOK_DIFF)
        return err_set(e, RC_USAGE, "spec.before: diff names its snapshots");
    return before == NULL ? RC_OK : instant_parse(str_c(before), &c->before.at, e);
}

static enum rc
take_key(const struct json *spec, struct look_args *a, struct buf *key, struct err *e)
{
    struct str text = json_text_str(json_field(spec, "key")),
               coded = json_text_str(json_field(spec, "keyBase64"));
    struct opt_list *words = &a->app.words;

    if ((text.p != NULL) == (coded.p != NULL))
        return err_set(e, RC_USAGE, "get needs either spec.key or spec.keyBase64");
    if (coded.p != NULL ? b64_decode(coded, key, e) : buf_add_str(key, text, e))
        return err_wrap(e, "spec.keyBase64");
    if (key->n > 0 && memchr(key->p, 0, key->n) != NULL)
        return err_set(e, RC_USAGE, "spec.keyBase64 has a byte 0, which no command line has");
    if (words->n == 0)
        words->v[words->n++] = "latest";
    words->v[words->n++] = buf_c(key);
    return RC_OK;
}

static enum rc
take_options(const struct json *spec, enum look which, struct look_args *a, struct err *e)
{
    int64_t tops[2] = {1, LOOK_TOP_MAX}, dbs[2] = {0, DB_NUMBER_MAX};
    struct filter *f = &a->keys;

    if (json_field(spec, which == LOOK_GET ? "databases" : "db") != NULL)
        return err_set(e, RC_USAGE, "spec.db is for get, and spec.databases for keys and diff");
    a->sort = strcmp(json_text_or(json_field(spec, "sort"), ""), keys_orders[BY_SIZE]) == 0;
    a->resp = json_is_true(json_field(spec, "resp"));
    a->summary = json_is_true(json_field(spec, "summary"));
    a->values = json_is_true(json_field(spec, "values"));
    a->app.json = json_is_true(json_field(spec, "json"));
    a->repo.no_lock = json_is_true(json_field(spec, "noLock"));
    if (take_number(spec, "top", tops, &a->top, e) || take_number(spec, "db", dbs, &a->db, e) ||
        take_databases(json_field(spec, "databases"), &f->dbs, e) ||
        take_list(spec, "match", f->match.v, FILTER_GLOBS_MAX, &f->match.n, e) ||
        take_list(spec, "exclude", f->exclude.v, FILTER_GLOBS_MAX, &f->exclude.n, e) ||
        take_types(json_field(spec, "types"), &f->types, e))
        return err_code(e);
    return RC_OK;
}

enum rc
view_spec_decode(const struct json *spec, enum look *which, struct look_args *a, struct buf *key,
                 struct err *e)
{
    int found = app_word(json_text_or(json_field(spec, "command"), ""), looks);

    if (found < 0)
        return err_set(e, RC_USAGE, "spec.command is not keys, get or diff");
    *which = (enum look)found;
    *a = (struct look_args){.top = TOP_PRESET, .keys = FILTER_ALL};
    a->repo.no_cache = true;
    if (take_snapshots(spec, *which, a, e) || take_options(spec, *which, a, e))
        return err_code(e);
    return *which == LOOK_GET ? take_key(spec, a, key, e) : RC_OK;
}

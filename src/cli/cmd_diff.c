/* SPDX-License-Identifier: Apache-2.0 */
/* cstash diff: which keys of two datasets differ, snapshots or servers, and how. */
#include "base/mem.h"
#include "cli/out.h"
#include "cli/value_print.h"
#include "cli/view_job.h"
#include "job/diff.h"

enum { PREFIXES_MAX = 1000, PREFIX_BYTES = 64, VALUES_MAX = 1000 };

static const struct opt opts_diff[] = {
    {"summary", 0, OPT_FLAG(struct look_args, summary), NULL,
     "only how many, by the part of their names in front of the first colon"},
    {"keys", 0, OPT_FLAG(struct look_args, names), NULL,
     "which keys differ, a line each: this is what it prints without any of the three"},
    {"values", 0, OPT_FLAG(struct look_args, values), NULL,
     "of two snapshots: with the values on both sides, of at most 1,000 keys"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_diff, 0},
    {opts_keys, offsetof(struct look_args, keys)},
    GROUPS_REDIS(struct look_args, redis),
    {opts_source, offsetof(struct look_args, source)},
    {opts_repo, offsetof(struct look_args, repo)},
    {opts_host, offsetof(struct look_args, snapshot)},
    {opts_tag, offsetof(struct look_args, snapshot)},
    {opts_target, offsetof(struct look_args, snapshot)},
    {opts_dump_path, offsetof(struct look_args, snapshot)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static const char *const kinds[] = {[DIFF_ADDED] = "added",
                                    [DIFF_REMOVED] = "removed",
                                    [DIFF_CHANGED] = "changed",
                                    [DIFF_EXPIRY] = "expiry",
                                    [DIFF_SAME] = "same"};
static const char marks[] = {
    [DIFF_ADDED] = '+', [DIFF_REMOVED] = '-', [DIFF_CHANGED] = 'M', [DIFF_EXPIRY] = 'T'};

struct prefix {
    char name[PREFIX_BYTES]; /* for people; "" for those without one, and when there are too many */
    uint64_t counts[DIFF_KINDS];
};

/* A key whose values are to be shown. */
struct shown {
    enum diff_kind kind;
    enum kv_type type;
    uint64_t db;
    struct str name; /* its own */
};

struct differ {
    const struct look_args *args;
    struct prefix *prefixes; /* the first is of all others */
    size_t n;
    struct shown *shown;
    size_t n_shown;
};

/* Snapshots that are open, and servers. */
struct sides {
    struct app_repo repo;
    struct snapshot_source snapshots[2];
    struct app_source servers[2];
    struct diff_side sides[2];
    size_t n;
    struct filter keys; /* with the database that a server's address names */
};

static struct prefix *
prefix_of(struct differ *d, struct str name)
{
    const uint8_t *colon = memchr(name.p, ':', name.n);
    char shown[PREFIX_BYTES];

    if (colon == NULL)
        return &d->prefixes[0];
    (void)str_show(str_of(name.p, (size_t)(colon - name.p) + 1), shown, sizeof(shown));
    for (size_t i = 1; i < d->n; i++)
        if (strcmp(d->prefixes[i].name, shown) == 0)
            return &d->prefixes[i];
    if (d->n == PREFIXES_MAX)
        return &d->prefixes[0];
    memcpy(d->prefixes[d->n].name, shown, sizeof(shown));
    return &d->prefixes[d->n++];
}

static void
print_key(const struct differ *d, enum diff_kind kind, const struct dataset_digest_key *k)
{
    char name[1024];
    struct out_json j;

    if (!d->args->app.json) {
        (void)printf("%c  %3llu  %-6s  %s\n", marks[kind], (unsigned long long)k->db,
                     kv_info[k->type].name, str_show(k->name, name, sizeof(name)));
        return;
    }
    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "change");
    jw_field_cstr(&j.w, "change", kinds[kind]);
    jw_field_u64(&j.w, "db", k->db);
    jw_key(&j.w, "key");
    value_print_json(&j.w, k->name);
    jw_field_cstr(&j.w, "type", kv_info[k->type].name);
    jw_close_object(&j.w);
    out_json_end(&j);
}

static enum rc
keep_shown(struct differ *d, enum diff_kind kind, const struct dataset_digest_key *k, struct err *e)
{
    if (d->n_shown == VALUES_MAX) {
        (void)err_set(e, RC_LIMIT, "more than %d keys differ: their values are not shown",
                      VALUES_MAX);
        return err_hint(e, "choose some of them: --match 'PATTERN', --type or --db");
    }
    d->shown = (struct shown *)mem_more(d->shown, d->n_shown, sizeof(*d->shown));
    d->shown[d->n_shown++] = (struct shown){
        .kind = kind,
        .type = k->type,
        .db = k->db,
        .name = str_of(memcpy(mem_alloc(k->name.n + 1), k->name.p, k->name.n), k->name.n)};
    return RC_OK;
}

static enum rc
on_difference(void *arg, enum diff_kind kind, const struct dataset_digest_key *k, struct err *e)
{
    struct differ *d = arg;

    if (d->args->summary)
        prefix_of(d, k->name)->counts[kind]++;
    else if (d->args->values)
        return keep_shown(d, kind, k, e);
    else
        print_key(d, kind, k);
    return out_check(e);
}

/* ---- values ---- */

/* One side of a key: its value as `get` prints it, or of one that only expires at another time when that is. */
static enum rc
print_side(struct ctx *cx, const struct differ *d, const struct snapshot_source *from,
           const struct shown *k, char mark, struct err *e)
{
    char id[ID_TEXT], when[OUT_TIME] = "";
    struct value_print p;
    struct look_key at;
    enum rc rc = RC_OK;

    if (look_find(cx, from, k->db, k->name, &at, e))
        return err_code(e);
    if (!d->args->app.json) {
        if (at.expires_at != EV_NO_EXPIRY)
            (void)out_time((struct instant){.sec = at.expires_at / 1000}, when);
        (void)printf("%c%c%c %.8s%s%s\n", mark, mark, mark, id_hex(&from->snap.id, id),
                     when[0] != '\0' ? ", expires " : "", when);
    }
    if (d->args->app.json || k->kind != DIFF_EXPIRY) {
        value_print_init(&p, &at, d->args->app.json);
        rc = look_value(cx, from, &at, value_print_on, &p, e);
        value_print_release(&p);
    }
    look_key_release(&at);
    return rc;
}

static enum rc
print_values(struct ctx *cx, const struct differ *d, const struct sides *s, struct err *e)
{
    for (size_t i = 0; i < d->n_shown; i++) {
        const struct shown *k = &d->shown[i];
        const struct dataset_digest_key key = {.db = k->db, .name = k->name, .type = k->type};

        print_key(d, k->kind, &key);
        if ((k->kind != DIFF_ADDED && print_side(cx, d, s->sides[0].snapshot, k, '-', e)) ||
            (k->kind != DIFF_REMOVED && print_side(cx, d, s->sides[1].snapshot, k, '+', e)))
            return err_code(e);
    }
    return RC_OK;
}

/* ---- summary ---- */

static void
json_counts(struct jw *w, const uint64_t counts[static DIFF_KINDS], size_t n)
{
    for (size_t i = 0; i < n; i++)
        jw_field_u64(w, kinds[i], counts[i]);
}

static void
print_json(const struct differ *d, const uint64_t counts[static DIFF_KINDS])
{
    struct out_json j;

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "summary");
    json_counts(&j.w, counts, DIFF_KINDS);
    if (d->args->summary) {
        jw_key(&j.w, "prefixes");
        jw_open_array(&j.w);
        for (size_t i = 0; i < d->n; i++) {
            jw_open_object(&j.w);
            jw_field_cstr(&j.w, "prefix", d->prefixes[i].name);
            json_counts(&j.w, d->prefixes[i].counts, DIFF_SAME);
            jw_close_object(&j.w);
        }
        jw_close_array(&j.w);
    }
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
print_row(const char *name, const uint64_t counts[static DIFF_KINDS])
{
    (void)printf("%12llu  %12llu  %12llu  %12llu  %s\n", (unsigned long long)counts[DIFF_ADDED],
                 (unsigned long long)counts[DIFF_REMOVED], (unsigned long long)counts[DIFF_CHANGED],
                 (unsigned long long)counts[DIFF_EXPIRY], name);
}

static uint64_t
sum_of(const uint64_t counts[static DIFF_KINDS])
{
    return counts[DIFF_ADDED] + counts[DIFF_REMOVED] + counts[DIFF_CHANGED] + counts[DIFF_EXPIRY];
}

static void
print_text(const struct differ *d, const uint64_t counts[static DIFF_KINDS])
{
    if (d->args->summary) {
        (void)printf("%12s  %12s  %12s  %12s  %s\n", "Added", "Removed", "Changed", "Expiry only",
                     "Prefix");
        for (size_t i = 0; i < d->n; i++)
            if (sum_of(d->prefixes[i].counts) != 0)
                print_row(i == 0 ? "(other names)" : d->prefixes[i].name, d->prefixes[i].counts);
    }
    (void)printf("%llu added, %llu removed, %llu changed, %llu of another expiry, %llu the same\n",
                 (unsigned long long)counts[DIFF_ADDED], (unsigned long long)counts[DIFF_REMOVED],
                 (unsigned long long)counts[DIFF_CHANGED], (unsigned long long)counts[DIFF_EXPIRY],
                 (unsigned long long)counts[DIFF_SAME]);
}

static bool
is_address(const char *word)
{
    return strstr(word, "://") != NULL;
}

static enum rc
open_server(const struct look_args *a, const char *url, struct sides *s, struct err *e)
{
    struct redis_access access = a->redis;
    struct app_source *server = &s->servers[s->n];

    access.url = url;
    if (app_source_open(&access, &a->source, &s->keys, server, e))
        return err_code(e);
    if (server->addr.db >= 0 && !db_set_is(&server->opts.filter.dbs, (uint64_t)server->addr.db))
        return err_set(e, RC_USAGE, "a database is compared with itself: %s names another one",
                       redis_addr_text(&server->addr));
    s->keys.dbs = server->opts.filter.dbs;
    s->sides[s->n++].server = &server->opts;
    return RC_OK;
}

static enum rc
open_snapshot(struct ctx *cx, const struct look_args *a, const char *word, struct sides *s,
              struct err *e)
{
    const struct snapshot_filter filter = app_snapshot_filter(&a->snapshot);
    struct snapshot_source *from = &s->snapshots[s->n];

    if (app_check_snapshot(word, e) ||
        (s->repo.repo == NULL && app_repo_open(cx, &a->repo, APP_LOCK_SHARED, &s->repo, e)) ||
        snapshot_open(cx, s->repo.repo, word, &filter, a->snapshot.path, from, e))
        return err_code(e);
    s->sides[s->n++].snapshot = from;
    return RC_OK;
}

/* What the words name, and --redis behind them. */
static enum rc
open_sides(struct ctx *cx, const struct look_args *a, struct sides *s, struct err *e)
{
    const struct opt_list *words = &a->app.words;
    bool servers = a->redis.url != NULL;

    s->keys = a->keys;
    if (words->n + (a->redis.url != NULL) != 2)
        return err_set(e, RC_USAGE,
                       "two are compared: snapshots or addresses, or one of them and --redis URL");
    for (size_t i = 0; i < words->n; i++)
        servers = servers || is_address(words->v[i]);
    if (servers && a->values)
        return err_set(e, RC_USAGE, "--values is for two snapshots");
    if (a->values + a->summary + a->names > 1)
        return err_set(e, RC_USAGE, "--summary, --keys and --values contradict each other");
    for (size_t i = 0; i < words->n; i++)
        if (is_address(words->v[i]) ? open_server(a, words->v[i], s, e)
                                    : open_snapshot(cx, a, words->v[i], s, e))
            return err_code(e);
    return a->redis.url != NULL ? open_server(a, a->redis.url, s, e) : RC_OK;
}

static void
close_sides(struct sides *s)
{
    for (size_t i = 0; i < 2; i++) {
        snapshot_close(&s->snapshots[i]);
        app_source_close(&s->servers[i]);
    }
    app_repo_close(&s->repo);
}

static enum rc
diff_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct look_args *a = args;
    struct differ d = {.args = a, .n = 1};
    uint64_t counts[DIFF_KINDS];
    struct sides s = {.n = 0};
    enum rc rc;

    if (view_is_asked(&a->repo))
        return view_run(cx, LOOK_DIFF, a, e);
    rc = open_sides(cx, a, &s, e);
    d.prefixes = (struct prefix *)mem_zero(PREFIXES_MAX, sizeof(*d.prefixes));
    if (rc == RC_OK)
        rc = diff_run(cx, s.sides[0], s.sides[1], &s.keys, on_difference, &d, counts, e);
    if (rc == RC_OK)
        rc = print_values(cx, &d, &s, e);
    if (rc == RC_OK)
        (a->app.json ? print_json : print_text)(&d, counts);
    for (size_t i = 0; i < d.n_shown; i++)
        mem_free((void *)(uintptr_t)d.shown[i].name.p);
    mem_free(d.shown);
    mem_free(d.prefixes);
    close_sides(&s);
    return rc;
}

const struct command cmd_diff = {
    .name = "diff",
    .usage = "SNAPSHOT|URL [SNAPSHOT|URL]",
    .summary = "which keys of two snapshots differ, or of a snapshot and a Redis",
    .groups = groups,
    .size = sizeof(struct look_args),
    .words_min = 1,
    .words_max = 2,
    .run = diff_main};

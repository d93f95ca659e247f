/* SPDX-License-Identifier: Apache-2.0 */
/* cstash keys, get-key: what is in a snapshot, without a restore. */
#include <unistd.h>

#include "base/mem.h"
#include "cli/out.h"
#include "cli/value_print.h"
#include "cli/view_job.h"
#include "dump/encode.h"

/* ---- keys ---- */

static const struct opt opts_list[] = {
    {"sort", 0, OPT_ENUM(struct look_args, sort, keys_orders, "none"), NULL,
     "size: the largest first, as many as --top says; none: all, as they stand in the dump"},
    {"top", 0, OPT_COUNT(struct look_args, top, 1, LOOK_TOP_MAX, "100"), "N",
     "of the largest so many"},
    {.name = NULL},
};
static const struct opt_group keys_groups[] = {
    {opts_list, 0},
    {opts_keys, offsetof(struct look_args, keys)},
    {opts_repo, offsetof(struct look_args, repo)},
    GROUPS_SNAPSHOT(struct look_args, snapshot),
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

struct keys_list {
    const struct look_args *args;
    struct look_key *top; /* a heap, the smallest first; each name is its own */
    size_t n;
};

static void
print_key(const struct keys_list *l, const struct look_key *k)
{
    char bytes[OUT_TEXT], when[OUT_TIME] = "-", name[1024];

    if (l->args->app.json) {
        struct out_json j;

        out_json_begin(&j);
        jw_open_object(&j.w);
        value_print_key(&j.w, k);
        jw_close_object(&j.w);
        out_json_end(&j);
        return;
    }
    if (k->expires_at != EV_NO_EXPIRY)
        (void)out_time((struct instant){.sec = k->expires_at / 1000}, when);
    (void)printf("%3llu  %-6s  %12llu  %12s  %-*s  %s\n", (unsigned long long)k->db,
                 kv_info[k->type].name, (unsigned long long)k->items, out_bytes(k->bytes, bytes),
                 OUT_TIME_COLUMNS, when, str_show(k->name, name, sizeof(name)));
}

static void
swap_keys(struct look_key *a, struct look_key *b)
{
    struct look_key t = *a;

    *a = *b;
    *b = t;
}

static void
heap_sink(struct look_key *heap, size_t n, size_t at)
{
    for (;;) {
        size_t least = at;

        for (size_t child = 2 * at + 1; child < n && child <= 2 * at + 2; child++)
            if (heap[child].bytes < heap[least].bytes)
                least = child;
        if (least == at)
            return;
        swap_keys(&heap[at], &heap[least]);
        at = least;
    }
}

/* One of the largest so far. */
static void
keep_key(struct keys_list *l, const struct look_key *k)
{
    struct look_key own = *k;
    bool room = l->n < (size_t)l->args->top;

    if (!room && l->top[0].bytes >= k->bytes)
        return;
    own.name = str_of(memcpy(mem_alloc(k->name.n + 1), k->name.p, k->name.n), k->name.n);
    if (!room) {
        mem_free((void *)(uintptr_t)l->top[0].name.p);
        l->top[0] = own;
        heap_sink(l->top, l->n, 0);
        return;
    }
    l->top[l->n] = own;
    for (size_t i = l->n++; i > 0 && l->top[(i - 1) / 2].bytes > l->top[i].bytes; i = (i - 1) / 2)
        swap_keys(&l->top[i], &l->top[(i - 1) / 2]);
}

static enum rc
on_key(void *arg, const struct look_key *k, struct err *e)
{
    struct keys_list *l = arg;

    if (l->args->sort == BY_SIZE)
        keep_key(l, k);
    else
        print_key(l, k);
    return out_check(e);
}

/* The largest first: the heap gives the smallest first. */
static void
print_top(struct keys_list *l)
{
    for (size_t n = l->n; n > 1; n--) {
        swap_keys(&l->top[0], &l->top[n - 1]);
        heap_sink(l->top, n - 1, 0);
    }
    for (size_t i = 0; i < l->n; i++)
        print_key(l, &l->top[i]);
}

static struct app_wanted
wanted_of(const struct opt_list *words, const struct snapshot_choice *choice)
{
    return (struct app_wanted){.spec = words->n > 0 ? words->v[0] : NULL, .choice = choice};
}

static enum rc
keys_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct look_args *a = args;
    const struct app_wanted wanted = wanted_of(&a->app.words, &a->snapshot);
    struct keys_list l = {.args = a};
    struct app_snapshot s = {0};
    enum rc rc;

    if (view_is_asked(&a->repo))
        return view_run(cx, LOOK_KEYS, a, e);
    rc = app_snapshot_open(cx, &a->repo, &wanted, &s, e);
    l.top = (struct look_key *)mem_zero(a->sort == BY_SIZE ? (size_t)a->top : 1, sizeof(*l.top));
    if (rc == RC_OK && !a->app.json)
        (void)printf("%3s  %-6s  %12s  %12s  %-*s  %s\n", "DB", "Type", "Items", "Bytes",
                     OUT_TIME_COLUMNS, "Expires", "Key");
    if (rc == RC_OK)
        rc = look_keys(cx, &s.from, &a->keys, on_key, &l, e);
    if (rc == RC_OK)
        print_top(&l);
    for (size_t i = 0; i < l.n; i++)
        mem_free((void *)(uintptr_t)l.top[i].name.p);
    mem_free(l.top);
    app_snapshot_close(&s);
    return rc;
}

const struct command cmd_keys = {.name = "keys",
                                 .usage = "[SNAPSHOT|latest]",
                                 .summary = "list the keys of a snapshot",
                                 .groups = keys_groups,
                                 .size = sizeof(struct look_args),
                                 .words_max = 1,
                                 .words_are_snapshots = true,
                                 .run = keys_main};

/* ---- get ---- */

static const struct opt opts_get[] = {
    {"db", 0, OPT_COUNT(struct look_args, db, 0, INT32_MAX, "0"), "N", "the key's database"},
    {"resp", 0, OPT_FLAG(struct look_args, resp), NULL,
     "the commands that make the key, for `cstash load` or redis-cli --pipe"},
    {.name = NULL},
};
static const struct opt_group get_groups[] = {
    {opts_get, 0},
    {opts_repo, offsetof(struct look_args, repo)},
    GROUPS_SNAPSHOT(struct look_args, snapshot),
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static enum rc
get_resp(struct ctx *cx, const struct snapshot_source *from, const struct look_key *k,
         struct err *e)
{
    struct ev db = {.kind = EV_DB};
    struct encoder *enc;
    struct wr_fd out;
    enum rc rc;

    wr_fd_init(&out, cx, STDOUT_FILENO, "standard output");
    enc = encoder_new(&out.wr, DUMP_COMMANDS);
    db.u.db.n = k->db;
    db.u.db.keys = db.u.db.expires = EV_UNKNOWN;
    rc = encoder_begin(enc, (struct part){.n = 0}, e);
    if (rc == RC_OK)
        rc = encoder_on(enc, &db, e);
    if (rc == RC_OK)
        rc = look_value(cx, from, k, encoder_on, enc, e);
    if (rc == RC_OK)
        rc = encoder_end(enc, NULL, e);
    encoder_free(enc);
    return rc;
}

static enum rc
get_value(struct ctx *cx, const struct look_args *a, const struct snapshot_source *from,
          struct err *e)
{
    struct value_print p;
    struct look_key k;
    enum rc rc;

    if (look_find(cx, from, (uint64_t)a->db, str_c(a->app.words.v[1]), &k, e))
        return err_code(e);
    if (a->resp) {
        rc = get_resp(cx, from, &k, e);
    } else {
        value_print_init(&p, &k, a->app.json);
        rc = look_value(cx, from, &k, value_print_on, &p, e);
        value_print_release(&p);
    }
    look_key_release(&k);
    return rc;
}

static enum rc
get_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct look_args *a = args;
    const struct app_wanted wanted = wanted_of(&a->app.words, &a->snapshot);
    struct app_snapshot s = {0};
    enum rc rc;

    if (a->resp && a->app.json)
        return err_set(e, RC_USAGE, "--resp and --json contradict each other");
    if (view_is_asked(&a->repo))
        return view_run(cx, LOOK_GET, a, e);
    rc = app_snapshot_open(cx, &a->repo, &wanted, &s, e);
    if (rc == RC_OK)
        rc = get_value(cx, a, &s.from, e);
    app_snapshot_close(&s);
    return rc;
}

const struct command cmd_get_key = {.name = "get-key",
                                    .usage = "SNAPSHOT|latest KEY",
                                    .summary = "print the value of a key in a snapshot; also `get`",
                                    .groups = get_groups,
                                    .size = sizeof(struct look_args),
                                    .words_min = 2,
                                    .words_max = 2,
                                    .run = get_main};

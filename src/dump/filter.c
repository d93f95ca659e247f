/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/filter.h"

#include "base/mem.h"
#include "dump/slot.h"

struct db_set
db_set_of(int64_t db)
{
    struct db_set s = {.n = 0};

    if (db >= 0 && db <= DB_NUMBER_MAX)
        s.v[s.n++] = (uint32_t)db;
    return s;
}

bool
db_set_add(struct db_set *s, uint64_t db)
{
    uint32_t i = s->n;

    if (s->n != 0 && db_set_has(s, db))
        return true;
    if (s->n == DB_SET_MAX || db > DB_NUMBER_MAX)
        return false;
    for (; i > 0 && s->v[i - 1] > db; i--)
        s->v[i] = s->v[i - 1];
    s->v[i] = (uint32_t)db;
    s->n++;
    return true;
}

bool
db_set_has(const struct db_set *s, uint64_t db)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->v[i] == db)
            return true;
    return s->n == 0;
}

bool
db_set_is(const struct db_set *s, uint64_t db)
{
    return s->n == 1 && s->v[0] == db;
}

uint64_t
db_set_highest(const struct db_set *s)
{
    return s->n == 0 ? 0 : s->v[s->n - 1];
}

bool
filter_by_name(const struct filter *f)
{
    return f->match.n != 0 || f->exclude.n != 0 || f->types != 0;
}

bool
filter_is_all(const struct filter *f)
{
    return f->node == NULL && filter_wants_keyless(f);
}

bool
filter_wants_db(const struct filter *f, uint64_t db)
{
    return db_set_has(&f->dbs, db);
}

bool
filter_owns(const struct filter *f, struct str key)
{
    unsigned slot;

    if (f->slots == NULL)
        return true;
    slot = slot_of(key);
    return (f->slots[slot / 8] >> slot % 8 & 1) != 0;
}

static bool
globs_match(const struct globs *g, struct str name)
{
    for (size_t i = 0; i < g->n; i++)
        if (glob_match(str_c(g->v[i]), name))
            return true;
    return false;
}

bool
filter_wants(const struct filter *f, uint64_t db, struct str key)
{
    return filter_wants_db(f, db) && filter_owns(f, key) &&
           (f->match.n == 0 || globs_match(&f->match, key)) && !globs_match(&f->exclude, key);
}

bool
filter_wants_type(const struct filter *f, enum kv_type type)
{
    return f->types == 0 || (f->types >> type & 1) != 0;
}

bool
filter_wants_keyless(const struct filter *f)
{
    return f->dbs.n == 0 && !filter_by_name(f);
}

static void
globs_parts(const struct globs *g, const char *name, filter_part_fn *fn, void *arg)
{
    for (size_t i = 0; i < g->n; i++)
        fn(arg, &(struct filter_part){.name = name, .text = g->v[i], .i = i, .n = g->n});
}

static void
types_parts(uint32_t types, filter_part_fn *fn, void *arg)
{
    struct filter_part p = {.name = "type", .n = (size_t)__builtin_popcount(types)};

    for (unsigned t = 0; t < KV_N_TYPES; t++)
        if ((types >> t & 1) != 0) {
            p.text = kv_info[t].name;
            fn(arg, &p);
            p.i++;
        }
}

void
filter_parts(const struct filter *f, filter_part_fn *fn, void *arg)
{
    for (uint32_t i = 0; i < f->dbs.n; i++)
        fn(arg, &(struct filter_part){.name = "db", .number = f->dbs.v[i], .i = i, .n = f->dbs.n});
    globs_parts(&f->match, "match", fn, arg);
    globs_parts(&f->exclude, "exclude", fn, arg);
    types_parts(f->types, fn, arg);
    if (f->node != NULL)
        fn(arg, &(struct filter_part){.name = "node", .text = f->node, .n = 1});
}

static void
filter_add_text(void *arg, const struct filter_part *p)
{
    char **all = arg;
    CLEANUP(mem_free_ptr) char *before = *all;
    CLEANUP(mem_free_ptr)
    char *value =
        p->text != NULL ? mem_printf("'%s'", p->text) : mem_printf("%lld", (long long)p->number);

    *all = mem_printf("%s%s--%s %s", before != NULL ? before : "", before != NULL ? " " : "",
                      p->name, value);
}

char *
filter_text(const struct filter *f)
{
    char *all = NULL;

    filter_parts(f, filter_add_text, &all);
    return all;
}

/*
 * Does c match the bracket expression at p[0] == '['? *used: its length. As Redis: an unclosed one
 * ends with the pattern.
 */
static bool
match_bracket(struct str p, uint8_t c, size_t *used)
{
    size_t i = 1;
    bool negate = p.n > 1 && p.p[1] == '^', found = false;

    i += negate;
    for (; i < p.n && p.p[i] != ']'; i++) {
        if (p.p[i] == '\\' && i + 1 < p.n) {
            i++;
            found = found || p.p[i] == c;
        } else if (i + 2 < p.n && p.p[i + 1] == '-') {
            uint8_t a = p.p[i], b = p.p[i + 2];
            found = found || (a <= b ? c >= a && c <= b : c >= b && c <= a);
            i += 2;
        } else {
            found = found || p.p[i] == c;
        }
    }
    *used = i < p.n ? i + 1 : i;
    return found != negate;
}

/* Match one character of the pattern; *used: bytes of the pattern. */
static bool
match_one(struct str p, uint8_t c, size_t *used)
{
    *used = 1;
    switch (p.p[0]) {
    case '?':
        return true;
    case '[':
        return match_bracket(p, c, used);
    case '\\':
        if (p.n > 1) {
            *used = 2;
            return p.p[1] == c;
        }
        return c == '\\';
    default:
        return p.p[0] == c;
    }
}

bool
glob_match(struct str p, struct str s)
{
    size_t i = 0, j = 0, used;
    size_t star = SIZE_MAX, retry = 0; /* behind the last '*', and where in s it was tried */

    while (j < s.n) {
        if (i < p.n && p.p[i] == '*') {
            star = ++i;
            retry = j;
        } else if (i < p.n && match_one(str_of(p.p + i, p.n - i), s.p[j], &used)) {
            i += used;
            j++;
        } else if (star != SIZE_MAX) { /* let the last '*' swallow one byte more */
            i = star;
            j = ++retry;
        } else {
            return false;
        }
    }
    while (i < p.n && p.p[i] == '*')
        i++;
    return i == p.n;
}

enum rc
filtered_on(void *arg, const struct ev *ev, struct err *e)
{
    struct filtered *f = arg;

    if (ev->kind == EV_DB)
        f->db = ev->u.db.n;
    if (ev->kind == EV_DB || ev->kind == EV_FUNCTION || ev->kind == EV_SCRIPT)
        f->pass = ev->kind == EV_DB || filter_wants_keyless(&f->filter);
    else if (ev->kind == EV_KEY)
        f->pass = filter_wants(&f->filter, f->db, ev->u.key.name) &&
                  filter_wants_type(&f->filter, ev->u.key.type);
    return f->pass ? f->on(f->arg, ev, e) : RC_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How every value type is laid out, as one table: enough to find the end of a value without
 * decoding it.
 *
 *   s string   l length   8, x eight, sixteen bytes   d old double   m module data   a array
 *   (...) a length, then that many times what stands inside   nothing: the names of a template say
 */
#include "rdb/payload.h"
#include "rdb/rdb_internal.h"

/* Redis 2.6 brought RESTORE and wrote this; 2.8 takes no older payload either. */
#define RDB_OF_RESTORE ((uint16_t)6)

struct layout {
    const char *plan; /* NULL: not known */
    enum kv_type kv;
    uint16_t since; /* smallest RDB version that knows it */
};

#define LAYOUT_ROW(type, number, kv, since, plan) [type] = {plan, kv, since},
static const struct layout layouts[T_COUNT] = {RDB_TYPES(LAYOUT_ROW)};

/* 22 is Valkey's HASH_2 in files of its own, and a Redis 7.4 release candidate's type elsewhere. */
static const char valkey_hash_plan[] = "(ss8)";

uint16_t
rdb_min_version(uint8_t rdb_type, bool valkey)
{
    if (rdb_type >= T_COUNT || layouts[rdb_type].plan == NULL)
        return 0;
    return rdb_type == T_HASH_22 && valkey ? 80 : MAX(layouts[rdb_type].since, RDB_OF_RESTORE);
}

bool
rdb_kv_type(uint8_t rdb_type, enum kv_type *out)
{
    if (rdb_type >= T_COUNT || layouts[rdb_type].plan == NULL)
        return false;
    *out = layouts[rdb_type].kv;
    return true;
}

bool
rdb_expires_fields(uint8_t rdb_type)
{
    return rdb_type >= T_HASH_22 && rdb_type <= T_HASH_LISTPACK_EX;
}

enum rc
rdb_skip_module(struct rdb *r, struct err *e)
{
    enum { END = 0, SIGNED = 1, UNSIGNED = 2, FLOAT = 3, DOUBLE = 4, STRING = 5 };
    const uint8_t *p;
    uint64_t op, v, from = lookahead_at(&r->w);

    for (;;) {
        if (lookahead_at(&r->w) - from > EV_OPAQUE_MAX)
            return rdb_corrupt(r, e, "data of a module without an end");
        if (rdb_len(r, &op, e))
            return err_code(e);
        switch (op) {
        case END:
            return RC_OK;
        case SIGNED:
        case UNSIGNED:
            if (rdb_len(r, &v, e))
                return err_code(e);
            break;
        case FLOAT:
        case DOUBLE:
            if (rdb_take(r, op == FLOAT ? 4 : 8, &p, e))
                return err_code(e);
            break;
        case STRING:
            if (rdb_string_skip(r, e))
                return err_code(e);
            break;
        default:
            return rdb_corrupt(r, e, "unknown module opcode %llu", (unsigned long long)op);
        }
    }
}

/* ARRAY: length, has-cursor, [cursor], then index, tag and a value by tag for each element. */
static enum rc
skip_array(struct rdb *r, struct err *e)
{
    enum { STRING = 0, INT = 1, FLOAT = 2, SMALL = 3 };
    uint64_t n, has_cursor, v, tag;
    const uint8_t *p;

    if (rdb_count(r, &n, e) || rdb_len(r, &has_cursor, e) || (has_cursor && rdb_len(r, &v, e)))
        return err_code(e);
    for (; n > 0; n--) {
        if (rdb_len(r, &v, e) || rdb_len(r, &tag, e))
            return err_code(e);
        if (tag > SMALL)
            return rdb_corrupt(r, e, "unknown array element %llu", (unsigned long long)tag);
        if (tag == INT || tag == FLOAT ? rdb_take(r, 8, &p, e) : rdb_string_skip(r, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
skip_one(struct rdb *r, char what, struct err *e)
{
    const uint8_t *p;
    uint64_t v;
    double d;

    switch (what) {
    case 's':
        return rdb_string_skip(r, e);
    case 'l':
        return rdb_len(r, &v, e);
    case '8':
        return rdb_take(r, 8, &p, e);
    case 'x':
        return rdb_take(r, 16, &p, e);
    case 'd':
        return rdb_old_double(r, &d, e);
    case 'm':
        return rdb_len(r, &v, e) ? err_code(e) : rdb_skip_module(r, e);
    case 'a':
        return skip_array(r, e);
    default:
        BUG("layout letter %c", what);
    }
}

/* The end of the group that opens at plan[0] == '('. */
static const char *
group_end(const char *plan)
{
    int depth = 0;

    for (;; plan++) {
        depth += (*plan == '(') - (*plan == ')');
        if (depth == 0)
            return plan;
    }
}

/* Skip by the plan from `plan` to `end`. The recursion is as deep as the plans nest: three. */
static enum rc
skip_plan(struct rdb *r, const char *plan, const char *end,
          struct err *e) /* NOLINT(misc-no-recursion) */
{
    for (; plan < end; plan++) {
        if (*plan == '(') {
            const char *close = group_end(plan);
            uint64_t n;
            if (rdb_count(r, &n, e))
                return err_code(e);
            for (; n > 0; n--)
                if (skip_plan(r, plan + 1, close, e))
                    return err_code(e);
            plan = close;
        } else if (skip_one(r, *plan, e)) {
            return err_code(e);
        }
    }
    return RC_OK;
}

enum rc
rdb_skip_value(struct rdb *r, struct err *e)
{
    const char *plan = layouts[r->type].plan;

    if (plan[0] == '\0') {
        /* These count their values by the template's names: decoding is the only way through. */
        struct rdb_out nowhere = {.on = NULL, .arg = NULL};
        return rdb_decode_template_hash(r, &nowhere, e);
    }
    if (r->type == T_HASH_22 && r->valkey)
        plan = valkey_hash_plan;
    return skip_plan(r, plan, plan + strlen(plan), e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "redis/keyspace.h"
#include "redis/scan_internal.h"

enum { BIG_BYTES = 8 * 1024 * 1024, BATCH_BYTES = 4 * 1024 * 1024 };

/* Does the server take this command from us? Any answer but an error says so, and that another one has the key. */
static enum rc
scan_works(struct scan *s, const struct str *argv, size_t argc, bool *yes, struct err *e)
{
    struct reply r;

    if (conn_call(s->cx, s->c, argv, argc, &r, e))
        return err_code(e);
    *yes = r.type != REPLY_ERROR || reply_is_error(&r, "MOVED");
    return RC_OK;
}

static enum rc
scan_probe(struct scan *s, const struct conn_info *info, struct err *e)
{
    const struct str touch[] = {STR_LIT("CLIENT"), STR_LIT("NO-TOUCH"), STR_LIT("ON")};
    const struct str at[] = {STR_LIT("PEXPIRETIME"), STR_LIT("cstash-probe")};
    const struct str field[] = {STR_LIT("HPEXPIRETIME"), STR_LIT("cstash-probe"), STR_LIT("FIELDS"),
                                STR_LIT("1"), STR_LIT("f")};
    const struct str memory[] = {STR_LIT("MEMORY"), STR_LIT("USAGE"), STR_LIT("cstash-probe")};
    bool ignored, memory_ok;

    if (scan_works(s, touch, ARRAY_LEN(touch), &ignored, e) ||
        scan_works(s, at, ARRAY_LEN(at), &s->has_expiretime, e) ||
        scan_works(s, field, ARRAY_LEN(field), &s->has_field_ttl, e) ||
        scan_works(s, memory, ARRAY_LEN(memory), &memory_ok, e))
        return err_code(e);
    s->no_memory = !memory_ok;
    if (s->opts->access && info != NULL && strstr(info->maxmemory_policy, "lfu") != NULL)
        s->access = "FREQ";
    else if (s->opts->access && info != NULL && strstr(info->maxmemory_policy, "lru") != NULL)
        s->access = "IDLETIME";
    return RC_OK;
}

/* The source of one library out of its list of names and values. */
static enum rc
emit_function(struct scan *s, const struct reply *lib, struct err *e)
{
    struct ev ev = {.kind = EV_FUNCTION};

    for (size_t i = 0; i + 1 < lib->n; i += 2) {
        if (!str_eq(lib->items[i].s, STR_LIT("library_code")))
            continue;
        ev.u.code = lib->items[i + 1].s;
        s->result->functions++;
        return scan_emit(s, &ev, e);
    }
    return scan_odd(s, "FUNCTION LIST", e);
}

static enum rc
scan_functions(struct scan *s, struct err *e)
{
    struct reply r;

    if (!filter_wants_keyless(&s->opts->filter))
        return RC_OK;
    if (CONN_CALL(s->cx, s->c, &r, e, STR_LIT("FUNCTION"), STR_LIT("LIST"), STR_LIT("WITHCODE")))
        return err_code(e);
    if (reply_is_error(&r, "NOPERM")) {
        s->result->functions_denied = true;
        log_warn("functions are not in this dump: the user lacks +function|list");
    }
    if (r.type == REPLY_ERROR) /* before 7.0 there are none */
        return RC_OK;
    for (size_t i = 0; i < r.n; i++) {
        if (emit_function(s, &r.items[i], e))
            return err_code(e);
    }
    return RC_OK;
}

/* What RediSearch keeps stands in no key. A snapshot tells of it by itself. */
static enum rc
search_indexes(struct scan *s, struct err *e)
{
    struct reply r;

    if (!filter_wants_keyless(&s->opts->filter))
        return RC_OK;
    if (CONN_CALL(s->cx, s->c, &r, e, STR_LIT("FT._LIST")))
        return err_code(e);
    if (r.type == REPLY_ARRAY && r.n != 0)
        log_warn("indexes of RediSearch, which no command can restore, are left out: %zu", r.n);
    return RC_OK;
}

static enum rc
one_db(void *arg, const struct info_db *db, struct err *e)
{
    struct scan *s = arg;

    s->db =
        (struct ev){.kind = EV_DB, .u.db = {.n = db->n, .keys = db->keys, .expires = db->expires}};
    s->db_due = true;
    return scan_db(s, e);
}

static enum rc
scan_databases(struct scan *s, struct err *e)
{
    struct conn_info asked = {.n_dbs = 0};
    const struct conn_info *info = s->opts->info;
    enum rc rc;

    if (info == NULL) {
        struct err why = ERR_INIT;
        rc = conn_info(s->cx, s->c, &asked, &why);
        if (rc != RC_OK && rc != RC_DENIED) {
            *e = why;
            return rc;
        }
        info = rc == RC_OK ? &asked : NULL;
    }
    /* A value that only DUMP can read comes as one answer; no larger than all that there is. */
    if (info != NULL && info->used_memory > REPLY_BYTES_MAX)
        reply_allow(&s->c->in, MIN(info->used_memory, (uint64_t)EV_OPAQUE_MAX));
    rc = scan_probe(s, info, e);
    if (rc == RC_OK)
        rc = scan_functions(s, e);
    if (rc == RC_OK)
        rc = search_indexes(s, e);
    if (rc == RC_OK)
        rc = keyspace_each(s->cx, s->c, info, &s->opts->filter.dbs, one_db, s, e);
    conn_info_release(&asked);
    return rc;
}

static void
scan_init(struct scan *s, struct ctx *cx, struct conn *c, const struct scan_opts *opts, ev_fn *on,
          void *arg, struct scan_result *result)
{
    *s = (struct scan){.cx = cx, .c = c, .opts = opts, .on = on, .arg = arg, .result = result};
    memset(result, 0, sizeof(*result));
    if (opts->filter.types != 0) {
        s->by_type = (struct filtered){.filter = opts->filter, .on = on, .arg = arg};
        s->on = filtered_on;
        s->arg = &s->by_type;
    }
    result->plain = opts->plain;
    s->big_bytes = (opts->big_bytes != 0 ? opts->big_bytes : BIG_BYTES) / MAX(opts->share, 1U);
    s->batch_bytes =
        (opts->batch_bytes != 0 ? opts->batch_bytes : BATCH_BYTES) / MAX(opts->share, 1U);
    s->decoder = payload_decoder_new();
    buf_init(&s->copy, 2 * EV_HELD_MAX);
}

static void
scan_release(struct scan *s)
{
    buf_release(&s->copy);
    payload_decoder_free(s->decoder);
}

enum rc
scan_run(struct ctx *cx, struct conn *c, const struct scan_opts *opts, ev_fn *on, void *arg,
         struct scan_result *result, struct err *e)
{
    struct scan s;
    enum rc rc;

    scan_init(&s, cx, c, opts, on, arg, result);
    rc = scan_databases(&s, e);
    if (rc == RC_OK && result->series != 0)
        log_warn("compaction rules of time series, if there are any, are left out: DUMP does not "
                 "tell them; the source replication does (time series: %llu)",
                 (unsigned long long)result->series);
    scan_release(&s);
    return rc;
}

struct scan_some {
    struct scan scan;
    struct scan_opts opts;
    struct scan_result result;
};

enum rc
scan_some_open(struct ctx *cx, struct conn *c, const struct scan_opts *opts, ev_fn *on, void *arg,
               struct scan_some **out, struct err *e)
{
    struct scan_some *s = MEM_NEW(struct scan_some);

    s->opts = *opts;
    scan_init(&s->scan, cx, c, &s->opts, on, arg, &s->result);
    if (scan_probe(&s->scan, opts->info, e)) {
        scan_some_close(s);
        return err_code(e);
    }
    *out = s;
    return RC_OK;
}

enum rc
scan_some_read(struct scan_some *s, const struct str *names, size_t n, struct err *e)
{
    return scan_names(&s->scan, names, n, e);
}

bool
scan_some_exact(const struct scan_some *s)
{
    return s->scan.has_expiretime;
}

void
scan_some_close(struct scan_some *s)
{
    if (s == NULL)
        return;
    scan_release(&s->scan);
    mem_free(s);
}

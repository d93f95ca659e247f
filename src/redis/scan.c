/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "redis/keyspace.h"
#include "redis/scan_internal.h"

enum { BIG_BYTES = 8 * 1024 * 1024, BATCH_BYTES = 4 * 1024 * 1024 };

enum rc
scan_emit(struct scan *s, const struct ev *ev, struct err *e)
{
    /* A database is told of with its first key: that there is one is known only then. */
    if (ev->kind == EV_KEY && s->db_due) {
        s->db_due = false;
        if (s->on(s->arg, &s->db, e))
            return err_code(e);
    }
    return s->on(s->arg, ev, e);
}

enum rc
scan_payload(struct scan *s, const struct ev *ev, struct err *e)
{
    char module[PAYLOAD_MODULE_TEXT];

    s->result->series += strcmp(payload_module(ev, module), "TSDB-TYPE") == 0;
    if (s->opts->format == DUMP_RESTORE)
        return scan_emit(s, ev, e);
    return payload_decode(s->decoder, ev, s->on, s->arg, e);
}

enum rc
scan_begin(struct scan *s, const struct ev_key *key, struct err *e)
{
    struct ev ev = {.kind = EV_KEY, .u.key = *key};

    return scan_emit(s, &ev, e);
}

enum rc
scan_end(struct scan *s, const struct ev_key *key, struct err *e)
{
    struct ev ev = {.kind = EV_KEY_END, .u.key = *key};

    s->result->keys++;
    return scan_emit(s, &ev, e);
}

enum rc
scan_wrap_key(struct str key, struct err *e)
{
    char shown[120];

    return err_wrap(e, "could not read the key \"%s\"", str_show(key, shown, sizeof(shown)));
}

enum rc
scan_key_failed(struct scan *s, struct str key, const struct reply *r, struct err *e)
{
    char shown[120], what[160];

    (void)snprintf(what, sizeof(what), "could not read the key \"%s\"",
                   str_show(key, shown, sizeof(shown)));
    (void)conn_fail(s->c, r, what, e);
    if (e->code == RC_DENIED)
        return err_hint(e, "the user needs to read every key that is backed up: ~* or %%R~*, and "
                           "+@read +dump");
    return err_code(e);
}

enum rc
scan_odd(struct scan *s, const char *verb, struct err *e)
{
    return err_set(e, RC_CORRUPT, "%s gave an answer to %s that was not expected", conn_peer(s->c),
                   verb);
}

bool
scan_type(const struct reply *r, enum kv_type *out)
{
    for (unsigned t = 0; t < KV_MODULE; t++) {
        if (reply_is_status(r, kv_type_name((enum kv_type)t))) {
            *out = (enum kv_type)t;
            return true;
        }
    }
    *out = KV_MODULE;
    return false;
}

void
scan_ask_time(struct scan *s)
{
    RESP_CMD(&s->c->out, STR_LIT("TIME"));
}

enum rc
scan_take_time(struct scan *s, struct err *e)
{
    struct reply r;
    int64_t sec, usec;

    if (conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (r.type == REPLY_ARRAY && r.n == 2 && str_to_i64(r.items[0].s, &sec) &&
        str_to_i64(r.items[1].s, &usec)) {
        s->now_ms = sec * 1000 + usec / 1000;
        return RC_OK;
    }
    s->now_ms = clock_real_ms(); /* not allowed: our clock is the next best */
    return RC_OK;
}

void
scan_ask_expiry(struct scan *s, struct str key)
{
    if (s->has_expiretime)
        RESP_CMD(&s->c->out, STR_LIT("PEXPIRETIME"), key);
    else
        RESP_CMD(&s->c->out, STR_LIT("PTTL"), key);
}

enum rc
scan_take_expiry(struct scan *s, const struct scan_key *k, struct ev_key *to, struct err *e)
{
    struct reply r;

    if (conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (r.type == REPLY_ERROR)
        return scan_key_failed(s, k->name, &r, e);
    if (r.type != REPLY_INT)
        return scan_odd(s, "PEXPIRETIME", e);
    to->expires_at = EV_NO_EXPIRY; /* -1: none, -2: gone, which the value will tell */
    if (r.integer >= 0)
        to->expires_at = s->has_expiretime ? r.integer : s->now_ms + r.integer;
    return RC_OK;
}

/* Does the server take this command from us? Any answer but an error says so. */
static enum rc
scan_works(struct scan *s, const struct str *argv, size_t argc, bool *yes, struct err *e)
{
    struct reply r;

    if (conn_call(s->cx, s->c, argv, argc, &r, e))
        return err_code(e);
    *yes = r.type != REPLY_ERROR;
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
        rc = keyspace_each(s->cx, s->c, info, s->opts->filter.db, one_db, s, e);
    conn_info_release(&asked);
    return rc;
}

static void
scan_init(struct scan *s, struct ctx *cx, struct conn *c, const struct scan_opts *opts, ev_fn *on,
          void *arg, struct scan_result *result)
{
    *s = (struct scan){.cx = cx, .c = c, .opts = opts, .on = on, .arg = arg, .result = result};
    memset(result, 0, sizeof(*result));
    result->plain = opts->plain;
    s->big_bytes = opts->big_bytes != 0 ? opts->big_bytes : BIG_BYTES;
    s->batch_bytes = opts->batch_bytes != 0 ? opts->batch_bytes : BATCH_BYTES;
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

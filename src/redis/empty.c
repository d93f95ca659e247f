/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/empty.h"

#include "dump/verbs.h"

enum { EMPTY_NAME_MAX = 64 * 1024 };

/*
 * A command for a key that there is not. `harmless`: it is refused, or changes nothing, after the
 * server has looked at the user's rights. Those that make a key are in kv_info.
 */
struct empty_right {
    enum verb verb;
    bool harmless;
    const char *word, *const *rest; /* arguments behind the key; at most KV_WORDS */
};

static const char *const restore_rest[] = {"1", "x", NULL}, *const del_rest[] = {NULL},
                         *const expire_rest[] = {"1", NULL};
static const struct empty_right others[] = {{V_RESTORE, true, "RESTORE", restore_rest},
                                            {V_DEL, true, "DEL", del_rest},
                                            {V_PEXPIREAT, true, "PEXPIREAT", expire_rest}};

/* The i-th of those and of these; `word` NULL: a type that no command makes. */
static struct empty_right
empty_right_of(size_t i)
{
    const struct kv_info *kv;

    if (i >= KV_N_TYPES)
        return others[i - KV_N_TYPES];
    kv = &kv_info[i];
    return (struct empty_right){verb_making((enum kv_type)i), !kv->probe_makes, kv->makes,
                                kv->probe};
}

static bool
empty_says(const struct reply *r, const char *words)
{
    return memmem(r->s.p, r->s.n, words, strlen(words)) != NULL;
}

/* NOPERM for the command, not for the name of a key that nobody will write. */
static bool
empty_refuses(const struct reply *r)
{
    return reply_is_error(r, "NOPERM") && !empty_says(r, "to access");
}

static enum rc
empty_denied(const struct conn *c, const char *what, struct err *e)
{
    (void)err_set(e, RC_DENIED, "the user of %s may not %s", conn_peer(c), what);
    return err_hint(e, "the load needs that: see ACL LIST on the server");
}

/* `user` empty: by the command itself. */
static enum rc
empty_ask(struct ctx *cx, struct conn *c, const struct empty_right *one, const char *key,
          struct str user, struct err *e)
{
    struct str argv[5 + KV_WORDS];
    struct reply r;
    size_t n = 0;

    if (user.n != 0) {
        argv[n++] = STR_LIT("ACL");
        argv[n++] = STR_LIT("DRYRUN");
        argv[n++] = user;
    } else if (!one->harmless) {
        return RC_OK;
    }
    argv[n++] = str_c(one->word);
    argv[n++] = str_c(key);
    for (size_t i = 0; i < KV_WORDS && one->rest[i] != NULL; i++)
        argv[n++] = str_c(one->rest[i]);
    if (conn_call(cx, c, argv, n, &r, e))
        return err_code(e);
    if (user.n == 0 ? empty_refuses(&r)
                    : r.type != REPLY_ERROR && empty_says(&r, "has no permissions to run"))
        return empty_denied(c, one->word, e);
    return RC_OK;
}

/* Whose rights ACL DRYRUN would tell; empty where it cannot be asked. */
static enum rc
empty_user(struct ctx *cx, struct conn *c, struct buf *user, struct err *e)
{
    struct reply r;

    if (CONN_CALL(cx, c, &r, e, STR_LIT("ACL"), STR_LIT("WHOAMI")))
        return err_code(e);
    if (r.type != REPLY_BULK || r.s.n == 0)
        return RC_OK;
    if (buf_add_str(user, r.s, e) ||
        CONN_CALL(cx, c, &r, e, STR_LIT("ACL"), STR_LIT("DRYRUN"), buf_str(user), STR_LIT("PING")))
        return err_code(e);
    if (r.type == REPLY_ERROR)
        buf_reset(user);
    return RC_OK;
}

/* The emptying itself, which knows no such word as "x". */
static enum rc
empty_ask_flush(struct ctx *cx, struct conn *c, const struct filter *f, struct err *e)
{
    const char *word = f->db != FILTER_ALL_DBS ? "FLUSHDB" : "FLUSHALL";
    struct reply r;

    if (CONN_CALL(cx, c, &r, e, str_c(word), STR_LIT("x")))
        return err_code(e);
    return empty_refuses(&r) ? empty_denied(c, word, e) : RC_OK;
}

/* Neither writes: a payload of one byte is none, and FUNCTION FLUSH knows no such word. */
static enum rc
empty_ask_others(struct ctx *cx, struct conn *c, const struct filter *f, struct str first,
                 struct err *e)
{
    struct reply r;

    if (first.n != 0 && first.n <= EMPTY_NAME_MAX) {
        if (CONN_CALL(cx, c, &r, e, STR_LIT("RESTORE"), first, STR_LIT("1"), STR_LIT("x")))
            return err_code(e);
        if (reply_is_error(&r, "NOPERM") && empty_says(&r, "to access"))
            return empty_denied(c, "write the first key of the dump", e);
    }
    if (!filter_wants_keyless(f))
        return RC_OK;
    if (CONN_CALL(cx, c, &r, e, STR_LIT("FUNCTION"), STR_LIT("FLUSH"), STR_LIT("x")))
        return err_code(e);
    return empty_refuses(&r) ? empty_denied(c, "FUNCTION FLUSH", e) : RC_OK;
}

enum rc
empty_check_rights(struct ctx *cx, struct conn *c, const struct filter *f,
                   const struct empty_for *load, struct err *e)
{
    struct buf user;
    enum rc rc;

    buf_init(&user, EMPTY_NAME_MAX);
    rc = empty_user(cx, c, &user, e);
    for (size_t i = 0; rc == RC_OK && i < KV_N_TYPES + ARRAY_LEN(others); i++) {
        struct empty_right r = empty_right_of(i);

        if (r.word != NULL && (load->verbs >> r.verb & 1) != 0)
            rc = empty_ask(cx, c, &r, load->no_key, buf_str(&user), e);
    }
    buf_release(&user);
    if (rc == RC_OK)
        rc = empty_ask_flush(cx, c, f, e);
    return rc == RC_OK ? empty_ask_others(cx, c, f, load->first, e) : rc;
}

static enum rc
empty_keys(struct ctx *cx, struct conn *c, const struct filter *f, bool *emptied, struct err *e)
{
    bool before = *emptied;
    struct reply r;

    if (f->db != FILTER_ALL_DBS && conn_select(cx, c, (uint64_t)f->db, e))
        return err_code(e);
    *emptied = true; /* until it says that it did not; another one may have been emptied before */
    if (f->db != FILTER_ALL_DBS ? CONN_CALL(cx, c, &r, e, STR_LIT("FLUSHDB"))
                                : CONN_CALL(cx, c, &r, e, STR_LIT("FLUSHALL")))
        return err_code(e);
    *emptied = before || r.type != REPLY_ERROR;
    return reply_is_status(&r, "OK") ? RC_OK : conn_fail(c, &r, "could not empty the server", e);
}

enum rc
empty_target(struct ctx *cx, struct conn *c, const struct filter *f, bool *emptied, struct err *e)
{
    struct reply r;

    if (empty_keys(cx, c, f, emptied, e))
        return err_code(e);
    if (!filter_wants_keyless(f))
        return RC_OK;
    if (CONN_CALL(cx, c, &r, e, STR_LIT("FUNCTION"), STR_LIT("FLUSH")))
        return err_code(e);
    if (reply_is_error(&r, "NOPERM"))
        return conn_fail(c, &r, "could not remove the functions", e);
    return RC_OK; /* before 7.0 the command is not known, and there are no functions */
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/rights.h"

#include <stdio.h>

#include "base/mem.h"
#include "dump/verbs.h"

enum { RIGHTS_NAME_MAX = 64 * 1024, RIGHTS_WORDS = 8, RIGHTS_LISTED = 160 };

/*
 * A command for a key that there is not, which stands where KEY does. `harmless`: it is refused, or changes nothing, after
 * the server has looked at the user's rights. Those that make a key are in kv_info.
 */
static const char KEY[] = "";
static const struct right {
    enum verb verb;
    bool harmless;
    const char *words[RIGHTS_WORDS];
} rights[] = {
    {V_RESTORE, true, {"RESTORE", KEY, "1", "x"}},
    {V_DEL, true, {"DEL", KEY}},
    {V_PEXPIREAT, true, {"PEXPIREAT", KEY, "1"}},
    {V_EXPIREAT, true, {"EXPIREAT", KEY, "1"}},
    {V_HPEXPIREAT, true, {"HPEXPIREAT", KEY, "1", "FIELDS", "1", "x"}},
    {V_APPEND, false, {"APPEND", KEY, "x"}},
    {V_XDEL, true, {"XDEL", KEY, "1-1"}},
    {V_XSETID, true, {"XSETID", KEY, "1-1"}},
    {V_XGROUP, true, {"XGROUP", "CREATE", KEY, "x", "0"}},
    {V_XREADGROUP, true, {"XREADGROUP", "GROUP", "x", "x", "STREAMS", KEY, "0"}},
    {V_XCLAIM, true, {"XCLAIM", KEY, "x", "x", "0", "1-1"}},
    {V_FUNCTION, true, {"FUNCTION", "LOAD", "x"}},
    {V_SCRIPT, true, {"SCRIPT", "LOAD", "x"}}, /* which is not a program */
};

/* The i-th of those and of these; false: no command makes that type. */
static bool
right_at(size_t i, struct right *out)
{
    const struct kv_info *kv;

    if (i < ARRAY_LEN(rights)) {
        *out = rights[i];
        return true;
    }
    kv = &kv_info[i - ARRAY_LEN(rights)];
    *out = (struct right){.verb = verb_making((enum kv_type)(i - ARRAY_LEN(rights))),
                          .harmless = !kv->probe_makes,
                          .words = {kv->makes, KEY}};
    for (size_t k = 0; k < KV_WORDS && kv->makes != NULL && kv->probe[k] != NULL; k++)
        out->words[2 + k] = kv->probe[k];
    return kv->makes != NULL;
}

/* How it is asked, and what was refused so far. */
struct asking {
    struct ctx *cx;
    struct conn *c;
    const char *no_key;
    /* In a transaction that is given up: the server looks at the rights when it queues a command. */
    bool queued;
    struct buf user;            /* by ACL DRYRUN of this one; empty: by the command itself */
    char denied[RIGHTS_LISTED]; /* "SET, RPUSH" */
};

static bool
reply_says(const struct reply *r, const char *words)
{
    return r->s.n != 0 && memmem(r->s.p, r->s.n, words, strlen(words)) != NULL;
}

/* NOPERM for the command, not for the name of a key that nobody will write. */
static bool
reply_refuses(const struct reply *r)
{
    return reply_is_error(r, "NOPERM") && !reply_says(r, "to access");
}

static void
asking_note(struct asking *a, const char *const *words)
{
    size_t used = strlen(a->denied);
    bool two = strcmp(words[0], "FUNCTION") == 0 || strcmp(words[0], "SCRIPT") == 0 ||
               strcmp(words[0], "ACL") == 0;

    (void)snprintf(a->denied + used, sizeof(a->denied) - used, "%s%s%s%s", used != 0 ? ", " : "",
                   words[0], two ? " " : "", two ? words[1] : "");
}

/* One command, perhaps as the question whether it may be run. */
static enum rc
asking_call(struct asking *a, const char *const *words, bool dry, struct reply *r, struct err *e)
{
    struct str argv[RIGHTS_WORDS + 3];
    size_t n = 0;

    if (dry) {
        argv[n++] = STR_LIT("ACL");
        argv[n++] = STR_LIT("DRYRUN");
        argv[n++] = buf_str(&a->user);
    }
    for (size_t i = 0; i < RIGHTS_WORDS && words[i] != NULL; i++)
        argv[n++] = str_c(words[i] == KEY ? a->no_key : words[i]);
    return conn_call(a->cx, a->c, argv, n, r, e);
}

static enum rc
asking_ask(struct asking *a, const char *const *words, bool harmless, struct err *e)
{
    bool dry = !a->queued && a->user.n != 0;
    struct reply r;

    if (!a->queued && !dry && !harmless)
        return RC_OK;
    if (asking_call(a, words, dry, &r, e))
        return err_code(e);
    if (dry ? r.type != REPLY_ERROR && reply_says(&r, "has no permissions to run")
            : reply_refuses(&r))
        asking_note(a, words);
    return RC_OK;
}

/* Whose rights ACL DRYRUN would tell; empty where it cannot be asked. */
static enum rc
rights_user(struct ctx *cx, struct conn *c, struct buf *user, struct err *e)
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

/* Not where the user may not give it up again, nor where commands are not queued. */
static enum rc
asking_begin(struct asking *a, struct err *e)
{
    static const char *const discard[] = {"DISCARD", NULL}, *const multi[] = {"MULTI", NULL},
                             *const harmless[] = {"DEL", KEY, NULL};
    struct reply r;

    if (asking_call(a, discard, false, &r, e))
        return err_code(e);
    if (r.type == REPLY_ERROR && reply_says(&r, "without MULTI")) {
        if (asking_call(a, multi, false, &r, e))
            return err_code(e);
        a->queued = reply_is_status(&r, "OK");
    }
    if (!a->queued)
        return rights_user(a->cx, a->c, &a->user, e);
    if (asking_call(a, harmless, false, &r, e))
        return err_code(e);
    if (r.type == REPLY_ERROR || reply_is_status(&r, "QUEUED"))
        return RC_OK;
    a->queued = false;
    return asking_call(a, discard, false, &r, e) ? err_code(e)
                                                 : rights_user(a->cx, a->c, &a->user, e);
}

static enum rc
asking_end(struct asking *a, struct err *e)
{
    static const char *const discard[] = {"DISCARD", NULL};
    struct reply r;

    if (!a->queued)
        return RC_OK;
    a->queued = false;
    if (asking_call(a, discard, false, &r, e))
        return err_code(e);
    return reply_is_status(&r, "OK") ? RC_OK : conn_fail(a->c, &r, "could not ask for rights", e);
}

static enum rc
rights_denied(const struct conn *c, const char *what, struct err *e)
{
    (void)err_set(e, RC_DENIED, "the user of %s may not %s", conn_peer(c), what);
    return err_hint(e, "the load needs that: see ACL LIST on the server");
}

/* Words that no server knows: the emptying itself is refused after the rights were looked at. */
static enum rc
asking_empty(struct asking *a, const struct filter *f, struct err *e)
{
    const char *const flush[] = {f->dbs.n != 0 ? "FLUSHDB" : "FLUSHALL", "x", NULL};
    static const char *const functions[] = {"FUNCTION", "FLUSH", "x", NULL};

    if (asking_ask(a, flush, true, e))
        return err_code(e);
    return filter_wants_keyless(f) ? asking_ask(a, functions, true, e) : RC_OK;
}

/* A payload of one byte is none. */
static enum rc
asking_first(struct asking *a, struct str first, struct err *e)
{
    struct reply r;

    if (first.n == 0 || first.n > RIGHTS_NAME_MAX)
        return RC_OK;
    if (CONN_CALL(a->cx, a->c, &r, e, STR_LIT("RESTORE"), first, STR_LIT("1"), STR_LIT("x")))
        return err_code(e);
    if (reply_is_error(&r, "NOPERM") && reply_says(&r, "to access"))
        return rights_denied(a->c, "write the first key of the dump", e);
    return RC_OK;
}

/* Those that change nothing. */
static enum rc
asking_reads(struct asking *a, const struct rights_for *load, struct err *e)
{
    static const char *const select[] = {"SELECT", "0", NULL}, *const exists[] = {"EXISTS", KEY,
                                                                                  NULL};

    if (!load->of_cluster) {
        if (asking_ask(a, select, true, e))
            return err_code(e);
        a->c->db = 0;
    }
    return load->asks ? asking_ask(a, exists, true, e) : RC_OK;
}

enum rc
rights_to_load(struct ctx *cx, struct conn *c, const struct filter *f,
               const struct rights_for *load, struct err *e)
{
    struct asking a = {.cx = cx, .c = c, .no_key = load->no_key};
    enum rc rc;

    buf_init(&a.user, RIGHTS_NAME_MAX);
    rc = asking_begin(&a, e);
    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(rights) + KV_N_TYPES; i++) {
        struct right r;

        if (right_at(i, &r) && (load->verbs >> r.verb & 1) != 0)
            rc = asking_ask(&a, r.words, r.harmless, e);
    }
    if (rc == RC_OK)
        rc = asking_end(&a, e);
    buf_reset(&a.user); /* the rest by the commands themselves */
    if (rc == RC_OK)
        rc = asking_reads(&a, load, e);
    if (rc == RC_OK && load->empties)
        rc = asking_empty(&a, f, e);
    buf_release(&a.user);
    if (rc == RC_OK && a.denied[0] != '\0')
        rc = rights_denied(c, a.denied, e);
    return rc == RC_OK ? asking_first(&a, load->first, e) : rc;
}

enum rc
rights_to_make_users(struct ctx *cx, struct conn *c, const char *no_user, struct err *e)
{
    static const char *const setuser[] = {"ACL", "SETUSER", KEY, "off", NULL};
    struct asking a = {.cx = cx, .c = c, .no_key = no_user};
    enum rc rc;

    buf_init(&a.user, RIGHTS_NAME_MAX);
    rc = asking_begin(&a, e);
    if (rc == RC_OK)
        rc = asking_ask(&a, setuser, false, e);
    if (rc == RC_OK)
        rc = asking_end(&a, e);
    buf_release(&a.user);
    return rc == RC_OK && a.denied[0] != '\0' ? rights_denied(c, a.denied, e) : rc;
}

enum rc
rights_to_copy(struct ctx *cx, struct conn *c, const char *no_key, bool *unsure, struct err *e)
{
    static const char *const psync[] = {"PSYNC", "?", "-1", NULL},
                             *const scan[] = {"SCAN", "0", "COUNT", "1", NULL},
                             *const dump[] = {"DUMP", KEY, NULL},
                             *const list[] = {"FUNCTION", "LIST", NULL};
    struct asking a = {.cx = cx, .c = c, .no_key = no_key};
    bool asked;
    enum rc rc;

    *unsure = false;
    buf_init(&a.user, RIGHTS_NAME_MAX);
    rc = rights_user(cx, c, &a.user, e);
    asked = a.user.n != 0;
    if (rc == RC_OK && asked)
        rc = asking_ask(&a, psync, false, e);
    buf_release(&a.user);
    if (rc != RC_OK || (asked && a.denied[0] == '\0'))
        return rc;
    a.denied[0] = '\0';
    a.user = (struct buf){.n = 0};
    if (asking_ask(&a, scan, true, e) || asking_ask(&a, dump, true, e) ||
        asking_ask(&a, list, true, e))
        return err_code(e);
    if (a.denied[0] == '\0')
        return RC_OK;
    *unsure = !asked;
    if (*unsure)
        return RC_OK;
    (void)err_set(e, RC_DENIED, "the user of %s may neither PSYNC nor %s", conn_peer(c), a.denied);
    return err_hint(e, "a copy needs the one or the others: see ACL LIST on the server");
}

/* ---- names ---- */

/* Commands for a name; whoever may run one is told by it which names he may not. */
static const struct name_word {
    bool harmless; /* also of a key that is there */
    const char *words[RIGHTS_WORDS];
} name_words[] = {{false, {"DEL", KEY}},
                  {false, {"SET", KEY, "x"}},
                  {true, {"RESTORE", KEY, "1", "x"}},
                  {true, {"EXISTS", KEY}}};

static bool
name_refused(const struct reply *r)
{
    return reply_says(r, "to access") && (r->type != REPLY_ERROR || reply_is_error(r, "NOPERM"));
}

enum rc
rights_names_open(struct ctx *cx, struct conn *c, const char *no_key, struct rights_names *out,
                  struct err *e)
{
    struct asking a = {.cx = cx, .c = c, .no_key = no_key};
    struct reply r;

    *out = (struct rights_names){.some = false};
    buf_init(&out->user, RIGHTS_NAME_MAX);
    for (size_t i = 0; i < ARRAY_LEN(name_words); i++) {
        if (strcmp(name_words[i].words[0], "SET") == 0)
            continue;
        if (asking_call(&a, name_words[i].words, false, &r, e))
            return err_code(e);
        out->some = out->some || name_refused(&r);
        if (name_refused(&r) && name_words[i].harmless && out->words == NULL)
            out->words = name_words[i].words;
    }
    if (!out->some)
        return RC_OK;
    if (rights_user(cx, c, &out->user, e))
        return err_code(e);
    a.user = out->user;
    for (size_t i = 0; i < ARRAY_LEN(name_words) && out->user.n != 0; i++) {
        if (asking_call(&a, name_words[i].words, true, &r, e))
            return err_code(e);
        if (name_refused(&r)) {
            out->words = name_words[i].words;
            return RC_OK;
        }
    }
    buf_reset(&out->user);
    return RC_OK;
}

void
rights_names_ask(const struct rights_names *n, struct str name, struct buf *out)
{
    struct str argv[RIGHTS_WORDS + 3];
    size_t k = 0;

    if (n->user.n != 0) {
        argv[k++] = STR_LIT("ACL");
        argv[k++] = STR_LIT("DRYRUN");
        argv[k++] = buf_str(&n->user);
    }
    for (size_t i = 0; i < RIGHTS_WORDS && n->words[i] != NULL; i++)
        argv[k++] = n->words[i] == KEY ? name : str_c(n->words[i]);
    resp_cmd(out, argv, k);
}

bool
rights_names_denied(const struct reply *r)
{
    return name_refused(r);
}

void
rights_names_close(struct rights_names *n)
{
    buf_release(&n->user);
}

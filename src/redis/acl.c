/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/acl.h"

#include "base/log.h"
#include "base/mem.h"
#include "dump/resp_reader.h"

enum { SETUSER_WORDS = 4, SHOWN = 80 };

/* ---- a line of ACL LIST ---- */

/* The next word; a selector in parentheses is one, with the blanks inside. None: *word is empty. */
static void
next_word(struct str *line, struct str *word)
{
    size_t at = 0, deep = 0, n;

    while (at < line->n && line->p[at] == ' ')
        at++;
    for (n = at; n < line->n && (line->p[n] != ' ' || deep > 0); n++) {
        if (n == at && line->p[n] == '(')
            deep = 1;
        else if (line->p[n] == ')')
            deep = 0;
    }
    *word = str_of(line->p + at, n - at);
    *line = str_of(line->p + n, line->n - n);
}

static enum rc
put_arg(struct buf *out, struct str s, struct err *e)
{
    return buf_printf(out, e, "$%zu\r\n", s.n) || buf_add_str(out, s, e)
               ? err_code(e)
               : buf_printf(out, e, "\r\n");
}

enum rc
acl_command(struct str line, struct buf *out, struct err *e)
{
    struct str word, name, rest;
    size_t words = 0;

    next_word(&line, &word);
    next_word(&line, &name);
    if (!str_eq(word, STR_LIT("user")) || name.n == 0)
        return err_set(e, RC_CORRUPT, "the server's list of users has a line without a user");
    rest = line;
    for (next_word(&rest, &word); word.n != 0; next_word(&rest, &word))
        words++;
    if (buf_printf(out, e, "*%zu\r\n", SETUSER_WORDS + words) || put_arg(out, STR_LIT("ACL"), e) ||
        put_arg(out, STR_LIT("SETUSER"), e) || put_arg(out, name, e) ||
        put_arg(out, STR_LIT("reset"), e))
        return err_code(e);
    for (; words > 0; words--) {
        next_word(&line, &word);
        if (put_arg(out, word, e))
            return err_code(e);
    }
    return RC_OK;
}

/* ---- a server ---- */

static enum rc
acl_refused(const struct conn *c, const struct reply *r, const char *right, struct err *e)
{
    char why[SHOWN];

    if (reply_is_error(r, "NOPERM")) {
        (void)err_set(e, RC_DENIED, "the user may not ask for users of %s", conn_peer(c));
        return err_hint(e, "it needs %s", right);
    }
    return err_set(e, RC_UNSUPPORTED, "%s has no users: %s", conn_peer(c),
                   reply_error_text(r, why, sizeof(why)));
}

enum rc
acl_read(struct ctx *cx, struct conn *c, struct buf *out, uint64_t *n, struct err *e)
{
    struct reply r;

    if (CONN_CALL(cx, c, &r, e, STR_LIT("ACL"), STR_LIT("LIST")))
        return err_code(e);
    if (r.type != REPLY_ARRAY)
        return acl_refused(c, &r, "+acl|list", e);
    for (size_t i = 0; i < r.n; i++)
        if (acl_command(r.items[i].s, out, e))
            return err_code(e);
    *n = r.n;
    return RC_OK;
}

/* Who is there, and who we are. */
struct present {
    char **names;
    size_t n;
    char *self;
};

static void
present_release(struct present *p)
{
    for (size_t i = 0; i < p->n; i++)
        mem_free(p->names[i]);
    mem_free(p->names);
    mem_free(p->self);
}

static enum rc
present_ask(struct ctx *cx, struct conn *c, struct present *p, struct err *e)
{
    struct reply r;

    if (CONN_CALL(cx, c, &r, e, STR_LIT("ACL"), STR_LIT("WHOAMI")))
        return err_code(e);
    if (r.type == REPLY_ERROR)
        return acl_refused(c, &r, "+acl|whoami +acl|users +acl|setuser", e);
    p->self = mem_strndup((const char *)r.s.p, r.s.n);
    if (CONN_CALL(cx, c, &r, e, STR_LIT("ACL"), STR_LIT("USERS")))
        return err_code(e);
    if (r.type != REPLY_ARRAY)
        return acl_refused(c, &r, "+acl|whoami +acl|users +acl|setuser", e);
    p->names = mem_zero(r.n, sizeof(char *)); /* NOLINT */
    for (; p->n < r.n; p->n++)
        p->names[p->n] = mem_strndup((const char *)r.items[p->n].s.p, r.items[p->n].s.n);
    return RC_OK;
}

static bool
is_present(const struct present *p, struct str name)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(name, str_c(p->names[i])))
            return true;
    return false;
}

static enum rc
set_user(struct ctx *cx, struct conn *c, const struct cmd *cmd, struct err *e)
{
    char name[SHOWN], why[SHOWN];
    struct reply r;

    if (conn_call(cx, c, cmd->argv, cmd->n, &r, e))
        return err_code(e);
    if (r.type != REPLY_ERROR)
        return RC_OK;
    (void)err_set(e, reply_is_error(&r, "NOPERM") ? RC_DENIED : RC_UNSUPPORTED,
                  "user \"%s\" could not be made at %s: %s",
                  str_show(cmd->argv[2], name, sizeof(name)), conn_peer(c),
                  reply_error_text(&r, why, sizeof(why)));
    return reply_is_error(&r, "NOPERM") ? err_hint(e, "it needs +acl|setuser") : err_code(e);
}

static bool
is_set_user(const struct cmd *c)
{
    return c->whole && c->n >= SETUSER_WORDS && str_is_word(c->argv[0], "ACL") &&
           str_is_word(c->argv[1], "SETUSER") && str_is_word(c->argv[3], "RESET");
}

static enum rc
write_users(struct ctx *cx, struct conn *c, struct rd *in, enum acl_how how,
            const struct present *who, struct acl_result *out, struct err *e)
{
    struct resp_reader commands;
    struct cmd cmd;
    bool over = false;
    enum rc rc = RC_OK;

    resp_reader_init(&commands, in);
    while (rc == RC_OK && (rc = resp_reader_next(&commands, &cmd, &over, e)) == RC_OK && !over) {
        bool there;

        if (!is_set_user(&cmd)) {
            rc = err_set(e, RC_CORRUPT, "the users of the snapshot hold something else");
            break;
        }
        there = is_present(who, cmd.argv[2]);
        if (str_eq(cmd.argv[2], str_c(who->self)) || (there && how == ACL_ADD)) {
            out->kept++;
            continue;
        }
        rc = set_user(cx, c, &cmd, e);
        out->replaced += rc == RC_OK && there;
        out->made += rc == RC_OK && !there;
    }
    resp_reader_release(&commands);
    return rc;
}

enum rc
acl_check(struct ctx *cx, struct masters *m, struct err *e)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < m->n && rc == RC_OK; i++) {
        struct present who = {.n = 0};

        rc = present_ask(cx, m->list[i], &who, e);
        present_release(&who);
    }
    return rc;
}

enum rc
acl_write(struct ctx *cx, struct masters *m, struct str commands, enum acl_how how,
          struct acl_result *out, struct err *e)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < m->n && rc == RC_OK; i++) {
        struct present who = {.n = 0};
        struct rd_mem in;

        *out = (struct acl_result){.made = 0};
        rd_mem_init(&in, commands, 0);
        rc = present_ask(cx, m->list[i], &who, e);
        if (rc == RC_OK)
            rc = write_users(cx, m->list[i], &in.rd, how, &who, out, e);
        present_release(&who);
    }
    return rc;
}

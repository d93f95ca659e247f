/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for every key, and what answers mean. */
#include <stdio.h>

#include "base/clock.h"
#include "redis/scan_internal.h"

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
scan_changed(const struct ev_key *k, struct err *e)
{
    (void)err_set(e, RC_CONFLICT, "it was replaced while it was read");
    e->retry = true;
    return scan_wrap_key(k->name, e);
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
    for (unsigned t = 0; t < KV_N_TYPES; t++) {
        if (kv_info[t].opaque == NULL && reply_is_status(r, kv_info[t].name)) {
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

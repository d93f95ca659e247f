/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/role.h"

#include "base/clock.h"

enum { ROLE_AGAIN_MS = 20 };

static enum rc
role_by_info(struct ctx *cx, struct conn *c, struct role *out, struct err *e)
{
    struct conn_info info;

    if (conn_info(cx, c, &info, e))
        return err_hint(e, "the user needs +role, or +info");
    *out = (struct role){.master = strcmp(info.role, "master") == 0,
                         .linked = info.link_up,
                         .offset = info.offset,
                         .reply = {.type = REPLY_NIL}};
    conn_info_release(&info);
    return RC_OK;
}

enum rc
role_ask(struct ctx *cx, struct conn *c, struct role *out, struct err *e)
{
    struct reply *r = &out->reply;
    size_t at; /* where the offset stands */

    *out = (struct role){.master = false};
    if (CONN_CALL(cx, c, r, e, STR_LIT("ROLE")))
        return err_code(e);
    if (r->type != REPLY_ARRAY || r->n < 2)
        return role_by_info(cx, c, out, e);
    out->master = str_eq(r->items[0].s, STR_LIT("master"));
    out->linked = r->n > 4 && str_eq(r->items[0].s, STR_LIT("slave")) &&
                  str_eq(r->items[3].s, STR_LIT("connected"));
    at = out->master ? 1 : 4;
    if (at < r->n && r->items[at].type == REPLY_INT && r->items[at].integer > 0)
        out->offset = (uint64_t)r->items[at].integer;
    return RC_OK;
}

enum rc
role_catch_up(struct ctx *cx, struct conn *c, uint64_t end, uint64_t *lag, struct err *e)
{
    int64_t until = clock_mono_ms() + ROLE_CATCH_UP_MS;

    for (;;) {
        struct role role;

        if (role_ask(cx, c, &role, e))
            return err_code(e);
        if (role.master || !role.linked)
            return err_set(e, RC_UNAVAILABLE, "it is not a replica with a link to its master");
        *lag = end > role.offset ? end - role.offset : 0;
        if (*lag == 0 || clock_mono_ms() >= until)
            break;
        if (ctx_sleep(cx, ROLE_AGAIN_MS, e))
            return err_code(e);
    }
    if (*lag > ROLE_LAG_MAX)
        return err_set(e, RC_UNAVAILABLE, "it is more than %d MiB behind its master",
                       ROLE_LAG_MAX / 1024 / 1024);
    return RC_OK;
}

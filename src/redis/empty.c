/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/empty.h"

static enum rc
empty_by(struct ctx *cx, struct conn *c, struct str verb, bool *emptied, struct err *e)
{
    bool before = *emptied;
    struct reply r;

    *emptied = true; /* until it says that it did not; another one may have been emptied before */
    if (CONN_CALL(cx, c, &r, e, verb))
        return err_code(e);
    *emptied = before || r.type != REPLY_ERROR;
    return reply_is_status(&r, "OK") ? RC_OK : conn_fail(c, &r, "could not empty the server", e);
}

static enum rc
empty_keys(struct ctx *cx, struct conn *c, const struct filter *f, bool *emptied, struct err *e)
{
    if (f->dbs.n == 0)
        return empty_by(cx, c, STR_LIT("FLUSHALL"), emptied, e);
    for (uint32_t i = 0; i < f->dbs.n; i++)
        if (conn_select(cx, c, f->dbs.v[i], e) || empty_by(cx, c, STR_LIT("FLUSHDB"), emptied, e))
            return err_code(e);
    return RC_OK;
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

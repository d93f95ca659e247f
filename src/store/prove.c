/* SPDX-License-Identifier: Apache-2.0 */
/* A store's word is checked (docs/adr/0028). */
#include <inttypes.h>

#include "store/store.h"

enum { LATE_PAUSE_MS = 50, LATE_PAUSE_MAX_MS = 400 };

struct retry
store_retry_damaged(const struct store *s)
{
    return retry_begin((struct retry_policy){.attempts = s->remote ? STORE_TRIES : 1});
}

struct retry
store_retry_late(const struct store *s)
{
    return retry_begin((struct retry_policy){.attempts = s->remote ? STORE_TRIES : 1,
                                             .pause_ms = LATE_PAUSE_MS,
                                             .pause_max_ms = LATE_PAUSE_MAX_MS});
}

enum rc
store_prove(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t bytes,
            struct err *e)
{
    struct retry late = store_retry_late(s);
    char text[STORE_NAME_TEXT];
    struct err why = ERR_INIT;
    uint64_t got = 0;
    enum rc rc;

    do {
        rc = s->ops->stat(cx, s, name, &got, &why);
    } while (rc == RC_NOT_FOUND && retry_next(cx, &late, &why));
    if (rc == RC_OK && got == bytes)
        return RC_OK;
    if (rc != RC_OK && why.code != RC_NOT_FOUND) {
        *e = why;
        return err_wrap(e, "could not see whether %s was stored", store_name_text(name, text));
    }
    if (rc == RC_NOT_FOUND)
        (void)err_set(e, RC_IO, "%s said that it stored %s, but it is not there", s->place,
                      store_name_text(name, text));
    else
        (void)err_set(e, RC_CORRUPT,
                      "%s said that it stored %s, but has %" PRIu64 " of its %" PRIu64 " bytes",
                      s->place, store_name_text(name, text), got, bytes);
    return err_hint(e, "the store loses what it is given: look at its log and its disks, then run "
                       "`cstash check`");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is named to others, an index or a snapshot, under a lock that holds, and proven. */
#include "repo/repo_internal.h"

/* Take away what was published without a lock, for it may name what somebody removes just now, or what
 * is not whole. */
static void
lock_unpublish(struct repo *r, const struct store_name *name, struct err *e)
{
    struct ctx cx = {.fd = -1, .until = clock_mono_ms() + LOCK_CALL_MS};
    struct err why = ERR_INIT;
    char text[STORE_NAME_TEXT];
    size_t stayed;

    if (r->store->ops->del(&cx, r->store, name, &why) ||
        store_prove_gone(&cx, r->store, name->type, &name->id, 1, &stayed, &why))
        (void)err_hint(e, "%s could not be removed: run `cstash repair index`",
                       store_name_text(name, text));
}

/* Is it in the store as it was written? A snapshot is small, and all that leads to a backup: it is read. */
static enum rc
publish_prove(struct ctx *cx, struct repo *r, const struct store_name *name, uint64_t bytes,
              struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(SNAPSHOT_MAX);

    if (store_prove(cx, r->store, name, bytes, e))
        return err_code(e);
    return name->type == STORE_SNAPSHOT ? unpacked_load(cx, r, name, &text, e) : RC_OK;
}

enum rc
repo_publish(struct ctx *cx, struct repo *r, enum store_type type, struct str text, struct id *id,
             struct err *e)
{
    struct store_name name = {.type = type};
    bool whole;
    uint64_t bytes;
    enum rc rc;

    if (repo_lock_prove(cx, r, e) || unpacked_save(cx, r, type, text, id, &bytes, e))
        return err_code(e);
    name.id = *id;
    rc = publish_prove(cx, r, &name, bytes, e);
    whole = rc == RC_OK;
    if (whole)
        rc = repo_lock_prove(cx, r, e);
    if (!whole || rc == RC_LOCKED)
        lock_unpublish(r, &name, e);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "job/room.h"

#include "base/log.h"

enum { WEIGHT_LONG = 64 };

static void
weigh_piece(struct room_weight *w, const struct ev_piece *p)
{
    if (p->total >= WEIGHT_LONG && !w->unsure)
        w->key += p->p.n;
}

enum rc
room_weigh(void *weight, const struct ev *ev, struct err *e)
{
    struct room_weight *w = (struct room_weight *)weight;

    (void)e;
    if (ev->kind == EV_KEY) {
        w->key = 0;
        w->unsure = ev->u.key.type == KV_LIST;
    } else if (ev->kind == EV_STRING || ev->kind == EV_ELEM) {
        weigh_piece(w, &ev->u.piece);
    } else if (ev->kind == EV_FIELD) {
        weigh_piece(w, &ev->u.field.value);
        if (ev_is_last(&ev->u.field.value) && ev->u.field.expires_at != EV_NO_EXPIRY)
            w->unsure = true;
    } else if (ev->kind == EV_FIELD_EXPIRY) {
        w->unsure = true;
    } else if (ev->kind == EV_KEY_END && !w->unsure && ev->u.key.expires_at == EV_NO_EXPIRY) {
        w->least += w->key;
    }
    return RC_OK;
}

/* Does the server take the longest value? */
static enum rc
room_length(struct ctx *cx, struct conn *c, uint64_t longest, struct err *e)
{
    uint64_t max;
    char bytes[STR_GROUPED_MAX], most[STR_GROUPED_MAX];
    bool known;

    if (conn_max_bulk(cx, c, &max, &known, e))
        return err_code(e);
    if (longest <= max)
        return RC_OK;
    if (!known) {
        log_warn(
            "the longest value has %s bytes; whether %s takes it (proto-max-bulk-len) cannot be "
            "asked",
            str_grouped(longest, bytes), conn_peer(c));
        return RC_OK;
    }
    (void)err_set(e, RC_LIMIT,
                  "the longest value has %s bytes, and %s takes at most %s "
                  "(proto-max-bulk-len)",
                  str_grouped(longest, bytes), conn_peer(c), str_grouped(max, most));
    return err_hint(e, "on the server: CONFIG SET proto-max-bulk-len %llu",
                    (unsigned long long)longest);
}

/* What all of them take; 0: one of them has no limit, or does not tell it. */
static enum rc
room_limit(struct ctx *cx, const struct masters *m, uint64_t *out, struct err *e)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < m->n; i++) {
        struct conn_info info = {.n_dbs = 0};
        struct err why = ERR_INIT;
        enum rc rc = conn_info(cx, m->list[i], &info, &why);
        uint64_t max = info.maxmemory;

        conn_info_release(&info);
        if (rc != RC_OK && rc != RC_DENIED) {
            *e = why;
            return rc;
        }
        sum += max;
        if (max == 0) {
            sum = 0;
            break;
        }
    }
    *out = sum;
    return RC_OK;
}

/* A server that is full loses keys, or refuses to take more. */
static enum rc
room_memory(struct ctx *cx, const struct masters *m, const struct room_need *need, struct err *e)
{
    uint64_t memory = MAX(need->memory, need->least), max = 0;
    char bytes[STR_GROUPED_MAX], most[STR_GROUPED_MAX];

    if (memory != 0 && room_limit(cx, m, &max, e))
        return err_code(e);
    if (max == 0 || memory <= max)
        return RC_OK;
    if (need->least > max) {
        (void)err_set(e, RC_LIMIT,
                      "the values alone have %s bytes, and %s has a maxmemory of "
                      "%s",
                      str_grouped(need->least, bytes), m->name, str_grouped(max, most));
        return err_hint(e, "on the server: CONFIG SET maxmemory %llu, or 0 for no limit",
                        (unsigned long long)(memory + memory / 4));
    }
    if (memory / 2 <= max) {
        log_warn("the data took %s bytes at their source, and %s has a maxmemory of %s: they may "
                 "not fit",
                 str_grouped(memory, bytes), m->name, str_grouped(max, most));
        return RC_OK;
    }
    (void)err_set(e, RC_LIMIT,
                  "the data took %s bytes at their source, and %s has a "
                  "maxmemory of %s",
                  str_grouped(memory, bytes), m->name, str_grouped(max, most));
    return err_hint(e,
                    "on the server: CONFIG SET maxmemory %llu, or 0 for no limit; or restore a "
                    "part, with --match or --db",
                    (unsigned long long)(memory + memory / 4));
}

/* Has the target as many databases? */
static enum rc
room_databases(struct ctx *cx, const struct masters *m, const struct room_need *need, struct err *e)
{
    if (m->owner == NULL)
        return conn_select(cx, m->list[0], need->highest_db, e);
    if (need->highest_db == 0 || need->one_db)
        return RC_OK;
    (void)err_set(e, RC_UNSUPPORTED,
                  "a cluster has one database, and the dump has keys in databases up to %llu",
                  (unsigned long long)need->highest_db);
    return err_hint(e, "--db N restores one of them into the cluster");
}

enum rc
room_check(struct ctx *cx, const struct masters *m, const struct room_need *need, struct err *e)
{
    enum rc rc = room_databases(cx, m, need, e);

    for (size_t i = 0; rc == RC_OK && i < m->n; i++)
        rc = room_length(cx, m->list[i], need->longest, e);
    if (rc == RC_OK)
        rc = room_memory(cx, m, need, e);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "redis/scan_internal.h"

/* Above either, a key is read by windows. */
enum { SMALL_BYTES = 64 * 1024 };

/* Marks a key for scan_one once the flight has landed. */
#define LATER UINT64_MAX

static void
ask_whole(struct scan *s, const struct scan_key *k)
{
    const char *const *words = kv_info[k->type].whole;
    struct str argv[KV_WORDS + 1] = {str_c(words[0]), k->name};
    size_t n = 2;

    for (; n <= KV_WORDS && words[n - 1] != NULL; n++)
        argv[n] = str_c(words[n - 1]);
    resp_cmd(&s->c->out, argv, n);
}

static bool
is_small(const struct scan *s, const struct scan_key *k)
{
    if (!k->type_known || kv_info[k->type].whole[0] == NULL ||
        (k->type == KV_HASH && s->has_field_ttl))
        return false;
    if (k->type == KV_STRING)
        return k->bytes <= SCAN_STEP_BYTES;
    return k->bytes <= SMALL_BYTES && k->items <= SCAN_SMALL_ITEMS;
}

static enum rc
take_whole(struct scan *s, struct scan_key *k, struct err *e)
{
    struct ev_key key = {.name = k->name, .type = k->type, .idle_s = -1, .freq = -1};
    struct reply r;

    if (scan_take_expiry(s, k, &key, e) || conn_recv(s->cx, s->c, &r, e))
        return err_code(e);
    if (reply_is_error(&r, "WRONGTYPE")) {
        s->result->reread++;
        k->bytes = LATER;
        return RC_OK;
    }
    if (r.type == REPLY_ERROR)
        return scan_key_failed(s, k->name, &r, e);
    if (r.type == REPLY_NIL || (r.type == REPLY_ARRAY && r.n == 0)) {
        s->result->vanished++;
        return RC_OK;
    }
    if (scan_begin(s, &key, e) || scan_items(s, k->type, &r, e))
        return err_code(e);
    return scan_end(s, &key, e);
}

enum rc
scan_plain(struct scan *s, struct scan_key *keys, size_t n, struct err *e)
{
    scan_ask_time(s);
    for (size_t i = 0; i < n; i++) {
        if (!is_small(s, &keys[i])) {
            keys[i].bytes = LATER;
            continue;
        }
        scan_ask_expiry(s, keys[i].name);
        ask_whole(s, &keys[i]);
    }
    if (conn_flush(s->cx, s->c, e) || scan_take_time(s, e))
        return err_code(e);
    for (size_t i = 0; i < n; i++) {
        if (keys[i].bytes != LATER && take_whole(s, &keys[i], e))
            return err_code(e);
    }
    for (size_t i = 0; i < n; i++) {
        if (keys[i].bytes == LATER && scan_one(s, keys[i].name, e))
            return err_code(e);
    }
    return RC_OK;
}

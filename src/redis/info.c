/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "redis/info.h"

static void
info_word(char to[static INFO_WORD], struct str v)
{
    size_t n = MIN(v.n, (size_t)INFO_WORD - 1);

    for (size_t i = 0; i < n; i++)
        to[i] = (char)(v.p[i] < ' ' || v.p[i] >= 0x7f ? '?' : v.p[i]);
    to[n] = '\0';
}

/* 7.0.15 -> 70015. Parts above 99 count as 99. */
static uint32_t
version_number(const char *text)
{
    uint32_t part[3] = {0, 0, 0};
    unsigned i = 0;

    for (; *text != '\0' && i < 3; text++) {
        if (*text == '.')
            i++;
        else if (*text >= '0' && *text <= '9')
            part[i] = MIN(part[i] * 10 + (uint32_t)(*text - '0'), 99U);
        else
            break;
    }
    return part[0] * 10000 + part[1] * 100 + part[2];
}

/* The number behind `name=` in a list such as keys=1,expires=0. */
static uint64_t
number_in(struct str v, const char *name)
{
    size_t n = strlen(name);
    uint64_t number;

    for (size_t i = 0; i + n < v.n; i++) {
        if ((i != 0 && v.p[i - 1] != ',') || memcmp(v.p + i, name, n) != 0)
            continue;
        v = str_of(v.p + i + n, v.n - i - n);
        for (n = 0; n < v.n && v.p[n] >= '0' && v.p[n] <= '9'; n++)
            ;
        return str_to_told(str_of(v.p, n), &number) ? number : 0;
    }
    return 0;
}

static enum rc
append_db(struct conn_info *i, struct info_db db, struct err *e)
{
    if (i->n_dbs == INFO_DBS_MAX)
        return err_set(e, RC_LIMIT, "the server has more than %d databases", INFO_DBS_MAX);
    i->dbs = mem_more(i->dbs, i->n_dbs, sizeof(*i->dbs));
    i->dbs[i->n_dbs++] = db;
    return RC_OK;
}

enum rc
info_add_db(struct conn_info *i, uint64_t n, uint64_t keys, struct err *e)
{
    return append_db(i, (struct info_db){.n = n, .keys = keys}, e);
}

static enum rc
add_db(struct conn_info *i, struct str number, struct str v, struct err *e)
{
    struct info_db db = {.n = 0};

    if (!str_to_u64(number, &db.n) || number_in(v, "keys=") == 0)
        return RC_OK;
    db.keys = number_in(v, "keys=");
    db.expires = number_in(v, "expires=");
    return append_db(i, db, e);
}

static bool
info_is(struct str a, const char *b)
{
    return str_eq(a, str_c(b));
}

static void
info_field(struct conn_info *i, struct str k, struct str v, char redis[static INFO_WORD],
           char product[static INFO_WORD], bool *keeps)
{
    if (info_is(k, "redis_version"))
        info_word(redis, v);
    else if (info_is(k, "valkey_version")) {
        i->kind = SERVER_VALKEY;
        info_word(product, v);
    } else if (info_is(k, "server_name") && info_is(v, "valkey"))
        i->kind = SERVER_VALKEY;
    else if (info_is(k, "dragonfly_version") || info_is(k, "kvrocks_version") ||
             info_is(k, "garnet_version")) {
        i->kind = SERVER_OTHER;
        info_word(product, v);
    } else if (info_is(k, "redis_mode") || info_is(k, "server_mode"))
        info_word(i->mode, v);
    else if (info_is(k, "run_id"))
        info_word(i->run_id, v);
    else if (info_is(k, "role"))
        info_word(i->role, v);
    else if (info_is(k, "master_replid"))
        info_word(i->replid, v);
    else if (info_is(k, "master_replid2"))
        info_word(i->replid2, v);
    else if (info_is(k, "maxmemory_policy"))
        info_word(i->maxmemory_policy, v);
    else if (info_is(k, "master_repl_offset"))
        (void)str_to_told(v, &i->offset);
    else if (info_is(k, "used_memory"))
        (void)str_to_told(v, &i->used_memory);
    else if (info_is(k, "used_memory_dataset"))
        (void)str_to_told(v, &i->dataset_memory);
    else if (info_is(k, "used_memory_rss"))
        (void)str_to_told(v, &i->used_memory_rss);
    else if (info_is(k, "total_system_memory"))
        (void)str_to_told(v, &i->total_system_memory);
    else if (info_is(k, "current_cow_size"))
        (void)str_to_told(v, &i->cow);
    else if (info_is(k, "maxmemory"))
        i->maxmemory_told = str_to_told(v, &i->maxmemory);
    else if (info_is(k, "rdb_changes_since_last_save"))
        (void)str_to_told(v, &i->changes);
    else if (info_is(k, "repl_backlog_active"))
        *keeps = info_is(v, "1");
    else if (info_is(k, "repl_backlog_size"))
        (void)str_to_told(v, &i->backlog);
    else if (info_is(k, "evicted_keys"))
        (void)str_to_told(v, &i->evicted_keys);
    else if (info_is(k, "expired_keys"))
        (void)str_to_told(v, &i->expired_keys);
    else if (info_is(k, "cluster_enabled"))
        i->cluster_enabled = info_is(v, "1");
    else if (info_is(k, "loading") || info_is(k, "async_loading"))
        i->loading = i->loading || info_is(v, "1");
    else if (info_is(k, "master_link_status"))
        i->link_up = info_is(v, "up");
    else if (info_is(k, "master_link_down_since_seconds"))
        i->link_never_up = !str_to_told(v, &i->link_down_s); /* -1 */
}

enum rc
info_parse(struct str text, struct conn_info *out, struct err *e)
{
    struct conn_info i = {.kind = SERVER_REDIS};
    char redis[INFO_WORD] = "", product[INFO_WORD] = "";
    bool keeps = false; /* its backlog */

    while (text.n != 0) {
        const uint8_t *nl = memchr(text.p, '\n', text.n);
        size_t n = nl == NULL ? text.n : (size_t)(nl - text.p);
        struct str line = str_of(text.p, n);
        const uint8_t *colon;
        struct str k, v;

        text = nl == NULL ? str_of(NULL, 0) : str_of(nl + 1, text.n - n - 1);
        if (line.n != 0 && line.p[line.n - 1] == '\r')
            line.n--;
        colon = line.n == 0 ? NULL : memchr(line.p, ':', line.n);
        if (colon == NULL)
            continue;
        k = str_of(line.p, (size_t)(colon - line.p));
        v = str_of(colon + 1, line.n - k.n - 1);
        if (k.n > 2 && memcmp(k.p, "db", 2) == 0 && add_db(&i, str_of(k.p + 2, k.n - 2), v, e)) {
            conn_info_release(&i);
            return err_code(e);
        }
        info_field(&i, k, v, redis, product, &keeps);
    }
    memcpy(i.version, product[0] != '\0' ? product : redis, sizeof(i.version));
    i.backlog = keeps ? 0 : i.backlog;
    i.redis_version = version_number(redis);
    i.kind_version = version_number(i.version);
    *out = i;
    return RC_OK;
}

void
conn_info_release(struct conn_info *i)
{
    mem_free(i->dbs);
    i->dbs = NULL;
    i->n_dbs = 0;
}

const char *
info_name(const struct conn_info *i, char *to, size_t n)
{
    static const char *const names[] = {"Redis", "Valkey", "a server like Redis"};

    (void)snprintf(to, n, "%s%s%s", names[i->kind], i->version[0] == '\0' ? "" : " ", i->version);
    return to;
}

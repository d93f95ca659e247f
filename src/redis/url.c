/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "redis/url.h"

enum { URL_MAX = 64 * 1024, HOST_MAX = 253, SOCKET_PATH_MAX = 107, DB_MAX = 1 << 24 };

struct parts {
    struct str userinfo, hosts, path, query;
    bool has_userinfo, is_unix, is_sentinel, is_cluster;
};

static struct str
url_cut(struct str s, size_t from, size_t to)
{
    return from == to ? str_of(NULL, 0) : str_of(s.p + from, to - from);
}

/* Where `c` first stands in `s`, or s.n. */
static size_t
url_find(struct str s, char c)
{
    const uint8_t *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

    return at == NULL ? s.n : (size_t)(at - s.p);
}

static size_t
find_last(struct str s, char c)
{
    const uint8_t *at = s.n == 0 ? NULL : memrchr(s.p, c, s.n);

    return at == NULL ? s.n : (size_t)(at - s.p);
}

static int
hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decode into `to` (s.n bytes of room); the length, or -1 when a % is not followed by two
 * digits. */
static int64_t
url_decode(struct str s, uint8_t *to)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            to[n++] = s.p[i];
            continue;
        }
        if (s.n - i < 3 || hex_digit(s.p[i + 1]) < 0 || hex_digit(s.p[i + 2]) < 0)
            return -1;
        to[n++] = (uint8_t)(hex_digit(s.p[i + 1]) * 16 + hex_digit(s.p[i + 2]));
        i += 2;
    }
    return (int64_t)n;
}

/* A decoded copy as a C string. */
static enum rc
decode_c(struct str s, const char *what, char **out, struct err *e)
{
    uint8_t *to = mem_alloc(s.n + 1);
    int64_t n = url_decode(s, to);

    if (n < 0 || memchr(to, 0, (size_t)n) != NULL) {
        mem_wipe(to, s.n);
        mem_free(to);
        return err_set(e, RC_INVALID, "the %s in the Redis address is not well encoded", what);
    }
    to[n] = 0;
    *out = (char *)to;
    return RC_OK;
}

static enum rc
decode_secret(struct str s, struct secret *out, struct err *e)
{
    uint8_t *to = mem_alloc(s.n + 1);
    int64_t n = url_decode(s, to);

    if (n >= 0)
        secret_set(out, str_of(to, (size_t)n));
    mem_wipe(to, s.n);
    mem_free(to);
    if (n < 0) {
        (void)err_set(e, RC_INVALID, "the password in the Redis address is not well encoded");
        return err_hint(e, "write a %% in it as %%25");
    }
    return RC_OK;
}

static enum rc
take_scheme(struct str *url, struct redis_addr *a, struct parts *p, struct err *e)
{
    static const struct {
        const char *name;
        bool tls, is_unix, is_sentinel, is_cluster;
    } known[] = {{"redis", .tls = false},
                 {"rediss", .tls = true},
                 {"valkey", .tls = false},
                 {"valkeys", .tls = true},
                 {"redis-sentinel", .is_sentinel = true},
                 {"rediss-sentinel", .tls = true, .is_sentinel = true},
                 {"redis-cluster", .is_cluster = true},
                 {"rediss-cluster", .tls = true, .is_cluster = true},
                 {"unix", .is_unix = true}};
    char scheme[24] = "";
    size_t n = 0;

    while (n < url->n && n < sizeof(scheme) - 1 && url->p[n] != ':' && url->p[n] != '/')
        n++;
    if (url->n - n < 3 || memcmp(url->p + n, "://", 3) != 0)
        return RC_OK; /* plain host:port */
    for (size_t i = 0; i < n; i++)
        scheme[i] = (char)(url->p[i] >= 'A' && url->p[i] <= 'Z' ? url->p[i] + 32 : url->p[i]);
    *url = url_cut(*url, n + 3, url->n);
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(scheme, known[i].name) == 0) {
            a->tls = known[i].tls;
            p->is_unix = known[i].is_unix;
            p->is_sentinel = known[i].is_sentinel;
            p->is_cluster = known[i].is_cluster;
            return RC_OK;
        }
    }
    (void)err_set(e, RC_INVALID, "the scheme of the Redis address is not known");
    return err_hint(e, "use redis://, rediss://, redis-sentinel://, redis-cluster:// or unix://");
}

/* "host[:port]", "[v6][:port]". */
static enum rc
split_host(struct str at, struct str *host, struct str *port, struct err *e)
{
    size_t end;

    *port = str_of(NULL, 0);
    if (at.n != 0 && at.p[0] == '[') {
        end = url_find(at, ']');
        if (end == at.n || (end + 1 < at.n && at.p[end + 1] != ':'))
            return err_set(e, RC_INVALID, "the bracket in the Redis address is not closed");
        *host = url_cut(at, 1, end);
        end++;
    } else {
        end = url_find(at, ':');
        *host = url_cut(at, 0, end);
    }
    if (end < at.n)
        *port = url_cut(at, end + 1, at.n);
    if (url_find(*port, ':') < port->n) {
        (void)err_set(e, RC_INVALID, "the port in the Redis address is not a number");
        return err_hint(e, "write an IPv6 address in brackets: redis://[::1]:6379");
    }
    return RC_OK;
}

static void
url_split(struct str url, struct parts *p)
{
    size_t at, end = url_find(url, '?');

    if (end < url.n)
        p->query = url_cut(url, end + 1, url.n);
    url = url_cut(url, 0, end);
    /* A password may hold a slash or an at sign that nobody encoded: the last @ counts. */
    at = find_last(url, '@');
    if (at < url.n) {
        p->has_userinfo = true;
        p->userinfo = url_cut(url, 0, at);
        url = url_cut(url, at + 1, url.n);
    }
    if (p->is_unix) {
        p->path = url;
        return;
    }
    end = url_find(url, '/');
    if (end < url.n)
        p->path = url_cut(url, end + 1, url.n);
    p->hosts = url_cut(url, 0, end);
}

static enum rc
set_user(struct redis_addr *a, struct str info, struct err *e)
{
    size_t colon = url_find(info, ':');

    if (colon > 0 && decode_c(url_cut(info, 0, colon), "user name", &a->user, e))
        return err_code(e);
    if (colon + 1 < info.n)
        return decode_secret(url_cut(info, colon + 1, info.n), &a->pass, e);
    return RC_OK;
}

static enum rc
take_host(struct str at, uint16_t preset, char **out, uint16_t *out_port, struct err *e)
{
    struct str host, port;
    uint64_t n = preset;

    if (split_host(at, &host, &port, e))
        return err_code(e);
    if (host.n == 0) {
        (void)err_set(e, RC_INVALID, "the Redis address names no host");
        return err_hint(e, "write redis://host:port");
    }
    if (host.n > HOST_MAX)
        return err_set(e, RC_LIMIT, "the host name in the Redis address is longer than %d bytes",
                       HOST_MAX);
    for (size_t i = 0; i < host.n; i++) {
        if (host.p[i] <= ' ' || host.p[i] >= 0x7f || strchr("%[]\\\"", host.p[i]) != NULL)
            return err_set(e, RC_INVALID,
                           "the host name in the Redis address has a character that "
                           "no host name has");
    }
    if (port.n != 0 && (!str_to_u64(port, &n) || n == 0 || n > UINT16_MAX))
        return err_set(e, RC_INVALID,
                       "the port in the Redis address is not a number from 1 to "
                       "65535");
    *out = mem_strndup((const char *)host.p, host.n);
    *out_port = (uint16_t)n;
    return RC_OK;
}

static int
seed_compare(const void *a, const void *b)
{
    const struct redis_seed *x = a, *y = b;
    int c = strcmp(x->host, y->host);

    return c != 0 ? c : (x->port > y->port) - (x->port < y->port);
}

static void
drop_seeds(struct redis_addr *a)
{
    for (size_t i = 0; i < a->n_seeds; i++)
        mem_free(a->seeds[i].host);
    mem_free(a->seeds);
    mem_free(a->master);
    a->seeds = NULL;
    a->master = NULL;
    a->n_seeds = 0;
}

/* In order, so that one set of them is one text. */
static enum rc
set_seeds(struct redis_addr *a, struct str hosts, uint16_t port, struct err *e)
{
    drop_seeds(a);
    a->seeds = mem_zero(REDIS_SEEDS_MAX, sizeof(*a->seeds));
    while (hosts.n != 0 || a->n_seeds == 0) {
        size_t end = url_find(hosts, ',');
        struct redis_seed *s = &a->seeds[a->n_seeds];

        if (a->n_seeds == REDIS_SEEDS_MAX)
            return err_set(e, RC_LIMIT, "the Redis address names more than %d servers",
                           REDIS_SEEDS_MAX);
        if (take_host(url_cut(hosts, 0, end), port, &s->host, &s->port, e))
            return err_code(e);
        a->n_seeds++;
        hosts = end < hosts.n ? url_cut(hosts, end + 1, hosts.n) : str_of(NULL, 0);
    }
    qsort(a->seeds, a->n_seeds, sizeof(*a->seeds), seed_compare);
    return RC_OK;
}

/* Nodes of a cluster: the first of them stands for all where one is enough. */
static enum rc
set_nodes(struct redis_addr *a, struct str hosts, struct err *e)
{
    a->cluster = true;
    if (set_seeds(a, hosts, REDIS_PORT, e))
        return err_code(e);
    a->host = mem_strdup(a->seeds[0].host);
    a->port = a->seeds[0].port;
    return RC_OK;
}

/* "NAME[/db]": what Sentinels call the server; the database is left in *path. */
static enum rc
set_master(struct redis_addr *a, struct str *path, struct err *e)
{
    size_t end = url_find(*path, '/');

    if (decode_c(url_cut(*path, 0, end), "name", &a->master, e))
        return err_code(e);
    if (a->master[0] == '\0') {
        (void)err_set(e, RC_INVALID,
                      "the Redis address does not say by which name the Sentinels "
                      "know the server");
        return err_hint(e, "write redis-sentinel://host:26379,host:26379/NAME");
    }
    /* As Sentinel itself has it. */
    if (a->master[strspn(a->master, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789.-_")] != '\0')
        return err_set(e, RC_INVALID,
                       "the name in the Redis address has a character that no name "
                       "of a Sentinel has");
    *path = end < path->n ? url_cut(*path, end + 1, path->n) : str_of(NULL, 0);
    return RC_OK;
}

static enum rc
set_path(struct redis_addr *a, struct str path, struct err *e)
{
    if (decode_c(path, "path", &a->path, e))
        return err_code(e);
    if (a->path[0] != '/')
        return err_set(e, RC_INVALID, "the path in the Redis address must start with a slash");
    if (strlen(a->path) > SOCKET_PATH_MAX)
        return err_set(e, RC_LIMIT, "the path in the Redis address is longer than %d bytes",
                       SOCKET_PATH_MAX);
    for (const char *c = a->path; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return err_set(e, RC_INVALID, "the path in the Redis address has a control character");
    }
    return RC_OK;
}

static enum rc
set_db(struct redis_addr *a, struct str text, struct err *e)
{
    uint64_t db;

    if (text.n == 0)
        return RC_OK;
    if (!str_to_u64(text, &db) || db > DB_MAX)
        return err_set(e, RC_INVALID, "the database in the Redis address is not a number");
    a->db = (int64_t)db;
    return RC_OK;
}

static enum rc
set_query(struct redis_addr *a, struct str query, struct err *e)
{
    while (query.n != 0) {
        size_t end = url_find(query, '&');
        struct str one = url_cut(query, 0, end);

        query = end < query.n ? url_cut(query, end + 1, query.n) : str_of(NULL, 0);
        if (one.n < 3 || memcmp(one.p, "db=", 3) != 0)
            return err_set(e, RC_INVALID,
                           "the Redis address has a parameter that is not known "
                           "(only db=N is)");
        if (set_db(a, url_cut(one, 3, one.n), e))
            return err_code(e);
    }
    return RC_OK;
}

char *
redis_host_text(const char *host, uint16_t port)
{
    return mem_printf(strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
}

static enum rc
set_text(struct redis_addr *a, struct err *e)
{
    CLEANUP(mem_free_ptr) char *hosts = NULL, *text = NULL;
    char db[32] = "";

    if (a->db >= 0)
        (void)snprintf(db, sizeof(db), a->path != NULL ? "?db=%lld" : "/%lld", (long long)a->db);
    for (size_t i = 0; i < a->n_seeds; i++) {
        CLEANUP(mem_free_ptr)
        char *before = hosts, *one = redis_host_text(a->seeds[i].host, a->seeds[i].port);

        hosts = mem_printf("%s%s%s", before != NULL ? before : "", before != NULL ? "," : "", one);
    }
    if (a->path != NULL) {
        text = mem_printf("unix://%s%s", a->path, db);
    } else if (a->cluster) {
        text = mem_printf("%s://%s%s", a->tls ? "rediss-cluster" : "redis-cluster", hosts, db);
    } else if (a->master != NULL) {
        text = mem_printf("%s://%s/%s%s", a->tls ? "rediss-sentinel" : "redis-sentinel", hosts,
                          a->master, db);
    } else {
        hosts = redis_host_text(a->host, a->port);
        text = mem_printf("%s://%s%s", a->tls ? "rediss" : "redis", hosts, db);
    }
    if (strlen(text) >= sizeof(a->text))
        return err_set(e, RC_LIMIT,
                       "the Redis address is longer than %d bytes, without what is "
                       "secret in it",
                       REDIS_ADDR_TEXT - 1);
    memcpy(a->text, text, strlen(text) + 1);
    return RC_OK;
}

static enum rc
url_parse(struct str url, struct redis_addr *a, struct err *e)
{
    struct parts p = {.has_userinfo = false};

    if (url.n > URL_MAX)
        return err_set(e, RC_LIMIT, "the Redis address is longer than %d bytes", URL_MAX);
    if (url.n == 0)
        return err_set(e, RC_INVALID, "the Redis address is empty");
    if (take_scheme(&url, a, &p, e))
        return err_code(e);
    url_split(url, &p);
    if (p.has_userinfo && set_user(a, p.userinfo, e))
        return err_code(e);
    if (p.is_unix       ? set_path(a, p.path, e)
        : p.is_cluster  ? set_nodes(a, p.hosts, e)
        : p.is_sentinel ? set_seeds(a, p.hosts, SENTINEL_PORT, e) || set_master(a, &p.path, e)
                        : take_host(p.hosts, REDIS_PORT, &a->host, &a->port, e))
        return err_code(e);
    if (!p.is_unix && set_db(a, p.path, e))
        return err_code(e);
    return set_query(a, p.query, e) ? err_code(e) : set_text(a, e);
}

enum rc
redis_addr_parse(struct str url, const struct secret *pass, struct redis_addr *out, struct err *e)
{
    struct redis_addr a = {.db = -1};

    if (url_parse(url, &a, e)) {
        redis_addr_release(&a);
        return err_code(e);
    }
    if (a.pass.p == NULL && pass != NULL && pass->n != 0)
        secret_set(&a.pass, secret_str(pass));
    a.sentinel.tls = a.tls;
    *out = a;
    return RC_OK;
}

enum rc
redis_addr_behind(struct redis_addr *a, struct str sentinels, struct err *e)
{
    size_t end = url_find(sentinels, '/');
    struct str path =
        end < sentinels.n ? url_cut(sentinels, end + 1, sentinels.n) : str_of(NULL, 0);

    if (set_seeds(a, url_cut(sentinels, 0, end), SENTINEL_PORT, e) || set_master(a, &path, e))
        return err_code(e);
    if (path.n != 0)
        return err_set(e, RC_INVALID,
                       "something follows the name by which Sentinels know the server");
    mem_free(a->host);
    a->host = NULL;
    a->sentinel.tls = a->tls;
    return set_text(a, e);
}

static char *
text_or_null(const char *s)
{
    return s != NULL ? mem_strdup(s) : NULL;
}

void
redis_addr_copy(const struct redis_addr *a, struct redis_addr *out)
{
    *out = (struct redis_addr){.tls = a->tls,
                               .host = text_or_null(a->host),
                               .path = text_or_null(a->path),
                               .port = a->port,
                               .user = text_or_null(a->user),
                               .user_unsure = a->user_unsure,
                               .no_pass = text_or_null(a->no_pass),
                               .db = a->db,
                               .assumed = a->assumed};
    if (a->pass.p != NULL)
        secret_set(&out->pass, secret_str(&a->pass));
    memcpy(out->text, a->text, sizeof(out->text));
}

void
redis_addr_at(const struct redis_addr *a, const char *host, uint16_t port, struct redis_addr *out)
{
    struct err none = ERR_INIT;

    redis_addr_copy(a, out);
    mem_free(out->host);
    out->host = mem_strdup(host);
    out->port = port;
    if (set_text(out, &none) != RC_OK)
        (void)snprintf(out->text, sizeof(out->text), "%.*s", REDIS_ADDR_TEXT - 1, host);
}

void
redis_addr_login(struct redis_addr *a, const struct redis_login *l)
{
    mem_free(a->user);
    a->tls = l->tls;
    a->user = text_or_null(l->user);
    a->user_unsure = false;
    secret_release(&a->pass);
    if (l->pass.p != NULL)
        secret_set(&a->pass, secret_str(&l->pass));
}

void
redis_addr_release(struct redis_addr *a)
{
    drop_seeds(a);
    mem_free(a->sentinel.user);
    secret_release(&a->sentinel.pass);
    mem_free(a->host);
    mem_free(a->path);
    mem_free(a->user);
    mem_free(a->no_pass);
    secret_release(&a->pass);
    a->host = a->path = a->user = a->no_pass = a->sentinel.user = NULL;
}

const char *
redis_addr_text(const struct redis_addr *a)
{
    return a->text;
}

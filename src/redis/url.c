/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "redis/url.h"

enum { URL_MAX = 64 * 1024, HOST_MAX = 253, SOCKET_PATH_MAX = 107, DB_MAX = 1 << 24 };

struct parts {
    struct str userinfo, host, port, path, query;
    bool has_userinfo, is_unix;
};

static struct str
url_cut(struct str s, size_t from, size_t to)
{
    return str_of(s.p + from, to - from);
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
        bool tls, is_unix;
    } known[] = {{"redis", false, false},
                 {"rediss", true, false},
                 {"valkey", false, false},
                 {"valkeys", true, false},
                 {"unix", false, true}};
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
            return RC_OK;
        }
    }
    if (strcmp(scheme, "redis-sentinel") == 0 || strcmp(scheme, "redis-cluster") == 0) {
        (void)err_set(e, RC_UNSUPPORTED, "%s:// addresses are not supported yet", scheme);
        return err_hint(e, "give the address of one server as redis://host:port");
    }
    (void)err_set(e, RC_INVALID, "the scheme of the Redis address is not known");
    return err_hint(e, "use redis://, rediss:// or unix://");
}

static enum rc
url_split(struct str url, struct parts *p, struct err *e)
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
        return RC_OK;
    }
    end = url_find(url, '/');
    if (end < url.n)
        p->path = url_cut(url, end + 1, url.n);
    url = url_cut(url, 0, end);
    if (url.n != 0 && url.p[0] == '[') {
        end = url_find(url, ']');
        if (end == url.n || (end + 1 < url.n && url.p[end + 1] != ':'))
            return err_set(e, RC_INVALID, "the bracket in the Redis address is not closed");
        p->host = url_cut(url, 1, end);
        end++;
    } else {
        end = url_find(url, ':');
        p->host = url_cut(url, 0, end);
    }
    if (end < url.n)
        p->port = url_cut(url, end + 1, url.n);
    if (url_find(p->port, ':') < p->port.n) {
        (void)err_set(e, RC_INVALID, "the port in the Redis address is not a number");
        return err_hint(e, "write an IPv6 address in brackets: redis://[::1]:6379");
    }
    return RC_OK;
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
set_host(struct redis_addr *a, const struct parts *p, struct err *e)
{
    uint64_t port = REDIS_PORT;

    if (p->host.n == 0) {
        (void)err_set(e, RC_INVALID, "the Redis address names no host");
        return err_hint(e, "write redis://host:port");
    }
    if (p->host.n > HOST_MAX)
        return err_set(e, RC_LIMIT, "the host name in the Redis address is longer than %d bytes",
                       HOST_MAX);
    for (size_t i = 0; i < p->host.n; i++) {
        if (p->host.p[i] <= ' ' || p->host.p[i] >= 0x7f || strchr("%[]\\\"", p->host.p[i]) != NULL)
            return err_set(e, RC_INVALID,
                           "the host name in the Redis address has a character that "
                           "no host name has");
    }
    if (p->port.n != 0 && (!str_to_u64(p->port, &port) || port == 0 || port > UINT16_MAX))
        return err_set(e, RC_INVALID,
                       "the port in the Redis address is not a number from 1 to "
                       "65535");
    a->host = mem_strndup((const char *)p->host.p, p->host.n);
    a->port = (uint16_t)port;
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

static void
set_text(struct redis_addr *a)
{
    char db[32] = "";

    if (a->path != NULL) {
        if (a->db >= 0)
            (void)snprintf(db, sizeof(db), "?db=%lld", (long long)a->db);
        (void)snprintf(a->text, sizeof(a->text), "unix://%s%s", a->path, db);
        return;
    }
    if (a->db >= 0)
        (void)snprintf(db, sizeof(db), "/%lld", (long long)a->db);
    (void)snprintf(a->text, sizeof(a->text),
                   strchr(a->host, ':') != NULL ? "%s://[%s]:%u%s" : "%s://%s:%u%s",
                   a->tls ? "rediss" : "redis", a->host, (unsigned)a->port, db);
}

static enum rc
url_parse(struct str url, struct redis_addr *a, struct err *e)
{
    struct parts p = {.has_userinfo = false};

    if (url.n > URL_MAX)
        return err_set(e, RC_LIMIT, "the Redis address is longer than %d bytes", URL_MAX);
    if (url.n == 0)
        return err_set(e, RC_INVALID, "the Redis address is empty");
    if (take_scheme(&url, a, &p, e) || url_split(url, &p, e))
        return err_code(e);
    if (p.has_userinfo && set_user(a, p.userinfo, e))
        return err_code(e);
    if (p.is_unix ? set_path(a, p.path, e) : set_host(a, &p, e))
        return err_code(e);
    if (!p.is_unix && set_db(a, p.path, e))
        return err_code(e);
    return set_query(a, p.query, e);
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
    set_text(&a);
    *out = a;
    return RC_OK;
}

void
redis_addr_release(struct redis_addr *a)
{
    mem_free(a->host);
    mem_free(a->path);
    mem_free(a->user);
    mem_free(a->no_pass);
    secret_release(&a->pass);
    a->host = a->path = a->user = a->no_pass = NULL;
}

const char *
redis_addr_text(const struct redis_addr *a)
{
    return a->text;
}

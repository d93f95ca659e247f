/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/redis_opts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum { SILENCE_MS = 10 * 1000 };

enum sentinel_tls { SENTINEL_TLS_SAME, SENTINEL_TLS_YES, SENTINEL_TLS_NO };
static const char *const sentinel_tls_words[] = {"same", "yes", "no", NULL};

const struct opt opts_redis[] = {
    {"redis", 0, OPT_TEXT(struct redis_access, url), "URL",
     "redis://[user[:password]@]host[:port][/db], rediss://, unix:///path, "
     "redis-sentinel://host[:port],.../NAME[/db], redis-cluster://host[:port],... "
     "[redis://127.0.0.1]"},
    {"redis-password-file", 0, OPT_FILE(struct redis_access, password_file), NULL,
     "file with the password of Redis [$REDISCLI_AUTH]"},
    {"sentinel-user", 0, OPT_TEXT(struct redis_access, sentinel_user), "NAME",
     "user name at the Sentinels"},
    {"sentinel-password-file", 0, OPT_FILE(struct redis_access, sentinel_password_file), NULL,
     "file with the password of the Sentinels"},
    {"sentinel-tls", 0, OPT_ENUM(struct redis_access, sentinel_tls, sentinel_tls_words, "same"),
     NULL, "use TLS with the Sentinels: as with the servers, yes or no"},
    {"sentinel-cacert", 0, OPT_FILE(struct redis_access, sentinel_cacert), NULL,
     "CA certificates to verify the Sentinels with, if they are others"},
    {"wait", 0, OPT_MS(struct redis_access, wait_ms, NULL), NULL,
     "how long to wait for a server that is loading, busy or silent [5m], or prepares its snapshot "
     "[6h]"},
    {.name = NULL},
};

/* Patience, but never none. */
static void
redis_patience(int wait_ms, struct conn_opts *opts)
{
    if (wait_ms == OPT_UNSET)
        return;
    opts->wait_ms = wait_ms > 0 ? wait_ms : -1;
    opts->reply_ms = opts->prepare_ms = MAX(wait_ms, SILENCE_MS);
}

/* How to reach the Sentinels and log in there, which may differ from the servers. */
static enum rc
redis_sentinel(const struct redis_access *a, struct redis_addr *addr, struct conn_opts *opts,
               struct err *e)
{
    bool given = a->sentinel_user != NULL || a->sentinel_password_file != NULL ||
                 a->sentinel_tls != SENTINEL_TLS_SAME || a->sentinel_cacert != NULL;

    if (!given)
        return RC_OK;
    if (addr->master == NULL)
        return err_set(e, RC_USAGE, "--sentinel-... options are for redis-sentinel:// addresses");
    if (a->sentinel_tls != SENTINEL_TLS_SAME)
        addr->sentinel.tls = a->sentinel_tls == SENTINEL_TLS_YES;
    if (a->sentinel_cacert != NULL) {
        if (!addr->sentinel.tls)
            return err_set(e, RC_USAGE, "--sentinel-cacert needs --sentinel-tls yes");
        opts->sentinel_tls.cacert = a->sentinel_cacert;
        opts->sentinel_tls.cacert_dir = NULL;
    }
    if (a->sentinel_user != NULL && a->sentinel_password_file == NULL)
        return err_set(e, RC_USAGE, "--sentinel-user needs --sentinel-password-file");
    if (a->sentinel_user != NULL)
        addr->sentinel.user = mem_strdup(a->sentinel_user);
    return a->sentinel_password_file == NULL
               ? RC_OK
               : secret_from_file(a->sentinel_password_file, &addr->sentinel.pass, e);
}

enum rc
app_redis(const struct redis_access *a, struct redis_addr *addr, struct conn_opts *opts,
          struct err *e)
{
    struct secret pass = {0};
    const char *env = getenv("REDISCLI_AUTH"), *tls = tls_opts_given(&a->tls);
    enum rc rc = RC_OK;

    memset(opts, 0, sizeof(*opts));
    opts->tls = opts->sentinel_tls = a->tls;
    redis_patience(a->wait_ms, opts);
    if (a->password_file != NULL)
        rc = secret_from_file(a->password_file, &pass, e);
    else if (env != NULL && env[0] != '\0')
        secret_set(&pass, str_c(env));
    if (rc == RC_OK)
        rc = redis_addr_parse(str_c(a->url != NULL ? a->url : "redis://127.0.0.1"),
                              pass.p == NULL ? NULL : &pass, addr, e);
    secret_release(&pass);
    addr->assumed = a->url == NULL;
    if (rc == RC_INVALID)
        e->code = rc = RC_USAGE; /* the address is one of the command line */
    if (rc == RC_OK && redis_sentinel(a, addr, opts, e)) {
        redis_addr_release(addr);
        return err_code(e);
    }
    if (rc == RC_OK && !addr->tls && !addr->sentinel.tls && tls != NULL) {
        (void)err_set(e, RC_USAGE, "--%s needs a connection with TLS, and %s is without", tls,
                      redis_addr_text(addr));
        redis_addr_release(addr);
        return err_hint(e, "use --redis rediss://HOST:PORT, or leave --%s out", tls);
    }
    return rc;
}

enum rc
app_source_open(const struct redis_access *a, const struct source_opts *how,
                const struct filter *keys, struct app_source *s, struct err *e)
{
    memset(s, 0, sizeof(*s));
    if (app_redis(a, &s->addr, &s->conn, e))
        return err_code(e);
    s->opts = *how;
    s->opts.filter = *keys;
    s->opts.addr = &s->addr;
    s->opts.conn = &s->conn;
    if (s->opts.filter.dbs.n == 0) /* redis://host/3 means database 3 */
        s->opts.filter.dbs = db_set_of(s->addr.db);
    return RC_OK;
}

void
app_source_close(struct app_source *s)
{
    redis_addr_release(&s->addr);
}

enum rc
app_open_input(const char *path, int *fd, struct err *e)
{
    *fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? RC_OK : err_sys(e, errno, "could not open %s", path);
}

void
app_close_input(int fd)
{
    if (fd != STDIN_FILENO)
        (void)close(fd);
}

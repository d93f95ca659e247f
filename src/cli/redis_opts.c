/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/redis_opts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"

enum { SILENCE_MS = 10 * 1000 };

const struct opt opts_redis[] = {
    {"redis", 0, OPT_TEXT, OPT_AT(redis), "URL",
     "redis://[user[:password]@]host[:port][/db], rediss://, unix:///path [redis://127.0.0.1]"},
    {"redis-password-file", 0, OPT_TEXT, OPT_AT(redis_password_file), "FILE",
     "file with the password of Redis [$REDISCLI_AUTH]"},
    {"cacert", 0, OPT_TEXT, OPT_AT(cacert), "FILE", "CA certificates to verify the server with"},
    {"cacertdir", 0, OPT_TEXT, OPT_AT(cacert_dir), "DIR", "directory with CA certificates"},
    {"cert", 0, OPT_TEXT, OPT_AT(cert), "FILE", "client certificate"},
    {"key", 0, OPT_TEXT, OPT_AT(key), "FILE", "private key of the client certificate"},
    {"sni", 0, OPT_TEXT, OPT_AT(sni), "NAME", "server name for SNI and verification"},
    {"insecure", 0, OPT_FLAG, OPT_AT(insecure), NULL, "do not verify the server's certificate"},
    {"wait", 0, OPT_TEXT, OPT_AT(wait), "TIME",
     "how long to wait for a server that is loading, busy or silent [5m], or prepares its snapshot "
     "[6h]"},
    {.name = NULL},
};

const struct opt opts_filter[] = {
    {"db", 0, OPT_TEXT, OPT_AT(db), "N", "only this database"},
    {"match", 0, OPT_TEXT, OPT_AT(match), "GLOB", "only keys whose names match"},
    {.name = NULL},
};

const struct opt opts_source[] = {
    {"source", 0, OPT_TEXT, OPT_AT(source), "auto|replication|scan",
     "how to read the server [auto: replication, else scan]"},
    {"format", 0, OPT_TEXT, OPT_AT(format), "commands|restore",
     "plain commands, or RESTORE payloads for the same or newer servers [commands]"},
    {"psync", 0, OPT_TEXT, OPT_AT(psync), "NAME", "name of a renamed PSYNC command"},
    {.name = NULL},
};

enum rc
app_redis(const struct args *a, struct redis_addr *addr, struct conn_opts *opts, struct err *e)
{
    struct secret pass = {0};
    const char *env = getenv("REDISCLI_AUTH");
    enum rc rc = RC_OK;

    memset(opts, 0, sizeof(*opts));
    opts->tls = (struct tls_opts){.cacert = a->cacert,
                                  .cacert_dir = a->cacert_dir,
                                  .cert = a->cert,
                                  .key = a->key,
                                  .sni = a->sni,
                                  .insecure = a->insecure};
    if (a->wait != NULL && app_parse_ms(a->wait, "wait", &opts->wait_ms, e))
        return e->code;
    if (a->wait != NULL) /* patience, but never none */
        opts->reply_ms = opts->prepare_ms = MAX(opts->wait_ms, SILENCE_MS);
    if (a->wait != NULL && opts->wait_ms == 0)
        opts->wait_ms = -1;
    if (a->redis_password_file != NULL)
        rc = secret_from_file(a->redis_password_file, &pass, e);
    else if (env != NULL && env[0] != '\0')
        secret_set(&pass, str_c(env));
    if (rc == RC_OK)
        rc = redis_addr_parse(str_c(a->redis != NULL ? a->redis : "redis://127.0.0.1"),
                              pass.p == NULL ? NULL : &pass, addr, e);
    secret_release(&pass);
    addr->assumed = a->redis == NULL;
    if (rc == RC_INVALID)
        e->code = rc = RC_USAGE; /* the address is one of the command line */
    if (rc == RC_OK && !addr->tls && (a->cacert != NULL || a->cert != NULL || a->sni != NULL))
        log_warn("TLS options are given, but the address is not rediss://; they are not used");
    return rc;
}

enum rc
app_filter(const struct args *a, struct filter *out, struct err *e)
{
    uint64_t db;

    *out = (struct filter)FILTER_ALL;
    out->match = a->match;
    if (a->db == NULL)
        return RC_OK;
    if (!str_to_u64(str_c(a->db), &db) || db > INT32_MAX)
        return err_set(e, RC_USAGE, "--db %s is not the number of a database", a->db);
    out->db = (int64_t)db;
    return RC_OK;
}

enum rc
app_source_open(const struct args *a, struct app_source *s, struct err *e)
{
    static const char *const kinds[] = {"auto", "replication", "scan", NULL};
    static const char *const formats[] = {"commands", "restore", NULL};
    int kind, format;

    memset(s, 0, sizeof(*s));
    if (app_word(a->source, "source", kinds, &kind, e) ||
        app_word(a->format, "format", formats, &format, e) || app_filter(a, &s->opts.filter, e) ||
        app_redis(a, &s->addr, &s->conn, e))
        return e->code;
    s->opts.kind = (enum source_kind)kind;
    s->opts.format = format == 0 ? DUMP_COMMANDS : DUMP_RESTORE;
    s->opts.psync = a->psync;
    s->opts.addr = &s->addr;
    s->opts.conn = &s->conn;
    if (s->opts.filter.db == FILTER_ALL_DBS) /* redis://host/3 means database 3 */
        s->opts.filter.db = s->addr.db;
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

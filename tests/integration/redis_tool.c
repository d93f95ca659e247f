/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_tool -- drives src/redis from the outside, for the black-box tests.
 *
 *   redis_tool info URL
 *   redis_tool rdb URL [disk] [slow=MS] [stall=MS] [trickle=MS]   receive a snapshot
 *   redis_tool replica URL [out=FILE] [restore]             dump through replication
 *   redis_tool scan URL [out=FILE] [restore] [plain] [big=BYTES] [batch=BYTES] [count=N]
 *   redis_tool load URL in=FILE [skip|fail|flush] [dry] [window=N] [allow=NAME]
 *
 * All: [match=GLOB] [db=N] [connect=MS] [silence=MS] [prepare=MS] [wait=MS] [cacert=F] [cacertdir=D] [cert=F] [key=F] [sni=NAME]
 * [insecure], and the password in REDISCLI_AUTH. Results are "name value" lines; `digest` is that
 * of the data.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dump/convert.h"
#include "redis/load.h"
#include "redis/replica.h"
#include "redis/scan.h"

struct args {
    int argc;
    char **argv;
};

/* The value of NAME=VALUE, "" for a bare NAME, NULL without it. */
static const char *
arg(const struct args *a, const char *name)
{
    size_t n = strlen(name);

    for (int i = 0; i < a->argc; i++) {
        if (strncmp(a->argv[i], name, n) == 0 && (a->argv[i][n] == '=' || a->argv[i][n] == '\0'))
            return a->argv[i] + n + (a->argv[i][n] == '=' ? 1 : 0);
    }
    return NULL;
}

static uint64_t
num(const struct args *a, const char *name, uint64_t without)
{
    const char *v = arg(a, name);

    return v != NULL ? strtoull(v, NULL, 10) : without;
}

static struct filter
filter_of(const struct args *a)
{
    struct filter f = FILTER_ALL;

    f.match.v[0] = arg(a, "match");
    f.match.n = f.match.v[0] != NULL;
    f.dbs = db_set_of((int64_t)num(a, "db", UINT64_MAX));
    return f;
}

static void
say(const char *name, uint64_t v)
{
    printf("%s %llu\n", name, (unsigned long long)v);
}

static enum rc
open_conn(struct ctx *cx, const char *url, const struct args *a, struct conn **c, struct err *e)
{
    struct redis_addr addr;
    struct secret pass = {.p = NULL};
    const char *env = getenv("REDISCLI_AUTH");
    struct conn_opts opts = {.tls = {.cacert = arg(a, "cacert"),
                                     .cacert_dir = arg(a, "cacertdir"),
                                     .cert = arg(a, "cert"),
                                     .key = arg(a, "key"),
                                     .sni = arg(a, "sni"),
                                     .insecure = arg(a, "insecure") != NULL},
                             .connect_ms = (int)num(a, "connect", 0),
                             .reply_ms = (int)num(a, "silence", 0),
                             .prepare_ms = (int)num(a, "prepare", 0),
                             .wait_ms = (int)num(a, "wait", 0)};
    enum rc rc;

    if (env != NULL)
        secret_set(&pass, str_c(env));
    rc = redis_addr_parse(str_c(url), &pass, &addr, e);
    secret_release(&pass);
    if (rc)
        return rc;
    if (conn_open(cx, &addr, &opts, c, e))
        (void)err_wrap(e, "could not open %s", redis_addr_text(&addr));
    redis_addr_release(&addr);
    return e->code;
}

/* A stream that sleeps before every read, and once more before the second one. */
struct slow_rd {
    struct rd rd;
    struct rd *from;
    struct ctx *cx;
    int ms, stall_ms;
    unsigned reads;
};

static enum rc
slow_read(struct rd *base, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct slow_rd *s = CONTAINER_OF(base, struct slow_rd, rd);

    if (s->reads++ == 1 && s->stall_ms > 0 && ctx_sleep(s->cx, s->stall_ms, e))
        return err_code(e);
    if (s->ms > 0 && ctx_sleep(s->cx, s->ms, e))
        return err_code(e);
    return rd_read(s->from, p, n, got, e);
}

static enum rc
attach(struct ctx *cx, const char *url, const struct args *a, struct replica **r, struct err *e)
{
    struct replica_opts opts = {.disk = arg(a, "disk") != NULL,
                                .trickle_ms = (int)num(a, "trickle", 0)};
    struct conn *c;

    if (open_conn(cx, url, a, &c, e))
        return err_code(e);
    if (replica_open(cx, c, &opts, r, e)) {
        printf("refused %d\n", replica_refused(e));
        conn_close(c);
        return err_code(e);
    }
    return RC_OK;
}

static void
print_facts(struct replica *r, uint64_t rdb_bytes, uint64_t keys)
{
    struct replica_facts f = replica_facts(r);

    printf("replid %s\noffset %llu\ndiskless %d\nlength %llu\nrdb_only %d\nrdb_bytes %llu\nkeys "
           "%llu\n",
           f.replid, (unsigned long long)f.offset, f.diskless, (unsigned long long)f.length,
           f.rdb_only, (unsigned long long)rdb_bytes, (unsigned long long)keys);
}

static enum rc
run_rdb(struct ctx *cx, const char *url, const struct args *a, struct err *e)
{
    struct slow_rd rd = {.rd = {.read = slow_read},
                         .cx = cx,
                         .ms = (int)num(a, "slow", 0),
                         .stall_ms = (int)num(a, "stall", 0)};
    struct replica *r;
    struct rdb *rdb;
    struct rdb_item item = {.kind = RDB_AUX};
    uint64_t keys = 0;

    if (attach(cx, url, a, &r, e))
        return err_code(e);
    rd.from = replica_rd(r);
    rdb = rdb_new(&rd.rd);
    while (e->code == RC_OK && item.kind != RDB_END) {
        if (rdb_next(rdb, &item, e) == RC_OK)
            keys += item.kind == RDB_KEY;
    }
    if (e->code == RC_OK && replica_finish(r, rdb_leftover(rdb), e) == RC_OK)
        print_facts(r, rdb_at(rdb), keys);
    rdb_free(rdb);
    replica_close(r);
    return e->code;
}

static void
say_tally(const struct dataset_digest *t)
{
    char text[TALLY_DIGEST_TEXT];
    const struct dataset_digest_db *dbs;
    size_t n;

    dbs = dataset_digest_dbs(t, &n);
    for (size_t i = 0; i < n; i++)
        printf("db%llu %llu %s\n", (unsigned long long)dbs[i].n,
               (unsigned long long)dataset_digest_db_total(&dbs[i]).keys,
               dataset_digest_sum_text(dbs[i].digest, text));
    printf("digest %s\n", dataset_digest_sum_text(dataset_digest_whole(t), text));
    say("keys", dataset_digest_keys(t));
}

/* Where a dump goes: a file, or nowhere. */
struct sink {
    struct wr_fd fd;
    struct wr_null null;
    struct encoder *enc;
    struct dataset_digest *tally;
    struct tee tee;
};

static enum rc
sink_open(struct ctx *cx, struct sink *s, const struct args *a, struct err *e)
{
    const char *path = arg(a, "out");
    int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (path != NULL && fd < 0)
        return err_set(e, RC_IO, "could not open %s", path);
    wr_null_init(&s->null);
    wr_fd_init(&s->fd, cx, fd, path);
    s->enc = encoder_new(fd < 0 ? &s->null.wr : &s->fd.wr,
                         arg(a, "restore") != NULL ? DUMP_RESTORE : DUMP_COMMANDS);
    s->tally = dataset_digest_new();
    s->tee = (struct tee){.enc = s->enc, .tally = s->tally};
    return encoder_begin(s->enc, PART_WHOLE, e);
}

static void
sink_close(struct sink *s)
{
    encoder_free(s->enc);
    dataset_digest_free(s->tally);
    if (s->fd.fd >= 0)
        (void)close(s->fd.fd);
}

static enum rc
run_replica(struct ctx *cx, const char *url, const struct args *a, struct err *e)
{
    struct convert_opts opts = {.format = arg(a, "restore") != NULL ? DUMP_RESTORE : DUMP_COMMANDS,
                                .filter = filter_of(a)};
    struct convert_facts facts;
    struct replica *r;
    struct rdb *rdb;
    struct sink s;

    if (sink_open(cx, &s, a, e))
        return err_code(e);
    if (attach(cx, url, a, &r, e)) {
        sink_close(&s);
        return err_code(e);
    }
    rdb = rdb_new(replica_rd(r));
    if (convert_rdb(cx, rdb, &opts, s.enc, s.tally, &facts, e) == RC_OK &&
        replica_finish(r, rdb_leftover(rdb), e) == RC_OK && encoder_end(s.enc, NULL, e) == RC_OK)
        say_tally(s.tally);
    rdb_free(rdb);
    replica_close(r);
    sink_close(&s);
    return e->code;
}

static enum rc
run_scan(struct ctx *cx, const char *url, const struct args *a, struct err *e)
{
    struct scan_opts opts = {.format = arg(a, "restore") != NULL ? DUMP_RESTORE : DUMP_COMMANDS,
                             .filter = filter_of(a),
                             .plain = arg(a, "plain") != NULL,
                             .access = arg(a, "access") != NULL,
                             .count = (uint32_t)num(a, "count", 0),
                             .big_bytes = num(a, "big", 0),
                             .batch_bytes = num(a, "batch", 0)};
    struct scan_result res;
    struct conn *c;
    struct sink s;

    if (open_conn(cx, url, a, &c, e) || sink_open(cx, &s, a, e))
        return err_code(e);
    if (scan_run(cx, c, &opts, tee_on, &s.tee, &res, e) == RC_OK &&
        encoder_end(s.enc, NULL, e) == RC_OK) {
        say_tally(s.tally);
        say("read", res.keys);
        say("vanished", res.vanished);
        say("reread", res.reread);
        say("functions", res.functions);
        say("plain", res.plain);
    }
    conn_close(c);
    sink_close(&s);
    return e->code;
}

static void
say_load(const struct load_result *r)
{
    say("bytes", r->bytes);
    say("commands", r->commands);
    say("confirmed", r->confirmed);
    say("sent_keys", r->keys);
    say("there", r->keys_there);
    say("skipped", r->skipped_keys);
    say("filtered", r->filtered_keys);
    say("lost_pending", r->lost_pending);
    say("errors", r->n_errors);
    for (uint64_t i = 0; i < MIN(r->n_errors, (uint64_t)LOAD_ERRORS_KEPT); i++)
        printf("error %s %s %s\n", r->errors[i].verb, r->errors[i].key, r->errors[i].text);
}

static enum rc
run_load(struct ctx *cx, const char *url, const struct args *a, struct err *e)
{
    struct load_opts opts = {.filter = filter_of(a),
                             .dry_run = arg(a, "dry") != NULL,
                             .window_commands = (uint32_t)num(a, "window", 0),
                             .existing = arg(a, "skip")    ? LOAD_SKIP
                                         : arg(a, "fail")  ? LOAD_FAIL
                                         : arg(a, "flush") ? LOAD_FLUSH
                                                           : LOAD_REPLACE};
    const char *allow = arg(a, "allow");
    struct load_result res;
    struct masters to = {.n = 0};
    struct conn *c = NULL;
    struct dataset_digest *t = NULL;
    struct rd_fd in;
    int fd = open(arg(a, "in"), O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set(e, RC_IO, "could not open the dump");
    rd_fd_init(&in, cx, fd, "the dump");
    if (!opts.dry_run && open_conn(cx, url, a, &c, e))
        return err_code(e);
    if (c != NULL)
        masters_of_one(c, &to);
    opts.allow = &allow;
    opts.n_allow = allow != NULL ? 1 : 0;
    if (arg(a, "tally") != NULL) {
        t = dataset_digest_new();
        opts.on = dataset_digest_on;
        opts.on_arg = t;
    }
    (void)!load_run(cx, &to, &in.rd, &opts, &res, e);
    say_load(&res);
    if (e->code == RC_OK && t != NULL)
        say_tally(t);
    dataset_digest_free(t);
    masters_close(&to);
    (void)close(fd);
    return e->code;
}

static enum rc
run_info(struct ctx *cx, const char *url, const struct args *a, struct err *e)
{
    struct conn_info info;
    struct conn *c;
    char name[80];

    if (open_conn(cx, url, a, &c, e))
        return err_code(e);
    if (conn_info(cx, c, &info, e) == RC_OK) {
        printf("%s\nversion %u\nmode %s\nrole %s\ncluster %d\n",
               info_name(&info, name, sizeof(name)), info.redis_version, info.mode, info.role,
               info.cluster_enabled);
        for (size_t i = 0; i < info.n_dbs; i++)
            printf("db%llu keys %llu expires %llu\n", (unsigned long long)info.dbs[i].n,
                   (unsigned long long)info.dbs[i].keys, (unsigned long long)info.dbs[i].expires);
        conn_info_release(&info);
    }
    conn_close(c);
    return e->code;
}

int
main(int argc, char **argv)
{
    struct args a = {.argc = argc - 3, .argv = argv + 3};
    struct err e = ERR_INIT;
    struct ctx cx;
    enum rc rc = RC_INVALID;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: redis_tool COMMAND URL [NAME[=VALUE]...]\n");
        return 2;
    }
    if (ctx_init(&cx, &e)) {
        log_err(&e);
        return 1;
    }
    if (strcmp(argv[1], "rdb") == 0)
        rc = run_rdb(&cx, argv[2], &a, &e);
    else if (strcmp(argv[1], "replica") == 0)
        rc = run_replica(&cx, argv[2], &a, &e);
    else if (strcmp(argv[1], "scan") == 0)
        rc = run_scan(&cx, argv[2], &a, &e);
    else if (strcmp(argv[1], "load") == 0)
        rc = run_load(&cx, argv[2], &a, &e);
    else if (strcmp(argv[1], "info") == 0)
        rc = run_info(&cx, argv[2], &a, &e);
    else
        rc = err_set(&e, RC_INVALID, "no such command: %s", argv[1]);
    if (rc) {
        printf("rc %s\n", rc_name(rc));
        log_err(&e);
    }
    ctx_release(&cx);
    return rc ? 1 : 0;
}

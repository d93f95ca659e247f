/* SPDX-License-Identifier: Apache-2.0 */
#include "job/throwaway.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    ARGS_MAX = 48,
    NUMBER_TEXT = 24,
    START_MS = 60 * 1000,
    POLL_MS = 20,
    SHUT_DOWN_MS = 20 * 1000,
    KEEPER_TRIES = 500,
    LOG_SHOWN = 200,
    PROC_MAX = 64 * 1024,
    DATABASES = 16
};

#define KIB UINT64_C(1024)

/* ---- how much memory there is ---- */

/* The number behind `name` at the beginning of a line; UINT64_MAX: there is none. */
static uint64_t
file_number(const char *path, const char *name)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(PROC_MAX);
    struct err none = ERR_INIT;
    const char *at;

    if (fs_read_file(path, &text, &none))
        return UINT64_MAX;
    for (at = buf_c(&text); at != NULL && strncmp(at, name, strlen(name)) != 0;
         at = strchr(at, '\n') != NULL ? strchr(at, '\n') + 1 : NULL)
        ;
    if (at == NULL)
        return UINT64_MAX;
    at += strlen(name);
    at += strspn(at, " \t");
    return *at >= '0' && *at <= '9' ? strtoull(at, NULL, 10) : UINT64_MAX;
}

/* What the cgroup leaves: its limit less what it uses and cannot give back. */
static uint64_t
cgroup_left(void)
{
    static const struct {
        const char *limit, *used, *stat, *cache;
    } kinds[] = {{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current",
                  "/sys/fs/cgroup/memory.stat", "inactive_file "},
                 {"/sys/fs/cgroup/memory/memory.limit_in_bytes",
                  "/sys/fs/cgroup/memory/memory.usage_in_bytes",
                  "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file "}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        uint64_t limit = file_number(kinds[i].limit, ""), used = file_number(kinds[i].used, ""),
                 cache = file_number(kinds[i].stat, kinds[i].cache);

        if (limit == UINT64_MAX || used == UINT64_MAX)
            continue;
        used -= cache != UINT64_MAX ? MIN(cache, used) : 0;
        return limit - MIN(used, limit);
    }
    return UINT64_MAX;
}

uint64_t
throwaway_free_memory(void)
{
    uint64_t kib = file_number("/proc/meminfo", "MemAvailable:");

    return MIN(kib < UINT64_MAX / KIB ? kib * KIB : UINT64_MAX, cgroup_left());
}

/* ---- the child ---- */

/* Its last words, one line. */
static void
child_words(const struct throwaway *t, char *to, size_t n)
{
    char text[LOG_SHOWN + 1];
    off_t size = t->log >= 0 ? lseek(t->log, 0, SEEK_END) : 0;
    ssize_t got = size > 0 ? pread(t->log, text, LOG_SHOWN, MAX(size - LOG_SHOWN, (off_t)0)) : 0;

    text[MAX(got, (ssize_t)0)] = '\0';
    while (got > 0 && text[got - 1] == '\n')
        text[--got] = '\0';
    (void)snprintf(to, n, "%s%s", got > 0 ? ": " : "", text);
}

bool
throwaway_ended(struct throwaway *t, char why[static THROWAWAY_WHY])
{
    int status;
    char words[LOG_SHOWN + 8];

    if (t->pid == 0 || waitpid(t->pid, &status, WNOHANG) != t->pid)
        return false;
    t->pid = 0;
    child_words(t, words, sizeof(words));
    (void)snprintf(why, THROWAWAY_WHY, "the throw-away server ended (%s %d)%s",
                   WIFSIGNALED(status) ? "signal" : "exit code",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), words);
    return true;
}

/* Between fork and exec only calls that are safe in a signal handler. */
static pid_t
child_spawn(char *const *argv, int log, int null_fd)
{
    pid_t parent = getpid(), pid = fork();
    sigset_t none;

    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0); /* a Ctrl-C is for us; we end it */
    if (dup2(null_fd, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(127);
    (void)execv(argv[0], argv);
    _exit(127);
}

static enum rc
child_start(struct throwaway *t, const char *program, const struct throwaway_opts *o, struct err *e)
{
    char memory[NUMBER_TEXT], bulk[NUMBER_TEXT], databases[NUMBER_TEXT];
    const char *argv[ARGS_MAX] = {
        program,     "--port",      "0",       "--unixsocket", t->socket, "--unixsocketperm",
        "700",       "--dir",       t->folder, "--save",       "",        "--appendonly",
        "no",        "--daemonize", "no",      "--logfile",    "",        "--maxmemory-policy",
        "noeviction"};
    size_t n = 19;
    int null_fd;

    (void)snprintf(memory, sizeof(memory), "%llu", (unsigned long long)t->max_memory);
    (void)snprintf(bulk, sizeof(bulk), "%llu", (unsigned long long)o->longest);
    (void)snprintf(databases, sizeof(databases), "%llu",
                   (unsigned long long)MAX(o->databases, (uint64_t)DATABASES));
    argv[n++] = "--databases";
    argv[n++] = databases;
    if (t->max_memory != 0 && t->max_memory != UINT64_MAX) {
        argv[n++] = "--maxmemory";
        argv[n++] = memory;
    }
    if (o->longest > CONN_BULK_DEFAULT) {
        argv[n++] = "--proto-max-bulk-len";
        argv[n++] = bulk;
    }
    t->log = memfd_create("throwaway-log", MFD_CLOEXEC);
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (t->log < 0 || null_fd < 0)
        return err_sys(e, errno, "could not open what the throw-away server needs");
    t->pid = child_spawn((char *const *)(uintptr_t)argv, t->log, null_fd);
    (void)close(null_fd);
    if (t->pid < 0) {
        t->pid = 0;
        return err_sys(e, errno, "could not start %s", program);
    }
    return RC_OK;
}

/* ---- its folder ---- */

static enum rc
folder_make(struct throwaway *t, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    struct sockaddr_un un;

    for (int i = 0; i < 2; i++) {
        t->folder = mem_printf("%s/cstash-verify.XXXXXX", i == 0 && tmp != NULL ? tmp : "/tmp");
        if (strlen(t->folder) + sizeof("/redis.sock") <= sizeof(un.sun_path))
            break;
        mem_free(TAKE(t->folder)); /* no address of a socket can be so long */
    }
    if (mkdtemp(t->folder) == NULL) { /* 0700 */
        (void)err_sys(e, errno, "could not make the folder %s for the throw-away server",
                      t->folder);
        mem_free(TAKE(t->folder));
        return err_code(e);
    }
    t->socket = mem_printf("%s/redis.sock", t->folder);
    return RC_OK;
}

/* In the keeper: when whoever made the folder closes his end, or dies, it goes. Only calls that are safe after fork. */
static void
keeper_main(const struct throwaway *t, int end)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000 * 1000};
    char none;

    (void)setsid(); /* what is meant for the group of the others is not meant for it */
    while (read(end, &none, 1) < 0 && errno == EINTR)
        ;
    for (int tries = 0; tries < KEEPER_TRIES; tries++) { /* the server may be about to bind */
        (void)unlink(t->socket);
        if (rmdir(t->folder) == 0 || errno == ENOENT)
            break;
        (void)nanosleep(&pause, NULL);
    }
    _exit(0);
}

/* A process that does nothing but remove the folder, so that it is gone also where this one is killed. */
static enum rc
folder_keep(struct throwaway *t, struct err *e)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(e, errno, "could not make a pipe");
    t->keeper = fork();
    if (t->keeper == 0) {
        (void)close(ends[1]);
        keeper_main(t, ends[0]);
    }
    (void)close(ends[0]);
    t->keeper_end = ends[1];
    if (t->keeper > 0)
        return RC_OK;
    t->keeper = 0;
    (void)close(ends[1]);
    return err_sys(e, errno, "could not start a process");
}

static void
folder_remove(struct throwaway *t)
{
    int status;

    if (t->keeper != 0) {
        (void)close(t->keeper_end);
        (void)waitpid(t->keeper, &status, 0);
        t->keeper = 0;
    } else if (t->folder != NULL) {
        (void)rmdir(t->folder);
    }
    mem_free(TAKE(t->folder));
}

/* ---- connected ---- */

/* Is the socket there? It waits for one that is about to be. */
static enum rc
throwaway_wait(struct ctx *cx, struct throwaway *t, int ms, struct err *e)
{
    int64_t until = clock_mono_ms() + ms;
    char why[THROWAWAY_WHY];

    while (access(t->socket, F_OK) != 0) {
        if (throwaway_ended(t, why))
            return err_set(e, RC_UNVERIFIED, "%s", why);
        if (clock_mono_ms() > until)
            return err_set(e, RC_UNVERIFIED, "no server came up at %s within %d s", t->socket,
                           ms / 1000);
        if (ctx_sleep(cx, POLL_MS, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
throwaway_connect(struct ctx *cx, struct throwaway *t, struct err *e)
{
    CLEANUP(mem_free_ptr) char *url = mem_printf("unix://%s", t->socket);
    const struct conn_opts opts = {.wait_ms = START_MS};
    int64_t until = clock_mono_ms() + START_MS;
    struct redis_addr addr = {.host = NULL};
    enum rc rc = redis_addr_parse(str_c(url), NULL, &addr, e);

    while (rc == RC_OK) {
        char why[THROWAWAY_WHY];
        struct err last = ERR_INIT;

        rc = conn_open(cx, &addr, &opts, &t->conn, &last);
        if (rc == RC_UNAVAILABLE && throwaway_ended(t, why))
            rc = err_set(&last, RC_UNVERIFIED, "%s", why);
        if (rc != RC_UNAVAILABLE ||
            clock_mono_ms() > until) { /* it may be bound and not yet heard */
            *e = last;
            break;
        }
        rc = ctx_sleep(cx, POLL_MS, e);
    }
    redis_addr_release(&addr);
    return rc;
}

/* It must be one that nobody uses: nothing is overwritten that somebody might miss. */
static enum rc
throwaway_know(struct ctx *cx, struct throwaway *t, struct err *e)
{
    if (conn_info(cx, t->conn, &t->info, e))
        return err_code(e);
    (void)info_name(&t->info, t->name, sizeof(t->name));
    if (t->info.n_dbs != 0 || strcmp(t->info.role, "master") != 0 || t->info.cluster_enabled)
        return err_set(e, RC_INVALID,
                       "the server at %s is not one to throw away: it holds keys, is a replica, or "
                       "is part of a cluster",
                       t->socket);
    if (t->max_memory == 0)
        t->max_memory = t->info.maxmemory;
    return RC_OK;
}

static enum rc
throwaway_run(struct ctx *cx, const struct throwaway_opts *o, struct throwaway *t, struct err *e)
{
    CLEANUP(mem_free_ptr) char *program = NULL;

    if (o->socket != NULL) {
        t->socket = mem_strdup(o->socket);
        return throwaway_wait(cx, t, START_MS, e);
    }
    program = o->program != NULL ? mem_strdup(o->program) : fs_find_program("redis-server");
    if (program == NULL)
        program = fs_find_program("valkey-server");
    if (program == NULL) {
        (void)err_set(
            e, RC_UNVERIFIED,
            "there is neither redis-server nor valkey-server in the PATH to load it into");
        return err_hint(e, "install one, or name it with --server");
    }
    if (access(program, X_OK) != 0)
        return err_sys(e, errno, "cannot run the server %s", program);
    t->max_memory = o->max_memory != 0 ? o->max_memory : throwaway_free_memory();
    if (folder_make(t, e) || folder_keep(t, e) || child_start(t, program, o, e))
        return err_code(e);
    return throwaway_wait(cx, t, START_MS, e);
}

enum rc
throwaway_open(struct ctx *cx, const struct throwaway_opts *o, struct throwaway *t, struct err *e)
{
    struct err why = ERR_INIT;
    enum rc rc;

    t->log = -1;
    rc = throwaway_run(cx, o, t, &why);
    if (rc == RC_OK)
        rc = throwaway_connect(cx, t, &why);
    folder_remove(t); /* who is connected needs it no more */
    if (rc == RC_OK)
        rc = throwaway_know(cx, t, &why);
    if (rc == RC_OK)
        return RC_OK;
    *e = why;
    if (rc != RC_CANCELLED && rc != RC_TIMEOUT)
        e->code = RC_UNVERIFIED;
    return err_code(e);
}

void
throwaway_close(struct throwaway *t)
{
    int status;

    conn_close(TAKE(t->conn));
    if (t->pid != 0) { /* it has nothing to save */
        (void)kill(t->pid, SIGKILL);
        (void)waitpid(t->pid, &status, 0);
    }
    t->pid = 0;
    if (t->log >= 0)
        (void)close(t->log);
    t->log = -1;
    folder_remove(t);
    mem_free(TAKE(t->socket));
    conn_info_release(&t->info);
}

enum rc
throwaway_await(struct ctx *cx, const char *socket, struct err *e)
{
    struct throwaway t = {.log = -1, .socket = (char *)(uintptr_t)socket};

    return throwaway_wait(cx, &t, THROWAWAY_AWAIT_MS, e);
}

void
throwaway_shut_down(const char *socket)
{
    struct throwaway t = {.log = -1, .socket = (char *)(uintptr_t)socket};
    struct ctx own;
    struct err why = ERR_INIT;
    struct reply r;

    if (access(socket, F_OK) != 0 || ctx_init(&own, &why))
        return;
    own.until = clock_mono_ms() + SHUT_DOWN_MS;
    if (throwaway_connect(&own, &t, &why) == RC_OK &&
        CONN_CALL(&own, t.conn, &r, &why, STR_LIT("SHUTDOWN"), STR_LIT("NOSAVE")) == RC_OK)
        log_warn("the throw-away server at %s does not end", socket); /* it would hang up */
    conn_close(t.conn);
    ctx_release(&own);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "cli/up.h"

enum { ARGV_MAX = 16, AGAIN_MS = 2000, GRACE_MS = 5000 };

struct child {
    char *argv[ARGV_MAX + 1];
    char *log_path;
    struct ctx cx; /* over: stop */
    pthread_t thread;
};

/* Between fork and exec only calls that are safe in a signal handler. */
static pid_t
child_spawn(struct child *c, int log_fd, int null_fd)
{
    pid_t parent = getpid(), pid = fork();
    sigset_t none;

    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0); /* a Ctrl-C is for us; we tell it */
    if (dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
        _exit(127);
    (void)execv(c->argv[0], c->argv);
    _exit(127);
}

static void
child_end(pid_t pid, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    (void)kill(pid, SIGTERM);
    if (poll(&p, 1, GRACE_MS) == 0)
        (void)kill(pid, SIGKILL);
}

/* One life of the program; true: we were told to stop. */
static bool
child_live(struct child *c, int log_fd, int null_fd)
{
    pid_t pid = child_spawn(c, log_fd, null_fd);
    struct err e = ERR_INIT;
    short ready = 0;
    int fd, status;
    bool stop;

    if (pid < 0)
        return ctx_sleep(&c->cx, AGAIN_MS, &e) != RC_OK;
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    stop = ctx_wait(&c->cx, fd, POLLIN, -1, &ready, &e) != RC_OK;
    if (stop)
        child_end(pid, fd);
    (void)waitpid(pid, &status, 0);
    (void)close(fd);
    if (stop)
        return true;
    log_warn("%s ended (%s %d), it is started again; its output is in %s", c->argv[0],
             WIFEXITED(status) ? "exit code" : "signal",
             WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), c->log_path);
    return ctx_sleep(&c->cx, AGAIN_MS, &e) != RC_OK;
}

static void *
keep_alive(void *arg)
{
    struct child *c = (struct child *)arg;
    int log_fd = open(c->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
        null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    while (!child_live(c, log_fd >= 0 ? log_fd : null_fd, null_fd))
        ;
    (void)close(log_fd);
    (void)close(null_fd);
    return NULL;
}

static void
child_free(struct child *c)
{
    ctx_release(&c->cx);
    for (size_t i = 0; c->argv[i] != NULL; i++)
        mem_free(c->argv[i]);
    mem_free(c->log_path);
    mem_free(c);
}

enum rc
child_start(const char *const *argv, const char *log_path, struct child **out, struct err *e)
{
    struct child *c = MEM_NEW(struct child);
    enum rc rc;

    if (ctx_init(&c->cx, e)) {
        mem_free(c);
        return err_code(e);
    }
    for (size_t i = 0; argv[i] != NULL && i < ARGV_MAX; i++)
        c->argv[i] = mem_strdup(argv[i]);
    c->log_path = mem_strdup(log_path);
    rc = thread_start(&c->thread, "child", keep_alive, c, e);
    if (rc == RC_OK)
        *out = c;
    else
        child_free(c);
    return rc;
}

void
child_stop(struct child *c)
{
    if (c == NULL)
        return;
    ctx_cancel(&c->cx);
    (void)pthread_join(c->thread, NULL);
    child_free(c);
}

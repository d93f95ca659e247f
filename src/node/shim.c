/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim: one small process per container, between it and the plane. It outlives the plane, so
 * the container's log goes on and somebody is there to see how it ends. Read process.h first.
 *
 * The order of its writes: C.pid without a pid; then the process begins; C.pid with it; at the end
 * C.exit, and only then the lock goes. Killed between two of them it leaves a container that is
 * "lost", never one that is started twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "node/cgroup.h"
#include "node/container_log.h"
#include "node/node.h"
#include "node/process.h"

enum { LINGER_MS = 1000, SIGNALLED = 128 };

struct shim {
    const char *dir, *name;
    struct json *spec, *pid_file;
    struct container_log log;
    struct cgroup cgroup;
    char **argv, **env;
    int out_fd, child_fd; /* the container's output; SIGCHLD */
    pid_t pid;
    int exec_errno;
    char began[INSTANT_TEXT];
};

static const char *
shim_now(char to[static INSTANT_TEXT])
{
    struct instant t = instant_now();

    t.nsec = 0;
    t.zone = 0;
    return instant_format(t, to);
}

static enum rc
shim_write_pid(struct shim *s, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/%s.pid", s->dir, s->name);

    json_set(s->pid_file, "attempt", json_clone(json_field(s->spec, "attempt")));
    json_set_int(s->pid_file, "shim", getpid());
    json_set_cstr(s->pid_file, "startedAt", s->began);
    if (s->pid > 0) {
        json_set_int(s->pid_file, "pid", s->pid);
        json_set_int(s->pid_file, "start", proc_start_time(s->pid));
    }
    return proc_write_json(path, s->pid_file, e);
}

/* In the child, where nothing may fail quietly: the errno goes to `tell`. */
NORETURN static void
shim_exec(const struct shim *s, int out, int tell)
{
    const char *cwd = json_text(json_field(s->spec, "cwd"));
    int64_t uid = json_int_or(json_field(s->spec, "uid"), -1);
    int64_t gid = json_int_or(json_field(s->spec, "gid"), -1);
    sigset_t none;
    int err;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)setsid();
    cgroup_enter(&s->cgroup);
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
        goto fail;
    if (gid >= 0 && (setgroups(0, NULL) != 0 || setgid((gid_t)gid) != 0))
        goto fail;
    if (uid >= 0 && setuid((uid_t)uid) != 0)
        goto fail;
    if (cwd != NULL && chdir(cwd) != 0)
        goto fail;
    (void)execve(json_text_or(json_field(s->spec, "program"), ""), s->argv, s->env);
fail:
    err = errno;
    if (write(tell, &err, sizeof(err)) != (ssize_t)sizeof(err))
        _exit(SHIM_CANNOT_EXECUTE);
    _exit(SHIM_CANNOT_RUN);
}

static enum rc
shim_begin(struct shim *s, struct err *e)
{
    int out[2], tell[2];
    sigset_t child;

    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, NULL);
    s->child_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->child_fd < 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(tell, O_CLOEXEC) != 0)
        return err_sys(e, errno, "could not make a pipe");
    s->pid = fork();
    if (s->pid < 0)
        return err_sys(e, errno, "could not fork");
    if (s->pid == 0)
        shim_exec(s, out[1], tell[1]);
    (void)close(out[1]);
    (void)close(tell[1]);
    s->out_fd = out[0];
    if (read(tell[0], &s->exec_errno, sizeof(s->exec_errno)) != (ssize_t)sizeof(s->exec_errno))
        s->exec_errno = 0;
    (void)close(tell[0]);
    (void)fcntl(s->out_fd, F_SETFL, O_NONBLOCK);
    return RC_OK;
}

/* False: the end of the output. */
static bool
shim_take_output(struct shim *s)
{
    char some[16 * 1024];
    ssize_t n;

    while ((n = read(s->out_fd, some, sizeof(some))) > 0)
        container_log_add(&s->log, some, (size_t)n);
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Copy output until the process has ended; a little longer for what it left in the pipe. */
static int
shim_wait(struct shim *s)
{
    bool open = true, ended = false;
    int64_t until = 0;
    int status = 0;

    while (!ended || (open && clock_mono_ms() < until)) {
        struct pollfd fds[2] = {{.fd = s->child_fd, .events = POLLIN},
                                {.fd = open ? s->out_fd : -1, .events = POLLIN}};
        struct signalfd_siginfo info;
        int left = ended ? (int)MAX(until - clock_mono_ms(), 0) : -1;
        (void)poll(fds, 2, left);
        if (open && fds[1].revents != 0)
            open = shim_take_output(s);
        if (fds[0].revents != 0 && read(s->child_fd, &info, sizeof(info)) < 0)
            continue;
        if (!ended && waitpid(s->pid, &status, WNOHANG) == s->pid) {
            ended = true;
            until = clock_mono_ms() + LINGER_MS;
            (void)kill(-s->pid, SIGKILL); /* with the first process all of a container end */
        }
    }
    container_log_end(&s->log);
    return status;
}

static void
shim_write_exit(struct shim *s, int status)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/%s.exit", s->dir, s->name);
    CLEANUP(json_free_ptr) struct json *j = json_new_object();
    struct err bad = ERR_INIT;
    char now[INSTANT_TEXT];
    bool failed = status != 0;
    int code = WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
    const char *reason = failed ? "Error" : "Completed";

    if (cgroup_leave(&s->cgroup) && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        reason = "OOMKilled";
    json_set(j, "attempt", json_clone(json_field(s->spec, "attempt")));
    if (s->exec_errno != 0) {
        char why[128];
        CLEANUP(mem_free_ptr)
        char *message =
            mem_printf("could not run %s: %s", json_text_or(json_field(s->spec, "program"), ""),
                       strerror_r(s->exec_errno, why, sizeof(why)));
        code = s->exec_errno == ENOENT ? SHIM_CANNOT_RUN : SHIM_CANNOT_EXECUTE;
        reason = "ContainerCannotRun";
        json_set_cstr(j, "message", message);
    } else if (failed && json_is_true(json_field(s->spec, "tail"))) {
        struct str tail = container_log_tail(&s->log);
        if (tail.n > 0)
            json_set(j, "message", json_new_str(tail));
    }
    json_set_int(j, "exitCode", code);
    if (WIFSIGNALED(status))
        json_set_int(j, "signal", WTERMSIG(status));
    json_set_cstr(j, "reason", reason);
    json_set_cstr(j, "startedAt", s->began);
    json_set_cstr(j, "finishedAt", shim_now(now));
    if (proc_write_json(path, j, &bad))
        log_error("%s", bad.msg); /* then it counts as lost */
}

int
node_shim_main(int argc, char **argv)
{
    struct shim s = {0};
    struct err e = ERR_INIT;
    int status;

    if (argc != 2 || fcntl(SHIM_LOCK_FD, F_SETFD, FD_CLOEXEC) != 0)
        return 2; /* nobody's business but the plane's */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)umask(077);
    s.dir = argv[0];
    s.name = argv[1];
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/%s.spec", s.dir, s.name);
    s.spec = proc_read_json(path);
    (void)unlink(path);
    if (s.spec == NULL)
        return 1;
    s.pid_file = json_new_object();
    s.argv = proc_strings(json_field(s.spec, "argv"));
    s.env = proc_strings(json_field(s.spec, "env"));
    (void)shim_now(s.began);
    container_log_open(&s.log, json_text_or(json_field(s.spec, "log"), "/dev/null"),
                       json_text_or(json_field(s.spec, "previous"), "/dev/null"),
                       json_int_or(json_field(s.spec, "logMax"), 0));
    cgroup_make(&s.cgroup, json_text(json_field(s.spec, "cgroup")),
                json_int_or(json_field(s.spec, "memoryMax"), 0));
    if (shim_write_pid(&s, &e) || shim_begin(&s, &e) || shim_write_pid(&s, &e))
        return 1; /* lost, as the plane will see */
    status = shim_wait(&s);
    shim_write_exit(&s, status);
    container_log_close(&s.log);
    mem_free(s.argv);
    mem_free(s.env);
    json_free(s.spec);
    json_free(s.pid_file);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"

enum { FILE_MAX_BYTES = 4 * 1024 * 1024, STAT_START = 22, TREE_FDS = 16 };

/* ---- files ---- */

enum rc
proc_write_json(const char *path, const struct json *j, struct err *e)
{
    CLEANUP(mem_free_ptr) char *text = json_to_text(j, false);

    return fs_write_file(path, str_c(text), 0600, e);
}

struct json *
proc_read_json(const char *path)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(FILE_MAX_BYTES);
    struct json *j = NULL;
    struct err e = ERR_INIT;

    if (fs_read_file(path, &text, &e) || json_parse(buf_str(&text), &j, &e))
        return NULL;
    return j;
}

static int
tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

void
proc_remove_tree(const char *path)
{
    (void)nftw(path, tree_remove_one, TREE_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ---- processes ---- */

long long
proc_start_time(pid_t pid)
{
    char path[64], text[1024];
    const char *at;
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    at = strrchr(text, ')'); /* the name may hold anything; field 3 follows */
    for (int field = 2; at != NULL && field < STAT_START; field++) {
        at = strchr(at, ' ');
        at = at != NULL ? at + 1 : NULL;
    }
    return at != NULL ? strtoll(at, NULL, 10) : 0;
}

void
proc_signal(const struct proc_state *s, int sig)
{
    if (s->pid > 1 && s->start != 0 && proc_start_time(s->pid) == s->start)
        (void)kill(-s->pid, sig);
}

void
proc_release(struct proc_state *s)
{
    json_free(s->file);
    *s = (struct proc_state){.phase = PROC_NONE};
}

/* Does a shim hold the lock? */
static bool
proc_is_locked(const char *dir, const char *name)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/%s.lock", dir, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool held;

    if (fd < 0)
        return false;
    held = flock(fd, LOCK_SH | LOCK_NB) != 0;
    (void)close(fd);
    return held;
}

static int
proc_attempt(const struct json *file)
{
    return (int)json_int_or(json_field(file, "attempt"), 0);
}

/* The shim is gone without a word: killed, or the machine went down. What it ran must go too. */
static struct json *
proc_write_lost(const char *path, const struct proc_state *s)
{
    struct json *j = json_new_object();
    struct err bad = ERR_INIT;
    char now[INSTANT_TEXT];
    struct instant t = instant_now();

    t.nsec = 0;
    t.zone = 0;
    proc_signal(s, SIGKILL);
    json_set_int(j, "attempt", s->attempt);
    json_set_int(j, "exitCode", SHIM_LOST);
    json_set_cstr(j, "reason", "ContainerStatusUnknown");
    json_set_cstr(j, "message", "the process was lost while the control plane was down");
    json_set_cstr(j, "startedAt", json_text(json_field(s->file, "startedAt")));
    json_set_cstr(j, "finishedAt", instant_format(t, now));
    if (proc_write_json(path, j, &bad))
        log_debug("%s", bad.msg); /* the next look writes it */
    return j;
}

void
proc_look(const char *dir, const char *name, struct proc_state *out)
{
    CLEANUP(mem_free_ptr) char *pid_path = mem_printf("%s/%s.pid", dir, name);
    CLEANUP(mem_free_ptr) char *exit_path = mem_printf("%s/%s.exit", dir, name);
    bool lives = proc_is_locked(dir, name);
    struct json *end = proc_read_json(exit_path);

    *out = (struct proc_state){.phase = lives ? PROC_RUNNING : PROC_NONE,
                               .file = proc_read_json(pid_path)};
    if (out->file != NULL) {
        out->attempt = proc_attempt(out->file);
        out->shim = (pid_t)json_int_or(json_field(out->file, "shim"), 0);
        out->pid = (pid_t)json_int_or(json_field(out->file, "pid"), 0);
        out->start = json_int_or(json_field(out->file, "start"), 0);
    }
    if (lives && end != NULL && proc_attempt(end) >= out->attempt) {
        /* it is about to end, or the next attempt is about to begin: its C.pid will tell */
        out->pid = 0;
        out->shim = 0;
    }
    if (!lives && out->file != NULL && (end == NULL || proc_attempt(end) < out->attempt)) {
        json_free(end);
        end = proc_write_lost(exit_path, out);
    }
    if (!lives && end != NULL) {
        json_free(out->file);
        out->file = TAKE(end);
        out->phase = PROC_ENDED;
        out->attempt = proc_attempt(out->file);
        out->code = (int)json_int_or(json_field(out->file, "exitCode"), SHIM_LOST);
        out->sig = (int)json_int_or(json_field(out->file, "signal"), 0);
    }
    json_free(end);
}

/* The shim begins with the lock in its hands: there is no moment at which it cannot be seen. */
static enum rc
proc_spawn(const char *dir, const char *name, int lock_fd, pid_t *shim, struct err *e)
{
    char *const argv[] = {(char *)(uintptr_t) "cstash", (char *)(uintptr_t) "pod-shim",
                          (char *)(uintptr_t)dir, (char *)(uintptr_t)name, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int err;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&files, lock_fd, SHIM_LOCK_FD);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &all);
    err = posix_spawn(shim, "/proc/self/exe", &files, &attr, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attr);
    return err == 0 ? RC_OK : err_sys(e, err, "could not start a process");
}

enum rc
proc_start(const char *dir, const char *name, struct json *spec, int attempt, pid_t *shim,
           struct err *e)
{
    CLEANUP(mem_free_ptr) char *lock_path = mem_printf("%s/%s.lock", dir, name);
    CLEANUP(mem_free_ptr) char *spec_path = mem_printf("%s/%s.spec", dir, name);
    int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), high;
    enum rc rc = RC_OK;

    if (fd < 0)
        return err_sys(e, errno, "could not open %s", lock_path);
    high = fcntl(fd, F_DUPFD_CLOEXEC, SHIM_LOCK_FD + 1); /* dup2 onto itself would keep CLOEXEC */
    (void)close(fd);
    if (high < 0)
        return err_sys(e, errno, "could not open %s", lock_path);
    if (flock(high, LOCK_EX | LOCK_NB) != 0)
        rc = err_set(e, RC_EXISTS, "the container %s runs already", name);
    json_set_int(spec, "attempt", attempt);
    if (rc == RC_OK)
        rc = proc_write_json(spec_path, spec, e);
    if (rc == RC_OK)
        rc = proc_spawn(dir, name, high, shim, e);
    (void)close(high);
    return rc;
}

char **
proc_strings(const struct json *list)
{
    char **all = (char **)mem_zero(json_size(list) + 1, sizeof(char *));

    for (size_t i = 0; i < json_size(list); i++)
        all[i] = (char *)(uintptr_t)json_text_or(json_elem(list, i), "");
    return all;
}

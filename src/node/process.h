/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_PROCESS_H
#define NODE_PROCESS_H

/*
 * node/process -- the process of a container, through files in the folder of its Pod, so that
 * whoever asks need not be who started it.
 *
 * Shape    a shim (shim.c) per container starts it, writes its log, waits for it and says how
 *          it ended. In the folder, for a container named C:
 *            C.lock  held (flock) by the shim from before its birth to its end: it lives
 *            C.spec  what to run; the shim removes it
 *            C.pid   {attempt, shim, pid, start, startedAt}; start: field 22 of /proc/PID/stat, by
 *                    which a number that was given to another process is told
 *            C.exit  {attempt, exitCode, signal, startedAt, finishedAt, reason, message}, written
 *                    whole or not at all
 *          Neither lock nor C.exit, but C.pid: lost. None of them: never started.
 * Threads  one at a time per container, but for proc_look.
 * Tests    process_test.c
 */
#include <stdbool.h>
#include <sys/types.h>

#include "json/node.h"

enum proc_phase { PROC_NONE, PROC_RUNNING, PROC_ENDED };

struct proc_state {
    enum proc_phase phase;
    int attempt;       /* counts from 0 */
    pid_t shim, pid;   /* 0: not known (yet) */
    long long start;   /* of pid */
    int code, sig;     /* of PROC_ENDED */
    struct json *file; /* C.pid or C.exit: startedAt and so on; may be NULL */
};

/* Look. A process that was lost gets its C.exit now. proc_release what it gives. */
void proc_look(const char *dir, const char *name, struct proc_state *out);
void proc_release(struct proc_state *s);

/* Start a shim; `spec` gets `attempt`. RC_EXISTS: one lives already. */
NODISCARD enum rc proc_start(const char *dir, const char *name, struct json *spec, int attempt,
                             pid_t *shim, struct err *e);
/* To the container's process group, if it is still the same process. */
void proc_signal(const struct proc_state *s, int sig);

/* Field 22 of /proc/PID/stat; 0: there is no such process. */
long long proc_start_time(pid_t pid);

/* Replace a file: whole or not at all. */
NODISCARD enum rc proc_write_json(const char *path, const struct json *j, struct err *e);
/* NULL: not there, or no JSON. */
struct json *proc_read_json(const char *path);
/* With all that is in it; symbolic links are not followed. */
void proc_remove_tree(const char *path);

/* Texts as execve wants them, borrowed from `list`; the array: mem_free. */
char **proc_strings(const struct json *list);

/* What the shim and its starter share. */
enum { SHIM_LOCK_FD = 3, SHIM_LOST = 137, SHIM_CANNOT_RUN = 127, SHIM_CANNOT_EXECUTE = 126 };

#endif

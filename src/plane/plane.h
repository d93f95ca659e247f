/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_PLANE_H
#define PLANE_PLANE_H

/*
 * plane/plane -- a Kubernetes API server in this process: its objects in a folder, reached by a
 * call or over HTTPS by any client.
 *
 * Shape    open a folder, add hooks, take a transport for the controllers, serve for people.
 *          In the folder, all of it for its owner only: lock, state.db, kubeconfig, token,
 *          ca.crt, server.crt, server.key, pods/UID/CONTAINER.log.
 * Threads  everything may be called from any thread once the hooks are set.
 * Tests    *_test.c beside the sources, tests/integration/kubectl.bats
 */
#include <sys/types.h>

#include "base/ctx.h"
#include "json/node.h"
#include "kube/transport.h"

struct plane;

/* See validation/field_errors.h. */
struct field_errors;

/*
 * What the controllers know better than the store. Each may be NULL; called from many threads,
 * before the write, without locks.
 */
struct plane_exec {
    pid_t pid;    /* a child of this process, which leads a group of its own */
    int out, err; /* what it prints */
};
struct plane_hooks {
    /* Look at `obj`, about to replace `old` (NULL: created); add what is wrong. */
    void (*check)(void *arg, const char *kind, const struct json *old, const struct json *obj,
                  struct field_errors *to);
    /* Run `argv` in a container of `pod` that runs. Who asked takes the descriptors, and waits for the process. */
    enum rc (*exec)(void *arg, struct plane *p, struct ctx *cx, const struct json *pod,
                    const char *container, const struct json *argv, struct plane_exec *out,
                    struct err *e);
    void *arg;
};

struct plane_opts {
    int64_t keep_revisions; /* of the log for watches; 0: DB_KEEP */
    int bookmark_s;         /* 0: 60 */
};

/* `opts` may be NULL. RC_LOCKED: another process has the folder ("already running as pid N"). */
NODISCARD enum rc plane_open(const char *dir, const struct plane_opts *opts, struct plane **out,
                             struct err *e);
/* Ends serving. Transports and their streams must be gone. NULL is fine. */
void plane_close(struct plane *p);
void plane_set_hooks(struct plane *p, const struct plane_hooks *hooks);
const char *plane_dir(const struct plane *p);

/* Requests by a call, with every right. Free it before the plane. */
struct kube_transport *plane_transport(struct plane *p);

/* May the plane listen there? */
bool plane_on_loopback(const char *where);
/*
 * Listen on "127.0.0.1:PORT" (loopback only: RC_INVALID) with TLS and a token, in threads of its
 * own until plane_close, and write the kubeconfig. Once per plane.
 */
NODISCARD enum rc plane_serve(struct plane *p, const char *where, struct err *e);
/* The file that kubectl wants; valid until plane_close. */
const char *plane_kubeconfig(const struct plane *p);

/*
 * Where a container's output belongs, one line as "RFC3339-time text"; "kubectl logs" reads it
 * there. `previous`: of the run before. The caller frees; the folder is made.
 */
char *plane_log_path(struct plane *p, const char *pod_uid, const char *container, bool previous);

#endif

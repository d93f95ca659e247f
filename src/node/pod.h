/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_POD_H
#define NODE_POD_H

/* node/pod -- one look at a Pod, and the status that follows from it. */
#include "node/node_internal.h"

struct pod_container {
    const struct json *spec;
    const char *name;
    struct proc_state proc;
    struct pod_trouble why; /* why it does not start; reason NULL: nothing is wrong */
    bool restarts;          /* it ended and will run again */
};

struct pod_list {
    struct pod_container *all;
    size_t n;
};

struct pod_visit {
    struct node *r;
    struct json *pod;
    struct json *before; /* the Pod as it was when the containers were looked at, or NULL */
    char *dir, *key;
    struct pod_list init, main;
    struct ctl_result *out;
    bool initialized;
    struct pod_trouble why;                     /* of the volumes */
    const char *failed_reason, *failed_message; /* the Pod as a whole failed */
};

/* Write the status as a kubelet would. */
NODISCARD enum rc pod_write_status(struct ctx *cx, struct pod_visit *p, struct err *e);
/* The status alone; for tests. The caller frees. */
struct json *pod_status(const struct pod_visit *p);

/*
 * A Pod of this name with another uid (NULL: any) had a folder: end what runs there and remove it.
 * False: not yet, come again. Then `uid` is the one that is remembered (pod_dirs.c).
 */
bool pod_clean_other(struct node *r, const char *key, const char *uid, struct ctl_result *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H

/*
 * kube/watch -- what happens to objects, as it happens.
 *
 * Why      kube_watch is one request. kube_reflect is what a cache needs: the world, then every
 *          change of it, for ever, whatever happens to the connections.
 * Threads  a watch belongs to one thread; the reflector runs in its caller's.
 * Tests    kube_test.c
 */
#include "kube/kube.h"

enum kube_event_type {
    KUBE_END, /* the server ended the watch; go on with another from the last version */
    KUBE_ADDED,
    KUBE_MODIFIED,
    KUBE_DELETED,
    KUBE_BOOKMARK /* only metadata.resourceVersion says something */
};

struct kube_watch;

struct kube_watch_opts {
    const char *label_selector, *field_selector;
    const char *resource_version; /* begin after this one; NULL: synthetic ADDED for all, first */
    int timeout_s;                /* the server ends it then; 0: its own choice */
    bool no_managed_fields;       /* as in kube.h */
};

/* `cx` must stay until kube_watch_close. RC_CONFLICT with e->sys 410: the version is too old. */
NODISCARD enum rc kube_watch_open(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                                  const char *ns, const struct kube_watch_opts *o,
                                  struct kube_watch **out, struct err *e);
/*
 * Wait for the next event; `*obj` is the caller's (NULL for KUBE_END). An ERROR event is an error
 * as kube.h says. A connection that breaks is RC_UNAVAILABLE or KUBE_END. After an error or
 * KUBE_END only close.
 */
NODISCARD enum rc kube_watch_next(struct kube_watch *w, enum kube_event_type *type,
                                  struct json **obj, struct err *e);
void kube_watch_close(struct kube_watch *w);

/* Who takes what the reflector sees. All in its thread; objects are borrowed (json_ref keeps). */
struct kube_sink {
    void (*start)(struct kube_sink *s); /* a list begins; one begun before was broken off */
    void (*item)(struct kube_sink *s, struct json *obj);
    void (*finish)(struct kube_sink *s); /* the list is complete: what it did not name is gone */
    void (*event)(struct kube_sink *s, enum kube_event_type type, struct json *obj);
    void (*trouble)(struct kube_sink *s, const struct err *e); /* it goes on; may be NULL */
};

struct kube_reflect_opts {
    const char *label_selector, *field_selector;
    int page;                     /* 0: 500 */
    int min_wait_ms, max_wait_ms; /* between tries after errors; 0: 800 ms and 30 s */
    bool ask_first; /* kube_serves before each list: it is not listed where it cannot be watched */
};

/*
 * List, watch, resume, list again when the server has forgotten (410). Objects come without
 * metadata.managedFields. Returns only when `cx` is over, with its error. `o` may be NULL.
 */
NODISCARD enum rc kube_reflect(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                               const char *ns, const struct kube_reflect_opts *o,
                               struct kube_sink *sink, struct err *e);

#endif

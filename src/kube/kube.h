/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_KUBE_H
#define KUBE_KUBE_H

/*
 * kube/kube -- the verbs of the Kubernetes API, over any transport.
 *
 * Why      everything above speaks of kinds and objects; paths, pages, status codes, rate limits
 *          and retries end here.
 * Shape    one struct kube per identity. Objects are JSON trees (json/node.h). `ns` is ignored for
 *          kinds without a namespace; NULL means all namespaces where a list or a watch is meant.
 *          `out` may be NULL; else it gets the answer, which the caller frees. Answers always carry
 *          apiVersion and kind, items of lists too.
 * Threads  any number of calls at once.
 * Errors   RC_NOT_FOUND 404, RC_EXISTS 409 with reason AlreadyExists, RC_CONFLICT other 409 and
 *          410, RC_DENIED 401 and 403, RC_INVALID 400, 405, 415 and 422, RC_LIMIT 413,
 *          RC_UNAVAILABLE with retry 429, 5xx, a 403 as of kube_knows_no_roles, and what the
 *          transport says. e->sys is the HTTP status (0: there was no answer), the message is the
 *          server's, e->after_ms its wish.
 *
 * Retries  429, 503 with Retry-After and such a 403; of verbs that may be repeated (GET, PUT) also
 *          5xx and connections that failed before an answer. Up to kube_opts.tries, with back-off
 *          and jitter. Nothing else. An update that was made and lost its answer ends as
 *          RC_CONFLICT; kube_modify goes on then.
 *
 * Source   Kubernetes API concepts; apimachinery Status.
 *
 * Tests    kube_test.c, tests/conformance/kube_suite.c
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "json/node.h"
#include "kube/transport.h"

struct kube;

struct kube_opts {
    double qps;          /* requests a second, watches not counted; 0: no limit */
    unsigned burst;      /* 0: twice the qps */
    const char *manager; /* field manager of our writes; NULL: "cstash". Copied. */
    int tries;           /* of one call; 0: 5, some seconds */
};

/* Takes the transport; `o` may be NULL. */
struct kube *kube_new(struct kube_transport *take, const struct kube_opts *o);
void kube_free(struct kube *k);

/* What was asked of the server so far; any thread. */
struct kube_stats {
    uint64_t requests; /* sent, watches and second tries included */
    uint64_t delayed;  /* of them: answered with "later" */
};
struct kube_stats kube_stats(struct kube *k);

/* A resource. Tables of them are static; the core group is "". */
struct kube_gvr {
    const char *group, *version, *plural, *kind;
    bool namespaced;
};

/* "v1", "batch/v1". Returns `to`. */
enum { KUBE_API_VERSION = 160 };
const char *kube_gvr_api_version(const struct kube_gvr *kind, char to[static KUBE_API_VERSION]);

extern const struct kube_gvr KUBE_NAMESPACE, KUBE_SECRET, KUBE_CONFIG_MAP, KUBE_SERVICE,
    KUBE_ENDPOINTS, KUBE_ENDPOINT_SLICE, KUBE_POD, KUBE_EVENT, KUBE_SERVICE_ACCOUNT,
    KUBE_PERSISTENT_VOLUME_CLAIM, KUBE_PERSISTENT_VOLUME, KUBE_NODE, KUBE_CRON_JOB, KUBE_JOB,
    KUBE_ROLE, KUBE_ROLE_BINDING, KUBE_CLUSTER_ROLE, KUBE_CLUSTER_ROLE_BINDING, KUBE_LEASE,
    KUBE_CRD;

/* Read. */
NODISCARD enum rc kube_get(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                           const char *ns, const char *name, struct json **out, struct err *e);

/* What to list. All but `kind` may be left out. */
struct kube_list_opts {
    const struct kube_gvr *kind;
    const char *ns;                              /* NULL: all namespaces */
    const char *label_selector, *field_selector; /* text form (kube/selector.h); NULL: all */
    int page;                                    /* objects per request; 0: 500 */
    bool no_managed_fields; /* leave metadata.managedFields out: half of the bytes of an object */
};

/*
 * All objects as one array, with the resourceVersion of the whole (`rv` may be NULL; mem_free). A
 * list whose pages expire on the way is begun again.
 */
NODISCARD enum rc kube_list(struct ctx *cx, struct kube *k, const struct kube_list_opts *o,
                            struct json **items, char **rv, struct err *e);
/*
 * The same, object by object; never more than a page is held. `item` borrows `obj` (json_ref keeps
 * it) and may change it. RC_CONFLICT with e->sys 410: a page expired, begin again.
 */
typedef void kube_item_fn(void *arg, struct json *obj);
NODISCARD enum rc kube_each(struct ctx *cx, struct kube *k, const struct kube_list_opts *o,
                            kube_item_fn *item, void *arg, char **rv, struct err *e);

/* Write. NULL in place of the options means none. */
struct kube_write {
    const char *subresource; /* "status"; NULL: the object itself */
    const char *manager;     /* NULL: that of the client */
    const char *validation;  /* fieldValidation: "Strict", "Warn", "Ignore"; NULL: the server's */
    bool force;              /* apply: take fields over from other managers */
    bool dry_run;            /* all checks, no change */
};

/* Into `ns`, or where NULL into metadata.namespace. Name or generateName in `obj`. */
NODISCARD enum rc kube_create(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                              const char *ns, const struct json *obj, const struct kube_write *w,
                              struct json **out, struct err *e);
/*
 * Replace the object that metadata names. With a resourceVersion: RC_CONFLICT if it is not that any
 * more.
 */
NODISCARD enum rc kube_update(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                              const struct json *obj, const struct kube_write *w, struct json **out,
                              struct err *e);

enum kube_patch_type {
    KUBE_PATCH_MERGE, /* RFC 7386 */
    KUBE_PATCH_JSON,  /* RFC 6902, an array */
    KUBE_PATCH_APPLY, /* server-side apply: the fields that the manager wants; makes it if new */
    KUBE_PATCH_STRATEGIC, /* built-in kinds only */
};
NODISCARD enum rc kube_patch(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                             const char *ns, const char *name, enum kube_patch_type type,
                             const struct json *patch, const struct kube_write *w,
                             struct json **out, struct err *e);
/* Server-side apply of an object by the name in it. */
NODISCARD enum rc kube_apply(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                             const struct json *obj, const struct kube_write *w, struct json **out,
                             struct err *e);

struct kube_delete_opts {
    const char *propagation; /* "Foreground", "Background", "Orphan"; NULL: the kind's */
    const char *uid,
        *resource_version; /* preconditions: RC_CONFLICT if it is another; NULL: none */
    const char *label_selector, *field_selector; /* kube_delete_collection only */
    int64_t grace_s;                             /* counts if has_grace */
    bool has_grace, dry_run;
};
NODISCARD enum rc kube_delete(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                              const char *ns, const char *name, const struct kube_delete_opts *o,
                              struct err *e);
NODISCARD enum rc kube_delete_collection(struct ctx *cx, struct kube *k,
                                         const struct kube_gvr *kind, const char *ns,
                                         const struct kube_delete_opts *o, struct err *e);

/*
 * Read, change, write, and again when somebody else was faster (up to 10 times). `change` edits
 * `obj` in place: RC_OK writes it (unless nothing changed), anything else ends with that error.
 * `subresource` as in kube_write.
 */
typedef enum rc kube_change_fn(void *arg, struct json *obj, struct err *e);
NODISCARD enum rc kube_modify(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                              const char *ns, const char *name, const char *subresource,
                              kube_change_fn *change, void *arg, struct json **out, struct err *e);

/*
 * Any path: discovery, versions, healthz. The answer's body is appended to `out` if the status is
 * 2xx, else it is the error. `body` {NULL, 0}: none; `content_type`, `accept` NULL: JSON.
 */
struct kube_raw {
    const char *method, *path; /* method NULL: GET */
    const char *content_type, *accept;
    struct str body;
    bool once; /* "later" is an answer too */
};
NODISCARD enum rc kube_raw(struct ctx *cx, struct kube *k, const struct kube_raw *rq,
                           struct buf *out, struct err *e);
/* An answer as a stream: logs with follow=true. End it with kube_close; `cx` must stay until then.
 */
NODISCARD enum rc kube_open(struct ctx *cx, struct kube *k, const char *path,
                            struct kube_stream **out, struct err *e);
/* The same for an answer of type `accept`: a watch of tables. */
NODISCARD enum rc kube_open_as(struct ctx *cx, struct kube *k, const char *path, const char *accept,
                               struct kube_stream **out, struct err *e);
void kube_close(struct kube *k, struct kube_stream *s);

/*
 * Does the server keep objects of `kind`, and tell of their changes? RC_NOT_FOUND: it knows no such kind; RC_UNSUPPORTED: it
 * asks another server for them each time (an APIService), which cannot be watched. Of one that does not answer: RC_UNAVAILABLE, at
 * once.
 */
NODISCARD enum rc kube_serves(struct ctx *cx, struct kube *k, const struct kube_gvr *kind,
                              struct err *e);

/*
 * Append the path of a resource: "/apis/batch/v1/namespaces/NS/jobs/NAME/SUB". NULL name: the
 * collection; NULL sub: the object. kube_query appends "?key=value" or "&key=value", escaped,
 * unless value is NULL. Both by buf_put: whoever uses the path asks buf_whole.
 */
void kube_path(struct buf *to, const struct kube_gvr *kind, const char *ns, const char *name,
               const char *sub);
void kube_query(struct buf *to, const char *key, const char *value);

/*
 * Does a server refuse because it has just started, and has read the bindings but not yet the
 * roles? It says "RBAC: clusterrole ... not found" in its answer, and will know better soon.
 */
bool kube_knows_no_roles(int http, const char *text);

/* The error that a Status object (or any other body) with this HTTP status stands for. */
enum rc kube_status_error(struct err *e, int http, unsigned after_ms, const struct json *status);

#endif

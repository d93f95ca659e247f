/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_CORE_H
#define PLANE_CORE_H

/*
 * plane/core -- what the files of this folder share: the plane, one request (struct call) and its
 * answer (struct reply).
 *
 * Errors   a verb fills the reply with a Status object and returns false (answer_*); everything
 *          below it uses struct err.
 */
#include "plane/db.h"
#include "plane/resource_info.h"
#include "plane/plane.h"
#include "validation/field_errors.h"

struct httpd;

struct plane {
    char *dir, *kubeconfig;
    int lock_fd;
    struct db *db;
    struct registry *kinds;
    struct plane_hooks hooks;
    int bookmark_s;
    struct httpd *httpd;
    char *token;
};

enum { PARAMS_MAX = 32, WARNINGS_MAX = 32, BODY_MAX = 16 * 1024 * 1024 };

/* A body that comes by and by: a watch, a log. */
struct plane_stream {
    struct kube_stream pub;
    void (*close)(struct plane_stream *s);
};

struct reply {
    int status;
    const char *type; /* static */
    struct buf body;
    unsigned after_ms;
    struct plane_stream *stream; /* instead of the body */
    char *warnings[WARNINGS_MAX];
    size_t n_warnings;
};

void reply_init(struct reply *rp);
void reply_release(struct reply *rp);
void reply_warn(struct reply *rp, const char *text);
/* The tree as JSON. */
void reply_json(struct reply *rp, int status, const struct json *j);

enum output { OUT_OBJECT, OUT_TABLE, OUT_META };

struct param {
    char *key, *value;
};

/* One request for a resource. */
struct call {
    struct plane *plane;
    struct ctx *cx;
    struct reply *rp;
    const char *method, *accept;
    struct str content_type; /* without parameters */
    struct str body;
    int peer;      /* see httpd_peer_is_gone; -1 */
    bool upgrades; /* the client speaks Kubernetes' protocol for commands over a WebSocket */
    char *path;
    struct param params[PARAMS_MAX];
    size_t n_params;
    /* of resources */
    struct resource_info *kind;
    const char *ns, *name, *sub; /* NULL: not given */
    enum output output;
    const char *include; /* of tables */
    bool dry_run;
};

/* The parameter, or NULL. */
const char *call_param(const struct call *c, const char *key);
bool call_flag(const struct call *c, const char *key);
int64_t call_number(const struct call *c, const char *key, int64_t otherwise);
struct db_key call_key(const struct call *c, const char *name);
/* The body as a tree; YAML too. False: answered. */
bool read_body(struct call *c, struct json **out);

/* One request from anywhere; fills `rp`. Blocks only in rp->stream's reads. */
void plane_answer(struct plane *p, struct ctx *cx, const struct kube_request *rq, int peer,
                  struct reply *rp);

/* --- answers that are errors; each returns false -------------------------------------------------
 */

bool answer_error(struct call *c, int code, const char *reason, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
bool answer_not_found(struct call *c, const char *name);
bool answer_exists(struct call *c, const char *name);
bool answer_conflict(struct call *c, const char *name);
bool answer_invalid(struct call *c, const char *name, const struct field_errors *why);
/* What went wrong below, by its code. */
bool answer_err(struct call *c, const struct err *e);
/* A Status object; the caller frees. `causes` may be NULL and is borrowed. */
struct json *status_new(int code, const char *reason, const char *message,
                        const struct resource_info *kind, const char *name,
                        const struct json *causes);

/* --- verbs -------------------------------------------------------------------------------------
 */

bool verb_get(struct call *c);
bool verb_list(struct call *c);
bool verb_watch(struct call *c);
bool verb_create(struct call *c);
bool verb_update(struct call *c);
bool verb_patch(struct call *c);
bool verb_delete(struct call *c);
bool verb_delete_collection(struct call *c);
bool verb_log(struct call *c);
bool verb_exec(struct call *c);
/* The container that was asked for, or the only one; borrowed from `pod` or the request. NULL: answered. */
const char *choose_container(struct call *c, const struct json *pod);
/* Every value of the parameter, in order; the caller frees. */
struct json *call_params(const struct call *c, const char *key);

/* Answer with an object in the form that the client asked for. */
bool answer_object(struct call *c, int status, struct json *obj);
/* The stored object; `*rev` may be NULL. False: answered (not found, ...). The caller frees. */
bool load_object(struct call *c, const char *name, struct json **obj, int64_t *rev);
/* In the version that was asked for. */
void show_version(const struct call *c, struct json *obj);

/* Paths that name no resource; false: not one of them. */
bool answer_other(struct call *c);
/* Reviews: answered without being stored. False: not one of them. */
bool answer_review(struct call *c);
bool answer_discovery(struct call *c);
bool answer_openapi(struct call *c);
bool answer_openapi_v2(struct call *c);

/* Remove fields that are null, as a server with typed objects forgets them. */
void drop_nulls(struct json *j);

#endif

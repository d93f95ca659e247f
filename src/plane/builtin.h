/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_BUILTIN_H
#define PLANE_BUILTIN_H

/*
 * plane/builtin -- what the server knows of the resources that are built in: one row of functions
 * for each, which the table of resource_info.c names. Custom resources have their schema instead.
 *
 * Shape    pure functions on an object; `old` is NULL where it is created.
 * Files    builtin_pod.c: Pods, Jobs, CronJobs; builtin_rbac.c; builtin_crd.c; builtin_core.c: the
 *          rest. A new resource is a row in resource_info.c and one of these.
 */
#include "json/node.h"
#include "validation/field_errors.h"

/* Each may be NULL: nothing special. */
struct resource_ops {
    /* Fill in what kubectl shows. */
    void (*defaults)(const struct json *old, struct json *obj);
    /* What the status of a fresh object begins with. */
    void (*new_status)(struct json *status);
    /* RC_INVALID: a value is not of its type: a server with typed objects could not read it. */
    enum rc (*read)(const struct json *obj, struct err *e);
    void (*validate)(const struct json *old, const struct json *obj, struct field_errors *to);

    /* Columns behind the name, cut by "|", "*" in front of those of -o wide; and their cells. */
    const char *columns;
    void (*cells)(const struct json *obj, struct json *cells);

    /* On deletion: seconds that it is given, `wanted` of them if that is not -1 (0: it goes at
     * once); what changes in it; and is there something besides finalizers that keeps it? */
    int64_t (*grace_s)(const struct json *obj, int64_t wanted);
    void (*deleting)(struct json *obj);
    bool (*is_kept)(const struct json *obj);

    const char *const
        *subresources; /* beside status: "log", "finalize"; NULL: none, and at the end */
    bool defines;      /* it is a CustomResourceDefinition */
};

extern const struct resource_ops configmap_ops, endpoints_ops, endpoint_slice_ops, event_ops,
    namespace_ops, node_ops, claim_ops, secret_ops, service_account_ops, service_ops,
    lease_ops;                                                   /* builtin_core.c */
extern const struct resource_ops pod_ops, job_ops, cron_job_ops; /* builtin_pod.c */
extern const struct resource_ops role_ops, role_binding_ops, cluster_role_binding_ops;
extern const struct resource_ops crd_ops;

/* --- builtin_meta.c: names, labels and what several have ----------------------------------------- */

enum name_rule { NAME_SUBDOMAIN, NAME_LABEL, NAME_PATH_SEGMENT };

/* metadata: name, labels and such. `custom`: of a custom resource, any finalizer is fine. */
void meta_validate(const struct json *obj, enum name_rule rule, bool custom,
                   struct field_errors *to);
/* Labels (or annotations) at `field`. */
void labels_validate(const struct json *map, const char *field, bool labels,
                     struct field_errors *to);
bool is_dns_label(const char *s, size_t n);
bool is_path_segment(const char *s);
/* What may never change once it is written. */
void fixed_validate(const struct json *old, const struct json *obj, const char *const *path,
                    const char *field, struct field_errors *to);

/* Set a field that is not there; `obj` NULL is a no-op. */
void default_cstr(struct json *obj, const char *key, const char *value);
void default_int(struct json *obj, const char *key, int64_t value);
void default_bool(struct json *obj, const char *key, bool value);

/* --- cells.c: cells of several resources --------------------------------------------------------- */

/* Unix seconds of a time; 0: none. */
int64_t time_seconds(const struct json *time);
void cell_age(struct json *cells, const struct json *time);
void cell_created(struct json *cells, const struct json *obj);
void cell_text(struct json *cells, const struct json *value, const char *otherwise);
/* Words, cut by commas. */
struct buf;
void cell_word(struct buf *b, const char *w);
void cell_words(struct json *cells, struct buf *b, const char *otherwise);
void cell_labels(struct json *cells, const struct json *labels);
/* The one column "Created At". */
void cells_created_at(const struct json *obj, struct json *cells);

#endif

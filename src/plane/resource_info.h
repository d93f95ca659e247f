/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_RESOURCE_INFO_H
#define PLANE_RESOURCE_INFO_H

/*
 * plane/resource_info -- which resources there are: those built in and those of custom definitions.
 *
 * Shape    one struct resource_info per group, version and resource. A table that never changes for the
 *          first; made from a CustomResourceDefinition, and replaced with it, for the others.
 * Ownership  resource_find gives a share; resource_drop returns it.
 * Threads  any; a kind never changes.
 */
#include <stdatomic.h>

#include "plane/builtin.h"

struct rules;

struct resource_info {
    const char *group; /* "" for the core */
    const char *version, *plural, *singular, *kind;
    const char *short_names, *categories; /* "a,b"; may be "" */
    const struct resource_ops *ops;       /* NULL: a custom one */
    bool namespaced, has_status, generations;
    enum name_rule names;
    /* of custom ones */
    bool custom, storage;
    const struct json *schema;  /* openAPIV3Schema */
    const struct json *columns; /* additionalPrinterColumns */
    struct rules *rules;        /* NULL: none */
    char *store;                /* "jobs.batch": its name in the db */
    char *api_version;          /* "batch/v1" */
    struct json *crd;           /* owner of what is borrowed above */
    char *text;
    atomic_int refs;
};

struct registry;

struct registry *registry_new(void);
void registry_free(struct registry *r);

/* A share, or NULL. */
struct resource_info *resource_find(struct registry *r, const char *group, const char *version,
                                    const char *plural);
struct resource_info *resource_find_kind(struct registry *r, const char *group, const char *kind);
/* Shares of all, in the order of groups and versions; the caller drops each, frees the array. */
struct resource_info **resource_all(struct registry *r, size_t *n);
void resource_all_free(struct resource_info **all, size_t n);
struct resource_info *resource_keep(struct resource_info *k);
void resource_drop(struct resource_info *k);
/* For CLEANUP. */
void resource_drop_ptr(struct resource_info **k);

/* Is there something besides finalizers that keeps the object, which is being deleted? */
bool resource_is_kept(const struct resource_info *k, const struct json *obj);

/* Take in a definition (again), or let it go. What is wrong in it was found by builtin_crd.c. */
void registry_put_crd(struct registry *r, const struct json *crd);
void registry_remove_crd(struct registry *r, const struct json *crd);

/* The singular as it is said in messages: "jobs.batch", "secrets". */
static inline const char *
resource_name(const struct resource_info *k)
{
    return k->store;
}

#endif

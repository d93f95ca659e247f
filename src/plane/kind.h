/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_KIND_H
#define PLANE_KIND_H

/*
 * plane/kind -- which resources there are: those built in and those of custom definitions.
 *
 * Shape    one struct kind per group, version and resource. A table that never changes for the
 *          first; made from a CustomResourceDefinition, and replaced with it, for the others.
 * Ownership  kind_find gives a share; kind_drop returns it.
 * Threads  any; a kind never changes.
 */
#include <stdatomic.h>

#include "plane/builtin.h"

struct rules;

struct kind {
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
struct kind *kind_find(struct registry *r, const char *group, const char *version,
                       const char *plural);
struct kind *kind_find_kind(struct registry *r, const char *group, const char *kind);
/* Shares of all, in the order of groups and versions; the caller drops each, frees the array. */
struct kind **kind_all(struct registry *r, size_t *n);
void kind_all_free(struct kind **all, size_t n);
struct kind *kind_keep(struct kind *k);
void kind_drop(struct kind *k);
/* For CLEANUP. */
void kind_drop_ptr(struct kind **k);

/* Is there something besides finalizers that keeps the object, which is being deleted? */
bool kind_is_kept(const struct kind *k, const struct json *obj);

/* Take in a definition (again), or let it go. What is wrong in it was found by crd_check. */
void registry_put_crd(struct registry *r, const struct json *crd);
void registry_remove_crd(struct registry *r, const struct json *crd);

/* The singular as it is said in messages: "jobs.batch", "secrets". */
static inline const char *
kind_resource(const struct kind *k)
{
    return k->store;
}

#endif

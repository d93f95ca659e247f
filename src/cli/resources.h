/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RESOURCES_H
#define CLI_RESOURCES_H

/*
 * cli/resources -- which kinds a server has, and what a person means by "bc,repo/x".
 *
 * Shape    discovery answers go in, in either form (aggregated or plain); names are looked up by
 *          plural, singular, short name and kind in any case, with ".group" or ".version.group"
 *          behind. Of several versions the one that came first counts, and groups come in the
 *          server's order, the core first: as kubectl's RESTMapper.
 * Ownership  a struct resource and its texts live as long as the table.
 * Errors   RC_NOT_FOUND: the server has no such type; RC_INVALID: words that make no sense.
 * Tests    resources_test.c
 */
#include "kube/kube.h"

struct resource {
    struct kube_gvr kind;
    const char *singular;
    const struct json *shorts, *categories, *verbs;
    char *plural_group; /* "backupsessions.stash.appscode.com", "pods" */
    char *kind_group;   /* "backupsession.stash.appscode.com", "pod" */
};

struct resources {
    struct resource **v;
    size_t n;
    struct json **docs; /* what the texts are borrowed from */
    size_t n_docs;
};

void resources_release(struct resources *r);
/* From an APIGroupDiscoveryList; false: it is something else. Takes `doc`. */
bool resources_add_aggregated(struct resources *r, struct json *take);
/* From an APIResourceList. Takes `doc`. */
void resources_add_plain(struct resources *r, struct json *take);
/* Ask a server for all of it. A group that does not answer is left out. */
NODISCARD enum rc resources_discover(struct ctx *cx, struct kube *k, struct resources *r,
                                     struct err *e);

/* One type by any of its names; NULL: there is none. */
const struct resource *resources_find(const struct resources *r, const char *name);
/* By apiVersion and kind of an object; NULL: there is none. */
const struct resource *resources_of(const struct resources *r, const char *api_version,
                                    const char *kind);
bool resource_can(const struct resource *res, const char *verb);

/* What the words of a command line mean: a type, and an object of it unless all are meant. */
struct resource_arg {
    const struct resource *res;
    const char *name; /* NULL: all. Borrowed from the words or `text`. */
};
struct targets {
    struct resource_arg *v;
    size_t n;
    char **text; /* copies of words that were cut */
    size_t n_text;
    bool several_types;
};

/*
 * "TYPE[,TYPE...]", "TYPE NAME...", "TYPE/NAME ..."; categories stand for their types. At least one
 * word.
 */
NODISCARD enum rc targets_parse(const struct resources *r, const char *const *words, size_t n,
                                struct targets *out, struct err *e);
void targets_release(struct targets *t);

#endif

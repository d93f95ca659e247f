/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CLUSTER_H
#define CLI_CLUSTER_H

/*
 * cli/cluster -- what the verbs on a cluster share: the connection, the options, and errors told
 * one by one.
 *
 * Errors   one object that fails does not stop the others: cluster_tell prints and remembers, and
 *          cluster_outcome is the end of the command. Its error has no words, since all were said.
 */
#include "cli/app.h"
#include "cli/resources.h"

/* Zeroed: as the kubeconfig says. */
struct cluster_access {
    const char *kubeconfig, *context, *ns;
    const char *cluster, *user, *server, *server_name, *ca_file, *as, *as_uid;
    struct opt_list as_groups;
    bool insecure;
    int timeout_ms;
};
/* kubectl's; what has no effect here is taken, and what is not there says so. */
extern const struct opt opts_cluster_access[];

/* Which objects: of files, or those that words, a selector or --all mean. */
struct object_choice {
    bool all_namespaces, all;
    const char *selector, *field_selector;
    struct opt_list files;
};
extern const struct opt opts_objects[], opts_files[], opts_all[];
#define GROUPS_OBJECTS(T, f)                                                                       \
    {opts_objects, offsetof(T, f)},                                                                \
    {                                                                                              \
        opts_files, offsetof(T, f)                                                                 \
    }

struct cluster_client {
    struct ctx *cx;
    struct kube *k;
    struct resources known;
    char *ns;             /* --namespace, else that of the configuration */
    const char *ns_given; /* --namespace; borrowed */
    bool all;             /* --all-namespaces */
    size_t failed;
};

/* How to reach the cluster of a Repository ("kube:"). */
struct cluster_access cluster_of_repo(const struct repo_access *a);

/* Only connect. `*ns`: the namespace of the context; mem_free. */
NODISCARD enum rc cluster_connect(const struct cluster_access *a, struct kube **k, char **ns,
                                  struct err *e);
/* Connect and ask for the types. Zero it first; cluster_close in any case. */
NODISCARD enum rc cluster_open(struct ctx *cx, const struct cluster_access *a, bool all_namespaces,
                               struct cluster_client *c, struct err *e);
void cluster_close(struct cluster_client *c);
/* Where to look for objects of that type: NULL for all namespaces and for types without any. */
const char *cluster_ns(const struct cluster_client *c, const struct resource *res);

/* Print an error as kubectl does: "Error from server (NotFound): ..." or "error: ...". */
void cluster_tell(struct cluster_client *c, const struct err *e);
NODISCARD enum rc cluster_outcome(const struct cluster_client *c, struct err *e);

/* Write to stdout and forget. RC_IO. */
NODISCARD enum rc cluster_print(struct buf *out, struct err *e);

/* As kubectl describes it, to stdout; events that may not be read are left out. RC_IO. */
NODISCARD enum rc cluster_describe(struct ctx *cx, struct kube *k, const struct json *obj,
                                   bool with_events, struct err *e);

/* An object that words, a selector or files name. */
struct cluster_object {
    const struct resource *res;
    char *ns, *name;
    char *from; /* the file and place that it is from; NULL: the command line */
    struct json *obj;
};
struct cluster_objects {
    struct cluster_object *v;
    size_t n;
};
void cluster_objects_release(struct cluster_objects *o);

/*
 * The objects that the command line means: those of -f, or the words', where types without names
 * need --all or a selector and are listed. `fetch`: those with names are read too, and those that
 * are not there are told and left out.
 */
NODISCARD enum rc cluster_objects(struct cluster_client *c, const struct object_choice *o,
                                  const struct opt_list *words, bool fetch,
                                  struct cluster_objects *out, struct err *e);
/* The documents of -f with their types; what has none is told and left out. */
NODISCARD enum rc cluster_files(struct cluster_client *c, const struct opt_list *files,
                                struct cluster_objects *out, struct err *e);

#endif

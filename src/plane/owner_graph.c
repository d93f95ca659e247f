/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/owner_graph.h"

#include "base/mem.h"
#include "ctl/strmap.h"
#include "kube/object.h"

struct link {
    struct node *node;
    bool blocks;
};

struct node {
    char *uid;
    char *store, *ns, *name; /* NULL: absent */
    bool foreground;
    struct link *owners, *dependents;
    size_t n_owners, n_dependents;
};

struct graph {
    struct strmap nodes;
};

struct graph *
graph_new(void)
{
    return MEM_NEW(struct graph);
}

static void
forget_name(struct node *n)
{
    mem_free(TAKE(n->store));
    mem_free(TAKE(n->ns));
    mem_free(TAKE(n->name));
}

static void
node_free(struct node *n)
{
    forget_name(n);
    mem_free(n->owners);
    mem_free(n->dependents);
    mem_free(n->uid);
    mem_free(n);
}

void
graph_free(struct graph *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->nodes.cap; i++)
        if (strmap_at(&g->nodes, i) != NULL)
            node_free((struct node *)strmap_at(&g->nodes, i));
    strmap_release(&g->nodes);
    mem_free(g);
}

static struct node *
owner_graph_need(struct graph *g, const char *uid)
{
    struct node *n = (struct node *)strmap_get(&g->nodes, uid);

    if (n == NULL) {
        n = MEM_NEW(struct node);
        n->uid = mem_strdup(uid);
        strmap_add(&g->nodes, n->uid, n);
    }
    return n;
}

/* Nobody knows it any more. */
static void
drop_if_idle(struct graph *g, struct node *n)
{
    if (n->store != NULL || n->n_dependents > 0 || n->n_owners > 0)
        return;
    (void)strmap_remove(&g->nodes, n->uid);
    node_free(n);
}

static void
add_link(struct link **list, size_t *n, struct node *to, bool blocks)
{
    *list = (struct link *)mem_more(*list, *n, sizeof(**list));
    (*list)[(*n)++] = (struct link){to, blocks};
}

static void
cut_link(struct link *list, size_t *n, const struct node *to)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i].node == to) {
            list[i] = list[--*n];
            return;
        }
}

static void
unlink_owners(struct graph *g, struct node *n)
{
    while (n->n_owners > 0) {
        struct node *owner = n->owners[--n->n_owners].node;
        cut_link(owner->dependents, &owner->n_dependents, n);
        if (owner != n)
            drop_if_idle(g, owner);
    }
    mem_free(TAKE(n->owners));
}

static void
look_at_owners(const struct node *n, graph_look_fn *look, void *arg)
{
    for (size_t i = 0; i < n->n_owners; i++)
        if (n->owners[i].node->foreground)
            look(arg, n->owners[i].node->uid);
}

static void
look_at_dependents(const struct node *n, graph_look_fn *look, void *arg)
{
    for (size_t i = 0; i < n->n_dependents; i++)
        look(arg, n->dependents[i].node->uid);
}

static void
rename_node(struct node *n, const char *store, const struct json *obj)
{
    forget_name(n);
    n->store = mem_strdup(store);
    n->ns = mem_strdup(json_text_or(json_dig(obj, "metadata", "namespace"), ""));
    n->name = mem_strdup(kube_name(obj));
}

void
graph_put(struct graph *g, const char *store, const struct json *obj, graph_look_fn *look,
          void *arg)
{
    const struct json *refs = json_dig(obj, "metadata", "ownerReferences");
    const char *uid = kube_uid(obj);
    bool going = kube_is_deleting(obj), worth = going && kube_has_finalizer(obj, "orphan");
    struct node *n;

    if (uid == NULL || uid[0] == '\0')
        return;
    n = owner_graph_need(g, uid);
    look_at_owners(n, look, arg); /* those that it no longer has */
    if (n->store == NULL)
        rename_node(n, store, obj);
    unlink_owners(g, n);
    for (size_t i = 0; i < json_size(refs); i++) {
        const char *of = json_text_or(json_field(json_elem(refs, i), "uid"), "");
        bool blocks = json_is_true(json_field(json_elem(refs, i), "blockOwnerDeletion"));
        struct node *owner;
        if (of[0] == '\0' || strcmp(of, uid) == 0)
            continue;
        owner = owner_graph_need(g, of);
        add_link(&n->owners, &n->n_owners, owner, blocks);
        add_link(&owner->dependents, &owner->n_dependents, n, blocks);
        worth = worth || owner->store == NULL || owner->foreground;
    }
    n->foreground = going && kube_has_finalizer(obj, "foregroundDeletion");
    if (worth || n->foreground)
        look(arg, uid);
}

void
graph_remove(struct graph *g, const char *uid, graph_look_fn *look, void *arg)
{
    struct node *n = uid != NULL ? (struct node *)strmap_get(&g->nodes, uid) : NULL;

    if (n == NULL)
        return;
    look_at_dependents(n, look, arg);
    look_at_owners(n, look, arg);
    forget_name(n);
    n->foreground = false;
    unlink_owners(g, n);
    drop_if_idle(g, n);
}

enum graph_state
graph_state(const struct graph *g, const char *uid)
{
    const struct node *n = (const struct node *)strmap_get(&g->nodes, uid);

    if (n == NULL || n->store == NULL)
        return GRAPH_ABSENT;
    return n->foreground ? GRAPH_FOREGROUND : GRAPH_PRESENT;
}

bool
graph_find(const struct graph *g, const char *uid, struct graph_name *out)
{
    const struct node *n = (const struct node *)strmap_get(&g->nodes, uid);

    if (n == NULL || n->store == NULL)
        return false;
    *out = (struct graph_name){n->store, n->ns, n->name};
    return true;
}

struct json *
graph_dependents(const struct graph *g, const char *uid, bool blocking)
{
    const struct node *n = (const struct node *)strmap_get(&g->nodes, uid);
    struct json *list = json_new_array();

    for (size_t i = 0; n != NULL && i < n->n_dependents; i++)
        if (!blocking || n->dependents[i].blocks)
            json_push_cstr(list, n->dependents[i].node->uid);
    return list;
}

size_t
graph_size(const struct graph *g)
{
    return g->nodes.n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/target.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "repo/snapshots.h"

enum { TARGETS_NAMED = 12 /* in a message */, TARGETS_TOLD = 1024 /* bytes of them */ };

/* ---- numbers ---- */

/* Snapshots in an order in which those of one target and part stand together. */
static int
target_compare(const void *a, const void *b)
{
    const struct snapshot *x = *(struct snapshot *const *)a, *y = *(struct snapshot *const *)b;
    int c = strcmp(x->target, y->target);

    if (c == 0)
        c = strcmp(x->scope != NULL ? x->scope : "", y->scope != NULL ? y->scope : "");
    if (c == 0)
        c = (int)x->safety - (int)y->safety;
    return c != 0 ? c : strcmp(x->part != NULL ? x->part : "", y->part != NULL ? y->part : "");
}

/* Who has a host: the owner of its whole snapshots that name a target. */
struct host_owner {
    const char *host;
    unsigned owner;
    bool shared;
};

static int
host_compare(const void *a, const void *b)
{
    return strcmp(((const struct host_owner *)a)->host, ((const struct host_owner *)b)->host);
}

/* One entry for each host, in order; returns how many. */
static size_t
hosts_merge(struct host_owner *h, size_t n)
{
    size_t kept = 0;

    if (n > 0)
        qsort(h, n, sizeof(*h), host_compare);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && strcmp(h[kept - 1].host, h[i].host) == 0)
            h[kept - 1].shared |= h[kept - 1].owner != h[i].owner;
        else
            h[kept++] = h[i];
    }
    return kept;
}

static const char *
host_of(const struct snapshot *s)
{
    return s->hostname != NULL ? s->hostname : "";
}

/* What names no target counts for the only one of its host. */
static void
number_nameless(struct snapshot *list, size_t n)
{
    struct host_owner *h = (struct host_owner *)mem_zero(n + 1, sizeof(*h));
    size_t n_hosts = 0;

    for (size_t i = 0; i < n; i++)
        if (list[i].target != NULL && snapshot_is_backup(&list[i]))
            h[n_hosts++] = (struct host_owner){host_of(&list[i]), list[i].owner, false};
    n_hosts = hosts_merge(h, n_hosts);
    for (size_t i = 0; i < n; i++) {
        struct host_owner key = {.host = host_of(&list[i])};
        const struct host_owner *found;

        if (list[i].target != NULL || list[i].part != NULL)
            continue;
        found = n_hosts == 0 ? NULL : bsearch(&key, h, n_hosts, sizeof(*h), host_compare);
        if (found != NULL && !found->shared)
            list[i].owner = found->owner;
    }
    mem_free(h);
}

void
targets_number(struct snapshot *list, size_t n)
{
    struct snapshot **named = (struct snapshot **)mem_zero(n + 1, sizeof(struct snapshot *));
    size_t n_named = 0;
    unsigned owner = 0;

    for (size_t i = 0; i < n; i++) {
        list[i].owner = 0;
        if (list[i].target != NULL)
            named[n_named++] = &list[i];
    }
    if (n_named > 0)
        qsort(named, n_named, sizeof(struct snapshot *), target_compare);
    for (size_t i = 0; i < n_named; i++) {
        owner += i == 0 || target_compare(&named[i - 1], &named[i]) != 0;
        named[i]->owner = owner;
    }
    mem_free(named);
    number_nameless(list, n);
}

/* ---- latest ---- */

/* Keep those of `own`, and what counts for it, if it has any. */
static bool
choose_own(const struct snapshot *list, size_t n, const struct target *own, bool *chosen)
{
    unsigned owner = 0;
    bool any = false;

    for (size_t i = 0; i < n; i++)
        if (chosen[i] && target_is(own, &list[i])) {
            any = true;
            owner = snapshot_is_backup(&list[i]) ? list[i].owner : owner;
        }
    for (size_t i = 0; i < n && any; i++)
        chosen[i] =
            chosen[i] && (target_is(own, &list[i]) || (owner != 0 && list[i].owner == owner));
    return any;
}

/* Is what the two hold of one target? What names none is told apart by its host. */
static bool
same_owner(const struct snapshot *a, const struct snapshot *b)
{
    if (a->owner != 0 || b->owner != 0)
        return a->owner == b->owner || target_is(&(struct target){a->target, a->scope}, b);
    return strcmp(host_of(a), host_of(b)) == 0;
}

static void
name_target(struct buf *out, const struct snapshot *s)
{
    char shown[200];
    struct err none = ERR_INIT;
    enum rc rc;

    if (s->target != NULL)
        rc = buf_printf(out, &none, "%s%s%s%s", out->n > 0 ? ", " : "",
                        str_show(str_c(s->target), shown, sizeof(shown)),
                        s->scope != NULL ? "@" : "", s->scope != NULL ? s->scope : "");
    else
        rc = buf_printf(out, &none, "%shost %s", out->n > 0 ? ", " : "",
                        str_show(str_c(host_of(s)), shown, sizeof(shown)));
    (void)rc; /* a list that is too long is cut */
}

/* The targets of what is chosen, some of them at least; returns how many. */
static size_t
choose_targets(const struct snapshot *list, size_t n, const bool *chosen,
               const struct snapshot *seen[static TARGETS_NAMED])
{
    size_t n_seen = 0;

    for (size_t i = 0; i < n && n_seen < TARGETS_NAMED; i++) {
        bool known = !chosen[i];

        for (size_t k = 0; k < n_seen && !known; k++)
            known = same_owner(seen[k], &list[i]);
        if (!known)
            seen[n_seen++] = &list[i];
    }
    return n_seen;
}

/* Several targets are not an answer, unless none of them has a name: then it is as in restic. */
static enum rc
choose_only(const struct snapshot *list, size_t n, const bool *chosen, struct err *e)
{
    CLEANUP(buf_release) struct buf names = BUF_INIT(TARGETS_TOLD);
    const struct snapshot *seen[TARGETS_NAMED];
    size_t n_seen;
    bool named = false;

    for (size_t i = 0; i < n && !named; i++)
        named = chosen[i] && list[i].target != NULL;
    n_seen = named ? choose_targets(list, n, chosen, seen) : 0;
    if (n_seen < 2)
        return RC_OK;
    for (size_t i = 0; i < n_seen; i++)
        name_target(&names, seen[i]);
    (void)err_set(e, RC_INVALID, "the repository holds snapshots of several targets: %s",
                  buf_c(&names));
    return err_hint(e, "choose with --target NAME or --host NAME, or name a snapshot by its ID");
}

static enum rc
choose_nothing(const struct snapshot *partial, const char *target, struct err *e)
{
    char id[ID_TEXT];

    if (partial == NULL && target != NULL)
        return err_set(e, RC_NOT_FOUND, "no snapshot of target %s matches", target);
    if (partial == NULL)
        return err_set(e, RC_NOT_FOUND, "no snapshot matches");
    (void)err_set(e, RC_NOT_FOUND, "no whole snapshot matches; %.8s holds only a part (%s)",
                  id_hex(&partial->id, id), partial->part);
    return err_hint(e, "name a partial snapshot by its ID, or ask for the same part");
}

/* Whoever backs up one database and nothing else has that for his Redis. */
static bool
choose_only_part(const struct snapshot *list, size_t n, const struct snapshot_filter *f,
                 bool *chosen)
{
    const char *part = NULL;
    bool one = true;

    for (size_t i = 0; i < n; i++)
        chosen[i] = !list[i].safety && snapshot_matches(&list[i], f);
    if (f->target == NULL)
        (void)choose_own(list, n, &f->own, chosen);
    for (size_t i = 0; i < n; i++) {
        if (!chosen[i])
            continue;
        part = part != NULL ? part : list[i].part;
        one = one && target_same_part(list[i].part, part);
    }
    return one && part != NULL;
}

enum rc
targets_choose(struct snapshot *list, size_t n, const struct snapshot_filter *f, bool *chosen,
               struct err *e)
{
    const struct snapshot *partial = NULL, *own_partial = NULL;
    const char *target = f != NULL ? f->target : NULL, *part = f != NULL ? f->part : NULL;
    bool any = false;

    targets_number(list, n);
    for (size_t i = 0; i < n; i++) {
        const struct snapshot *s = &list[i];

        chosen[i] = !s->safety && snapshot_matches(s, f);
        if (chosen[i] && s->part != NULL && !target_same_part(s->part, part)) {
            partial = s;
            own_partial = f != NULL && target_is(&f->own, s) ? s : own_partial;
            chosen[i] = false;
        }
        any = any || chosen[i];
    }
    if (any && target == NULL && f != NULL && choose_own(list, n, &f->own, chosen))
        return RC_OK;
    /* Who has parts alone does not get what is another's. */
    if ((!any || own_partial != NULL) && f != NULL && f->only_part &&
        choose_only_part(list, n, f, chosen))
        return target == NULL && own_partial != NULL ? RC_OK : choose_only(list, n, chosen, e);
    if (!any || own_partial != NULL)
        return choose_nothing(own_partial != NULL ? own_partial : partial, target, e);
    return choose_only(list, n, chosen, e);
}

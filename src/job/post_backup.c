/* SPDX-License-Identifier: Apache-2.0 */
#include "job/post_backup.h"

#include "base/log.h"
#include "base/mem.h"
#include "job/backup.h"
#include "maintain/check.h"
#include "maintain/policy.h"
#include "maintain/prune.h"
#include "maintain/removal_guard.h"
#include "maintain/shrink.h"
#include "repo/snapshots.h"
#include "maintain/stats.h"

enum { TAGS_MAX = 64 };

static struct policy
policy_of(const struct json *j, const char **tags)
{
    const struct json *list = json_field(j, "keepTags");
    static const char *const fields[POLICY_PERIODS] = {"keepLast",   "keepHourly",  "keepDaily",
                                                       "keepWeekly", "keepMonthly", "keepYearly"};
    struct policy p = {.tags = tags};

    for (size_t k = 0; k < POLICY_PERIODS; k++)
        p.count[k] = json_int_or(json_field(j, fields[k]), 0);
    while (p.n_tags < MIN(json_size(list), (size_t)TAGS_MAX)) {
        tags[p.n_tags] = json_text_or(json_elem(list, p.n_tags), "");
        p.n_tags++;
    }
    return p;
}

static const struct snapshot *
snapshot_made(const struct snapshot *list, size_t n, const struct id *id)
{
    for (size_t i = 0; i < n; i++)
        if (id_eq(&list[i].id, id))
            return &list[i];
    return NULL;
}

/* Of the snapshot just made: as restic and `cstash forget` group, and by target. */
struct group_key {
    unsigned owner;
    char *host, *part;
};

static bool
is_in_group(const struct snapshot *s, const struct group_key *key,
            const struct post_backup_whose *whose)
{
    if (!snapshot_is_dump(s) || s->safety || s->owner != key->owner ||
        !target_same_part(s->part, key->part) ||
        strcmp(s->hostname != NULL ? s->hostname : "", key->host) != 0)
        return false;
    return s->target != NULL || s->owner == 0 || !whose->host_shared;
}

/* The group at the front of the list; returns how many. */
static size_t
move_group(struct snapshot *list, size_t n, const struct snapshot *made,
           const struct post_backup_whose *whose)
{
    CLEANUP(mem_free_ptr) char *part = made->part != NULL ? mem_strdup(made->part) : NULL;
    CLEANUP(mem_free_ptr) char *host = mem_strdup(made->hostname != NULL ? made->hostname : "");
    const struct group_key key = {made->owner, host, part};
    size_t group = 0;

    for (size_t i = 0; i < n; i++)
        if (is_in_group(&list[i], &key, whose)) {
            struct snapshot swap = list[group];

            list[group++] = list[i];
            list[i] = swap;
        }
    return group;
}

/* What the snapshot just made says of the one that is pinned for its sake. */
static void
note_pin(const struct snapshot *made, struct post_backup *out)
{
    struct shrink s;
    char id[ID_TEXT];

    if (!shrink_read(made->brief, &s) || !s.pinned)
        return;
    out->pinned = true;
    (void)snprintf(
        out->pin_note, sizeof(out->pin_note),
        "The target holds %llu %s, and held %llu of late: snapshot %.8s with %llu keys stays, "
        "whatever the retention policy, until a backup has %llu keys again.",
        (unsigned long long)made->keys, str_plural(made->keys, "key", "keys"),
        (unsigned long long)MAX(s.peak, s.pin_keys), id_hex(&s.pin, id),
        (unsigned long long)s.pin_keys,
        (unsigned long long)(s.pin_keys / 100 * SHRINK_BACK +
                             s.pin_keys % 100 * SHRINK_BACK / 100));
}

/* What retention is about. */
struct group {
    const struct snapshot *list;
    size_t n;
    struct policy_mark *marks;
};

static enum rc
remove_unmarked(struct ctx *cx, struct repo *r, const struct group *g, bool dry_run,
                int64_t *removed, struct err *e)
{
    struct id *ids = (struct id *)mem_grow(NULL, g->n, sizeof(*ids));
    size_t n = 0, gone;
    enum rc rc = RC_OK;

    for (size_t i = 0; i < g->n; i++) {
        char id[ID_TEXT];

        if (g->marks[i].keep)
            continue;
        log_info("snapshot %.8s is to be removed%s", id_hex(&g->list[i].id, id),
                 dry_run ? " (dry run)" : "");
        ids[n++] = g->list[i].id;
    }
    gone = n;
    if (!dry_run)
        rc = snapshots_forget(cx, r, ids, n, &gone, e);
    *removed += (int64_t)gone;
    mem_free(ids);
    return rc;
}

enum rc
post_backup_prune(struct ctx *cx, struct repo *r, struct err *e)
{
    const struct prune_opts opts = {.max_unused = PRUNE_UNUSED_DEFAULT};
    struct prune_stats s;

    if (prune_run(cx, r, &opts, &s, e))
        return err_code(e);
    log_info("pruned: %llu bytes removed, %llu %s rewritten",
             (unsigned long long)prune_total(&s).bytes, (unsigned long long)s.packs_repacked,
             str_plural(s.packs_repacked, "pack", "packs"));
    return RC_OK;
}

static enum rc
post_backup_apply(struct ctx *cx, struct repo *r, const struct json *policy, const struct group *g,
                  struct post_backup *out, struct err *e)
{
    bool dry_run = json_is_true(json_field(policy, "dryRun"));
    int64_t removed = 0;

    if (remove_unmarked(cx, r, g, dry_run, &removed, e))
        return err_code(e);
    if (dry_run) {
        (void)snprintf(out->note, sizeof(out->note), "Dry run: %lld %s would be removed, none was.",
                       (long long)removed, str_plural((uint64_t)removed, "snapshot", "snapshots"));
        return RC_OK;
    }
    out->removed = removed;
    out->kept -= removed;
    (void)snprintf(out->note, sizeof(out->note), "Successfully applied retention policy.");
    return removed > 0 && json_is_true(json_field(policy, "prune")) ? post_backup_prune(cx, r, e)
                                                                    : RC_OK;
}

static void
post_backup_mark(const struct policy *p, const struct group *g, struct instant now)
{
    policy_apply(p, g->list, g->n, now, g->marks);
    for (size_t i = 0; i < g->n; i++) {
        char id[ID_TEXT];

        if (!g->marks[i].keep && g->list[i].last_verified)
            log_info("snapshot %.8s stays: it is the last one that was verified",
                     id_hex(&g->list[i].id, id));
        g->marks[i].keep = g->marks[i].keep || g->list[i].pinned || g->list[i].last_verified;
    }
}

static enum rc
post_backup_retain(struct ctx *cx, struct repo *r, const struct json *policy, const struct group *g,
                   const struct retention_guard *brake, struct post_backup *out, struct err *e)
{
    const char *tags[TAGS_MAX];
    struct policy p = policy_of(policy, tags);
    struct instant now = instant_now();
    char why[RETENTION_GUARD_TEXT];

    post_backup_mark(&p, g, now);
    if (policy_is_empty(&p)) {
        (void)snprintf(out->note, sizeof(out->note),
                       "Skipped: the retention policy has no keep value, so every snapshot stays.");
        return RC_OK;
    }
    if (retention_guard_holds(brake, g->list, g->marks, g->n, now, why)) {
        out->held_back = true;
        (void)snprintf(out->note, sizeof(out->note), "Held back, nothing was removed: %s.", why);
        return RC_OK;
    }
    return post_backup_apply(cx, r, policy, g, out, e);
}

/* All but the copies that restores took. */
static int64_t
count_backups(const struct snapshot *list, size_t n)
{
    int64_t kept = 0;

    for (size_t i = 0; i < n; i++)
        kept += !list[i].safety;
    return kept;
}

/* Those of this target that restores took long ago. Policies do not concern them: they stay as long without one. */
static enum rc
remove_old_copies(struct ctx *cx, struct repo *r, const struct snapshot *list, size_t n,
                  const struct snapshot *made, struct err *e)
{
    static const struct policy_span keep = {.days = POLICY_SAFETY_DAYS};
    const struct target own = {made->target, made->scope};
    struct instant now = instant_now();

    for (size_t i = 0; i < n; i++) {
        char id[ID_TEXT];

        if (!target_is(&own, &list[i]) || !policy_is_old_copy(&keep, &list[i], now))
            continue;
        log_info("snapshot %.8s, a copy before a restore, is removed after %d days",
                 id_hex(&list[i].id, id), POLICY_SAFETY_DAYS);
        if (snapshot_forget(cx, r, &list[i].id, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
post_backup_retention(struct ctx *cx, struct repo *r, const struct json *policy,
                      const struct post_backup_whose *whose, const struct retention_guard *brake,
                      struct post_backup *out, struct err *e)
{
    const struct snapshot *made;
    struct snapshot *list;
    struct group g = {.list = NULL};
    size_t n;
    enum rc rc = RC_OK;

    if (snapshots_list(cx, r, &list, &n, e))
        return err_code(e);
    out->removed = 0;
    removal_pins(list, n);
    made = snapshot_made(list, n, &whose->made);
    if (made == NULL) {
        snapshots_free(list, n);
        return err_set(e, RC_NOT_FOUND,
                       "the snapshot that this session made is not in the repository any more");
    }
    note_pin(made, out);
    out->kept = count_backups(list, n);
    if (!json_is_true(json_field(policy, "dryRun")) && remove_old_copies(cx, r, list, n, made, e)) {
        snapshots_free(list, n);
        return err_code(e);
    }
    g = (struct group){.list = list, .n = move_group(list, n, made, whose)};
    g.marks = (struct policy_mark *)mem_zero(g.n + 1, sizeof(*g.marks));
    rc = post_backup_retain(cx, r, policy, &g, brake, out, e);
    mem_free(g.marks);
    snapshots_free(list, n);
    return rc;
}

static void
on_problem(void *arg, const char *text)
{
    struct post_backup *out = (struct post_backup *)arg;

    log_error("%s", text);
    if (out->problem[0] == '\0')
        (void)snprintf(out->problem, sizeof(out->problem), "%s", text);
}

enum rc
post_backup_check(struct ctx *cx, struct repo *r, struct post_backup *out, struct err *e)
{
    struct check_opts o = {.problem = on_problem, .arg = out};
    struct check_result found;
    struct err why = ERR_INIT;
    enum rc rc = check_run(cx, r, &o, &found, &why);

    out->integrity = rc == RC_OK;
    if (rc == RC_OK || rc == RC_CORRUPT)
        return RC_OK;
    *e = why;
    return rc;
}

enum rc
post_backup_stats(struct ctx *cx, struct repo *r, struct post_backup *out, struct err *e)
{
    struct stats s;
    enum rc rc = snapshots_list(cx, r, &out->list, &out->n, e);

    if (rc != RC_OK)
        return rc;
    out->kept = count_backups(out->list, out->n);
    rc = stats_count(cx, r, STATS_RAW_DATA, out->list, out->n, &s, e);
    if (rc == RC_OK)
        out->bytes = s.total_size;
    return rc;
}

void
post_backup_release(struct post_backup *a)
{
    snapshots_free(TAKE(a->list), a->n);
    a->n = 0;
}

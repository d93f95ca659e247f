/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/stash.h"

#include <math.h>

#include "api/kinds.h"
#include "api/names.h"
#include "base/clock.h"
#include "base/mem.h"

enum { LABELS_MAX = 16 };

/* One value under both names; the old one is the newer without its words. */
static void
stash_put(struct metrics *m, const char *name, const char *old_name, const char *help,
          const struct metrics_label *labels, double value)
{
    metrics_begin(m, name, "gauge", help);
    metrics_sample(m, labels, value);
    metrics_begin(m, old_name, "gauge", help);
    metrics_sample(m, labels, value);
}

#define BACKUP(name) "stash_appscode_com_backupsession_" name
#define RESTORE(name) "stash_appscode_com_restoresession_" name
#define REPOSITORY(name) "stash_appscode_com_repository_" name

void
stash_group_init(struct stash_group *g, const struct invoker *inv, bool of_member)
{
    CLEANUP(mem_free_ptr) char *kind = name_lower(inv->kind);
    CLEANUP(mem_free_ptr) char *target = name_lower(inv->target_kind);

    *g = (struct stash_group){.job = mem_printf("%s-%s-%s", kind, inv->ns, inv->name)};
    g->labels[0] = (struct metrics_label){"job", g->job};
    if (!of_member || !inv->batch)
        return;
    g->member = mem_printf("%s.%s.%s", target, inv->target_ns, inv->target_name);
    g->labels[1] = (struct metrics_label){"member", g->member};
}

void
stash_group_release(struct stash_group *g)
{
    mem_free(g->job);
    mem_free(g->member);
}

struct labels {
    struct metrics_label l[LABELS_MAX];
    size_t n;
    char *group; /* owned */
};

static void
stash_add(struct labels *l, const char *name, const char *value)
{
    l->l[l->n++] = (struct metrics_label){name, value};
}

static void
of_invoker(struct labels *l, const struct invoker *inv, const char *ns)
{
    memset(l, 0, sizeof(*l));
    stash_add(l, "invoker_kind", inv->kind);
    stash_add(l, "invoker_name", inv->name);
    stash_add(l, "namespace", ns);
    stash_add(l, "driver", inv->driver);
    stash_add(l, "repository", inv->repo_name);
}

/* An AppBinding is known by the group and the resource of what it stands for. */
static void
of_target(struct labels *l, const struct invoker *inv, const struct json *app)
{
    const char *type = json_text_or(json_dig(app, "spec", "type"), ""), *slash;

    if (strcmp(inv->target_kind, GVR_APP_BINDING.kind) != 0) {
        slash = strchr(inv->target_api, '/');
        l->group =
            slash == NULL ? NULL : mem_strndup(inv->target_api, (size_t)(slash - inv->target_api));
        stash_add(l, "kind", inv->target_kind);
        stash_add(l, "group", l->group);
    } else if (app != NULL && type[0] == '\0') {
        stash_add(l, "kind", GVR_APP_BINDING.plural);
        stash_add(l, "group", APPCATALOG_GROUP);
    } else if (app != NULL) {
        slash = strrchr(type, '/');
        l->group = mem_strndup(type, slash == NULL ? 0 : (size_t)(slash - type));
        stash_add(l, "kind", slash == NULL ? type : slash + 1);
        stash_add(l, "group", l->group);
    }
    stash_add(l, "name", inv->target_name);
}

static void
stash_release(struct labels *l)
{
    mem_free(l->group);
}

void
stash_metrics_session(struct metrics *m, const struct invoker *inv, bool success, double seconds)
{
    double targets = (double)inv->n;
    struct labels l;

    of_invoker(&l, inv, inv->ns);
    if (inv->restore) {
        stash_put(m, RESTORE("success"), "stash_restore_session_success", "Did the session succeed",
                  l.l, success);
        if (!success)
            return;
        stash_put(m, RESTORE("duration_seconds"), "stash_restore_session_duration_seconds",
                  "Time of the session", l.l, seconds);
        stash_put(m, RESTORE("target_count_total"), "stash_restore_target_count_total", "Targets",
                  l.l, targets);
        return;
    }
    stash_put(m, BACKUP("success"), "stash_backup_session_success", "Did the last session succeed",
              l.l, success);
    if (!success)
        return;
    stash_put(m, BACKUP("duration_seconds"), "stash_backup_session_duration_seconds",
              "Time of the last session", l.l, seconds);
    stash_put(m, BACKUP("target_count_total"), "stash_backup_target_count_total", "Targets", l.l,
              targets);
    stash_put(m, BACKUP("last_success_time_seconds"), "stash_backup_last_success_time_seconds",
              "When a session succeeded last", l.l, floor((double)clock_real_ms() / 1000));
}

static void
put_backup_target(struct metrics *m, const struct metrics_label *l, bool success, int64_t hosts)
{
    stash_put(m, BACKUP("target_success"), "stash_backup_target_success",
              "Did the last backup of the target succeed", l, success);
    if (!success)
        return;
    stash_put(m, BACKUP("target_host_count_total"), "stash_backup_target_host_count_total", "Hosts",
              l, (double)hosts);
    stash_put(m, BACKUP("target_last_success_time_seconds"),
              "stash_backup_target_last_success_time_seconds", "When it succeeded last", l,
              floor((double)clock_real_ms() / 1000));
}

void
stash_metrics_target(struct metrics *m, const struct invoker *inv, const struct json *app,
                     bool success, int64_t hosts)
{
    struct labels l;

    of_invoker(&l, inv, inv->ns);
    of_target(&l, inv, app);
    if (!inv->restore) {
        put_backup_target(m, l.l, success, hosts);
    } else {
        stash_put(m, RESTORE("target_success"), "stash_restore_target_success",
                  "Did the restore of the target succeed", l.l, success);
        if (success)
            stash_put(m, RESTORE("target_host_count_total"),
                      "stash_restore_target_host_count_total", "Hosts", l.l, (double)hosts);
    }
    stash_release(&l);
}

void
stash_metrics_host(struct metrics *m, const struct invoker *inv, const struct json *app,
                   const struct stash_host *h)
{
    struct labels l;

    of_invoker(&l, inv, inv->ns);
    of_target(&l, inv, app);
    stash_add(&l, "hostname", h->hostname);
    if (inv->restore) {
        stash_put(m, RESTORE("host_restore_success"), "stash_restore_host_restore_success",
                  "Did the restore of the host succeed", l.l, h->success);
        if (h->success)
            stash_put(m, RESTORE("host_restore_duration_seconds"),
                      "stash_restore_host_restore_duration_seconds", "Time it took", l.l,
                      h->seconds);
        stash_release(&l);
        return;
    }
    stash_put(m, BACKUP("host_backup_success"), "stash_backup_host_backup_success",
              "Did the backup of the host succeed", l.l, h->success);
    if (h->success) {
        stash_put(m, BACKUP("host_backup_duration_seconds"),
                  "stash_backup_host_backup_duration_seconds", "Time it took", l.l, h->seconds);
        stash_put(m, BACKUP("host_data_size_bytes"), "stash_backup_host_data_size_bytes",
                  "Bytes read", l.l, (double)h->total);
        stash_put(m, BACKUP("host_data_uploaded_bytes"), "stash_backup_host_data_uploaded_bytes",
                  "Bytes added to the repository", l.l, (double)h->uploaded);
        stash_put(m, BACKUP("host_data_processing_time_seconds"),
                  "stash_backup_host_data_processing_time_seconds", "Time to process the data", l.l,
                  h->seconds);
        stash_put(m, BACKUP("host_files_total"), "stash_backup_host_files_total", "Files", l.l,
                  (double)h->files);
        stash_put(m, BACKUP("host_files_new"), "stash_backup_host_files_new", "New files", l.l,
                  (double)h->files_new);
        stash_put(m, BACKUP("host_files_modified"), "stash_backup_host_files_modified",
                  "Changed files", l.l, (double)h->files_modified);
        stash_put(m, BACKUP("host_files_unmodified"), "stash_backup_host_files_unmodified",
                  "Unchanged files", l.l, (double)h->files_unmodified);
    }
    stash_release(&l);
}

static void
of_repository(struct labels *l, const struct invoker *inv, const struct stash_repository *r)
{
    of_invoker(l, inv, r->ns);
    stash_add(l, "name", r->name);
    stash_add(l, "backend", r->backend);
    stash_add(l, "bucket", r->bucket);
    stash_add(l, "prefix", r->prefix);
}

void
stash_metrics_repository(struct metrics *m, const struct invoker *inv,
                         const struct stash_repository *r)
{
    struct labels l;

    of_repository(&l, inv, r);
    stash_put(m, REPOSITORY("integrity"), "stash_repository_integrity",
              "Did the last check find the repository whole", l.l, r->integrity);
    stash_put(m, REPOSITORY("size_bytes"), "stash_repository_size_bytes", "Bytes stored", l.l,
              (double)r->bytes);
    stash_put(m, REPOSITORY("snapshot_count"), "stash_repository_snapshot_count", "Snapshots", l.l,
              (double)r->snapshots);
    stash_release(&l);
}

void
stash_metrics_retention(struct metrics *m, const struct invoker *inv,
                        const struct stash_repository *r)
{
    struct labels l;

    of_repository(&l, inv, r);
    stash_put(m, REPOSITORY("snapshot_cleaned"), "stash_repository_snapshot_cleaned",
              "Snapshots that retention removed the last time", l.l, (double)r->removed);
    metrics_begin(m, "cstash_snapshot_pinned", "gauge",
                  "Did the target lose most of its keys, so that a snapshot from before is kept");
    metrics_sample(m, l.l, r->pinned);
    stash_release(&l);
}

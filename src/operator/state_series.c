/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series of what the objects say now. Those of Stash's names are what Panopticon makes of Stash's objects, and its dashboards and
 * alerts read; they come from the caches, so a restart loses nothing.
 */
#include <math.h>

#include "api/cron.h"
#include "base/clock.h"
#include "metrics/text.h"
#include "operator/operator_internal.h"

enum { SERIES_MAX = 6, LABELS_MAX = 12 };

static const char *const phases[] = {"Pending", "Running", "Succeeded", "Failed", "Skipped"};

/* A label: its value, or where it stands in the object. */
struct state_label {
    const char *name;
    const char *path[4]; /* path[0] NULL: the name of the object */
    const char *value;   /* NULL: what is there */
    const char *otherwise;
};

struct state_series {
    const char *name, *help;
    const struct state_label *labels; /* behind the namespace */
    void (*put)(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n);
};

/* A kind: all its series are written in one walk, since reading an object costs more than all the rest. */
struct state_kind {
    size_t at; /* of its struct watched in the operator */
    const struct state_series *series;
    const char *count; /* of objects by phase; NULL: none */
};

/* ---- values ---- */

static void
put_one(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n)
{
    (void)obj;
    (void)n;
    metrics_sample(m, labels, 1);
}

static void
put_created(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n)
{
    (void)n;
    metrics_sample(m, labels, floor((double)kube_created_ms(obj) / 1000));
}

static void
put_conditions(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n)
{
    const struct json *all = json_dig(obj, "status", "conditions");

    for (size_t i = 0; i < json_size(all); i++) {
        const struct json *c = json_elem(all, i);

        labels[n] = (struct metrics_label){"condition", json_text_or(json_field(c, "type"), "")};
        labels[n + 1] = (struct metrics_label){"status", json_text_or(json_field(c, "status"), "")};
        labels[n + 2] = (struct metrics_label){NULL, NULL};
        metrics_sample(m, labels, 1);
    }
}

static void
put_next(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n)
{
    const char *schedule = json_text_or(json_dig(obj, "spec", "schedule"), "");
    struct err e = ERR_INIT;
    struct cron cron;
    int64_t next;

    (void)n;
    if (json_is_true(json_dig(obj, "spec", "paused")) || cron_parse(schedule, NULL, &cron, &e))
        return;
    next = cron_next(&cron, clock_real_ms());
    cron_release(&cron);
    if (next != 0)
        metrics_sample(m, labels, floor((double)next / 1000));
}

static void
put_last(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n)
{
    (void)n;
    metrics_sample(m, labels,
                   floor((double)kube_time_ms(json_dig(obj, "status", LAST_SUCCESS)) / 1000));
}

static void
put_last_verified(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n)
{
    (void)n;
    metrics_sample(m, labels,
                   floor((double)kube_time_ms(json_dig(obj, "status", "lastVerifiedTime")) / 1000));
}

static void
put_restore_seconds(struct metrics *m, const struct json *obj, struct metrics_label *labels,
                    size_t n)
{
    (void)n;
    metrics_sample(m, labels, (double)json_int_or(json_dig(obj, "status", "restoreSeconds"), 0));
}

/* ---- the series ---- */

#define IN_SPEC(label, ...)                                                                        \
    {                                                                                              \
        .name = (label), .path = { "spec", __VA_ARGS__ }                                           \
    }
#define TARGET_LABELS                                                                              \
    IN_SPEC("target_api_version", "target", "ref", "apiVersion"),                                  \
        IN_SPEC("target_kind", "target", "ref", "kind"),                                           \
        IN_SPEC("target_name", "target", "ref", "name")
#define PHASE_LABEL                                                                                \
    {                                                                                              \
        .name = "phase", .path = {"status", "phase"}, .otherwise = "Pending"                       \
    }
#define STASH "stash_appscode_com_"

#define CONFIGURATION_LABELS                                                                       \
    {.name = "backupconfiguration"}, {.name = "invoker_kind", .value = "BackupConfiguration"},     \
    {                                                                                              \
        .name = "invoker_name"                                                                     \
    }
#define BACKUP_LABELS                                                                              \
    {.name = "backupsession"}, IN_SPEC("invoker_api_group", "invoker", "apiGroup"),                \
        IN_SPEC("invoker_kind", "invoker", "kind"), IN_SPEC("invoker_name", "invoker", "name")
#define RESTORE_LABELS                                                                             \
    {.name = "restoresession"}, {.name = "invoker_kind", .value = "RestoreSession"},               \
    {                                                                                              \
        .name = "invoker_name"                                                                     \
    }
#define DRIVER_LABEL                                                                               \
    {                                                                                              \
        .name = "driver", .path = {"spec", "driver"}, .otherwise = "Restic"                        \
    }
#define LABELS(name_, ...) static const struct state_label name_[] = {__VA_ARGS__, {.name = NULL}}

LABELS(by_name, {.name = "name"});
LABELS(configuration_labels, CONFIGURATION_LABELS);
LABELS(configuration_info, CONFIGURATION_LABELS, DRIVER_LABEL,
       IN_SPEC("repository", "repository", "name"), IN_SPEC("schedule", "schedule"), TARGET_LABELS);
LABELS(backup_labels, BACKUP_LABELS);
LABELS(backup_info, BACKUP_LABELS, PHASE_LABEL);
LABELS(restore_labels, RESTORE_LABELS);
LABELS(restore_info, RESTORE_LABELS, DRIVER_LABEL, IN_SPEC("repository", "repository", "name"),
       TARGET_LABELS, PHASE_LABEL);
LABELS(repository_labels, {.name = "repository"});

#define CREATED "When it was made"
#define INFO "Always 1; the labels say what it is"

static const struct state_series configuration_series[] = {
    {STASH "backupconfiguration_created", CREATED, configuration_labels, put_created},
    {STASH "backupconfiguration_info", INFO, configuration_info, put_one},
    {STASH "backupconfiguration_conditions", "Always 1; the labels say which, and whether it holds",
     configuration_labels, put_conditions},
    {"cstash_backupconfiguration_last_success_time_seconds",
     "When the last session that succeeded began; 0: none did", by_name, put_last},
    {"cstash_backupconfiguration_next_run_time_seconds", "When the next session is due", by_name,
     put_next},
    {.name = NULL},
};
_Static_assert(ARRAY_LEN(configuration_series) <= SERIES_MAX + 1, "room in a walk");
static const struct state_series batch_series[] = {
    {"cstash_backupbatch_last_success_time_seconds",
     "When the last session that succeeded began; 0: none did", by_name, put_last},
    {"cstash_backupbatch_next_run_time_seconds", "When the next session is due", by_name, put_next},
    {.name = NULL},
};
static const struct state_series verification_series[] = {
    {"cstash_backupverification_last_verified_time_seconds",
     "When a backup was last found good; 0: none was", by_name, put_last_verified},
    {"cstash_backupverification_restore_duration_seconds",
     "How long the load of the last verification took; 0: there was none", by_name,
     put_restore_seconds},
    {"cstash_backupverification_conditions", "Always 1; the labels say which, and whether it holds",
     by_name, put_conditions},
    {"cstash_backupverification_next_run_time_seconds", "When the next one is due", by_name,
     put_next},
    {.name = NULL},
};
static const struct state_series no_series[] = {{.name = NULL}};
static const struct state_series backup_series[] = {
    {STASH "backupsession_created", CREATED, backup_labels, put_created},
    {STASH "backupsession_info", INFO, backup_info, put_one},
    {.name = NULL},
};
static const struct state_series restore_series[] = {
    {STASH "restoresession_created", CREATED, restore_labels, put_created},
    {STASH "restoresession_info", INFO, restore_info, put_one},
    {.name = NULL},
};
static const struct state_series repository_series[] = {
    {STASH "repository_created", CREATED, repository_labels, put_created},
    {.name = NULL},
};

static const struct state_kind state_kinds[] = {
    {offsetof(struct operator, backupconfiguration), configuration_series, NULL},
    {offsetof(struct operator, backupbatch), batch_series, NULL},
    {offsetof(struct operator, backupsession), backup_series, "cstash_backupsessions"},
    {offsetof(struct operator, restoresession), restore_series, "cstash_restoresessions"},
    {offsetof(struct operator, restorebatch), no_series, "cstash_restorebatches"},
    {offsetof(struct operator, repository), repository_series, NULL},
    {offsetof(struct operator, backupverification), verification_series, NULL},
};

/* ---- one walk ---- */

struct state_walk {
    const struct state_kind *kind;
    struct metrics out[SERIES_MAX];
    double counts[ARRAY_LEN(phases)];
};

static const char *
label_value(const struct state_label *l, const struct json *obj)
{
    const char *there =
        l->path[0] == NULL
            ? kube_name(obj)
            : json_text(json_dig(obj, l->path[0], l->path[1], l->path[2], l->path[3]));

    return l->value != NULL ? l->value : there != NULL ? there : l->otherwise;
}

static void
walk_one(void *arg, const struct json *obj)
{
    struct state_walk *w = (struct state_walk *)arg;
    const char *phase = json_text_or(json_dig(obj, "status", "phase"), phases[0]);
    struct metrics_label labels[LABELS_MAX + 3] = {{"namespace", kube_ns(obj)}};

    for (size_t i = 0; w->kind->series[i].name != NULL; i++) {
        const struct state_series *s = &w->kind->series[i];
        size_t n = 1;

        for (const struct state_label *l = s->labels; l->name != NULL; l++)
            labels[n++] = (struct metrics_label){l->name, label_value(l, obj)};
        labels[n] = (struct metrics_label){NULL, NULL};
        s->put(&w->out[i], obj, labels, n);
    }
    for (size_t i = 0; i < ARRAY_LEN(phases); i++)
        w->counts[i] += strcmp(phase, phases[i]) == 0;
}

static void
put_counts(const struct state_walk *w, struct metrics *m)
{
    if (w->kind->count == NULL)
        return;
    metrics_begin(m, w->kind->count, "gauge", "Sessions by phase");
    for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
        struct metrics_label l[] = {{"phase", phases[i]}, {NULL, NULL}};

        metrics_sample(m, l, w->counts[i]);
    }
}

void
put_state(struct operator* op, struct metrics *m)
{
    for (size_t k = 0; k < ARRAY_LEN(state_kinds); k++) {
        struct state_walk w = {.kind = &state_kinds[k]};
        const struct watched *own =
            (const struct watched *)(const void *)((const char *)op + w.kind->at);
        const struct state_series *series = w.kind->series;

        for (size_t i = 0; series[i].name != NULL; i++) {
            w.out[i] = (struct metrics)METRICS_INIT;
            metrics_begin(&w.out[i], series[i].name, "gauge", series[i].help);
        }
        cache_each(own->cache, NULL, walk_one, &w);
        put_counts(&w, m);
        for (size_t i = 0; series[i].name != NULL; i++) {
            metrics_append(m, &w.out[i]);
            metrics_release(&w.out[i]);
        }
    }
}

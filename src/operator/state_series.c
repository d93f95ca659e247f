/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series of what the objects say now. Those of Stash's names are what Panopticon makes of Stash's objects, and its dashboards and
 * alerts read; they come from the caches, so a restart loses nothing.
 */
#include <math.h>

#include "api/duration.h"
#include "base/clock.h"
#include "metrics/text.h"
#include "operator/objective.h"
#include "operator/operator_internal.h"
#include "operator/record.h"
#include "operator/slots.h"

enum { SERIES_MAX = 32, LABELS_MAX = 12, SECOND_MS = 1000 };

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
    size_t also;                       /* of that of another kind; 0: none */
    const struct state_series *shared; /* by both */
    const char *count;                 /* of objects by phase; NULL: none */
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

/* Times and numbers of the status: 0 where there is none, so that an alert has a series whatever happened. */
static void
put_time(struct metrics *m, const struct json *at, const struct metrics_label *labels)
{
    metrics_sample(m, labels, floor((double)kube_time_ms(at) / SECOND_MS));
}

#define PUT_TIME(fn, field)                                                                        \
    static void fn(struct metrics *m, const struct json *obj, struct metrics_label *labels,        \
                   size_t n)                                                                       \
    {                                                                                              \
        (void)n;                                                                                   \
        put_time(m, json_dig(obj, "status", (field)), labels);                                     \
    }
#define PUT_VALUE(fn, value)                                                                       \
    static void fn(struct metrics *m, const struct json *obj, struct metrics_label *labels,        \
                   size_t n)                                                                       \
    {                                                                                              \
        (void)n;                                                                                   \
        metrics_sample(m, labels, (double)(value));                                                \
    }
/* Nothing where nobody knows it. */
#define PUT_KNOWN(fn, ...)                                                                         \
    static void fn(struct metrics *m, const struct json *obj, struct metrics_label *labels,        \
                   size_t n)                                                                       \
    {                                                                                              \
        const struct json *known = json_dig(obj, "status", __VA_ARGS__);                           \
                                                                                                   \
        (void)n;                                                                                   \
        if (known != NULL)                                                                         \
            metrics_sample(m, labels, (double)json_int_or(known, json_is_true(known)));            \
    }
#define STATUS(...) json_dig(obj, "status", __VA_ARGS__)
#define FLAG(...) json_is_true(STATUS(__VA_ARGS__))

PUT_TIME(put_last_run, RECORD_RUN)
PUT_TIME(put_last_success, RECORD_SUCCESS)
PUT_TIME(put_last_failure, RECORD_FAILURE)
PUT_TIME(put_last_verified, RECORD_VERIFIED)
PUT_TIME(put_last_backup_time, "lastBackupTime")
PUT_VALUE(put_restore_seconds, json_int_or(STATUS(RECORD_RESTORE), 0))
PUT_VALUE(put_duration, json_int_or(STATUS(RECORD_BACKUP, "seconds"), 0))
PUT_VALUE(put_since, floor((double)slots_since(obj) / SECOND_MS))
PUT_VALUE(put_interval, slots_interval(obj))
PUT_VALUE(put_next, floor((double)slots_next(obj, clock_real_ms()) / SECOND_MS))
PUT_VALUE(put_missed, slots_missed(obj, kube_time_ms(STATUS(RECORD_RUN)), clock_real_ms()))
PUT_VALUE(put_ready, strcmp(json_text_or(STATUS("phase"), ""), "Ready") == 0)
PUT_VALUE(put_shrank, FLAG("datasetShrank"))
PUT_VALUE(put_held_back, FLAG("retentionHeldBack"))
PUT_VALUE(put_push_failed, FLAG("metricsPushFailed"))
PUT_KNOWN(put_keys, RECORD_BACKUP, "keys")
PUT_KNOWN(put_bytes, RECORD_BACKUP, "bytes")
PUT_KNOWN(put_stored, RECORD_BACKUP, "storedBytes")
PUT_KNOWN(put_integrity, "integrity")
PUT_KNOWN(put_snapshots, "snapshotCount")

static void
put_size(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n)
{
    const struct json *size = STATUS("totalSize");
    struct err e = ERR_INIT;
    uint64_t bytes;

    (void)n;
    if (size != NULL && size_parse(json_text_str(size), &bytes, &e) == RC_OK)
        metrics_sample(m, labels, (double)bytes);
}

/* Those that somebody asks for. */
static void
put_objectives(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n,
               bool limits)
{
    for (enum objective i = 0; i < OBJECTIVES; i++) {
        int64_t limit;
        enum objective_state state = objective_judge(obj, i, clock_real_ms(), &limit);

        if (state == OBJECTIVE_NONE)
            continue;
        labels[n] = (struct metrics_label){"objective", objective_name(i)};
        labels[n + 1] = (struct metrics_label){NULL, NULL};
        metrics_sample(m, labels,
                       limits ? (double)limit / SECOND_MS : (double)(state >= OBJECTIVE_BREACHED));
    }
}

static void
put_limits(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n)
{
    put_objectives(m, obj, labels, n, true);
}

static void
put_breached(struct metrics *m, const struct json *obj, struct metrics_label *labels, size_t n)
{
    put_objectives(m, obj, labels, n, false);
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
LABELS(invoker_labels_own, {.name = "invoker_kind", .path = {"kind"}}, {.name = "invoker_name"});

#define CREATED "When it was made"
#define INFO "Always 1; the labels say what it is"

#define OWN "cstash_backup_"

static const struct state_series configuration_series[] = {
    {STASH "backupconfiguration_created", CREATED, configuration_labels, put_created},
    {STASH "backupconfiguration_info", INFO, configuration_info, put_one},
    {STASH "backupconfiguration_conditions", "Always 1; the labels say which, and whether it holds",
     configuration_labels, put_conditions},
    {OWN "last_verified_time_seconds",
     "When a BackupVerification of it last found a backup good; 0: never", invoker_labels_own,
     put_last_verified},
    {OWN "restore_duration_seconds",
     "How long the last load by a BackupVerification of it took; 0: there was none",
     invoker_labels_own, put_restore_seconds},
    {.name = NULL},
};
/* Of a BackupConfiguration and of a BackupBatch. */
static const struct state_series invoker_series[] = {
    {OWN "ready", "Is its phase Ready: can backups be made", invoker_labels_own, put_ready},
    {OWN "scheduled_since_time_seconds", "Since when its schedule stands; 0: it is paused",
     invoker_labels_own, put_since},
    {OWN "expected_interval_seconds", "Longest time between two slots; 0: it is paused",
     invoker_labels_own, put_interval},
    {OWN "next_run_time_seconds", "When the next session is due; 0: never, or it is paused",
     invoker_labels_own, put_next},
    {OWN "missed_runs", "Slots since the last session at which none began, up to 100",
     invoker_labels_own, put_missed},
    {OWN "last_run_time_seconds", "When the last session began that was not skipped; 0: none did",
     invoker_labels_own, put_last_run},
    {OWN "last_success_time_seconds", "When the last session that succeeded began; 0: none did",
     invoker_labels_own, put_last_success},
    {OWN "last_failure_time_seconds", "When the last session that failed began; 0: none did",
     invoker_labels_own, put_last_failure},
    {OWN "duration_seconds", "How long the last session that succeeded took; 0: none did",
     invoker_labels_own, put_duration},
    {OWN "keys", "Keys in the last backup, where they are known", invoker_labels_own, put_keys},
    {OWN "size_bytes", "Bytes read by the last backup", invoker_labels_own, put_bytes},
    {OWN "stored_bytes", "Bytes that the last backup added to the repository", invoker_labels_own,
     put_stored},
    {OWN "shrank", "Had the target lost most of its keys, so that a snapshot from before is kept",
     invoker_labels_own, put_shrank},
    {OWN "retention_held_back", "Would retention have removed too much, so that it removed nothing",
     invoker_labels_own, put_held_back},
    {OWN "metrics_push_failed", "Did the Pushgateway not take the metrics of the last session",
     invoker_labels_own, put_push_failed},
    {OWN "objective_seconds",
     "What annotation cstash.io/rpo or cstash.io/rto asks for; 0: it cannot be read",
     invoker_labels_own, put_limits},
    {OWN "objective_breached",
     "Was more lost, or took the way back longer, than that; also when it cannot be read",
     invoker_labels_own, put_breached},
    {.name = NULL},
};
_Static_assert(ARRAY_LEN(invoker_series) <= SERIES_MAX + 1, "room in a walk");
static const struct state_series verification_series[] = {
    {"cstash_backupverification_last_verified_time_seconds",
     "When a backup was last found good; 0: none was", by_name, put_last_verified},
    {"cstash_backupverification_restore_duration_seconds",
     "How long the load of the last verification took; 0: there was none", by_name,
     put_restore_seconds},
    {"cstash_backupverification_conditions", "Always 1; the labels say which, and whether it holds",
     by_name, put_conditions},
    {"cstash_backupverification_scheduled_since_time_seconds",
     "Since when its schedule stands; 0: it is paused", by_name, put_since},
    {"cstash_backupverification_expected_interval_seconds",
     "Longest time between two slots; 0: it is paused", by_name, put_interval},
    {"cstash_backupverification_next_run_time_seconds",
     "When the next one is due; 0: never, or it is paused", by_name, put_next},
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
    {"cstash_repository_integrity", "Did the last check find the repository whole",
     repository_labels, put_integrity},
    {"cstash_repository_size_bytes", "Bytes stored", repository_labels, put_size},
    {"cstash_repository_snapshots", "Snapshots kept", repository_labels, put_snapshots},
    {"cstash_repository_last_backup_time_seconds",
     "When the last backup into it that succeeded began; 0: none did", repository_labels,
     put_last_backup_time},
    {.name = NULL},
};

#define AT(member) offsetof(struct operator, member)

static const struct state_kind state_kinds[] = {
    {AT(backupconfiguration), configuration_series, AT(backupbatch), invoker_series, NULL},
    {AT(backupsession), backup_series, 0, no_series, "cstash_backupsessions"},
    {AT(restoresession), restore_series, 0, no_series, "cstash_restoresessions"},
    {AT(restorebatch), no_series, 0, no_series, "cstash_restorebatches"},
    {AT(repository), repository_series, 0, no_series, NULL},
    {AT(backupverification), verification_series, 0, no_series, NULL},
};

/* ---- one walk ---- */

struct state_walk {
    const struct state_kind *kind;
    bool other; /* it is the other kind that is walked */
    struct metrics own[SERIES_MAX], shared[SERIES_MAX];
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
put_series(const struct state_series *series, struct metrics *out, const struct json *obj)
{
    struct metrics_label labels[LABELS_MAX + 3] = {{"namespace", kube_ns(obj)}};

    for (; series->name != NULL; series++, out++) {
        size_t n = 1;

        for (const struct state_label *l = series->labels; l->name != NULL; l++)
            labels[n++] = (struct metrics_label){l->name, label_value(l, obj)};
        labels[n] = (struct metrics_label){NULL, NULL};
        series->put(out, obj, labels, n);
    }
}

static void
walk_one(void *arg, const struct json *obj)
{
    struct state_walk *w = (struct state_walk *)arg;
    const char *phase = json_text_or(json_dig(obj, "status", "phase"), phases[0]);

    if (!w->other)
        put_series(w->kind->series, w->own, obj);
    put_series(w->kind->shared, w->shared, obj);
    for (size_t i = 0; i < ARRAY_LEN(phases); i++)
        w->counts[i] += strcmp(phase, phases[i]) == 0;
}

static void
series_begin(const struct state_series *series, struct metrics *out)
{
    for (; series->name != NULL; series++, out++) {
        *out = (struct metrics)METRICS_INIT;
        metrics_begin(out, series->name, "gauge", series->help);
    }
}

static void
series_end(const struct state_series *series, struct metrics *out, struct metrics *m)
{
    for (; series->name != NULL; series++, out++) {
        metrics_append(m, out);
        metrics_release(out);
    }
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

static const struct watched *
watched_at(const struct operator* op, size_t at)
{
    return (const struct watched *)(const void *)((const char *)op + at);
}

void
put_state(struct operator* op, struct metrics *m)
{
    for (size_t k = 0; k < ARRAY_LEN(state_kinds); k++) {
        struct state_walk w = {.kind = &state_kinds[k]};

        series_begin(w.kind->series, w.own);
        series_begin(w.kind->shared, w.shared);
        cache_each(watched_at(op, w.kind->at)->cache, NULL, walk_one, &w);
        w.other = true;
        if (w.kind->also != 0)
            cache_each(watched_at(op, w.kind->also)->cache, NULL, walk_one, &w);
        put_counts(&w, m);
        series_end(w.kind->series, w.own, m);
        series_end(w.kind->shared, w.shared, m);
    }
}

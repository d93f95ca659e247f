/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/record.h"

#include "api/conditions.h"
#include "api/duration.h"
#include "base/mem.h"
#include "kube/object.h"

enum { SECOND_MS = 1000 };

/* Is `session` newer than what stands there? Then its beginning does. */
static bool
record_time(struct json *status, const char *field, const struct json *session)
{
    int64_t at = kube_created_ms(session);
    char text[API_TIME_TEXT];

    if (kube_time_ms(json_field(status, field)) >= at)
        return false;
    json_set_cstr(status, field, api_time(at, text));
    return true;
}

void
record_begin(struct json *status, const struct json *session)
{
    (void)record_time(status, RECORD_RUN, session);
}

/* Of the session, or of any of its targets. */
static bool
record_told(const struct json *session, enum condition_id id, enum condition_state state)
{
    const struct json *status = json_field(session, "status"),
                      *targets = json_field(status, "targets");
    bool told = condition_is_because(status, id, state);

    for (size_t i = 0; i < json_size(targets); i++)
        told = told || condition_is_because(json_elem(targets, i), id, state);
    return told;
}

struct record_sums {
    int64_t keys, bytes, stored;
    bool counted; /* the keys are known */
};

static int64_t
record_bytes(const struct json *snapshot, const char *field)
{
    struct err e = ERR_INIT;
    uint64_t n = 0;

    return size_parse(json_text_str(json_field(snapshot, field)), &n, &e) == RC_OK
               ? (int64_t)MIN(n, (uint64_t)INT64_MAX / 4096)
               : 0;
}

static void
record_add(struct record_sums *sum, const struct json *target)
{
    const struct json *stats = json_field(target, "stats");

    for (size_t h = 0; h < json_size(stats); h++) {
        const struct json *list = json_field(json_elem(stats, h), "snapshots");

        for (size_t i = 0; i < json_size(list); i++) {
            const struct json *s = json_elem(list, i);

            sum->counted = sum->counted || json_field(s, "keys") != NULL;
            sum->keys += json_int_or(json_field(s, "keys"), 0);
            sum->bytes += record_bytes(s, "totalSize");
            sum->stored += record_bytes(s, "uploaded");
        }
    }
}

static void
record_figures(struct json *status, const struct json *session, int64_t now_ms)
{
    const struct json *targets = json_dig(session, "status", "targets");
    struct json *b = json_new_object();
    struct record_sums sum = {0};

    for (size_t i = 0; i < json_size(targets); i++)
        record_add(&sum, json_elem(targets, i));
    json_set_cstr(b, "session", kube_name(session));
    json_set_int(b, "seconds", MAX(now_ms - kube_created_ms(session), (int64_t)0) / SECOND_MS);
    if (sum.counted)
        json_set_int(b, "keys", sum.keys);
    json_set_int(b, "bytes", sum.bytes);
    json_set_int(b, "storedBytes", sum.stored);
    json_set(status, RECORD_BACKUP, b);
}

/* What people must hear of though the session may have succeeded; a failure takes none of it back. */
static void
record_warnings(struct json *status, const struct json *session, bool good)
{
    static const struct {
        const char *field;
        enum condition_id id;
        enum condition_state state;
    } warnings[] = {{"datasetShrank", COND_SNAPSHOT_PINNED, COND_TRUE},
                    {"retentionHeldBack", COND_RETENTION_HELD_BACK, COND_FALSE}};

    for (size_t i = 0; i < ARRAY_LEN(warnings); i++) {
        bool told = record_told(session, warnings[i].id, warnings[i].state);

        if (told || good)
            json_set_bool(status, warnings[i].field, told);
    }
    if (condition_is_there(json_field(session, "status"), COND_METRICS_PUSHED))
        json_set_bool(status, "metricsPushFailed",
                      record_told(session, COND_METRICS_PUSHED, COND_FALSE));
}

void
record_end(struct json *status, const struct json *session, const char *phase, int64_t now_ms)
{
    bool good = strcmp(phase, "Succeeded") == 0;

    if (!good && strcmp(phase, "Failed") != 0)
        return;
    (void)record_time(status, RECORD_RUN, session);
    if (!record_time(status, good ? RECORD_SUCCESS : RECORD_FAILURE, session))
        return;
    if (good)
        record_figures(status, session, now_ms);
    record_warnings(status, session, good);
}

void
record_verified(struct json *status, const struct json *verification)
{
    const struct json *at = json_field(verification, RECORD_VERIFIED),
                      *took = json_field(verification, RECORD_RESTORE);

    if (at == NULL || kube_time_ms(at) < kube_time_ms(json_field(status, RECORD_VERIFIED)))
        return;
    json_set(status, RECORD_VERIFIED, json_clone(at));
    if (took != NULL)
        json_set(status, RECORD_RESTORE, json_clone(took));
}

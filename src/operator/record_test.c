/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a status so that it can be asked later: the record of sessions, slots, objectives. */
#include "operator/record.h"

#include "api/conditions.h"
#include "base/mem.h"
#include "kube/object.h"
#include "operator/objective.h"
#include "operator/slots.h"
#include "t.h"
#include "harness/t_json.h"

enum { HOUR_MS = 3600 * 1000 };

/* 2026-03-04 is a Wednesday. */
static int64_t
at_ms(const char *text)
{
    CLEANUP(json_free_ptr) struct json *j = json_new_object();

    json_set_cstr(j, "t", text);
    return kube_time_ms(json_field(j, "t"));
}

#define MADE "2026-03-01T00:00:00Z"

static struct json *
scheduled(const char *spec)
{
    CLEANUP(mem_free_ptr)
    char *text = mem_printf("{\"metadata\":{\"creationTimestamp\":\"" MADE "\"},\"spec\":{%s},"
                            "\"status\":{}}",
                            spec);

    return t_json(text);
}

static void
test_slots_that_passed_without_a_run_are_missed(void **state)
{
    struct json *o = scheduled("\"schedule\":\"0 2 * * *\""), *s = json_field(o, "status");
    int64_t noon = at_ms("2026-03-04T12:00:00Z");

    (void)state;
    slots_note(o, s, noon);
    assert_int_equal(slots_since(o), at_ms(MADE)); /* nobody looked before: since it was made */
    assert_int_equal(slots_interval(o), 86400);
    assert_int_equal(slots_next(o, noon), at_ms("2026-03-05T02:00:00Z"));
    assert_int_equal(slots_missed(o, 0, noon), 4);
    assert_int_equal(slots_missed(o, at_ms("2026-03-03T02:00:03Z"), noon), 1);
    assert_int_equal(slots_missed(o, at_ms("2026-03-04T02:00:00Z"), noon), 0);
    /* a minute for what has to be started */
    assert_int_equal(slots_missed(o, at_ms("2026-03-03T02:00:03Z"), at_ms("2026-03-04T02:00:59Z")),
                     0);
    assert_int_equal(slots_missed(o, at_ms("2026-03-03T02:00:03Z"), at_ms("2026-03-04T02:01:00Z")),
                     1);
    assert_int_equal(slots_missed(o, 0, at_ms("2036-03-04T12:00:00Z")), SLOTS_MISSED_MAX);
    json_free(o);
}

static void
test_slots_count_since_the_schedule_stands(void **state)
{
    struct json *o = scheduled("\"schedule\":\"0 2 * * *\""), *s = json_field(o, "status"),
                *spec = json_field(o, "spec");
    int64_t noon = at_ms("2026-03-04T12:00:00Z"), later = at_ms("2026-03-06T12:00:00Z");

    (void)state;
    slots_note(o, s, noon);
    json_set_int(s, "observedGeneration", 1);
    json_set_bool(spec, "paused", true);
    slots_note(o, s, noon);
    assert_int_equal(slots_since(o), 0);
    assert_int_equal(slots_next(o, noon), 0);
    assert_int_equal(slots_missed(o, 0, later), 0);
    json_set_bool(spec, "paused", false);
    slots_note(o, s, later);
    assert_int_equal(slots_since(o), later);
    assert_int_equal(slots_missed(o, 0, later + HOUR_MS), 0);
    /* one that cannot be read: those of the last one that could are still missed */
    json_set_cstr(spec, "schedule", "never");
    slots_note(o, s, later + HOUR_MS);
    assert_int_equal(slots_since(o), later);
    assert_int_equal(slots_missed(o, 0, later + 24 * HOUR_MS), 1);
    json_set_cstr(spec, "schedule", "0 8,20 * * 1-5");
    slots_note(o, s, later);
    assert_int_equal(slots_interval(o), 60 * 3600); /* over a weekend */
    json_free(o);
}

#define SESSION(made, rest)                                                                        \
    "{\"metadata\":{\"name\":\"s\",\"creationTimestamp\":\"" made "\"},\"status\":{" rest "}}"
#define TOLD(type, status, reason)                                                                 \
    "\"conditions\":[{\"type\":\"" type "\",\"status\":\"" status "\",\"reason\":\"" reason "\"}]"
#define HOST(keys)                                                                                 \
    "\"stats\":[{\"snapshots\":[{" keys "\"totalSize\":\"2.000 KiB\",\"uploaded\":\"10 B\"}]}]"

static void
record_play(struct json *status, const char *session, const char *phase, const char *now)
{
    struct json *s = t_json(session);

    record_begin(status, s);
    record_end(status, s, phase, at_ms(now));
    json_free(s);
}

static void
test_record_keeps_what_sessions_said(void **state)
{
    struct json *st = t_json("{}"), *b;

    (void)state;
    record_play(st,
                SESSION("2026-03-04T02:00:00Z",
                        "\"targets\":[{" HOST("\"keys\":3,") "},{" HOST("\"keys\":4,") "," TOLD(
                            "SnapshotPinned", "True", "DatasetShrank") "}]"),
                "Succeeded", "2026-03-04T02:00:07Z");
    b = json_field(st, RECORD_BACKUP);
    assert_string_equal(json_text(json_field(st, RECORD_SUCCESS)), "2026-03-04T02:00:00Z");
    assert_int_equal(json_int_or(json_field(b, "seconds"), -1), 7);
    assert_int_equal(json_int_or(json_field(b, "keys"), -1), 7);
    assert_int_equal(json_int_or(json_field(b, "bytes"), -1), 4096);
    assert_int_equal(json_int_or(json_field(b, "storedBytes"), -1), 20);
    assert_true(json_is_true(json_field(st, "datasetShrank")));
    assert_false(json_is_true(json_field(st, "retentionHeldBack")));
    /* a failure takes back neither the figures nor the warning */
    record_play(
        st, SESSION("2026-03-05T02:00:00Z", TOLD("MetricsPushed", "False", "FailedToPushMetrics")),
        "Failed", "2026-03-05T02:00:01Z");
    assert_string_equal(json_text(json_field(st, RECORD_SUCCESS)), "2026-03-04T02:00:00Z");
    assert_string_equal(json_text(json_field(st, RECORD_FAILURE)), "2026-03-05T02:00:00Z");
    assert_string_equal(json_text(json_field(st, RECORD_RUN)), "2026-03-05T02:00:00Z");
    assert_int_equal(json_int_or(json_dig(st, RECORD_BACKUP, "keys"), -1), 7);
    assert_true(json_is_true(json_field(st, "datasetShrank")));
    assert_true(json_is_true(json_field(st, "metricsPushFailed")));
    /* a success does; keys that nobody counted are not 0 */
    record_play(st,
                SESSION("2026-03-06T02:00:00Z",
                        "\"targets\":[{" HOST("") "}]," TOLD("MetricsPushed", "False",
                                                             "PushgatewayNotConfigured")),
                "Succeeded", "2026-03-06T02:00:01Z");
    assert_false(json_is_true(json_field(st, "datasetShrank")));
    assert_false(json_is_true(json_field(st, "metricsPushFailed")));
    assert_null(json_dig(st, RECORD_BACKUP, "keys"));
    /* an older one that ends late changes nothing, and a skipped one does not count as a run */
    record_play(st, SESSION("2026-03-03T02:00:00Z", ""), "Succeeded", "2026-03-06T03:00:00Z");
    assert_string_equal(json_text(json_field(st, RECORD_SUCCESS)), "2026-03-06T02:00:00Z");
    json_free(st);
}

static void
test_record_keeps_the_newest_verification(void **state)
{
    struct json *st = t_json("{}"),
                *loaded =
                    t_json("{\"lastVerifiedTime\":\"2026-03-04T02:00:00Z\",\"restoreSeconds\":9}"),
                *read = t_json("{\"lastVerifiedTime\":\"2026-03-05T02:00:00Z\"}"),
                *none = t_json("{}");

    (void)state;
    record_verified(st, none);
    assert_null(json_field(st, RECORD_VERIFIED));
    record_verified(st, loaded);
    record_verified(st, read);
    record_verified(st, loaded);
    assert_string_equal(json_text(json_field(st, RECORD_VERIFIED)), "2026-03-05T02:00:00Z");
    assert_int_equal(json_int_or(json_field(st, RECORD_RESTORE), 0), 9);
    json_free(st);
    json_free(loaded);
    json_free(read);
    json_free(none);
}

static void
test_objectives_are_measured(void **state)
{
    static const struct {
        const char *notes, *status;
        enum objective which;
        enum objective_state want;
    } cases[] = {
        {"{}", "{}", OBJECTIVE_RPO, OBJECTIVE_NONE},
        {"{\"cstash.io/rpo\":\"26h\"}", "{\"lastSuccessTime\":\"2026-03-03T11:00:00Z\"}",
         OBJECTIVE_RPO, OBJECTIVE_MET},
        {"{\"cstash.io/rpo\":\"24h\"}", "{\"lastSuccessTime\":\"2026-03-03T11:00:00Z\"}",
         OBJECTIVE_RPO, OBJECTIVE_BREACHED},
        {"{\"cstash.io/rpo\":\"24h\"}", "{}", OBJECTIVE_RPO, OBJECTIVE_BREACHED},
        {"{\"cstash.io/rpo\":\"1000h\"}", "{}", OBJECTIVE_RPO, OBJECTIVE_MET},
        {"{\"cstash.io/rpo\":\"a day\"}", "{}", OBJECTIVE_RPO, OBJECTIVE_INVALID},
        {"{\"cstash.io/rpo\":\"\"}", "{}", OBJECTIVE_RPO, OBJECTIVE_INVALID},
        {"{\"cstash.io/rpo\":\"0\"}", "{}", OBJECTIVE_RPO, OBJECTIVE_INVALID},
        {"{\"cstash.io/rto\":\"10m\"}", "{}", OBJECTIVE_RTO, OBJECTIVE_UNKNOWN},
        {"{\"cstash.io/rto\":\"10m\"}", "{\"restoreSeconds\":600}", OBJECTIVE_RTO, OBJECTIVE_MET},
        {"{\"cstash.io/rto\":\"10m\"}", "{\"restoreSeconds\":601}", OBJECTIVE_RTO,
         OBJECTIVE_BREACHED},
    };
    int64_t now = at_ms("2026-03-04T12:00:00Z"), limit;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = mem_printf("{\"metadata\":{\"creationTimestamp\":\"" MADE
                                "\",\"annotations\":%s},\"status\":%s}",
                                cases[i].notes, cases[i].status);
        struct json *o = t_json(text);

        if (objective_judge(o, cases[i].which, now, &limit) != cases[i].want)
            fail_msg("%s", text);
        assert_true((objective_next_ms(o, now) > 0) ==
                    (cases[i].which == OBJECTIVE_RPO && cases[i].want == OBJECTIVE_MET));
        json_free(o);
        mem_free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_that_passed_without_a_run_are_missed),
        cmocka_unit_test(test_slots_count_since_the_schedule_stands),
        cmocka_unit_test(test_record_keeps_what_sessions_said),
        cmocka_unit_test(test_record_keeps_the_newest_verification),
        cmocka_unit_test(test_objectives_are_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

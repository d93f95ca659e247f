/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_print.h"

#include <stdio.h>

#include "cli/out.h"

/* ---- for people ---- */

static void
print_db(const struct plan_db *db)
{
    const char *sep = ": ";
    char n[STR_GROUPED_MAX];

    if (db->keys == 0)
        return;
    (void)printf("  database %llu: %s %s", (unsigned long long)db->n, str_grouped(db->keys, n),
                 str_plural(db->keys, "key", "keys"));
    for (int k = 0; k < KV_N_TYPES; k++) {
        if (db->types[k] == 0)
            continue;
        (void)printf("%s%s %s", sep, str_grouped(db->types[k], n), kv_info[k].name);
        sep = ", ";
    }
    if (db->expiring != 0)
        (void)printf("; %s of them %s", str_grouped(db->expiring, n),
                     str_plural(db->expiring, "expires", "expire"));
    (void)putchar('\n');
}

static void
print_point(const struct plan *p, enum plan_topic t)
{
    static const char *const marks[] = {[PLAN_YES] = "ok", [PLAN_UNSURE] = "?", [PLAN_NO] = "NO"};
    const struct plan_point *point = &p->points[t];

    if (point->text[0] == '\0')
        return;
    (void)printf("%-3s %s: ", t == PLAN_TIME ? "" : marks[point->grade], plan_topic_text(t));
    out_words(point->text, 0);
    (void)putchar('\n');
    if (point->hint[0] == '\0')
        return;
    (void)fputs("    hint: ", stdout);
    out_words(point->hint, 0);
    (void)putchar('\n');
}

static void
print_time(const struct plan *p)
{
    char all[OUT_TEXT], read[OUT_TEXT], write[OUT_TEXT], copy[OUT_TEXT];

    if (p->ms < 0)
        return;
    (void)printf("    about %s (an estimate): %s to read%s%s%s%s", out_duration(p->ms, all),
                 out_duration(p->read_ms, read), p->write_ms < 0 ? "" : ", ",
                 p->write_ms < 0 ? "" : out_duration(p->write_ms, write),
                 p->write_ms < 0 ? "" : " to write", p->write_ms < 0 ? "" : " at the same time");
    if (p->copy == SAFETY_DRY_RUN && p->copy_ms >= 0)
        (void)printf("; before that %s for the copy, as fast as this backup was",
                     out_duration(p->copy_ms, copy));
    else if (p->copy == SAFETY_DRY_RUN)
        (void)fputs("; how long the copy before it takes is not known", stdout);
    (void)putchar('\n');
}

void
plan_print(const struct plan *p, const struct plan_about *about)
{
    char n[STR_GROUPED_MAX];

    (void)printf("plan: %s into %s, --existing %s; nothing is written\n", about->from, p->target,
                 about->existing);
    for (size_t i = 0; i < p->n_dbs; i++)
        print_db(&p->dbs[i]);
    if (p->functions != 0)
        (void)printf("  %s function %s\n", str_grouped(p->functions, n),
                     str_plural(p->functions, "library", "libraries"));
    for (unsigned i = 0; i < PLAN_N; i++)
        print_point(p, (enum plan_topic)i);
    print_time(p);
    if (about->asks)
        (void)puts("    a person is asked before anything is lost; where there is no terminal, the "
                   "restore needs --yes");
    (void)puts(p->verdict == PLAN_YES  ? "the restore would work"
               : p->verdict == PLAN_NO ? "the restore would NOT work"
                                       : "whether the restore would work is not known");
}

/* ---- JSON ---- */

static void
json_databases(struct jw *w, const struct plan *p)
{
    jw_key(w, "databases");
    jw_open_array(w);
    for (size_t i = 0; i < p->n_dbs; i++) {
        const struct plan_db *db = &p->dbs[i];

        if (db->keys == 0)
            continue;
        jw_open_object(w);
        jw_field_u64(w, "db", db->n);
        jw_field_u64(w, "keys", db->keys);
        jw_field_u64(w, "expiring", db->expiring);
        jw_key(w, "types");
        jw_open_object(w);
        for (int k = 0; k < KV_N_TYPES; k++)
            if (db->types[k] != 0)
                jw_field_u64(w, kv_info[k].name, db->types[k]);
        jw_close_object(w);
        jw_close_object(w);
    }
    jw_close_array(w);
}

static void
json_points(struct jw *w, const struct plan *p)
{
    jw_key(w, "answers");
    jw_open_object(w);
    for (unsigned i = 0; i < PLAN_N; i++) {
        const struct plan_point *point = &p->points[i];

        if (point->text[0] == '\0')
            continue;
        jw_key(w, plan_topic_name((enum plan_topic)i));
        jw_open_object(w);
        if (i != PLAN_TIME)
            jw_field_cstr(w, "works", plan_grade_name(point->grade));
        jw_field_cstr(w, "text", point->text);
        if (point->hint[0] != '\0')
            jw_field_cstr(w, "hint", point->hint);
        jw_close_object(w);
    }
    jw_close_object(w);
}

static void
json_ms(struct jw *w, const char *key, int64_t ms)
{
    if (ms < 0)
        return;
    jw_key(w, key);
    jw_double(w, (double)ms / 1000);
}

static void
json_memory(struct jw *w, const struct plan *p)
{
    jw_key(w, "memory");
    jw_open_object(w);
    if (p->need.need != 0) {
        jw_field_u64(w, "estimate", p->need.need);
        jw_field_u64(w, "at_least", p->need.least);
        jw_field_u64(w, "at_most", p->need.most);
        jw_field_cstr(w, "estimated_from", p->need.from_source ? "source" : "dump");
    }
    if (p->use.told) {
        jw_field_u64(w, "used", p->use.used);
        jw_field_u64(w, "maxmemory", p->use.max);
        jw_field_cstr(w, "policy", p->use.policy);
        if (p->use.max != 0)
            jw_field_u64(w, "room", p->room);
    }
    jw_close_object(w);
}

static void
json_left_out(struct jw *w, const struct plan *p)
{
    jw_key(w, "left_out");
    jw_open_object(w);
    for (unsigned i = 0; i < ADAPT_N; i++)
        if (p->left_out[i] != 0)
            jw_field_u64(w, adapt_left_name((enum adapt_left)i), p->left_out[i]);
    if (p->refused.modules + p->refused.unsure != 0)
        jw_field_u64(w, "values_of_missing_modules", p->refused.modules + p->refused.unsure);
    if (p->refused.newer != 0)
        jw_field_u64(w, "values_of_newer_versions", p->refused.newer);
    jw_close_object(w);
}

void
plan_print_json(const struct plan *p, const struct plan_about *about)
{
    struct out_json j;
    char id[ID_TEXT];

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "plan");
    jw_field_cstr(&j.w, "works", plan_grade_name(p->verdict));
    jw_field_cstr(&j.w, "snapshot_id", id_hex(&about->snap->id, id));
    jw_field_cstr(&j.w, "target", p->target);
    if (p->server[0] != '\0')
        jw_field_cstr(&j.w, "server", p->server);
    jw_field_cstr(&j.w, "existing", about->existing);
    if (p->keys_known) {
        jw_field_u64(&j.w, "keys", p->keys);
        jw_field_u64(&j.w, "bytes", p->bytes);
        jw_field_u64(&j.w, "keys_filtered", p->filtered);
        jw_field_u64(&j.w, "functions", p->functions);
        json_databases(&j.w, p);
    }
    jw_field_bool(&j.w, "dump_read", p->read);
    if (p->target_told)
        jw_field_u64(&j.w, "target_keys", p->target_keys);
    if (p->conflicts_known)
        jw_field_u64(&j.w, "keys_in_the_way", p->conflicts);
    if (p->removed != 0)
        jw_field_u64(&j.w, "keys_removed_first", p->removed);
    json_left_out(&j.w, p);
    json_memory(&j.w, p);
    jw_field_cstr(&j.w, "safety_copy", safety_state_name(p->copy));
    json_ms(&j.w, "estimated_seconds", p->ms);
    json_ms(&j.w, "estimated_read_seconds", p->read_ms);
    json_ms(&j.w, "estimated_write_seconds", p->write_ms);
    json_ms(&j.w, "estimated_copy_seconds", p->copy_ms);
    jw_field_bool(&j.w, "asks", about->asks);
    json_points(&j.w, p);
    jw_close_object(&j.w);
    out_json_end(&j);
}

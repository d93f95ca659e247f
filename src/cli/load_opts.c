/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load_opts.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/out.h"

const struct opt opts_load[] = {
    {"existing", 0, OPT_TEXT, OPT_AT(existing), "replace|skip|fail|flush",
     "what to do about keys that exist [replace]; flush empties the server first"},
    {"allow-command", 0, OPT_LIST, OPT_AT(allow_commands), "NAME",
     "run this command too where the dump holds it, although it writes no data (repeatable)"},
    {"dry-run", 'n', OPT_FLAG, OPT_AT(dry_run), NULL, "read and verify everything, send nothing"},
    {.name = NULL},
};

static void
on_progress(void *arg, uint64_t bytes, uint64_t commands)
{
    struct progress *p = arg;

    atomic_store_explicit(&p->bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&p->keys, commands, memory_order_relaxed);
}

enum rc
app_target_open(struct ctx *cx, const struct args *a, struct app_target *t, struct err *e)
{
    static const char *const words[] = {"replace", "skip", "fail", "flush", NULL};
    int existing;

    memset(t, 0, sizeof(*t));
    t->started_ms = clock_mono_ms();
    if (app_word(a->existing, "existing", words, &existing, e) ||
        app_filter(a, &t->opts.filter, e) || app_redis(a, &t->addr, &t->conn_opts, e))
        return e->code;
    t->opts.existing =
        (enum load_existing[]){LOAD_REPLACE, LOAD_SKIP, LOAD_FAIL, LOAD_FLUSH}[existing];
    t->opts.dry_run = a->dry_run;
    t->opts.allow = a->allow_commands.v;
    t->opts.n_allow = a->allow_commands.n;
    t->opts.progress = on_progress;
    t->opts.progress_arg = &t->progress;
    if (!a->dry_run && conn_open(cx, &t->addr, &t->conn_opts, &t->conn, e))
        return e->code;
    progress_start(&t->progress, a->dry_run ? "verified" : "loaded", a->quiet);
    return RC_OK;
}

void
app_target_close(struct app_target *t)
{
    progress_stop(&t->progress);
    conn_close(t->conn);
    redis_addr_release(&t->addr);
}

static void
print_json(const struct restore_result *r, int64_t ms)
{
    struct out_json j;

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "summary");
    jw_field_u64(&j.w, "keys", r->keys);
    jw_field_u64(&j.w, "keys_sent", r->load.keys);
    jw_field_u64(&j.w, "keys_skipped", r->load.skipped_keys);
    jw_field_u64(&j.w, "keys_filtered", r->load.filtered_keys);
    jw_field_u64(&j.w, "commands", r->load.commands);
    jw_field_u64(&j.w, "errors", r->load.n_errors);
    jw_field_u64(&j.w, "lost_pending_entries", r->load.lost_pending);
    jw_field_u64(&j.w, "bytes", r->load.bytes);
    jw_field_bool(&j.w, "compared_with_manifest", r->compared);
    if (r->load.facts.exact) {
        jw_field_cstr(&j.w, "digest", r->digest);
    }
    jw_key(&j.w, "total_duration");
    jw_double(&j.w, (double)ms / 1000);
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
print_text(const struct args *a, const struct restore_result *r, int64_t ms)
{
    char bytes[OUT_TEXT], took[OUT_TEXT], rate[OUT_TEXT];

    if (a->dry_run)
        (void)printf("%llu keys, %s in %s: nothing was sent\n", (unsigned long long)r->keys,
                     out_bytes(r->load.bytes, bytes), out_duration(ms, took));
    else
        (void)printf("%llu keys loaded, %llu skipped, %llu not wanted; %s in %s (%s/s)\n",
                     (unsigned long long)r->load.keys, (unsigned long long)r->load.skipped_keys,
                     (unsigned long long)r->load.filtered_keys, out_bytes(r->load.bytes, bytes),
                     out_duration(ms, took),
                     out_bytes(r->load.bytes * 1000 / (uint64_t)MAX(ms, 1), rate));
    if (r->compared)
        (void)printf("counts and digest %s are those of the backup\n", r->digest);
    else if (r->load.facts.exact)
        (void)printf("digest %s\n", r->digest);
}

void
app_target_report(const struct args *a, struct app_target *t, const struct restore_result *r,
                  enum rc rc)
{
    int64_t ms = clock_mono_ms() - t->started_ms;

    progress_stop(&t->progress);
    for (size_t i = 0; i < MIN(r->load.n_errors, (uint64_t)LOAD_ERRORS_KEPT); i++) {
        const struct load_error *x = &r->load.errors[i];
        log_warn("%s%s%s: %s", x->verb, x->key[0] != '\0' ? " " : "", x->key, x->text);
    }
    if (rc != RC_OK)
        return;
    if (a->json)
        print_json(r, ms);
    else
        print_text(a, r, ms);
}

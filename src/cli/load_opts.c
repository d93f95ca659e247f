/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load_opts.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/out.h"
#include "job/target.h"
#include "job/users.h"

const struct opt opts_consent[] = {
    {"yes", 'y', OPT_FLAG(struct load_args, yes), NULL,
     "do not ask before emptying a server, or overwriting its keys with those of another"},
    {.name = NULL},
};

static void
on_progress(void *arg, uint64_t bytes, uint64_t commands)
{
    struct progress *p = arg;

    atomic_store_explicit(&p->bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&p->keys, commands, memory_order_relaxed);
}

/* How many keys there are that the restore could destroy; EV_UNKNOWN where that cannot be asked. */
static enum rc
keys_there(struct ctx *cx, struct app_target *t, uint64_t *keys, struct err *e)
{
    const struct filter chosen = restore_filter(&t->opts);
    struct outcome_start start;

    if (outcome_begin(cx, &t->to, &start, e))
        return err_code(e);
    *keys = start.asked ? outcome_before(&start, &chosen.dbs) : EV_UNKNOWN;
    outcome_release(&start);
    return RC_OK;
}

/* The snapshot is of another server than the one it goes to. */
static bool
is_of_another(const struct app_target *t, const struct snapshot *s)
{
    struct target_id own = target_of_address(&t->addr);
    struct target view = target_view(&own);
    bool other = s != NULL && s->target != NULL && !target_is(&view, s) &&
                 (t->to.ids == NULL || !target_has_node(s, t->to.ids));

    target_release(&own);
    return other;
}

bool
app_target_asks(const struct app_target *t, const struct snapshot *s, uint64_t keys)
{
    return keys != 0 && (t->opts.existing == LOAD_FLUSH || is_of_another(t, s));
}

/*
 * What is about to happen is said to a person at a terminal, who is asked before something is lost;
 * where there is nobody to ask, it must have been said with --yes.
 */
static enum rc
load_opts_ask(struct ctx *cx, const struct load_args *a, struct app_target *t,
              const struct snapshot *s, const char *from, struct err *e)
{
    bool tty = isatty(STDIN_FILENO) && strcmp(from, "standard input") != 0,
         flush = t->opts.existing == LOAD_FLUSH, other = is_of_another(t, s);
    char n[STR_GROUPED_MAX], holds[64], whose[300] = "";
    uint64_t keys;

    if (keys_there(cx, t, &keys, e))
        return err_wrap(e, "nothing was written");
    (void)snprintf(holds, sizeof(holds), "holds %s %s",
                   keys == EV_UNKNOWN ? "perhaps some" : str_grouped(keys, n),
                   str_plural(keys, "key", "keys"));
    if (other)
        (void)snprintf(whose, sizeof(whose), " of %.250s", s->target);
    if (tty)
        log_info("%s%s goes to %s, which %s", from, whose, t->to.name, holds);
    if (a->yes || !((flush && keys != 0) || (other && (tty || keys != 0))))
        return RC_OK;
    if (tty)
        return out_ask(flush && keys != 0 ? "remove these keys first, and restore?"
                                          : "it is another server's snapshot; restore it?")
                   ? RC_OK
                   : err_set(e, RC_CANCELLED, "nothing was written");
    if (flush && keys != 0)
        return err_set(
            e, RC_INVALID,
            "nothing was written: %s %s, which would be removed before %s is restored; if that is "
            "meant, add --yes",
            t->to.name, holds, from);
    return err_set(e, RC_INVALID,
                   "nothing was written: %s is%s, another server than %s, which %s; if that is "
                   "meant, add --yes",
                   from, whose, t->to.name, holds);
}

enum rc
app_target_connect(struct ctx *cx, const struct load_args *a, struct app_target *t, struct err *e)
{
    struct cluster_where where;

    memset(t, 0, sizeof(*t));
    t->started_ms = clock_mono_ms();
    if (load_opts_of(&a->load, &a->keys, &t->opts, e) ||
        app_redis(&a->redis, &t->addr, &t->conn_opts, e))
        return err_code(e);
    t->change = a->load.change;
    t->opts.change = t->opts.change != NULL ? &t->change : NULL;
    t->opts.progress = on_progress;
    t->opts.progress_arg = &t->progress;
    node_map_init(&t->map, &a->load.node_map);
    where = (struct cluster_where){
        .addr = &t->addr, .conn = &t->conn_opts, .map = t->map.list, .n_map = t->map.n};
    if (!a->load.dry_run && masters_open(cx, &where, &t->to, e))
        return err_wrap(e, "nothing was written");
    return RC_OK;
}

enum rc
app_target_consent(struct ctx *cx, const struct load_args *a, const struct snapshot *s,
                   const char *from, struct app_target *t, struct err *e)
{
    if (restore_shift(&t->change, s, e) ||
        (!a->load.dry_run && load_opts_ask(cx, a, t, s, from, e)))
        return err_code(e);
    progress_start(&t->progress, a->load.dry_run ? "verified" : "loaded", a->app.quiet);
    return RC_OK;
}

enum rc
app_target_open(struct ctx *cx, const struct load_args *a, const struct snapshot *s,
                const char *from, struct app_target *t, struct err *e)
{
    return app_target_connect(cx, a, t, e) ? err_code(e) : app_target_consent(cx, a, s, from, t, e);
}

void
app_target_close(struct app_target *t)
{
    progress_stop(&t->progress);
    masters_close(&t->to);
    node_map_release(&t->map);
    redis_addr_release(&t->addr);
}

/* What was there before, and the way back to it; nothing of `load`, which has no repository. */
static void
json_safety(struct jw *w, const struct safety_result *s)
{
    char id[ID_TEXT];

    if (s->state == SAFETY_NONE)
        return;
    jw_key(w, "safety_copy");
    jw_open_object(w);
    jw_field_cstr(w, "state", safety_state_name(s->state));
    if (s->state == SAFETY_TAKEN) {
        jw_field_cstr(w, "snapshot_id", id_hex(&s->copy, id));
        jw_field_cstr(w, "undo_to", id_hex(&s->back, id));
        jw_field_u64(w, "keys", s->keys);
    }
    jw_close_object(w);
}

static void
print_safety(const struct safety_result *s)
{
    char id[ID_TEXT], n[STR_GROUPED_MAX];

    if (s->state == SAFETY_DRY_RUN)
        (void)puts("if the target holds keys, a copy of it will be taken first");
    if (s->state != SAFETY_TAKEN)
        return;
    (void)printf("the %s %s that it held %s in snapshot %.8s", str_grouped(s->keys, n),
                 str_plural(s->keys, "key", "keys"), str_plural(s->keys, "is", "are"),
                 id_hex(&s->copy, id));
    if (!id_eq(&s->copy, &s->back))
        (void)printf("; since the restore before was not finished, `cstash undo` leads to %.8s\n",
                     id_hex(&s->back, id));
    else
        (void)printf("; `cstash undo` brings %s back\n", str_plural(s->keys, "it", "them"));
}

static void
print_json(const struct restore_result *r, int64_t ms)
{
    struct out_json j;
    char part[RESTORE_WORDS];

    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "summary");
    jw_field_u64(&j.w, "keys", r->keys);
    jw_field_u64(&j.w, "keys_sent", r->load.keys);
    jw_field_u64(&j.w, "keys_restored", restore_arrived(r));
    jw_field_bool(&j.w, "resumed", r->resumed);
    jw_field_u64(&j.w, "keys_passed", r->load.passed_keys);
    jw_field_u64(&j.w, "keys_skipped", r->load.skipped_keys);
    jw_field_u64(&j.w, "keys_filtered", r->load.filtered_keys);
    jw_field_u64(&j.w, "commands", r->load.commands);
    jw_field_u64(&j.w, "errors", r->load.n_errors);
    jw_field_u64(&j.w, "lost_pending_entries", r->load.lost_pending);
    jw_key(&j.w, "left_out");
    jw_open_object(&j.w);
    for (unsigned i = 0; i < ADAPT_N; i++)
        if (r->load.left_out[i] != 0)
            jw_field_u64(&j.w, adapt_left_name((enum adapt_left)i), r->load.left_out[i]);
    jw_close_object(&j.w);
    jw_field_u64(&j.w, "bytes", r->load.bytes);
    jw_field_u64(&j.w, "keys_expired", r->outcome.expired);
    jw_field_bool(&j.w, "compared_with_manifest", r->compared);
    jw_field_bool(&j.w, "equal", r->equal);
    jw_field_bool(&j.w, "read_back", r->read_back);
    if (restore_part(r, part) != NULL)
        jw_field_cstr(&j.w, "partial", part);
    if (r->changed[0] != '\0')
        jw_field_cstr(&j.w, "changed", r->changed);
    if (r->with_users) {
        jw_key(&j.w, "users");
        jw_open_object(&j.w);
        jw_field_u64(&j.w, "made", r->users.made);
        jw_field_u64(&j.w, "replaced", r->users.replaced);
        jw_field_u64(&j.w, "kept", r->users.kept);
        jw_close_object(&j.w);
    }
    if (r->outcome.told) {
        jw_field_u64(&j.w, "target_keys_before", r->outcome.before);
        jw_field_u64(&j.w, "target_keys_after", r->outcome.after);
    }
    if (r->load.facts.exact) {
        jw_field_cstr(&j.w, "digest", r->digest);
    }
    json_safety(&j.w, &r->safety);
    jw_key(&j.w, "total_duration");
    jw_double(&j.w, (double)ms / 1000);
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
print_text(const struct load_args *a, const struct app_target *t, const char *from,
           const struct restore_result *r, int64_t ms)
{
    char bytes[OUT_TEXT], took[OUT_TEXT], rate[OUT_TEXT], n[STR_GROUPED_MAX], words[RESTORE_WORDS],
        beside[USERS_WORDS];

    (void)printf("%s %s %s from %s", a->load.dry_run ? "dry run: would restore" : "restored",
                 str_grouped(restore_arrived(r), n), str_plural(restore_arrived(r), "key", "keys"),
                 from);
    if (!a->load.dry_run)
        (void)printf(" to %s; %s kept", t->to.name, str_grouped(r->load.skipped_keys, n));
    (void)printf("%s %s filtered out", a->load.dry_run ? ";" : ",",
                 str_grouped(r->load.filtered_keys, n));
    if (!a->load.dry_run)
        (void)printf(", %s expired", str_grouped(r->outcome.expired, n));
    (void)printf("; %s in %s (%s/s)\n", out_bytes(r->load.bytes, bytes), out_duration(ms, took),
                 out_bytes(r->load.bytes * 1000 / (uint64_t)MAX(ms, 1), rate));
    if (r->resumed)
        (void)printf("resumed: %s of them were there\n", str_grouped(r->load.passed_keys, n));
    if (a->load.dry_run)
        (void)puts("nothing was sent");
    else
        (void)puts(restore_words(r, t->to.name, words));
    if (r->with_users)
        (void)puts(users_words(&r->users, beside));
    print_safety(&r->safety);
}

void
app_target_report(const struct load_args *a, struct app_target *t, const char *from,
                  const struct restore_result *r, enum rc rc)
{
    int64_t ms = clock_mono_ms() - t->started_ms;

    progress_stop(&t->progress);
    for (size_t i = 0; i < MIN(r->load.n_errors, (uint64_t)LOAD_ERRORS_KEPT); i++) {
        const struct load_error *x = &r->load.errors[i];
        log_warn("%s%s%s: %s", x->verb, x->key[0] != '\0' ? " " : "", x->key, x->text);
    }
    if (rc != RC_OK)
        return;
    if (a->app.json)
        print_json(r, ms);
    else
        print_text(a, t, from, r, ms);
}

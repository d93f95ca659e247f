/* SPDX-License-Identifier: Apache-2.0 */
#include "job/restore_internal.h"

#include "api/notes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/dump_parts.h"
#include "job/dump_reader.h"
#include "job/manifest.h"
#include "job/resume.h"

enum { VERIFY_MS = 60 * 1000 };

static enum rc
restore_compare(struct str manifest, const struct dataset_digest *t, struct restore_result *out,
                struct err *e)
{
    if (!out->load.facts.exact) {
        if (manifest.n != 0)
            log_warn("the dump is not of our making; it cannot be compared with its manifest");
        return RC_OK;
    }
    if (manifest.n == 0)
        return RC_OK;
    if (manifest_compare(manifest, t, e)) {
        (void)err_wrap(e, "what was loaded is not what was backed up");
        return err_hint(e, "restore another snapshot, and run cstash check --read-data");
    }
    out->compared = true;
    return RC_OK;
}

/*
 * What ends a dump well: our trailer (verified by the load), or Stash's marker; else nobody can
 * tell.
 */
static void
warn_open_end(const struct load_result *l)
{
    if (l->facts.has_marker && !l->facts.ours)
        log_info("a dump of Stash: it says %llu %s",
                 (unsigned long long)(l->facts.marker_keys - (l->facts.marker_keys != 0)),
                 str_plural(l->facts.marker_keys - (l->facts.marker_keys != 0), "key", "keys"));
    else if (!l->facts.ours)
        log_warn("the dump has no end mark; it may be cut short");
}

bool
restore_rewrites(const struct load_opts *opts)
{
    return !change_is_none(opts->change) || opts->filter.types != 0;
}

struct filter
restore_filter(const struct load_opts *opts)
{
    return restore_rewrites(opts) ? change_filter_after(opts->change, &opts->filter) : opts->filter;
}

enum rc
restore_shift(struct change *c, const struct snapshot *s, struct err *e)
{
    if (c->ttl != CHANGE_TTL_SHIFT)
        return RC_OK;
    if (s == NULL)
        return err_set(e, RC_USAGE,
                       "--ttl shift moves the times to expire by the age of the snapshot, and this "
                       "is none");
    c->shift_ms = MAX(clock_real_ms() - instant_ms(s->time), 0);
    return RC_OK;
}

enum rc
restore_pass(struct ctx *cx, struct rd *in, struct masters *to, const struct load_opts *opts,
             struct dataset_digest *before, struct load_result *out, struct err *e)
{
    const struct rewrite_opts rewrite = {.change = opts->change,
                                         .filter = &opts->filter,
                                         .on = before != NULL ? dataset_digest_on : NULL,
                                         .arg = before};
    struct load_opts o = *opts;
    struct dump_reader *feed = NULL;
    enum rc rc;

    o.filter = restore_filter(opts);

    if (in == NULL)
        return load_run(cx, to, NULL, opts, out, e)
                   ? err_code(e)
                   : dump_parts_end(CONTAINER_OF(opts->parts, struct dump_parts, parts), e);
    rc = dump_reader_open(cx, in, restore_rewrites(opts) ? &rewrite : NULL, &feed, e);
    memset(out, 0, sizeof(*out));
    if (rc == RC_OK) {
        rc = load_run(cx, to, dump_reader_rd(feed), &o, out, e);
        out->filtered_keys += dump_reader_filtered(feed);
    }
    dump_reader_close(feed);
    return rc;
}

/* How far a load came that did not end well, and how to go on. */
static enum rc
tell_how_far(const struct masters *to, const struct load_opts *opts, const struct restore_result *r,
             const struct resume *resume, uint64_t expected, struct err *e)
{
    static const char *const whole[] = {[LOAD_REPLACE] = "run the same restore again to finish",
                                        [LOAD_SKIP] = "run the same restore again to finish",
                                        [LOAD_FAIL] =
                                            "run it again with --existing replace to finish",
                                        [LOAD_FLUSH] = "run the same restore again to finish"};
    const struct load_result *l = &r->load;
    bool goes_on = resume_is_noted(resume);
    const char *again =
        goes_on ? "the same command with --resume goes on from there" : whole[opts->existing];
    char there[STR_GROUPED_MAX], all[STR_GROUPED_MAX], count[96], part[LOAD_KEY_SHOWN + 80] = "";

    (void)snprintf(count, sizeof(count), "%s%s%s %s in", str_grouped(l->keys_there, there),
                   expected != 0 ? " of " : "", expected != 0 ? str_grouped(expected, all) : "",
                   expected > 1 ? "keys are" : str_plural(l->keys_there, "key is", "keys are"));
    if (!goes_on && opts->existing == LOAD_SKIP && l->key_at_work[0] != '\0')
        (void)snprintf(part, sizeof(part),
                       "delete %s in database %llu, which may be there in part; ", l->key_at_work,
                       (unsigned long long)l->db_at_work);
    if (e->code == RC_CANCELLED)
        return err_set(e, RC_CANCELLED, "interrupted: %s %s; %s%s", count, to->name, part, again);
    if (e->hint[0] == '\0' || part[0] != '\0')
        (void)err_hint(e, "%s%s", part, again);
    return err_wrap(e, "%s %s", count, to->name);
}

/* Has anything changed in the target? */
static bool
restore_wrote(const struct load_opts *opts, const struct restore_result *r)
{
    return r->resumed || r->load.emptied || (r->load.commands != 0 && opts->existing != LOAD_FLUSH);
}

/* It did not end well: nothing has changed there, or so much. */
static enum rc
tell_what_is_there(const struct masters *to, const struct load_opts *opts,
                   const struct restore_result *r, const struct resume *resume, uint64_t expected,
                   struct err *e)
{
    if (opts->dry_run)
        return err_code(e);
    if (restore_wrote(opts, r))
        return tell_how_far(to, opts, r, resume, expected, e);
    return err_wrap(e, opts->existing == LOAD_FLUSH ? "nothing was emptied or written"
                                                    : "nothing was written");
}

/* What a load hands on: all of the dump for the manifest, the wanted part of it for the target. */
struct counts {
    struct dataset_digest *all, *wanted; /* one and the same where the filter wants everything */
    struct filtered filtered;
};

static enum rc
counts_on(void *arg, const struct ev *ev, struct err *e)
{
    struct counts *c = arg;

    if (c->all != c->wanted && filtered_on(&c->filtered, ev, e))
        return err_code(e);
    return dataset_digest_on(c->all, ev, e);
}

static void
counts_init(struct counts *c, const struct load_opts *opts)
{
    bool same = filter_is_all(&opts->filter) && !restore_rewrites(opts);

    c->all = dataset_digest_new();
    c->wanted = same ? c->all : dataset_digest_new();
    c->filtered =
        (struct filtered){.filter = opts->filter, .on = dataset_digest_on, .arg = c->wanted};
}

static void
counts_release(struct counts *c)
{
    if (c->wanted != c->all)
        dataset_digest_free(c->wanted);
    dataset_digest_free(c->all);
}

static enum rc
check_wanted(const struct counts *n, const struct filter *f, struct err *e)
{
    if (dataset_digest_keys(n->all) == 0 || dataset_digest_keys(n->wanted) != 0)
        return RC_OK;
    (void)survey_none_wanted(f, dataset_digest_keys(n->all), e);
    return err_wrap(e, "nothing was written");
}

bool
restore_left_anything(const struct load_result *l)
{
    for (size_t i = 0; i < ADAPT_N; i++)
        if (l->left_out[i] != 0)
            return true;
    return false;
}

/* The dump is sent: is it what was backed up, and does the target hold it? */
static enum rc
restore_judge(struct ctx *cx, const struct load_opts *opts, const struct survey *found,
              const struct counts *n, const struct outcome_start *start, struct restore_result *out,
              struct err *e)
{
    const struct outcome_opts o = {.sent = n->wanted,
                                   .emptied = out->load.emptied,
                                   .distinct = found->distinct,
                                   .exact = out->load.facts.exact,
                                   .removes = out->load.facts.removes,
                                   .dbs = restore_filter(opts).dbs};

    warn_open_end(&out->load);
    if (found->lacks_functions)
        log_warn("libraries of functions are not in this backup: the user that made it could not "
                 "list them");
    if (restore_compare(found->manifest, n->all, out, e) || check_wanted(n, &opts->filter, e))
        return err_code(e);
    if (opts->dry_run)
        return RC_OK;
    if (masters_settle(cx, start->m, e)) {
        (void)err_hint(e, "run the same restore again");
        return err_wrap(e, "all was sent, but whether the target holds it is not known");
    }
    if (outcome_end(cx, start, &o, &out->outcome, e))
        return err_wrap(e, "the target does not hold what was restored");
    out->equal = out->outcome.proven && !out->repaired && change_is_none(opts->change) &&
                 out->compared && filter_is_all(&opts->filter) && out->load.skipped_keys == 0 &&
                 out->load.lost_pending == 0 && !found->lacks_functions &&
                 !restore_left_anything(&out->load);
    return RC_OK;
}

/* Load what was found good; `from` NULL: it is a stream. */
static enum rc
load_and_judge(struct ctx *cx, const struct snapshot_source *from, struct rd *in,
               const struct survey *found, struct masters *to, const struct load_opts *opts,
               struct restore_result *out, struct err *e)
{
    struct restore_checked now = {.to = to, .opts = opts}; /* a copy may have taken hours */
    struct resume *resume = found->resume;
    struct load_opts o = *opts;
    int64_t started = clock_mono_ms();
    bool rewrites = restore_rewrites(opts);
    CLEANUP(mem_free_ptr) char *changed = change_text(opts->change);
    struct counts n;
    enum rc rc = opts->dry_run ? RC_OK : restore_checked_open(cx, &now, e);

    if (rc == RC_OK && !opts->dry_run)
        rc = restore_check(cx, &now, CHECK_ROLE, e);
    if (rc) {
        restore_checked_close(&now);
        return tell_what_is_there(to, opts, out, resume, 0, e);
    }
    if (resume != NULL && !opts->dry_run) {
        resume_begin(resume, from, opts, &out->safety, &now.start);
        o.from = resume->goes_on ? &resume->state.place : NULL;
        o.placed = resume_note;
        o.placed_arg = resume;
    }
    counts_init(&n, opts);
    o.on = rewrites ? dataset_digest_on : counts_on;
    o.on_arg = rewrites ? (void *)n.wanted : &n;
    o.verbs = found->verbs;
    rc = restore_pass(cx, in, to, &o, n.all, &out->load, e);
    out->took_ms = clock_mono_ms() - started;
    if (rc == RC_OK && !opts->dry_run)
        resume_forget(resume); /* what is wrong now does not get better by going on */
    rc = rc == RC_OK ? restore_judge(cx, opts, found, &n, &now.start, out, e)
                     : tell_what_is_there(to, opts, out, resume, found->keys, e);
    out->keys = dataset_digest_keys(n.all);
    out->wanted = dataset_digest_keys(n.wanted);
    (void)dataset_digest_sum_text(dataset_digest_whole(changed != NULL ? n.wanted : n.all),
                                  out->digest);
    (void)snprintf(out->changed, sizeof(out->changed), "%s", changed != NULL ? changed : "");
    counts_release(&n);
    restore_checked_close(&now);
    return rc;
}

enum rc
restore_check_flush(const struct load_opts *opts, struct err *e)
{
    CLEANUP(mem_free_ptr) char *keys = NULL;

    if (opts->existing != LOAD_FLUSH || !filter_by_name(&opts->filter))
        return RC_OK;
    keys = filter_text(&opts->filter);
    return err_set(e, RC_USAGE,
                   "--existing flush would empty the server for the few keys that %s chooses; "
                   "use --existing replace",
                   keys);
}

/* All of it, or its parts side by side, where several masters take them. */
static enum rc
load_snapshot(struct ctx *cx, struct snapshot_source *from, const struct survey *found,
              struct masters *to, const struct load_opts *opts, struct restore_result *out,
              struct err *e)
{
    struct load_opts o = *opts;
    struct dump_parts parts = {.bytes = 0};
    struct rd *in = NULL;
    enum rc rc = RC_OK;

    if (!opts->dry_run && to->owner != NULL && to->n > 1 && !restore_rewrites(opts))
        rc = dump_parts_open(cx, from, &parts, e);
    if (rc == RC_OK && parts.parts.n != 0)
        o.parts = &parts.parts;
    else if (rc == RC_OK)
        rc = snapshot_rd(cx, from, &in, e);
    rc = rc == RC_OK ? load_and_judge(cx, from, in, found, to, &o, out, e)
                     : tell_what_is_there(to, opts, out, found->resume, 0, e);
    dump_parts_close(&parts);
    return rc;
}

/* The servers may not have waited for us while they were copied. */
static enum rc
restore_connect_again(struct ctx *cx, struct masters *to, struct err *e)
{
    const struct cluster_where where = to->where;

    masters_close(to);
    return masters_open(cx, &where, to, e);
}

/* The way back, before anything is changed: a copy of what the target holds. */
static enum rc
restore_keep(struct ctx *cx, const struct safety *safety, const struct restore_checked *found,
             struct safety_result *out, struct err *e)
{
    struct masters *to = found->to;
    CLEANUP(mem_free_ptr) char *nodes = to->ids != NULL ? mem_strdup(to->ids) : NULL;
    struct safety s = *safety;
    char n[STR_GROUPED_MAX], size[60] = "", hint[sizeof(e->hint) + 8];
    uint64_t keys = restore_checked_keys(found), bytes = 0;

    for (size_t i = 0; i < found->start.n; i++)
        bytes += found->start.infos[i].dataset_memory;
    s.nodes = s.backup.by_address ? nodes : NULL;
    if (safety_take(cx, &s, &found->from->snap, keys, out, e) == RC_OK)
        return out->state == SAFETY_TAKEN ? restore_connect_again(cx, to, e) : RC_OK;
    if (bytes != 0)
        (void)snprintf(size, sizeof(size), " in %s bytes of memory", str_grouped(bytes, n));
    (void)err_wrap(e, "no copy could be taken of %s, which holds %s %s%s", to->name,
                   keys == EV_UNKNOWN ? "perhaps some" : str_grouped(keys, n),
                   str_plural(keys, "key", "keys"), size);
    (void)snprintf(hint, sizeof(hint), "%s%s", e->hint, e->hint[0] != '\0' ? "; or " : "");
    return err_hint(e,
                    "%sname another repository with --safety-repo, or go without a way back: "
                    "--safety-copy skip (RestoreSession: " NOTE_SAFETY_COPY ")",
                    hint);
}

/* Nothing speaks against it, and what is there now can be brought back. `safety` NULL: of a stream. */
static enum rc
restore_prepare(struct ctx *cx, const struct snapshot_source *from, const struct survey *survey,
                struct masters *to, const struct load_opts *opts, const struct safety *safety,
                struct safety_result *out, struct err *e)
{
    struct restore_checked c = {.from = from, .to = to, .opts = opts, .survey = survey};
    enum rc rc = restore_checked_open(cx, &c, e);

    if (rc == RC_OK)
        rc = restore_check_all(cx, &c, e);
    if (rc == RC_OK && resume_goes_on(survey->resume)) {
        rc = resume_prove(survey->resume, &c.start, opts, survey->distinct, e);
        if (rc == RC_OK)
            rc = safety_resume(cx, safety, &survey->resume->state.safety, out, e);
    } else if (rc == RC_OK && safety != NULL) {
        rc = restore_keep(cx, safety, &c, out, e);
    }
    restore_checked_close(&c);
    return rc;
}

void
restore_end(struct ctx *cx, const struct safety *safety, const struct load_opts *opts,
            struct restore_result *r, enum rc rc)
{
    char id[ID_TEXT];

    if (rc == RC_OK || !restore_wrote(opts, r))
        safety_done(cx, safety, &r->safety);
    else if (r->safety.state == SAFETY_TAKEN)
        log_warn("what was there before is snapshot %.8s, to which `cstash undo` leads",
                 id_hex(&r->safety.back, id));
}

enum rc
restore_stream(struct ctx *cx, struct rd *in, struct rd *survey, struct masters *to,
               const struct load_opts *opts, struct restore_result *out, struct err *e)
{
    static const struct survey_more no_more = {.read = false};
    struct survey found = {0};

    memset(out, 0, sizeof(*out));
    if (restore_check_flush(opts, e))
        return err_code(e);
    if (!opts->dry_run &&
        ((survey != NULL && survey_stream(cx, survey, opts, &no_more, &found, e)) ||
         restore_prepare(cx, NULL, &found, to, opts, NULL, NULL, e)))
        return tell_what_is_there(to, opts, out, NULL, 0, e);
    return load_and_judge(cx, NULL, in, &found, to, opts, out, e);
}

enum rc
restore_redis(struct ctx *cx, struct snapshot_source *from, struct masters *to,
              const struct load_opts *opts, const struct safety *safety, struct restore_result *out,
              struct err *e)
{
    static const struct survey_more no_more = {.read = false};
    struct load_opts o = *opts;
    struct survey found;

    memset(out, 0, sizeof(*out));
    if (opts->dry_run && safety != NULL)
        out->safety.state = safety->skip ? SAFETY_SKIPPED : SAFETY_DRY_RUN;
    out->repaired = from->snap.repaired;
    if (out->repaired)
        log_warn("the snapshot is what a repair left of a damaged one: this restore is partial");
    out->part = out->repaired ? NULL : from->snap.part;
    if (out->part != NULL)
        log_warn("the snapshot is a part of its source (%s): this restore is partial", out->part);
    if (restore_check_flush(opts, e))
        return err_code(e);
    if (safety != NULL && resume_match(safety->resume, from, opts, e))
        return err_wrap(e, "nothing was written");
    if (safety != NULL && resume_goes_on(safety->resume) &&
        (o.existing == LOAD_SKIP || o.existing == LOAD_FAIL))
        o.existing = LOAD_REPLACE; /* what is there is of the unfinished one */
    if (survey_snapshot(cx, from, opts, &no_more, &found, e))
        return tell_what_is_there(to, opts, out, NULL, 0, e);
    found.resume = safety != NULL ? safety->resume : NULL;
    if (!opts->dry_run && restore_prepare(cx, from, &found, to, &o, safety, &out->safety, e))
        return tell_what_is_there(to, opts, out, NULL, 0, e);
    out->resumed = resume_goes_on(found.resume);
    return load_snapshot(cx, from, &found, to, &o, out, e);
}

enum rc
restore_verify_stream(struct ctx *cx, struct rd *again, struct masters *to,
                      const struct load_opts *opts, struct restore_result *r, struct err *e)
{
    const struct verify_opts how = {.load = opts,
                                    .soon_ms = VERIFY_MS + 4 * r->took_ms,
                                    .counters = r->load.left_out[ADAPT_COUNTS] == 0 &&
                                                !r->load.facts.uncounted};

    if (r->load.skipped_keys != 0)
        return err_set(e, RC_UNSUPPORTED, "%llu %s kept as %s: the restore cannot be verified",
                       (unsigned long long)r->load.skipped_keys,
                       str_plural(r->load.skipped_keys, "key was", "keys were"),
                       str_plural(r->load.skipped_keys, "it was", "they were"));
    if (verify_target(cx, again, to, &how, &r->verified, e))
        return err_code(e);
    r->read_back = true;
    return RC_OK;
}

enum rc
restore_verify(struct ctx *cx, struct snapshot_source *from, struct masters *to,
               const struct load_opts *opts, struct restore_result *r, struct err *e)
{
    struct load *again;
    enum rc rc;

    if (load_open(cx, from->repo, &from->file, SNAPSHOT_WORKERS, &again, e))
        return err_code(e);
    rc = restore_verify_stream(cx, load_rd(again), to, opts, r, e);
    load_close(again);
    return rc;
}

uint64_t
restore_arrived(const struct restore_result *r)
{
    /* Of keys that were kept nobody knows when those of the backup would have expired. */
    uint64_t expired = r->load.skipped_keys != 0 ? 0 : r->outcome.expired;

    return r->load.keys - MIN(r->load.keys, expired);
}

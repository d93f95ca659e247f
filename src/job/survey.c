/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a dump before it is loaded: by its manifest, or by reading it. */
#include "job/manifest.h"
#include "job/restore_internal.h"

#include "base/mem.h"

enum rc
survey_none_wanted(const struct filter *f, uint64_t keys, struct err *e)
{
    CLEANUP(mem_free_ptr) char *wanted = NULL;
    char n[STR_GROUPED_MAX];

    if (f->match.n == 1 && f->exclude.n == 0 && f->types == 0)
        wanted = mem_printf("matches \"%s\"", f->match.v[0]);
    else
        wanted = mem_strdup(filter_by_name(f) ? "is wanted" : "is in that database");
    return err_set(e, RC_NOT_FOUND, "none of the %s %s of the dump %s", str_grouped(keys, n),
                   str_plural(keys, "key", "keys"), wanted);
}

/* Of what is wanted: its weight, and whoever else asked for it. */
struct survey_sink {
    struct room_weight weight;
    const struct survey_more *more;
};

static enum rc
survey_on(void *arg, const struct ev *ev, struct err *e)
{
    struct survey_sink *s = arg;

    if (room_weigh(&s->weight, ev, e))
        return err_code(e);
    return s->more->on != NULL ? s->more->on(s->more->arg, ev, e) : RC_OK;
}

enum rc
survey_stream(struct ctx *cx, struct rd *in, const struct load_opts *opts,
              const struct survey_more *more, struct survey *s, struct err *e)
{
    struct load_opts o = *opts;
    struct survey_sink sink = {.more = more};
    struct filtered wanted = {.filter = restore_filter(opts), .on = survey_on, .arg = &sink};

    o.dry_run = true;
    o.as_if = more->as_if;
    o.on = filtered_on;
    o.on_arg = &wanted;
    if (restore_pass(cx, in, NULL, &o, NULL, &s->found, e))
        return err_code(e);
    if (s->found.keys == 0 && s->found.filtered_keys != 0)
        return survey_none_wanted(&opts->filter, s->found.filtered_keys, e);
    s->read = true;
    s->keys = s->found.keys;
    s->need.longest = s->found.facts.longest;
    s->need.highest_db = s->found.highest_db;
    s->need.one_db = opts->filter.dbs.n == 1;
    s->verbs = s->found.facts.verbs;
    /* Commands of others may write a key twice, and keys that are kept are not written. */
    if (s->found.facts.ours && s->found.facts.exact && opts->existing != LOAD_SKIP)
        s->need.least = sink.weight.least;
    return RC_OK;
}

enum rc
survey_snapshot(struct ctx *cx, struct snapshot_source *from, const struct load_opts *opts,
                const struct survey_more *more, struct survey *out, struct err *e)
{
    /* Of one that was repaired the manifest says what it was. */
    struct str manifest = from->snap.repaired ? str_of(NULL, 0) : buf_str(&from->manifest);
    struct manifest_brief brief = {0};
    bool whole = filter_is_all(&opts->filter) && change_is_none(opts->change);
    struct load *again;
    enum rc rc;

    if (manifest.n != 0 && manifest_brief(manifest, &brief, e))
        return err_code(e);
    *out = (struct survey){.keys = whole ? brief.keys : 0,
                           .need = {.longest = brief.longest,
                                    .one_db = opts->filter.dbs.n == 1,
                                    .highest_db = opts->filter.dbs.n == 0
                                                      ? brief.highest_db
                                                      : db_set_highest(&opts->filter.dbs),
                                    .memory = whole ? brief.memory : 0},
                           .verbs = brief.verbs,
                           .manifest = manifest,
                           .distinct = brief.point_in_time,
                           .lacks_functions = brief.lacks_functions};
    if (!more->read && (opts->dry_run || (brief.longest != 0 && !restore_rewrites(opts) &&
                                          (opts->existing != LOAD_FLUSH || out->need.memory != 0))))
        return RC_OK;
    if (load_open(cx, from->repo, &from->file, SNAPSHOT_WORKERS, &again, e))
        return err_code(e);
    rc = survey_stream(cx, load_rd(again), opts, more, out, e);
    load_close(again);
    return rc;
}

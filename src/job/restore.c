/* SPDX-License-Identifier: Apache-2.0 */
#include "job/restore.h"

#include "base/log.h"
#include "base/mem.h"
#include "job/backup.h"
#include "job/feed.h"
#include "job/manifest.h"

enum { LOAD_WORKERS = 2 };

/* The only file of a snapshot, for dumps that somebody stored under another name. */
struct only_file {
    char *path;
    size_t n;
};

static enum rc
note_file(void *arg, const char *path, uint64_t bytes, struct err *e)
{
    struct only_file *f = arg;

    (void)bytes;
    (void)e;
    if (f->n++ == 0)
        f->path = mem_strdup(path);
    return RC_OK;
}

static enum rc
find_dump(struct ctx *cx, struct repo *r, const struct id *tree, const char *file,
          struct file_info *out, struct err *e)
{
    struct only_file only = {0};
    enum rc rc = load_find_file(cx, r, tree, file != NULL ? file : DUMP_NAME, out, e);

    if (rc != RC_NOT_FOUND || file != NULL)
        return rc;
    rc = load_list_files(cx, r, tree, note_file, &only, e);
    if (rc == RC_OK && only.n != 1) {
        (void)err_set(e, RC_NOT_FOUND, "the snapshot has no " DUMP_NAME " but %zu other files",
                      only.n);
        rc = err_hint(e, "name the file that holds the dump with --path");
    } else if (rc == RC_OK) {
        rc = load_find_file(cx, r, tree, only.path, out, e);
    }
    mem_free(only.path);
    return rc;
}

static enum rc
read_small_file(struct ctx *cx, struct repo *r, const struct file_info *f, struct buf *out,
                struct err *e)
{
    struct load *load;
    struct wr_buf to;
    enum rc rc;

    if (load_open(cx, r, f, 1, &load, e))
        return e->code;
    wr_buf_init(&to, out);
    rc = stream_copy(load_rd(load), &to.wr, NULL, e);
    load_close(load);
    return rc;
}

enum rc
snapshot_manifest(struct ctx *cx, struct repo *r, const struct snapshot *s, struct buf *out,
                  struct err *e)
{
    struct file_info f = {0};
    enum rc rc;

    buf_reset(out);
    rc = load_find_file(cx, r, &s->tree, MANIFEST_NAME, &f, e);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc == RC_OK)
        rc = read_small_file(cx, r, &f, out, e);
    file_info_release(&f);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not read the manifest");
}

static enum rc
open_parts(struct ctx *cx, struct repo *r, const char *file, struct snapshot_source *s,
           struct err *e)
{
    if (find_dump(cx, r, &s->snap.tree, file, &s->file, e) ||
        load_open(cx, r, &s->file, LOAD_WORKERS, &s->load, e))
        return e->code;
    return file == NULL ? snapshot_manifest(cx, r, &s->snap, &s->manifest, e) : RC_OK;
}

enum rc
snapshot_open(struct ctx *cx, struct repo *r, const char *spec,
              const struct snapshot_filter *filter, const char *file, struct snapshot_source *s,
              struct err *e)
{
    char id[ID_TEXT];

    memset(s, 0, sizeof(*s));
    s->repo = r;
    buf_init(&s->manifest, MANIFEST_MAX);
    if (snapshot_find(cx, r, spec, filter, &s->snap, e))
        return e->code;
    if (open_parts(cx, r, file, s, e))
        return err_wrap(e, "could not read snapshot %.8s", id_hex(&s->snap.id, id));
    return RC_OK;
}

void
snapshot_close(struct snapshot_source *s)
{
    load_close(s->load);
    file_info_release(&s->file);
    snapshot_release(&s->snap);
    buf_release(&s->manifest);
    memset(s, 0, sizeof(*s));
}

static enum rc
compare(struct str manifest, const struct tally *t, struct restore_result *out, struct err *e)
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
        log_info("a dump of Stash: it says %llu keys",
                 (unsigned long long)(l->facts.marker_keys - (l->facts.marker_keys != 0)));
    else if (!l->facts.ours)
        log_warn("the dump has no trailer, so nothing tells whether it is whole");
}

/* One pass over a dump: into the server, or nowhere. */
static enum rc
pass(struct ctx *cx, struct rd *in, struct conn *c, const struct load_opts *opts,
     struct load_result *out, struct err *e)
{
    struct feed *feed = NULL;
    enum rc rc = feed_open(cx, in, &feed, e);

    memset(out, 0, sizeof(*out));
    if (rc == RC_OK)
        rc = load_run(cx, c, feed_rd(feed), opts, out, e);
    feed_close(feed);
    return rc;
}

/* What is known of a dump before it is loaded; 0 where it is not. */
struct plan {
    uint64_t keys, longest;
};

/* What would stop the load in its middle stops it here, before anything is written. */
static enum rc
survey_dump(struct ctx *cx, struct rd *in, const struct load_opts *opts, struct plan *plan,
            struct err *e)
{
    struct load_opts o = *opts;
    struct load_result found;

    o.dry_run = true;
    o.on = NULL;
    if (pass(cx, in, NULL, &o, &found, e))
        return err_wrap(e, "nothing was written");
    *plan = (struct plan){.keys = found.keys, .longest = found.facts.longest};
    return RC_OK;
}

/* Does the server take the longest value? */
static enum rc
check_length(struct ctx *cx, struct conn *c, uint64_t longest, struct err *e)
{
    uint64_t max;
    char bytes[STR_GROUPED_MAX], most[STR_GROUPED_MAX];
    bool known;

    if (conn_max_bulk(cx, c, &max, &known, e))
        return e->code;
    if (longest <= max)
        return RC_OK;
    if (!known) {
        log_warn(
            "the longest value has %s bytes; whether %s takes it (proto-max-bulk-len) cannot be "
            "asked",
            str_grouped(longest, bytes), conn_peer(c));
        return RC_OK;
    }
    (void)err_set(e, RC_LIMIT,
                  "nothing was written: the longest value has %s bytes, and %s takes at most %s "
                  "(proto-max-bulk-len)",
                  str_grouped(longest, bytes), conn_peer(c), str_grouped(max, most));
    return err_hint(e, "on the server: CONFIG SET proto-max-bulk-len %llu",
                    (unsigned long long)longest);
}

/* How far a load came that did not end well, and how to go on. */
static enum rc
tell_how_far(const struct conn *c, const struct load_opts *opts, const struct load_result *l,
             uint64_t expected, struct err *e)
{
    static const char *const again[] = {[LOAD_REPLACE] = "run the same command again to finish",
                                        [LOAD_SKIP] = "run the same command again to finish",
                                        [LOAD_FAIL] =
                                            "run it again with --existing replace to finish",
                                        [LOAD_FLUSH] = "run the same command again to finish"};
    char there[STR_GROUPED_MAX], all[STR_GROUPED_MAX], count[96], part[LOAD_KEY_SHOWN + 80] = "";

    (void)snprintf(count, sizeof(count), "%s%s%s keys are in", str_grouped(l->keys_there, there),
                   expected != 0 ? " of " : "", expected != 0 ? str_grouped(expected, all) : "");
    if (opts->existing == LOAD_SKIP && l->key_at_work[0] != '\0')
        (void)snprintf(part, sizeof(part),
                       "delete %s in database %llu, which may be there in part; ", l->key_at_work,
                       (unsigned long long)l->db_at_work);
    if (e->code == RC_CANCELLED)
        return err_set(e, RC_CANCELLED, "interrupted: %s %s; %s%s", count, conn_peer(c), part,
                       again[opts->existing]);
    if (e->hint[0] == '\0' || part[0] != '\0')
        (void)err_hint(e, "%s%s", part, again[opts->existing]);
    return err_wrap(e, "%s %s", count, conn_peer(c));
}

/* Load what was found good, and compare it with `manifest` (may be empty). */
static enum rc
load_and_compare(struct ctx *cx, struct rd *in, struct str manifest, uint64_t expected,
                 struct conn *c, const struct load_opts *opts, struct restore_result *out,
                 struct err *e)
{
    struct tally *t = tally_new();
    struct load_opts o = *opts;
    enum rc rc;

    o.on = tally_on;
    o.on_arg = t;
    rc = pass(cx, in, c, &o, &out->load, e);
    if (rc != RC_OK && !opts->dry_run && out->load.commands != 0)
        rc = tell_how_far(c, opts, &out->load, expected, e);
    if (rc == RC_OK) {
        warn_open_end(&out->load);
        rc = compare(manifest, t, out, e);
    }
    out->keys = tally_keys(t);
    (void)tally_sum_text(tally_whole(t), out->digest);
    tally_free(t);
    return rc;
}

enum rc
restore_stream(struct ctx *cx, struct rd *in, struct rd *survey, struct conn *c,
               const struct load_opts *opts, struct restore_result *out, struct err *e)
{
    struct plan plan = {0};

    memset(out, 0, sizeof(*out));
    if (!opts->dry_run && ((survey != NULL && survey_dump(cx, survey, opts, &plan, e)) ||
                           check_length(cx, c, plan.longest, e)))
        return e->code;
    return load_and_compare(cx, in, str_of(NULL, 0), plan.keys, c, opts, out, e);
}

/* The manifest tells it; where there is none, or an old one, the dump is read once more. */
static enum rc
plan_snapshot(struct ctx *cx, struct snapshot_source *from, const struct load_opts *opts,
              struct plan *plan, struct err *e)
{
    struct str manifest = buf_str(&from->manifest);
    struct manifest_brief brief = {0};
    struct load *again;
    enum rc rc;

    if (manifest.n != 0 && manifest_brief(manifest, &brief, e))
        return e->code;
    *plan = (struct plan){.keys = filter_is_all(&opts->filter) ? brief.keys : 0,
                          .longest = brief.longest};
    if (brief.longest != 0 || opts->dry_run)
        return RC_OK;
    if (load_open(cx, from->repo, &from->file, LOAD_WORKERS, &again, e))
        return e->code;
    rc = survey_dump(cx, load_rd(again), opts, plan, e);
    load_close(again);
    return rc;
}

enum rc
restore_redis(struct ctx *cx, struct snapshot_source *from, struct conn *c,
              const struct load_opts *opts, struct restore_result *out, struct err *e)
{
    struct plan plan;

    memset(out, 0, sizeof(*out));
    if (plan_snapshot(cx, from, opts, &plan, e) ||
        (!opts->dry_run && check_length(cx, c, plan.longest, e)))
        return e->code;
    return load_and_compare(cx, load_rd(from->load), buf_str(&from->manifest), plan.keys, c, opts,
                            out, e);
}

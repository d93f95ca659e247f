/* SPDX-License-Identifier: Apache-2.0 */
#include "job/resume.h"

#include <errno.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "dump/name_set.h"

enum { RESUME_MAX = 4 * 1024 * 1024 };

/* ---- the file ---- */

static struct name_hash
resume_hash(const char *text)
{
    return name_set_hash(0, str_c(text));
}

void
resume_init(struct resume *r, const char *dir, const struct redis_addr *a)
{
    CLEANUP(mem_free_ptr) char *whose = NULL;

    *r = (struct resume){.target = target_of_address(a)};
    if (dir == NULL)
        return;
    whose = mem_printf("%s@%s", r->target.name, r->target.scope != NULL ? r->target.scope : "");
    r->path =
        mem_printf("%s/restores/%016llx.json", dir, (unsigned long long)resume_hash(whose).name);
}

void
resume_release(struct resume *r)
{
    resume_state_release(&r->state);
    target_release(&r->target);
    mem_free(r->path);
    *r = (struct resume){.path = NULL};
}

static enum rc
resume_none(const struct resume *r, struct err *e)
{
    (void)err_set(e, RC_NOT_FOUND, "no unfinished restore into %s is known here", r->target.name);
    return err_hint(e, "run the same command without --resume; it restores everything");
}

enum rc
resume_read(struct resume *r, struct err *e)
{
    struct buf text = BUF_INIT(RESUME_MAX);
    enum rc rc;

    if (r->path == NULL)
        return resume_none(r, e);
    rc = fs_read_own_file(r->path, &text, e);
    if (rc == RC_OK) {
        rc = resume_parse(buf_str(&text), target_view(&r->target), &r->state, e);
        if (rc != RC_OK && rc != RC_NOT_FOUND)
            (void)err_wrap(e, "could not read how far the restore came from %s", r->path);
    }
    buf_release(&text);
    if (rc == RC_NOT_FOUND)
        return resume_none(r, e);
    if (rc != RC_OK)
        return err_hint(e, "run the same command without --resume; it restores everything");
    r->goes_on = true;
    return RC_OK;
}

void
resume_forget(struct resume *r)
{
    struct err e = ERR_INIT;

    if (r == NULL || r->path == NULL)
        return;
    r->noted = false;
    if (unlink(r->path) == 0 || errno == ENOENT || errno == ENOTDIR)
        return;
    (void)err_sys(&e, errno, "could not remove %s", r->path);
    log_warn("%s; do not go on from there with --resume", e.msg);
}

static enum rc
resume_put(const struct resume *r, const char *text, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *dir = mem_strndup(r->path, (size_t)(strrchr(r->path, '/') - r->path));

    if (fs_make_dirs(dir, 0700, e) || fs_check_own_dir(dir, e))
        return err_code(e);
    return fs_write_file(r->path, str_c(text), 0600, e);
}

void
resume_note(void *resume, const struct load_place *now)
{
    struct resume *r = resume;
    CLEANUP(mem_free_ptr) char *text = NULL;
    struct err e = ERR_INIT;

    if (r->path == NULL || r->failed)
        return;
    text = resume_write(&r->state, now, target_view(&r->target));
    r->noted = resume_put(r, text, &e) == RC_OK;
    if (r->noted)
        return;
    r->failed = true;
    log_warn("could not note how far the restore is, so it cannot go on from there if it is "
             "interrupted: %s",
             e.msg);
    resume_forget(r); /* what it says would be too old */
}

bool
resume_goes_on(const struct resume *r)
{
    return r != NULL && r->goes_on;
}

bool
resume_is_noted(const struct resume *r)
{
    return r != NULL && r->noted;
}

/* ---- is it the same restore? ---- */

static void
resume_asked(const struct snapshot_source *from, const struct load_opts *opts,
             char out[static 2 * 16 + 1])
{
    CLEANUP(mem_free_ptr) char *filter = filter_text(&opts->filter);
    CLEANUP(mem_free_ptr) char *change = change_text(opts->change);
    char *text =
        mem_printf("%d %llu\n%s\n%s\n", (int)opts->existing, (unsigned long long)from->file.size,
                   filter != NULL ? filter : "", change != NULL ? change : "");
    struct name_hash h;

    for (size_t i = 0; i < opts->n_allow; i++) {
        char *more = mem_printf("%s%s\n", text, opts->allow[i]);

        mem_free(text);
        text = more;
    }
    h = resume_hash(text);
    (void)snprintf(out, 2 * 16 + 1, "%016llx%016llx", (unsigned long long)h.name,
                   (unsigned long long)h.choose);
    mem_free(text);
}

enum rc
resume_match(const struct resume *r, const struct snapshot_source *from,
             const struct load_opts *opts, struct err *e)
{
    char own[ID_TEXT], was[ID_TEXT], asked[2 * 16 + 1];

    if (!resume_goes_on(r))
        return RC_OK;
    if (!id_eq(&r->state.tree, &from->snap.tree)) {
        (void)err_set(e, RC_CONFLICT,
                      "the unfinished restore into %s is of snapshot %.8s, and this one is of %.8s",
                      r->target.name, id_hex(&r->state.snapshot, was), id_hex(&from->snap.id, own));
        return err_hint(e, "name that snapshot, or restore all of this one without --resume");
    }
    resume_asked(from, opts, asked);
    if (strcmp(asked, r->state.asked) == 0)
        return RC_OK;
    (void)err_set(e, RC_CONFLICT,
                  "the unfinished restore into %s was asked for with other options: --existing, "
                  "which keys, or what becomes of them",
                  r->target.name);
    return err_hint(e, "repeat its options, or restore everything without --resume");
}

/* ---- does the target hold what was confirmed? ---- */

static const struct resume_master *
resume_find(const struct resume_state *s, const char *run_id)
{
    for (size_t i = 0; i < s->n_masters && run_id[0] != '\0'; i++)
        if (strcmp(s->masters[i].run_id, run_id) == 0)
            return &s->masters[i];
    return NULL;
}

static bool
resume_has(const struct outcome_start *start, const struct resume_master *m)
{
    for (size_t i = 0; i < start->n; i++)
        if (m->run_id[0] != '\0' && strcmp(start->infos[i].run_id, m->run_id) == 0)
            return true;
    return false;
}

enum rc
resume_prove(const struct resume *r, const struct outcome_start *start,
             const struct load_opts *opts, bool distinct, struct err *e)
{
    const struct load_place *p = &r->state.place;
    const struct filter chosen = restore_filter(opts);
    uint64_t expired = 0, have;
    char h[STR_GROUPED_MAX], w[STR_GROUPED_MAX];
    bool same = true;

    for (size_t i = 0; i < r->state.n_masters; i++)
        same = same && resume_has(start, &r->state.masters[i]);
    for (size_t i = 0; i < start->n; i++) {
        const struct conn_info *is = &start->infos[i];
        const struct resume_master *was = resume_find(&r->state, is->run_id);

        expired += is->expired_keys - (was != NULL ? MIN(was->expired, is->expired_keys) : 0);
    }
    have = outcome_before(start, &chosen.dbs);
    if (start->asked && have + expired < p->there && (distinct || have == 0)) {
        (void)err_set(e, RC_CONFLICT,
                      "%s holds %s %s, and %s had arrived there: it has lost some since",
                      start->m->name, str_grouped(have, h), str_plural(have, "key", "keys"),
                      str_grouped(p->there, w));
        return err_hint(e, "run the same command without --resume; it restores everything");
    }
    if (same || r->verifies)
        return RC_OK;
    (void)err_set(
        e, RC_CONFLICT,
        "%s was restarted, or another server took its place, or it does not say: what had "
        "arrived there may be lost",
        start->m->name);
    return err_hint(e, "add --verify, which reads everything back and compares it, or restore "
                       "everything without --resume");
}

/* ---- the load ---- */

static bool
resume_hides(const struct change *c)
{
    for (size_t i = 0; c != NULL && i < c->masks.n; i++)
        if (c->masks.v[i].how == MASK_HASH)
            return true;
    return false;
}

static void
resume_apply(const struct resume_state *s, struct outcome_start *start)
{
    for (size_t i = 0; i < start->n; i++) {
        const struct resume_master *was = resume_find(s, start->infos[i].run_id);

        if (was != NULL)
            start->infos[i].evicted_keys = was->evicted;
    }
    start->resumed = true;
    start->before = s->before;
}

void
resume_begin(struct resume *r, const struct snapshot_source *from, const struct load_opts *opts,
             const struct safety_result *safety, struct outcome_start *start)
{
    const struct filter chosen = restore_filter(opts);
    struct resume_state *s;

    if (r == NULL)
        return;
    s = &r->state;
    if (r->goes_on) {
        s->safety = *safety;
        resume_apply(s, start);
        return;
    }
    *s = (struct resume_state){.snapshot = from->snap.id,
                               .tree = from->snap.tree,
                               .shift_ms = opts->change != NULL ? opts->change->shift_ms : 0,
                               .before =
                                   start->asked ? outcome_before(start, &chosen.dbs) : EV_UNKNOWN,
                               .n_masters = start->n,
                               .safety = *safety};
    resume_asked(from, opts, s->asked);
    s->masters = mem_zero(start->n, sizeof(*s->masters));
    for (size_t i = 0; i < start->n; i++) {
        const struct conn_info *is = &start->infos[i];

        (void)snprintf(s->masters[i].run_id, sizeof(s->masters[i].run_id), "%s", is->run_id);
        s->masters[i].evicted = is->evicted_keys;
        s->masters[i].expired = is->expired_keys;
    }
    if (!resume_hides(opts->change) &&
        (s->before == 0 || (opts->existing != LOAD_SKIP && opts->existing != LOAD_FAIL)))
        return;
    resume_forget(r);
    mem_free(TAKE(r->path));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cstash restore: load a snapshot into a Redis; cstash undo: the copy that was taken before that (job/safety). */
#include "base/mem.h"
#include "cli/load_opts.h"
#include "cli/plan_print.h"
#include "cli/snapshot_opts.h"
#include "job/resume.h"
#include "job/target.h"
#include "job/users.h"
#include "redis/topology.h"

struct restore_args {
    struct load_args load;
    struct repo_access repo;
    struct snapshot_choice snapshot;
    enum { SAFETY_COPY_REQUIRED, SAFETY_COPY_SKIP } safety;
    struct from_access safety_repo;
    struct beside_choice beside;
    bool plan, resume;
};
static const char *const safety_words[] = {"required", "skip", NULL};
static const struct opt opts_safety[] = {
    {"safety-copy", 0, OPT_ENUM(struct restore_args, safety, safety_words, "required"), NULL,
     "take a copy of a target that holds keys before anything is written to it"},
    {"plan", 0, OPT_FLAG(struct restore_args, plan), NULL,
     "only say whether it would work: ask the snapshot and the target, and write nothing"},
    {.name = NULL},
};
static const struct opt opts_resume[] = {
    {"resume", 0, OPT_FLAG(struct restore_args, resume), NULL,
     "go on with a restore that was interrupted, from where it was"},
    {.name = NULL},
};
#define GROUPS_SAFETY                                                                              \
    {opts_safety, 0}, {opts_safety_repo, offsetof(struct restore_args, safety_repo)},              \
    {                                                                                              \
        opts_repo, offsetof(struct restore_args, repo)                                             \
    }
static const struct opt_group groups[] = {
    GROUPS_LOAD,
    {opts_resume, 0},
    GROUPS_SAFETY,
    GROUPS_SNAPSHOT(struct restore_args, snapshot),
    {opts_beside_restore, offsetof(struct restore_args, beside)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

/* Where the copy of a target goes, and whose it is. */
struct way_back {
    struct safety safety;
    struct app_repo repo; /* of --safety-repo */
    struct target_id target;
    char *host;
    struct resume resume; /* and on */
};

static enum rc
way_back_open(struct ctx *cx, const struct restore_args *a, struct repo *repo, struct app_target *t,
              struct way_back *out, struct err *e)
{
    bool other = a->safety_repo.url != NULL || getenv(APP_SAFETY_REPOSITORY) != NULL;
    struct safety *s = &out->safety;

    out->target = target_of_address(&t->addr);
    out->host = target_host(&t->addr);
    s->skip = a->safety == SAFETY_COPY_SKIP;
    s->repo = repo;
    s->source = (struct source_opts){
        .addr = &t->addr, .conn = &t->conn_opts, .node_map = a->load.load.node_map};
    s->backup = (struct backup_opts){
        .host = out->host, .target = target_view(&out->target), .by_address = true};
    if (s->skip || (a->load.load.dry_run && !a->plan))
        return RC_OK;
    if (a->repo.no_lock)
        s->blocked = "--no-lock is only for commands that do not write to the repository";
    if (!other)
        return RC_OK;
    s->blocked = NULL;
    if (app_repo_safety(cx, &a->repo, &a->safety_repo, a->plan ? APP_LOCK_NONE : APP_LOCK_SHARED,
                        &out->repo, e))
        return err_wrap(e, "nothing was written");
    s->repo = out->repo.repo;
    return RC_OK;
}

static void
way_back_close(struct way_back *b)
{
    app_repo_close(&b->repo);
    resume_release(&b->resume);
    target_release(&b->target);
    mem_free(b->host);
}

/* Into a target that is open and may be written to. */
static enum rc
restore_run(struct ctx *cx, const struct restore_args *a, struct app_snapshot *s,
            struct app_target *t, const struct safety *safety, struct err *e)
{
    char from[OUT_SNAPSHOT];
    struct restore_result res = {0};
    struct users users;
    enum rc rc = users_open(cx, &s->from, &t->to, a->beside.users, &users, e);

    if (rc != RC_OK)
        (void)err_wrap(e, "nothing was written");
    else
        rc = restore_redis(cx, &s->from, &t->to, &t->opts, safety, &res, e);
    if (rc == RC_OK && a->load.load.verify && !a->load.load.dry_run)
        rc = restore_verify(cx, &s->from, &t->to, &t->opts, &res, e);
    if (rc == RC_OK && !a->load.load.dry_run)
        rc = users_restore(cx, &users, &t->to, &res, e);
    users_close(&users);
    restore_end(cx, safety, &t->opts, &res, rc);
    app_target_report(&a->load, t, out_snapshot(&s->from.snap, from), &res, rc);
    return rc;
}

/* ---- would it work? ---- */

/* How things are now, without waiting for them to change; and without a lock, which would be written. */
static struct restore_args
plan_args(const struct restore_args *a)
{
    struct restore_args p = *a;

    p.load.load.dry_run = false;
    if (p.load.redis.wait_ms == OPT_UNSET)
        p.load.redis.wait_ms = 0;
    p.repo.no_lock = true;
    return p;
}

/* A server that answers, of something that cannot be restored into, is an answer too. */
static bool
plan_target_is_answer(struct ctx *cx, const struct app_target *t, const struct err *why)
{
    struct err none = ERR_INIT;
    struct conn *c = NULL;
    bool there;

    if (why->code == RC_DENIED || why->code == RC_UNSUPPORTED || why->code == RC_CONFLICT)
        return true;
    if (why->code != RC_UNAVAILABLE && why->code != RC_TIMEOUT)
        return false;
    there = topology_connect(cx, &t->addr, &t->conn_opts, PREFER_MASTER, &c, &none) == RC_OK;
    conn_close(c);
    return there;
}

/* `rc`: how the target was opened; `a` as the command line has it. */
static enum rc
plan_run(struct ctx *cx, const struct restore_args *a, struct app_snapshot *s, struct app_target *t,
         enum rc rc, struct err *e)
{
    static const char *const existing[] = {"replace", "skip", "fail", "flush"};
    char from[OUT_SNAPSHOT];
    struct plan_about about = {.from = out_snapshot(&s->from.snap, from),
                               .snap = &s->from.snap,
                               .existing = existing[t->opts.existing]};
    struct way_back back = {.host = NULL};
    const struct plan_request how = {
        .opts = &t->opts, .safety = &back.safety, .users = a->beside.users};
    struct plan p = {.n_dbs = 0};

    if (rc != RC_OK && plan_target_is_answer(cx, t, e)) {
        plan_of_target(e, redis_addr_text(&t->addr), &p);
        *e = (struct err)ERR_INIT;
        rc = RC_OK;
    } else if (rc == RC_OK) {
        rc = restore_shift(&t->change, &s->from.snap, e);
        if (rc == RC_OK)
            rc = way_back_open(cx, a, s->repo.repo, t, &back, e);
        if (rc == RC_OK)
            rc = plan_make(cx, &s->from, &t->to, &how, &p, e);
        about.asks = rc == RC_OK && !a->load.yes &&
                     app_target_asks(t, &s->from.snap, p.target_told ? p.target_keys : EV_UNKNOWN);
    }
    if (rc == RC_OK)
        (a->load.app.json ? plan_print_json : plan_print)(&p, &about);
    if (rc == RC_OK && p.verdict != PLAN_YES)
        rc = e->code = p.verdict == PLAN_NO ? RC_ANSWER_NO : RC_UNVERIFIED; /* all was told */
    plan_release(&p);
    way_back_close(&back);
    return rc;
}

static enum rc
plan_main(struct ctx *cx, const struct restore_args *args, const struct app_wanted *wanted,
          struct err *e)
{
    const struct restore_args a = plan_args(args);
    struct app_snapshot s = {0};
    struct app_target t = {0};
    enum rc rc = app_snapshot_open(cx, &a.repo, wanted, &s, e);

    if (rc == RC_OK)
        rc = plan_run(cx, args, &s, &t, app_target_connect(cx, &a.load, &t, e), e);
    app_target_close(&t);
    app_snapshot_close(&s);
    return rc;
}

/* How far the restore is will be noted, or it goes on from what is noted. */
static enum rc
way_on_open(const struct restore_args *a, const struct app_target *t, struct way_back *out,
            struct err *e)
{
    CLEANUP(mem_free_ptr) char *dir = app_state_dir();

    if (a->load.load.dry_run)
        return RC_OK;
    resume_init(&out->resume, dir, &t->addr);
    out->resume.verifies = a->load.load.verify;
    out->safety.resume = &out->resume;
    return !a->resume                     ? RC_OK
           : resume_read(&out->resume, e) ? err_wrap(e, "nothing was written")
                                          : RC_OK;
}

/* Who asked for the unfinished restore has said yes to it. */
static enum rc
restore_consent(struct ctx *cx, const struct restore_args *a, struct app_snapshot *s,
                struct app_target *t, const struct resume *resume, struct err *e)
{
    struct load_args said = a->load;
    char from[OUT_SNAPSHOT];

    said.yes = said.yes || a->resume;
    if (app_target_consent(cx, &said, &s->from.snap, out_snapshot(&s->from.snap, from), t, e))
        return err_code(e);
    if (a->resume) /* as old as it was then */
        t->change.shift_ms = resume->state.shift_ms;
    return RC_OK;
}

static enum rc
check_resume(const struct restore_args *a, struct err *e)
{
    if (a->resume && (a->plan || a->load.load.dry_run))
        return err_set(e, RC_USAGE, "--resume writes: it cannot be had with --plan or --dry-run");
    return RC_OK;
}

static enum rc
restore_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct restore_args *a = args;
    const struct opt_list *words = &a->load.app.words;
    const struct app_wanted wanted = {.spec = words->n == 1 ? words->v[0] : NULL,
                                      .choice = &a->snapshot,
                                      .keys = &a->load.keys,
                                      .own = &a->load.redis};
    const char *target = a->snapshot.target;
    struct app_snapshot s = {0};
    struct app_target t = {0};
    struct way_back back = {.host = NULL};
    enum rc rc;

    if (target != NULL && (target[0] == '/' || target[0] == '.'))
        return err_set(e, RC_USAGE,
                       "--target is the name of a server here, not a folder; use cstash show "
                       "SNAPSHOT >FILE");
    if (check_resume(a, e))
        return err_code(e);
    if (a->plan)
        return plan_main(cx, a, &wanted, e);
    rc = app_snapshot_open(cx, &a->repo, &wanted, &s, e);
    if (rc == RC_OK)
        rc = app_target_connect(cx, &a->load, &t, e);
    if (rc == RC_OK)
        rc = way_on_open(a, &t, &back, e);
    if (rc == RC_OK)
        rc = restore_consent(cx, a, &s, &t, &back.resume, e);
    if (rc == RC_OK)
        rc = way_back_open(cx, a, s.repo.repo, &t, &back, e);
    if (rc == RC_OK)
        rc = restore_run(cx, a, &s, &t, &back.safety, e);
    way_back_close(&back);
    app_target_close(&t);
    app_snapshot_close(&s);
    return rc;
}

const struct command cmd_restore = {.name = "restore",
                                    .usage = "[SNAPSHOT|latest]",
                                    .summary = "restore a snapshot into a Redis",
                                    .groups = groups,
                                    .size = sizeof(struct restore_args),
                                    .words_max = 1,
                                    .words_are_snapshots = true,
                                    .run = restore_main};

/* ---- undo ---- */

static const struct opt opts_undo[] = {
    {"to", 0, OPT_TEXT(struct restore_args, load.redis.url), "URL", "as --redis"},
    {"target", 0, OPT_TEXT(struct restore_args, snapshot.target), "NAME",
     "the copies of this target, as `snapshots` lists it, or NAME@SCOPE [from the address]"},
    {"verify", 0, OPT_FLAG(struct restore_args, load.load.verify), NULL,
     "read the restored data back from the server and compare"},
    {"node-map", 0,
     OPT_OWN(node_map_type, struct restore_args, load.load.node_map, struct opt_list, NULL), NULL,
     "address by which a node of a cluster is reached, in place of what it announces: "
     "HOST:PORT=HOST:PORT or HOST=HOST (repeatable)"},
    {"yes", 'y', OPT_FLAG(struct restore_args, load.yes), NULL,
     "do not ask before removing what the server holds now"},
    {.name = NULL},
};
static const struct opt_group undo_groups[] = {
    {opts_undo, 0},  {opts_resume, 0}, GROUPS_REDIS(struct restore_args, load.redis),
    GROUPS_SAFETY,   {opts_json, 0},   {opts_app, 0},
    {.table = NULL},
};

struct undo_owner {
    const char *named; /* NULL: by the address */
    struct safety_owner own;
};

static bool
undo_is_mine(void *arg, const struct snapshot *s)
{
    struct undo_owner *o = arg;

    return o->named != NULL ? target_named(o->named, s) : safety_is_of(&o->own, s);
}

/* The copy that is meant: the one that was named, or where the way back of the target leads. */
static enum rc
undo_open(struct ctx *cx, const struct restore_args *a, const struct app_target *t,
          struct app_snapshot *out, struct err *e)
{
    const struct opt_list *words = &a->load.app.words;
    struct target_id own = target_of_address(&t->addr);
    struct undo_owner owner = {a->snapshot.target, {target_view(&own), t->to.ids}};
    char id[ID_TEXT] = "";
    struct id found;
    enum rc rc = app_repo_open(cx, &a->repo, APP_LOCK_SHARED, &out->repo, e);

    if (rc == RC_OK && words->n == 0)
        rc = safety_find(cx, out->repo.repo, undo_is_mine, &owner, false, &found, e);
    if (rc == RC_OK && words->n == 0)
        (void)id_hex(&found, id);
    if (rc == RC_OK)
        rc = snapshot_open(cx, out->repo.repo, words->n != 0 ? words->v[0] : id, NULL, NULL,
                           &out->from, e);
    if (rc == RC_OK && !out->from.snap.safety) {
        rc = err_set(e, RC_INVALID, "snapshot %.8s is not a copy that a restore took",
                     id_hex(&out->from.snap.id, id));
        (void)err_hint(e, "`cstash restore --existing flush %.8s` restores it", id);
    }
    target_release(&own);
    return rc;
}

static enum rc
undo_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct restore_args *asked = args;
    struct restore_args a = asked->plan ? plan_args(asked) : *asked;
    struct app_snapshot s = {0};
    struct app_target t = {0};
    struct way_back back = {.host = NULL};
    enum rc rc;

    if (check_resume(asked, e))
        return err_code(e);
    a.load.load.existing = LOAD_FLUSH;
    a.load.keys = (struct filter)FILTER_ALL;
    rc = app_target_connect(cx, &a.load, &t, e);
    if (rc == RC_OK)
        rc = undo_open(cx, &a, &t, &s, e);
    if (a.plan) {
        rc = rc == RC_OK ? plan_run(cx, asked, &s, &t, rc, e) : rc;
        app_target_close(&t);
        app_snapshot_close(&s);
        return rc;
    }
    if (rc == RC_OK)
        rc = way_on_open(&a, &t, &back, e);
    if (rc == RC_OK)
        rc = restore_consent(cx, &a, &s, &t, &back.resume, e);
    if (rc == RC_OK)
        rc = way_back_open(cx, &a, s.repo.repo, &t, &back, e);
    if (rc == RC_OK && a.snapshot.target != NULL) { /* its copy is found by that name too */
        back.safety.backup.target = (struct target){s.from.snap.target, s.from.snap.scope};
        back.safety.backup.by_address = false;
    }
    if (rc == RC_OK)
        rc = restore_run(cx, &a, &s, &t, &back.safety, e);
    way_back_close(&back);
    app_target_close(&t);
    app_snapshot_close(&s);
    return rc;
}

const struct command cmd_undo = {.name = "undo",
                                 .usage = "[SNAPSHOT]",
                                 .summary = "bring back what a Redis held before the last restore",
                                 .groups = undo_groups,
                                 .size = sizeof(struct restore_args),
                                 .words_max = 1,
                                 .words_are_snapshots = true,
                                 .run = undo_main};

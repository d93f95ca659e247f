/* SPDX-License-Identifier: Apache-2.0 */
#include "job/plan_internal.h"

#include <stdio.h>

#include "api/notes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "redis/ability.h"
#include "repo/verdict.h"

enum { COPY_TELLS = 16 * 1024 * 1024 };

/* ---- what is said ---- */

const char *
plan_topic_text(enum plan_topic t)
{
    static const char *const texts[PLAN_N] = {"snapshot",    "target", "version",
                                              "rights",      "memory", "keys in the way",
                                              "safety copy", "time"};

    return texts[t];
}

const char *
plan_topic_name(enum plan_topic t)
{
    static const char *const names[PLAN_N] = {"snapshot", "target",    "version",     "rights",
                                              "memory",   "conflicts", "safety_copy", "time"};

    return names[t];
}

const char *
plan_grade_name(enum plan_grade g)
{
    static const char *const names[] = {"yes", "unsure", "no"};

    return names[g];
}

void
plan_say(struct plan *p, enum plan_topic t, enum plan_grade g, const char *fmt, ...)
{
    struct plan_point *point = &p->points[t];
    size_t used = strlen(point->text);
    va_list ap;

    if (used != 0 && used < sizeof(point->text) - 2) {
        (void)snprintf(point->text + used, sizeof(point->text) - used, "; ");
        used = strlen(point->text);
    }
    va_start(ap, fmt);
    (void)vsnprintf(point->text + used, sizeof(point->text) - used, fmt, ap);
    va_end(ap);
    point->grade = MAX(point->grade, g);
    p->verdict = MAX(p->verdict, g);
}

void
plan_say_err(struct plan *p, enum plan_topic t, const struct err *why)
{
    struct plan_point *point = &p->points[t];

    plan_say(p, t, PLAN_NO, "%s", why->msg);
    if (point->hint[0] == '\0')
        (void)snprintf(point->hint, sizeof(point->hint), "%s", why->hint);
}

bool
plan_is_answer(const struct err *e)
{
    switch (e->code) {
    case RC_INVALID:
    case RC_NOT_FOUND:
    case RC_EXISTS:
    case RC_CONFLICT:
    case RC_DENIED:
    case RC_UNSUPPORTED:
    case RC_LIMIT:
    case RC_CORRUPT:
    case RC_USAGE:
        return true;
    default:
        return false;
    }
}

/* An answer goes to the topic; anything else ends the plan. */
static enum rc
plan_take(struct plan *p, enum plan_topic t, enum rc rc, struct err *e)
{
    if (rc == RC_OK || !plan_is_answer(e))
        return rc;
    plan_say_err(p, t, e);
    *e = (struct err)ERR_INIT;
    return RC_OK;
}

/* ---- the target ---- */

static enum rc
plan_ask_target(struct planning *g, struct err *e)
{
    struct plan *p = g->p;
    bool first = true;

    g->checked = (struct restore_checked){
        .from = g->from, .to = g->to, .opts = g->opts, .survey = &g->survey};
    if (restore_checked_open(g->cx, &g->checked, e))
        return err_code(e);
    p->n_servers = g->to->n;
    (void)snprintf(p->target, sizeof(p->target), "%s", g->to->name);
    if (g->checked.start.infos[0].version[0] != '\0')
        (void)info_name(&g->checked.start.infos[0], p->server, sizeof(p->server));
    p->use = room_use(g->checked.start.infos, g->checked.start.n);
    p->target_told = restore_checked_keys(&g->checked) != EV_UNKNOWN;
    p->target_keys = p->target_told ? restore_checked_keys(&g->checked) : 0;
    g->target = adapt_anything();
    for (size_t i = 0; i < g->to->n; i++) {
        struct adapt_target one;
        char name[MASTERS_PROBE];

        if (!masters_probe_name(g->to, i, name))
            continue;
        if (ability_ask(g->cx, g->to->list[i], name, &one, e))
            return err_code(e);
        if (first)
            g->target = one;
        else
            adapt_target_meet(&g->target, &one);
        first = false;
    }
    return RC_OK;
}

/* ---- the snapshot ---- */

uint64_t
plan_keys_concerned(const struct planning *g)
{
    const struct filter chosen = restore_filter(g->opts);

    return outcome_before(&g->checked.start, &chosen.dbs);
}

/* Does the manifest leave a question open that the dump answers? */
static bool
plan_must_read(const struct planning *g)
{
    const struct adapt_target *t = &g->target;
    bool whole = filter_is_all(&g->opts->filter) && !restore_rewrites(g->opts);
    bool takes_commands = t->replace && t->absttl && t->streams && t->create_consumer &&
                          t->functions && t->survives_modules &&
                          (t->field_expiry || (g->source.version != 0 &&
                                               g->source.version < 70400 && !g->source.valkey));

    return !whole || !g->source.told || g->from->snap.repaired || g->source.payloads ||
           !takes_commands || g->conflicts.names_some || !g->p->target_told ||
           (g->opts->existing != LOAD_FLUSH && plan_keys_concerned(g) != 0);
}

/* A snapshot that was named by its ID comes without what a verification found of it: lists have that. */
static enum rc
plan_find_verdict(struct planning *g, struct err *e)
{
    struct snapshots_unread unread = {.n = 0};
    struct snapshot *list;
    size_t n;

    if (g->from->snap.verdict != NULL)
        return RC_OK;
    if (snapshots_readable(g->cx, g->from->repo, &list, &n, &unread, e))
        return err_code(e);
    mem_free(unread.ids);
    for (size_t i = 0; i < n; i++)
        if (id_eq(&list[i].id, &g->from->snap.id))
            g->from->snap.verdict = TAKE(list[i].verdict);
    snapshots_free(list, n);
    return RC_OK;
}

/* What the last verification found. */
static void
say_of_verdict(const struct planning *g)
{
    const struct verdict *v = g->from->snap.verdict;
    char when[INSTANT_TEXT];

    if (v == NULL)
        return;
    (void)instant_format(v->time, when);
    if (v->good)
        plan_say(g->p, PLAN_SNAPSHOT, PLAN_YES, "verified %.10s (%s)", when,
                 v->level == VERDICT_RESTORE ? "by a restore" : "its data were read back");
    else
        plan_say(g->p, PLAN_SNAPSHOT, PLAN_UNSURE, "a verification found it bad on %.10s: %.200s",
                 when, v->why);
}

static void
say_of_snapshot(const struct planning *g)
{
    struct plan *p = g->p;
    char n[STR_GROUPED_MAX], bytes[STR_GROUPED_MAX], left[STR_GROUPED_MAX];

    plan_say(p, PLAN_SNAPSHOT, PLAN_YES, "%s %s, %s bytes of the dump%s", str_grouped(p->keys, n),
             str_plural(p->keys, "key", "keys"), str_grouped(p->bytes, bytes),
             p->read ? " (it was read)" : " (as its manifest says)");
    if (p->filtered != 0)
        plan_say(p, PLAN_SNAPSHOT, PLAN_YES, "%s %s not wanted", str_grouped(p->filtered, left),
                 str_plural(p->filtered, "key is", "keys are"));
    say_of_verdict(g);
    if (g->from->snap.repaired)
        plan_say(p, PLAN_SNAPSHOT, PLAN_YES,
                 "it is what a repair left of a damaged one: the restore would be partial");
    else if (g->from->snap.part != NULL)
        plan_say(p, PLAN_SNAPSHOT, PLAN_YES,
                 "it is a part of its source (%.200s): the restore would be partial",
                 g->from->snap.part);
    if (p->read && !g->survey.found.facts.ours && !g->survey.found.facts.has_marker)
        plan_say(p, PLAN_SNAPSHOT, PLAN_YES, "the dump has no end mark; it may be cut short");
}

/* Only a restore that empties its target first asks for more than that it can be read. */
static enum rc
plan_prove(struct planning *g, struct err *e)
{
    enum rc rc = load_prove(g->cx, g->from->repo, &g->from->snap.tree, &g->from->file, e);

    if (rc != RC_CORRUPT)
        return rc;
    if (g->opts->existing == LOAD_FLUSH) {
        (void)err_wrap(e, "the snapshot is not whole");
        return plan_take(g->p, PLAN_SNAPSHOT, rc, e);
    }
    plan_say(g->p, PLAN_SNAPSHOT, g->p->read ? PLAN_YES : PLAN_UNSURE,
             "it is not proven to be whole: %s", e->msg);
    *e = (struct err)ERR_INIT;
    return RC_OK;
}

/* Read of it what has to be read; what ends that would end the restore. */
static enum rc
plan_survey(struct planning *g, struct err *e)
{
    struct plan *p = g->p;
    struct plan_counts counts = {.p = p, .conflicts = &g->conflicts};
    struct survey_more more = {.as_if = &g->target, .on = plan_count_on, .arg = &counts};
    struct load_opts o = *g->opts;
    int64_t began = clock_mono_ms();
    enum rc rc;

    o.dry_run = false; /* which would ask nothing of it */
    more.read = plan_must_read(g);
    if (more.read) { /* counted anew */
        p->n_dbs = 0;
        p->functions = 0;
    }
    rc = survey_snapshot(g->cx, g->from, &o, &more, &g->survey, e);
    g->surveyed = rc == RC_OK;
    if (plan_take(p, PLAN_SNAPSHOT, rc, e) || conflicts_end(&g->conflicts, e))
        return err_code(e);
    if (!g->surveyed)
        return RC_OK;
    if (g->survey.read) {
        p->read = p->keys_known = true;
        p->keys = g->survey.found.keys;
        p->bytes = g->survey.found.wanted;
        p->filtered = g->survey.found.filtered_keys;
        g->read_ms = clock_mono_ms() - began - g->conflicts.ns / 1000000;
        memcpy(p->left_out, g->survey.found.left_out, sizeof(p->left_out));
        p->refused = g->survey.found.refused;
    }
    say_of_snapshot(g);
    return plan_prove(g, e);
}

/* ---- what a restore would be refused for ---- */

/* Are the servers there still? Then what they take in time only they do not take now. */
static bool
plan_answers(const struct planning *g)
{
    struct err none = ERR_INIT;
    struct reply r;

    for (size_t i = 0; i < g->to->n; i++)
        if (CONN_CALL(g->cx, g->to->list[i], &r, &none, STR_LIT("PING")))
            return false;
    return true;
}

static enum rc
plan_check(struct planning *g, struct err *e)
{
    static const enum plan_topic topics[CHECK_N] = {
        [CHECK_DATABASES] = PLAN_TARGET, [CHECK_LENGTH] = PLAN_TARGET,
        [CHECK_MEMORY] = PLAN_MEMORY,    [CHECK_SNAPSHOT] = PLAN_SNAPSHOT,
        [CHECK_ROLE] = PLAN_TARGET,      [CHECK_WRITES] = PLAN_TARGET,
        [CHECK_RIGHTS] = PLAN_RIGHTS};

    for (unsigned i = 0; i < CHECK_N; i++) {
        enum rc rc;

        if (i == CHECK_SNAPSHOT) /* was proven in any case */
            continue;
        rc = restore_check(g->cx, &g->checked, (enum restore_check)i, e);
        if (i == CHECK_WRITES && rc == RC_UNAVAILABLE && plan_answers(g)) {
            plan_say_err(g->p, PLAN_TARGET, e);
            *e = (struct err)ERR_INIT;
            continue;
        }
        if (plan_take(g->p, topics[i], rc, e))
            return err_code(e);
    }
    return RC_OK;
}

static void
say_of_target(struct planning *g)
{
    struct plan *p = g->p;
    char n[STR_GROUPED_MAX];

    if (g->to->owner != NULL)
        plan_say(p, PLAN_TARGET, PLAN_YES, "a cluster of %llu masters, which own all slots",
                 (unsigned long long)g->to->n);
    if (!p->target_told)
        plan_say(p, PLAN_TARGET, PLAN_YES,
                 "it does not say how many keys it holds: what is restored would not be proven");
    else
        plan_say(p, PLAN_TARGET, PLAN_YES, "%s%sholds %s %s", p->server,
                 p->server[0] != '\0' ? ", " : "", str_grouped(p->target_keys, n),
                 str_plural(p->target_keys, "key", "keys"));
}

static void
say_of_version(struct planning *g)
{
    struct plan *p = g->p;
    char n[STR_GROUPED_MAX];
    bool data = false;

    for (unsigned i = 0; i < ADAPT_N; i++) {
        if (p->left_out[i] == 0)
            continue;
        data = data || i >= ADAPT_DATA;
        plan_say(p, PLAN_VERSION, i >= ADAPT_DATA ? PLAN_NO : PLAN_YES, "%s cannot hold %s: %s%s",
                 p->target, adapt_left_text((enum adapt_left)i), str_grouped(p->left_out[i], n),
                 i >= ADAPT_DATA ? "" : " left out");
    }
    if (p->refused.modules != 0)
        plan_say(p, PLAN_VERSION, PLAN_NO,
                 "%s %s of modules that it has not loaded (the first of type %s)",
                 str_grouped(p->refused.modules, n),
                 str_plural(p->refused.modules, "value is", "values are"), p->refused.module);
    if (p->refused.unsure != 0)
        plan_say(p, PLAN_VERSION, PLAN_UNSURE,
                 "whether it has loaded the module of %s %s (type %s) is not known",
                 str_grouped(p->refused.unsure, n),
                 str_plural(p->refused.unsure, "value", "values"),
                 p->refused.module[0] != '\0' ? p->refused.module : "unknown");
    if (p->refused.newer != 0)
        plan_say(p, PLAN_VERSION, PLAN_NO, "%s %s in a newer format than it takes",
                 str_grouped(p->refused.newer, n),
                 str_plural(p->refused.newer, "value is", "values are"));
    if (data || p->refused.modules != 0 || p->refused.newer != 0)
        (void)snprintf(p->points[PLAN_VERSION].hint, sizeof(p->points[PLAN_VERSION].hint),
                       "restore into a server of the version of the source, with its modules; all "
                       "else would be restored, and the restore fail in the end");
    else if (p->points[PLAN_VERSION].text[0] == '\0')
        plan_say(p, PLAN_VERSION, PLAN_YES, "it takes all of it");
}

/* ---- keys that are there ---- */

static void
say_of_conflicts(struct planning *g)
{
    static const char *const become[] = {[LOAD_REPLACE] = "would be replaced",
                                         [LOAD_SKIP] = "would be kept, and not restored",
                                         [LOAD_FAIL] = "would end the restore",
                                         [LOAD_FLUSH] = ""};
    struct plan *p = g->p;
    char n[STR_GROUPED_MAX], of[STR_GROUPED_MAX];

    if (g->opts->existing == LOAD_FLUSH) {
        p->removed = p->target_told ? plan_keys_concerned(g) : 0;
        plan_say(p, PLAN_CONFLICTS, PLAN_YES, "--existing flush: %s %s would be removed first",
                 p->target_told ? str_grouped(p->removed, n) : "an unknown number of",
                 str_plural(p->removed, "key", "keys"));
        return;
    }
    p->conflicts = g->conflicts.exist;
    p->conflicts_unknown = g->conflicts.unknown;
    p->conflicts_known = g->surveyed && p->conflicts_unknown == 0 &&
                         (g->survey.read || (p->target_told && plan_keys_concerned(g) == 0));
    if (p->conflicts_known && g->survey.read && p->target_told && plan_keys_concerned(g) != 0 &&
        !g->survey.distinct)
        plan_say(p, PLAN_CONFLICTS, PLAN_YES, "the dump may have a key twice, which counts twice");
    if (p->conflicts_known)
        plan_say(p, PLAN_CONFLICTS,
                 p->conflicts != 0 && g->opts->existing == LOAD_FAIL ? PLAN_NO : PLAN_YES,
                 "%s of the %s %s there%s%s",
                 p->conflicts == 0 ? "none" : str_grouped(p->conflicts, n),
                 str_grouped(p->keys, of),
                 p->conflicts == 0 ? "is" : str_plural(p->conflicts, "is", "are"),
                 p->conflicts == 0 ? "" : str_plural(p->conflicts, ": it ", ": they "),
                 p->conflicts == 0 ? "" : become[g->opts->existing]);
    else if (g->surveyed)
        plan_say(p, PLAN_CONFLICTS, g->opts->existing == LOAD_REPLACE ? PLAN_YES : PLAN_UNSURE,
                 "at least %s are there; of %s it is not known", str_grouped(p->conflicts, n),
                 str_grouped(p->conflicts_unknown, of));
    if (p->conflicts != 0 && g->opts->existing == LOAD_FAIL)
        (void)snprintf(p->points[PLAN_CONFLICTS].hint, sizeof(p->points[PLAN_CONFLICTS].hint),
                       "--existing replace overwrites them, --existing skip keeps them");
}

/* Of users who may write some names only. */
static void
say_of_names(struct planning *g)
{
    struct plan *p = g->p;
    char n[STR_GROUPED_MAX];

    if (!g->conflicts.names_some)
        return;
    if (g->conflicts.denied != 0)
        plan_say(p, PLAN_RIGHTS, PLAN_NO, "the user may not write %s of the keys",
                 str_grouped(g->conflicts.denied, n));
    else if (g->conflicts.names_unsure)
        plan_say(p, PLAN_RIGHTS, PLAN_UNSURE,
                 "the user may write some names only, and which cannot be asked");
    else
        plan_say(p, PLAN_RIGHTS, PLAN_YES,
                 "the user may write some names only, and those of the dump");
}

/* The users of the snapshot, where they are to be restored too. */
static enum rc
say_of_users(struct planning *g, struct err *e)
{
    struct users users;
    enum rc rc;

    if (g->users == ACL_NONE)
        return RC_OK;
    rc = users_open(g->cx, g->from, g->to, g->users, &users, e);
    users_close(&users);
    for (size_t i = 0; rc == RC_OK && i < g->to->n; i++) {
        char name[MASTERS_PROBE];

        if (masters_probe_name(g->to, i, name))
            rc = rights_to_make_users(g->cx, g->to->list[i], name, e);
    }
    return plan_take(g->p, PLAN_RIGHTS, rc, e);
}

/* ---- the way back ---- */

static enum rc
say_of_copy(struct planning *g, struct err *e)
{
    struct plan *p = g->p;
    const struct safety *s = g->safety;
    char n[STR_GROUPED_MAX], size[STR_GROUPED_MAX];

    p->copy = s->skip                                 ? SAFETY_SKIPPED
              : p->target_told && p->target_keys == 0 ? SAFETY_EMPTY
                                                      : SAFETY_DRY_RUN;
    if (p->copy == SAFETY_EMPTY) {
        plan_say(p, PLAN_COPY, PLAN_YES, "none is needed: the target holds no keys");
        return RC_OK;
    }
    if (p->copy == SAFETY_SKIPPED) {
        plan_say(p, PLAN_COPY, PLAN_YES,
                 "none, as was asked for: what the target holds could not be brought back");
        return RC_OK;
    }
    plan_say(p, PLAN_COPY, PLAN_YES, "the %s %s that the target holds would be copied first",
             p->target_told ? str_grouped(p->target_keys, n) : "unknown number of",
             str_plural(p->target_keys, "key", "keys"));
    if (p->use.dataset != 0)
        plan_say(p, PLAN_COPY, PLAN_YES,
                 "they take %s bytes of memory, and less in the repository (an estimate); whether "
                 "it has so much room is not known before",
                 str_grouped(p->use.dataset, size));
    if (s->blocked != NULL) {
        plan_say(p, PLAN_COPY, PLAN_NO, "it cannot be taken: %s", s->blocked);
        (void)snprintf(p->points[PLAN_COPY].hint, sizeof(p->points[PLAN_COPY].hint),
                       "--safety-repo names another repository, --safety-copy skip goes without a "
                       "way back (RestoreSession: " NOTE_SAFETY_COPY ")");
    }
    for (size_t i = 0; i < g->to->n; i++) {
        char name[MASTERS_PROBE];
        bool unsure = false;

        if (!masters_probe_name(g->to, i, name))
            continue;
        if (plan_take(p, PLAN_COPY, rights_to_copy(g->cx, g->to->list[i], name, &unsure, e), e))
            return err_code(e);
        if (unsure)
            plan_say(
                p, PLAN_COPY, PLAN_UNSURE,
                "its user may not read it by SCAN, and whether by replication cannot be asked");
    }
    return RC_OK;
}

static enum rc
say_of_time(struct planning *g, struct err *e)
{
    struct plan *p = g->p;
    const struct dump_decode_facts *facts = &g->survey.found.facts;
    const struct verdict *v = g->from->snap.verdict;
    struct plan_times t = {.bytes = g->survey.read ? g->survey.found.bytes : g->source.bytes,
                           .commands = g->survey.read ? facts->commands : g->source.commands,
                           .wanted = p->bytes,
                           .read_ms = g->survey.read ? g->read_ms : -1,
                           .before = v != NULL && v->good && v->restore_ms >= 0 ? v : NULL,
                           .copy_ms = p->copy == SAFETY_DRY_RUN ? -1 : 0};

    /* Of a small one it tells how long a backup takes to begin. */
    if (t.copy_ms < 0 && g->source.took_ms != 0 && g->source.memory >= COPY_TELLS)
        t.copy_ms = (int64_t)((double)g->source.took_ms * (double)p->use.dataset /
                              (double)(g->source.memory + 1));
    return plan_measure(g->cx, g->from, g->to, &t, p, e);
}

static enum rc
plan_ask(struct planning *g, struct err *e)
{
    struct err none = ERR_INIT;

    if (restore_check_flush(g->opts, &none))
        plan_say_err(g->p, PLAN_SNAPSHOT, &none);
    if (plan_ask_target(g, e) ||
        plan_read_manifest(g->from->snap.repaired ? str_of(NULL, 0) : buf_str(&g->from->manifest),
                           g->p, &g->source, e) ||
        plan_find_verdict(g, e) ||
        conflicts_open(g->cx, g->to, &g->checked.start, &g->conflicts, e) || plan_survey(g, e))
        return err_code(e);
    say_of_target(g);
    if (g->surveyed) {
        if (plan_check(g, e))
            return err_code(e);
        say_of_version(g);
        say_of_conflicts(g);
        plan_weigh(g);
        say_of_names(g);
    }
    if (say_of_users(g, e))
        return err_code(e);
    if (say_of_copy(g, e))
        return err_code(e);
    return g->surveyed ? say_of_time(g, e) : RC_OK;
}

enum rc
plan_make(struct ctx *cx, struct snapshot_source *from, struct masters *to,
          const struct plan_request *how, struct plan *out, struct err *e)
{
    struct planning g = {.cx = cx,
                         .from = from,
                         .to = to,
                         .opts = how->opts,
                         .safety = how->safety,
                         .users = how->users,
                         .p = out};
    enum rc rc;

    *out = (struct plan){.ms = -1, .read_ms = -1, .write_ms = -1, .copy_ms = -1};
    rc = plan_ask(&g, e);
    if (rc == RC_OK && out->points[PLAN_RIGHTS].text[0] == '\0' && g.surveyed)
        plan_say(out, PLAN_RIGHTS, PLAN_YES, "the user may do what the restore needs");
    conflicts_close(&g.conflicts);
    restore_checked_close(&g.checked);
    if (rc != RC_OK) {
        plan_release(out);
        return err_wrap(e, "could not ask whether the restore would work");
    }
    return RC_OK;
}

void
plan_of_target(const struct err *why, const char *target, struct plan *out)
{
    *out = (struct plan){.ms = -1, .read_ms = -1, .write_ms = -1, .copy_ms = -1};
    (void)snprintf(out->target, sizeof(out->target), "%s", target);
    plan_say_err(out, PLAN_TARGET, why);
}

void
plan_release(struct plan *p)
{
    mem_free(p->dbs);
    p->dbs = NULL;
    p->n_dbs = 0;
}

const char *
plan_words(const struct plan *p, char to[static PLAN_WORDS])
{
    static const char *const verdicts[] = {[PLAN_YES] = "the restore would work",
                                           [PLAN_UNSURE] =
                                               "whether the restore would work is not known",
                                           [PLAN_NO] = "the restore would not work"};
    const char *sep = ": ";

    (void)snprintf(to, PLAN_WORDS, "%s", verdicts[p->verdict]);
    for (unsigned i = 0; i < PLAN_N; i++) {
        size_t used = strlen(to);

        if (p->points[i].grade != p->verdict || p->verdict == PLAN_YES)
            continue;
        (void)snprintf(to + used, PLAN_WORDS - used, "%s%s: %s", sep,
                       plan_topic_text((enum plan_topic)i), p->points[i].text);
        sep = ". ";
    }
    return to;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "job/verification.h"

#include "base/log.h"
#include "base/mem.h"
#include "job/backup.h"
#include "job/manifest.h"

enum { SERVER_OWN = 8 * 1024 * 1024 /* what an empty one takes */, FIRST_ERROR = 240 };

bool
verification_is_verdict(enum rc rc)
{
    return rc == RC_OK || rc == RC_CORRUPT;
}

struct verifying {
    struct ctx *cx;
    struct repo *repo;
    const struct snapshot *snap;
    const struct verification_opts *opts;
    struct snapshot_source from;
    struct manifest_brief manifest;
    struct throwaway server;
    struct masters to; /* that server, once something was loaded into it */
    struct restore_result restored;
    struct verification *out;
};

/* ---- what an error means ---- */

/* Nobody knows more of the backup than before: the store is away, or somebody wanted it to stop. */
static bool
is_no_result(const struct err *e)
{
    switch (e->code) {
    case RC_CORRUPT:
    case RC_NOT_FOUND:
    case RC_INVALID:
    case RC_EXISTS:
    case RC_CONFLICT:
    case RC_LIMIT:
    case RC_UNSUPPORTED:
    case RC_UNVERIFIED:
        return false;
    case RC_DENIED: /* by the store; or the dump has a command that writes no data */
        return e->sys != 0;
    default:
        return true;
    }
}

static enum rc
verification_failed(struct err *e)
{
    e->code = RC_CORRUPT;
    return err_code(e);
}

/* ---- data ---- */

static enum rc
data_open(struct verifying *v, struct err *e)
{
    char id[ID_TEXT];

    snapshot_close(&v->from);
    v->from = (struct snapshot_source){.repo = NULL};
    return snapshot_open(v->cx, v->repo, id_hex(&v->snap->id, id), NULL, NULL, &v->from, e);
}

/* What lists show of it stands in the snapshot's own file. */
static enum rc
data_compare_brief(const struct verifying *v, const struct restore_result *r, struct err *e)
{
    struct manifest_brief brief = {.keys = 0};

    if (v->snap->brief == NULL)
        return RC_OK;
    if (manifest_brief(str_c(v->snap->brief), &brief, e))
        return err_code(e);
    if (brief.keys == r->keys && strcmp(brief.digest, v->manifest.digest) == 0)
        return RC_OK;
    return err_set(e, RC_CORRUPT,
                   "the snapshot says that it holds %llu %s, and it holds %llu, or others",
                   (unsigned long long)brief.keys, str_plural(brief.keys, "key", "keys"),
                   (unsigned long long)r->keys);
}

static enum rc
data_judge(const struct verifying *v, const struct restore_result *r, struct err *e)
{
    if (!r->compared)
        return err_set(
            e, RC_UNVERIFIED,
            "the commands of its keys are interleaved, or not all of them are known here");
    return data_compare_brief(v, r, e);
}

static enum rc
data_run(struct verifying *v, struct restore_result *r, struct err *e)
{
    const struct load_opts load = {.filter = FILTER_ALL,
                                   .dry_run = true,
                                   .progress = v->opts->progress,
                                   .progress_arg = v->opts->progress_arg};

    return data_open(v, e) || restore_redis(v->cx, &v->from, NULL, &load, NULL, r, e)
               ? err_code(e)
               : data_judge(v, r, e);
}

struct other_files {
    char **paths;
    size_t n;
};

static enum rc
other_files_add(void *arg, const char *path, uint64_t bytes, struct err *e)
{
    struct other_files *f = arg;

    (void)bytes;
    (void)e;
    if (strcmp(path, "/" DUMP_NAME) == 0)
        return RC_OK;
    f->paths = (char **)mem_more(f->paths, f->n, sizeof(*f->paths));
    f->paths[f->n++] = mem_strdup(path);
    return RC_OK;
}

static enum rc
other_file_read(const struct verifying *v, const char *path, struct err *e)
{
    struct file_info file = {.n_content = 0};
    struct wr_null nowhere;
    enum rc rc = load_find_file(v->cx, v->repo, &v->snap->tree, path, &file, e);

    wr_null_init(&nowhere);
    if (rc == RC_OK)
        rc = load_copy(v->cx, v->repo, &file, SNAPSHOT_WORKERS, &nowhere.wr, e);
    file_info_release(&file);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not read %s", path);
}

/* What stands beside the dump, such as the index of its keys, is read back too. */
static enum rc
data_read_others(const struct verifying *v, struct err *e)
{
    struct other_files f = {.n = 0};
    enum rc rc = load_list_files(v->cx, v->repo, &v->snap->tree, other_files_add, &f, e);

    for (size_t i = 0; i < f.n; i++) {
        if (rc == RC_OK)
            rc = other_file_read(v, f.paths[i], e);
        mem_free(f.paths[i]);
    }
    mem_free(f.paths);
    return rc;
}

/* ---- restore ---- */

static enum rc
restore_fits(const struct verifying *v, struct err *e)
{
    uint64_t need = v->manifest.memory != 0 ? v->manifest.memory : v->manifest.bytes,
             have = v->server.max_memory;
    char n[STR_GROUPED_MAX], m[STR_GROUPED_MAX];

    if (have == 0 || have == UINT64_MAX || need + SERVER_OWN <= have)
        return RC_OK;
    return err_set(e, RC_UNVERIFIED,
                   "its data take about %s bytes of memory, and the throw-away server may have %s",
                   str_grouped(need + SERVER_OWN, n), str_grouped(have, m));
}

static enum rc
restore_questions(struct verifying *v, struct err *e)
{
    for (size_t i = 0; i < v->opts->n_questions; i++)
        if (question_ask(v->cx, v->to.list[0], v->opts->questions[i], e))
            return err_code(e);
    return RC_OK;
}

static bool
is_older(const struct verifying *v)
{
    CLEANUP(mem_free_ptr) char *own = mem_strdup(v->server.name);
    const char *theirs = strchr(v->manifest.server, ' '), *ours = strchr(own, ' ');

    if (theirs == NULL || ours == NULL || theirs - v->manifest.server != ours - own ||
        strncasecmp(v->manifest.server, own, (size_t)(ours - own)) != 0)
        return true; /* another product, or nobody knows */
    return strverscmp(ours + 1, theirs + 1) < 0;
}

/* Did something have to be left out that this server has no word for? */
static enum rc
restore_left_out(const struct verifying *v, struct err *e)
{
    const uint64_t *left = v->restored.load.left_out;

    for (unsigned i = 0; i < ADAPT_N; i++)
        if (left[i] != 0 && i != ADAPT_USE)
            return err_set(e, RC_UNVERIFIED, "%s cannot hold all of it (%llu %s), which is of %s",
                           v->server.name, (unsigned long long)left[i],
                           adapt_left_text((enum adapt_left)i), v->manifest.server);
    return RC_OK;
}

/* Into the server, without times to expire, and back. */
static enum rc
restore_load(struct verifying *v, struct err *e)
{
    static const struct change drop = {.ttl = CHANGE_TTL_DROP};
    const struct safety none = {.skip = true};
    const struct load_opts load = {.filter = FILTER_ALL,
                                   .change = &drop,
                                   .progress = v->opts->progress,
                                   .progress_arg = v->opts->progress_arg};
    enum rc rc;

    masters_of_one(TAKE(v->server.conn), &v->to);
    (void)snprintf(v->to.name, sizeof(v->to.name), "the throw-away server");
    rc = restore_redis(v->cx, &v->from, &v->to, &load, &none, &v->restored, e);
    if (rc == RC_OK && restore_left_out(v, e))
        rc = err_code(e);
    if (rc == RC_OK)
        rc = data_judge(v, &v->restored, e);
    if (rc == RC_OK)
        rc = restore_verify(v->cx, &v->from, &v->to, &load, &v->restored, e);
    return rc;
}

/* It did not go well, though its data are: whose fault is that? */
static enum rc
restore_blame(struct verifying *v, const struct err *was, struct err *e)
{
    const struct load_result *l = &v->restored.load;
    char why[THROWAWAY_WHY], first[FIRST_ERROR] = "";

    if (l->n_errors != 0)
        (void)snprintf(first, sizeof(first), ": %s: %s", l->errors[0].verb, l->errors[0].text);
    *e = *was;
    if (throwaway_ended(&v->server, why))
        return err_set(e, RC_UNVERIFIED, "%s", why);
    if (restore_left_out(v, e))
        return err_code(e);
    if (was->code != RC_CORRUPT && was->code != RC_CONFLICT && was->code != RC_INVALID) {
        e->code = RC_UNVERIFIED; /* it is full, away, too slow, or has too few databases */
        e->hint[0] = '\0';       /* for whoever keeps such a server */
        return err_code(e);
    }
    if (l->n_errors != 0 && is_older(v))
        return err_set(e, RC_UNVERIFIED, "%s does not take all of it, which is of %s%s",
                       v->server.name, v->manifest.server, first);
    return verification_failed(e);
}

static enum rc
restore_try(struct verifying *v, struct err *e)
{
    const struct throwaway_opts server = {.program = v->opts->program,
                                          .socket = v->opts->socket,
                                          .max_memory = v->opts->max_memory,
                                          .longest = v->manifest.longest,
                                          .databases = v->manifest.highest_db + 1};
    struct restore_result again;
    struct err was = ERR_INIT;
    enum rc rc = throwaway_open(v->cx, &server, &v->server, e);

    if (rc != RC_OK || restore_fits(v, e))
        return err_code(e);
    rc = restore_load(v, &was);
    if (rc == RC_OK)
        return restore_questions(v, e);
    if (rc == RC_CANCELLED || rc == RC_UNVERIFIED) {
        *e = was;
        return rc;
    }
    log_info("%s; reading the data alone", was.msg);
    return data_run(v, &again, e) ? err_code(e) : restore_blame(v, &was, e);
}

/* ---- all of it ---- */

static enum rc
verification_prepare(struct verifying *v, struct err *e)
{
    if (v->snap->repaired)
        return err_set(e, RC_UNVERIFIED,
                       "it is what a repair left of a damaged snapshot, and nothing says what that "
                       "should hold");
    if (data_open(v, e))
        return err_code(e);
    if (v->from.manifest.n == 0) {
        (void)err_set(e, RC_UNVERIFIED, "it has no manifest, so nothing says what it should hold");
        return err_hint(e, "`cstash audit` compares backups of Stash with what their maker said");
    }
    if (manifest_brief(buf_str(&v->from.manifest), &v->manifest, e))
        return err_code(e);
    v->out->memory = v->manifest.memory;
    return RC_OK;
}

static enum rc
verification_try(struct verifying *v, struct err *e)
{
    struct err why = ERR_INIT;
    enum rc rc = verification_prepare(v, &why);

    if (rc == RC_OK)
        rc =
            v->opts->level == VERDICT_DATA ? data_run(v, &v->restored, &why) : restore_try(v, &why);
    if (rc == RC_OK)
        rc = data_read_others(v, &why);
    if (rc == RC_OK)
        return RC_OK;
    *e = why;
    if (is_no_result(&why))
        return err_code(e);
    if (why.code == RC_UNSUPPORTED)
        e->code = RC_UNVERIFIED; /* of a kind that is not known here */
    return e->code == RC_UNVERIFIED ? err_code(e) : verification_failed(e);
}

static void
verification_tell(const struct verifying *v, enum rc rc, const struct err *e)
{
    const struct restore_result *r = &v->restored;
    struct verdict *to = &v->out->verdict;

    *to = (struct verdict){.snapshot = v->snap->id,
                           .tree = v->snap->tree,
                           .time = instant_now(),
                           .level = v->opts->level,
                           .good = rc == RC_OK,
                           .restore_ms = -1};
    if (rc != RC_OK) {
        (void)snprintf(to->why, sizeof(to->why), "%s", e->msg);
        return;
    }
    to->keys = r->keys;
    (void)snprintf(to->digest, sizeof(to->digest), "%s", v->manifest.digest);
    if (v->opts->level == VERDICT_DATA)
        return;
    to->restore_ms = r->took_ms;
    to->questions = v->opts->n_questions;
    (void)snprintf(to->server, sizeof(to->server), "%s", v->server.name);
    v->out->modules = r->verified.modules;
    v->out->left_out = r->verified.left_out;
}

enum rc
verification_run(struct ctx *cx, struct repo *r, const struct snapshot *s,
                 const struct verification_opts *o, struct verification *out, struct err *e)
{
    struct verifying v = {
        .cx = cx, .repo = r, .snap = s, .opts = o, .server = {.log = -1}, .out = out};
    char id[ID_TEXT];
    enum rc rc;

    *out = (struct verification){.memory = 0};
    rc = verification_try(&v, e);
    if (verification_is_verdict(rc))
        verification_tell(&v, rc, e);
    masters_close(&v.to);
    throwaway_close(&v.server);
    snapshot_close(&v.from);
    if (rc == RC_CORRUPT)
        return err_wrap(e, "snapshot %.8s is not good", id_hex(&s->id, id));
    if (rc == RC_UNVERIFIED)
        return err_wrap(e, "snapshot %.8s is not verifiable", id_hex(&s->id, id));
    return rc == RC_OK ? RC_OK : err_wrap(e, "snapshot %.8s was not verified", id_hex(&s->id, id));
}

const char *
verification_words(const struct verdict *v, char to[static VERIFICATION_WORDS])
{
    if (!v->good)
        (void)snprintf(to, VERIFICATION_WORDS, "verification failed: %s", v->why);
    else if (v->level == VERDICT_DATA)
        (void)snprintf(to, VERIFICATION_WORDS, "verified: data read back");
    else
        (void)snprintf(to, VERIFICATION_WORDS, "verified: restored into %s in %.1f s", v->server,
                       (double)MAX(v->restore_ms, (int64_t)0) / 1000);
    return to;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl-stash purge-repos: delete the repositories below a backend's prefix that nobody has changed for long. */
#include "base/log.h"
#include "base/mem.h"
#include "cli/documents.h"
#include "cli/out.h"
#include "cli/plugin.h"
#include "cli/purge_age.h"
#include "cli/purge_find.h"
#include "job/kube_repo.h"
#include "kube/object.h"

enum {
    LOCK_FRESH_MS = 30 * 60 * 1000, /* as long as restic believes one that is not renewed */
    RETRY_MS = 15 * 60 * 1000
};

struct purge_args {
    struct app_opts app;
    const char *config;
    struct purge_age age;
    bool dry_run, yes;
    struct cluster_access cluster;
};

static enum rc
parse_age(const struct opt *o, const char *text, void *to, struct err *e)
{
    struct purge_age *age = to;

    (void)o;
    *age = (struct purge_age){.seconds = 0};
    return text == NULL ? RC_OK : purge_age_parse(text, age, e);
}

static const struct opt_type opt_age = {.value = "TIME", .parse = parse_age};
static const struct opt opts_purge[] = {
    {"storage-config", 0, OPT_FILE(struct purge_args, config), NULL,
     "YAML or JSON of a Repository's backend, below whose prefix to look"},
    {"older-than", 0, OPT_OWN(opt_age, struct purge_args, age, struct purge_age, NULL), NULL,
     "those of which no file was changed for so long: y, mo, d, h, m and s, such as 1y6mo"},
    {"dry-run", 0, OPT_FLAG(struct purge_args, dry_run), NULL, "only say what would be deleted"},
    {"yes", 'y', OPT_FLAG(struct purge_args, yes), NULL, "do not ask"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_purge, 0},
    {opts_cluster_access, offsetof(struct purge_args, cluster)},
    {opts_app, 0},
    {.table = NULL}};

struct purge {
    struct ctx *cx;
    const struct purge_args *args;
    struct backend backend;
    struct json *secret; /* NULL: the environment has the credentials */
    struct store *store;
    struct purge_repos all;
    size_t old; /* how many of them: the first ones of `all`, once they were sorted out */
};

/* ---- where to look ---- */

static enum rc
read_secret(struct purge *p, struct plugin *c, const char *name, struct err *e)
{
    if (kube_get(p->cx, c->k, &KUBE_SECRET, c->ns, name, &p->secret, e))
        return err_wrap(e, "could not read Secret %s/%s (storageSecretName)", c->ns, name);
    return RC_OK;
}

/* A cluster is asked only where the backend needs it: for the Secret, or for what a volume is here. */
static enum rc
read_backend(struct purge *p, const struct json *spec_backend, struct err *e)
{
    bool local = json_field(spec_backend, "local") != NULL;
    const char *secret = local ? NULL : json_text(json_field(spec_backend, "storageSecretName"));
    struct plugin c = {.k = NULL};
    enum rc rc = RC_OK;

    if (secret != NULL || json_dig(spec_backend, "local", "hostPath") != NULL)
        rc = plugin_open(p->cx, &p->args->cluster, &c, e);
    if (rc == RC_OK)
        rc = kube_repo_backend(p->cx, c.k, spec_backend, &p->backend, e);
    if (rc == RC_OK && secret != NULL)
        rc = read_secret(p, &c, secret, e);
    plugin_close(&c);
    return rc;
}

static enum rc
open_store(const struct purge *p, const struct backend *b, struct store **out, struct err *e)
{
    const struct store_opts more = {.ca_file = getenv("RESTIC_CACERT"), .retry_ms = RETRY_MS};

    return kube_repo_store(b, p->secret, p->secret == NULL, &more, out, e);
}

static enum rc
open_place(struct purge *p, struct err *e)
{
    const struct opt_list files = {.v = {p->args->config}, .n = 1};
    struct documents docs = {.n = 0};
    enum rc rc = documents_read(&files, &docs, e);

    if (rc == RC_OK && docs.n != 1)
        rc = err_set(e, RC_INVALID, "it holds %zu documents, not one", docs.n);
    if (rc == RC_OK)
        rc = read_backend(p, docs.v[0].obj, e);
    if (rc == RC_OK)
        rc = open_store(p, &p->backend, &p->store, e);
    documents_release(&docs);
    return rc == RC_OK ? RC_OK : err_wrap(e, "%s", p->args->config);
}

/* ---- which ---- */

/* As its address would be written, for people; mem_free. */
static char *
place_of(const struct purge *p, const struct purge_repo *r)
{
    char shown[1000];
    CLEANUP(mem_free_ptr)
    char *whole = mem_printf("%s%s%s", p->store->place, r->folder[0] != '\0' ? "/" : "", r->folder);

    return mem_strdup(str_show(str_c(whole), shown, sizeof(shown)));
}

/* The earlier of two clocks: in doubt a repository is younger. */
static int64_t
now_of(const struct purge_repos *all)
{
    return MIN(all->now_ms, clock_real_ms());
}

static bool
is_old(const struct purge *p, const struct purge_repo *r, int64_t now)
{
    return r->newest_ms < purge_age_before(&p->args->age, now);
}

/* Why it must stay although it is old; NULL: nothing. */
static const char *
must_stay(const struct purge_repo *r, int64_t now)
{
    if (r->lock_ms != 0 && r->lock_ms > now - LOCK_FRESH_MS)
        return "it is locked";
    return r->odd != NULL ? "something in it is no file, or cannot be named" : NULL;
}

/* Those that go to the front; the others that are named are told. */
static void
sort_out(struct purge *p)
{
    int64_t now = now_of(&p->all);

    for (size_t i = 0; i < p->all.n; i++) {
        struct purge_repo *r = p->all.v[i];
        CLEANUP(mem_free_ptr) char *place = place_of(p, r);
        const char *why = must_stay(r, now);

        if (why != NULL)
            log_warn("%s is left alone: %s", place, why);
        else if (is_old(p, r, now)) {
            p->all.v[i] = p->all.v[p->old];
            p->all.v[p->old++] = r;
        }
    }
}

static void
print_old(const struct purge *p)
{
    (void)printf("%-*s  %-12s  %s\n", OUT_TIME_COLUMNS, "LAST CHANGE", "SIZE", "REPOSITORY");
    for (size_t i = 0; i < p->old; i++) {
        const struct purge_repo *r = p->all.v[i];
        const struct instant at = {.sec = r->newest_ms / 1000};
        CLEANUP(mem_free_ptr) char *place = place_of(p, r);
        char text[OUT_TIME], size[OUT_TEXT];

        (void)printf("%-*s  %-12s  %s\n", OUT_TIME_COLUMNS, out_time(at, text),
                     out_bytes(r->bytes, size), place);
    }
    (void)fflush(stdout);
}

/* `*yes`: they go. A no is not an error, but a missing answer is. */
static enum rc
consent(const struct purge *p, bool *yes, struct err *e)
{
    enum out_answer answer;
    CLEANUP(mem_free_ptr) char *question = NULL;

    *yes = p->args->yes;
    if (*yes)
        return RC_OK;
    question =
        mem_printf("delete %zu %s with all backups in %s?", p->old,
                   str_plural(p->old, "repository", "repositories"), p->old == 1 ? "it" : "them");
    answer = out_ask_for(question);
    *yes = answer == OUT_ANSWER_YES;
    if (ctx_check(p->cx, e))
        return err_wrap(e, "nothing was deleted");
    if (answer == OUT_ANSWER_NONE)
        return err_set(e, RC_INVALID,
                       "nothing was deleted: if all backups in %s are meant to go, add --yes",
                       p->old == 1 ? "this repository" : "these repositories");
    if (!*yes)
        log_info("nothing was deleted");
    return RC_OK;
}

/* ---- deletion ---- */

/* It is opened by its own address and looked at again: is it the one that was shown, and as old as that? */
static enum rc
check_again(const struct purge *p, const struct purge_repo *r, struct store *s, struct err *e)
{
    struct purge_repos again;
    const struct purge_repo *same = NULL;
    enum rc rc = purge_find(p->cx, s, &again, e);
    int64_t now = now_of(&again);

    if (rc == RC_OK && again.n > 0 && again.v[0]->folder[0] == '\0')
        same = again.v[0];
    if (rc == RC_OK &&
        (same == NULL || same->files != r->files || same->bytes != r->bytes ||
         same->newest_ms != r->newest_ms || !is_old(p, same, now) || must_stay(same, now) != NULL))
        rc = err_set(e, RC_CONFLICT, "it is not as it was a moment ago: it is left alone");
    purge_repos_release(&again);
    return rc;
}

static enum rc
purge_one(const struct purge *p, const struct purge_repo *r, struct err *e)
{
    CLEANUP(mem_free_ptr) char *place = place_of(p, r);
    struct backend own;
    struct store *s = NULL;
    uint64_t removed = 0;
    enum rc rc;

    backend_below(&p->backend, r->folder, &own);
    rc = open_store(p, &own, &s, e);
    if (rc == RC_OK)
        rc = check_again(p, r, s, e);
    if (rc == RC_OK)
        rc = store_wipe(p->cx, s, &removed, e);
    if (rc == RC_OK)
        (void)printf("%s deleted: %llu files\n", place, (unsigned long long)removed);
    else if (removed > 0)
        (void)err_wrap(e, "%s is deleted only in part: repeat it", place);
    else
        (void)err_wrap(e, "%s was not deleted", place);
    backend_release(&own);
    if (s != NULL)
        store_release(s);
    return rc;
}

static enum rc
purge_old(const struct purge *p, struct err *e)
{
    size_t failed = 0;

    for (size_t i = 0; i < p->old; i++) {
        struct err mine = ERR_INIT;
        if (purge_one(p, p->all.v[i], &mine) == RC_OK)
            continue;
        if (mine.code == RC_CANCELLED) {
            *e = mine;
            return RC_CANCELLED;
        }
        log_err(&mine);
        failed++;
    }
    return failed == 0
               ? RC_OK
               : err_set(e, RC_IO, "%zu of %zu repositories were not deleted", failed, p->old);
}

static enum rc
purge(struct purge *p, struct err *e)
{
    bool yes = false;

    if (open_place(p, e) || purge_find(p->cx, p->store, &p->all, e))
        return err_code(e);
    sort_out(p);
    if (p->old == 0) {
        log_info("no repository below %s is to be deleted; %zu are there", p->store->place,
                 p->all.n);
        return RC_OK;
    }
    print_old(p);
    if (p->args->dry_run) {
        log_info("nothing was deleted: --dry-run");
        return RC_OK;
    }
    if (consent(p, &yes, e))
        return err_code(e);
    return yes ? purge_old(p, e) : RC_OK;
}

static enum rc
purge_main(struct ctx *cx, const void *args, struct err *e)
{
    struct purge p = {.cx = cx, .args = args};
    const struct purge_age none = {.seconds = 0};
    enum rc rc;

    if (p.args->config == NULL)
        return err_set(e, RC_USAGE, "use --storage-config FILE, the backend of a Repository");
    if (memcmp(&p.args->age, &none, sizeof(none)) == 0)
        return err_set(e, RC_USAGE, "use --older-than TIME, such as 1y6mo");
    rc = purge(&p, e);
    purge_repos_release(&p.all);
    if (p.store != NULL)
        store_release(p.store);
    json_free(p.secret);
    backend_release(&p.backend);
    return rc;
}

const struct command cmd_plugin_purge = {.name = "purge-repos",
                                         .usage = "--storage-config FILE --older-than TIME",
                                         .summary = "delete repositories that are no longer used",
                                         .groups = groups,
                                         .size = sizeof(struct purge_args),
                                         .run = purge_main};

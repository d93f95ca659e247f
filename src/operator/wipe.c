/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wipeOut: a Job in the Repository's namespace, under an account that may read the storage Secret
 * and nothing else. The operator opens no store: it would do so with its own rights, at addresses
 * that a user chose.
 *
 * The Job that failed is the memory of the attempt: it stays until the next one is due.
 */
#include "api/backend.h"
#include "base/mem.h"
#include "operator/operator_internal.h"

enum { POLL_MS = 10 * 1000, SOON_MS = 1000 };

/* ---- who else is there ---- */

/* Another Repository whose backups would go as well. */
struct wipe_search {
    const struct json *repo;
    const char *place;
    char *found; /* its name; NULL: there is none */
};

/* Is one place the other, or in it? */
static bool
places_meet(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), least = MIN(n, m);

    return strncmp(a, b, least) == 0 &&
           (n == m || (n > m ? a[m] : b[n]) == '/' || a[least - 1] == '/');
}

static void
wipe_look(void *arg, const struct json *other)
{
    struct wipe_search *s = (struct wipe_search *)arg;
    CLEANUP(mem_free_ptr) char *place = NULL;
    struct err none = ERR_INIT;
    struct backend b;

    /* Those that go themselves need nothing. */
    if (s->found != NULL || strcmp(kube_uid(other), kube_uid(s->repo)) == 0 ||
        kube_is_deleting(other) || backend_decode(json_dig(other, "spec", "backend"), &b, &none))
        return;
    if (backend_address(&b, &place, &none) == RC_OK && places_meet(place, s->place))
        s->found = strcmp(kube_ns(other), kube_ns(s->repo)) == 0
                       ? mem_printf("Repository %s", kube_name(other))
                       : mem_strdup("a Repository of another namespace");
    backend_release(&b);
}

static enum rc
wipe_alone(struct operator* op, const struct json *repo, const struct backend *b, struct err *e)
{
    struct wipe_search s = {.repo = repo};
    CLEANUP(mem_free_ptr) char *place = NULL;
    enum rc rc = RC_OK;

    if (backend_address(b, &place, e))
        return err_code(e);
    s.place = place;
    cache_each(op->repository.cache, NULL, wipe_look, &s);
    if (s.found != NULL)
        rc = err_set(
            e, RC_DENIED,
            "%s has its backups at the same place: delete that one first, or take wipeOut back",
            s.found);
    mem_free(s.found);
    return rc;
}

static enum rc
wipe_create(struct ctx *cx, struct operator* op, const struct json *repo, const char *name,
            struct err *e)
{
    struct repository_job j = {.step = "wipe-repository",
                               .component = "stash-wipe",
                               .name = name,
                               .repo = repo,
                               .owner = repo};
    struct backend b;
    enum rc rc;

    if (object_fits(&kind_repository, repo, e) ||
        backend_decode(json_dig(repo, "spec", "backend"), &b, e))
        return err_code(e);
    if (strcmp(b.provider, "local") == 0)
        rc = err_set(e, RC_UNSUPPORTED, "the files of a local backend are in a volume");
    else
        rc = wipe_alone(op, repo, &b, e);
    backend_release(&b);
    return rc == RC_OK ? repository_job_create(cx, op, &j, e) : rc;
}

static enum rc
wipe_begin(struct ctx *cx, struct operator* op, const struct json *repo, const char *name,
           enum wipe *state, struct err *why, struct err *e)
{
    bool goes = false;

    /* Where everything goes no Job can begin any more. */
    if (namespace_goes(cx, op, kube_ns(repo), &goes, e))
        return err_code(e);
    if (goes) {
        *state = WIPE_IMPOSSIBLE;
        (void)err_set(why, RC_UNSUPPORTED,
                      "the namespace is being deleted too, and no Job can begin in it");
        return RC_OK;
    }
    if (wipe_create(cx, op, repo, name, why) == RC_OK)
        return RC_OK;
    if (why->retry || why->code == RC_CANCELLED || why->code == RC_CONFLICT) {
        *e = *why; /* the server is busy: come again */
        return err_code(e);
    }
    *state = WIPE_FAILED;
    return RC_OK;
}

enum rc
wipe_go_on(struct ctx *cx, struct operator* op, const struct json *repo, enum wipe *state,
           struct err *why, struct ctl_result *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *name = repository_job_name("stash-wipe", repo);
    CLEANUP(json_free_ptr) struct json *job = cache_get(op->jobs, kube_ns(repo), name);
    char text[WHY_TEXT];
    enum outcome o;

    *state = WIPE_GOING;
    out->requeue_after_ms = POLL_MS;
    /* The garbage collector deletes what belongs to it first; a Job of ours would be among that. */
    if (kube_has_finalizer(repo, "foregroundDeletion") || (job != NULL && kube_is_deleting(job))) {
        out->requeue_after_ms = SOON_MS;
        return RC_OK;
    }
    if (job == NULL)
        return wipe_begin(cx, op, repo, name, state, why, e);
    if (job_outcome(cx, op, kube_ns(repo), name, &o, text, e))
        return err_code(e);
    if (o == OUTCOME_DONE)
        *state = WIPE_DONE;
    if (o == OUTCOME_DEAD || o == OUTCOME_WAITING) {
        *state = WIPE_FAILED;
        (void)err_set(why, RC_UNAVAILABLE, "%s", text);
    }
    return o == OUTCOME_DEAD ? repository_job_retry(cx, op, repo, job, out, e) : RC_OK;
}

enum rc
wipe_stop(struct ctx *cx, struct operator* op, const struct json *repo, struct err *e)
{
    CLEANUP(mem_free_ptr) char *name = repository_job_name("stash-wipe", repo);

    if (!cache_has(op->jobs, kube_ns(repo), name))
        return RC_OK;
    return ensure_gone(cx, op, &KUBE_JOB, kube_ns(repo), name, "Background", e);
}

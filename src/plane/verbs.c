/* SPDX-License-Identifier: Apache-2.0 */
/* POST, PUT and PATCH. */
#include "base/mem.h"
#include "kube/patch.h"
#include "plane/core.h"
#include "plane/apply.h"
#include "plane/write.h"
#include "validation/strategic_merge.h"

enum { TRIES = 20 };

bool
verb_create(struct call *c)
{
    bool generated, good = false;
    const char *version;
    struct json *body = NULL;

    if (!read_body(c, &body))
        return false;
    version = json_text_or(json_dig(body, "metadata", "resourceVersion"), "");
    generated = json_text_or(json_dig(body, "metadata", "name"), "")[0] == '\0' &&
                json_text_or(json_dig(body, "metadata", "generateName"), "")[0] != '\0';
    if (version[0] != '\0' && strcmp(version, "0") != 0) {
        json_free(body);
        return answer_error(c, 500, "InternalError", /* as Kubernetes: its storage refuses it */
                            "resourceVersion should not be set on objects to be created");
    }
    for (int i = 0; i < (generated ? TRIES : 1); i++) {
        struct pending_write w = {.obj = generated ? json_clone(body) : json_ref(body)};
        enum write_result r = pending_write_store(c, &w);
        if (r == WRITE_DONE)
            good = pending_write_answer(c, 201, &w);
        pending_write_release(&w);
        if (r == WRITE_DONE || c->rp->status != 409)
            break; /* another random name may be free */
    }
    json_free(body);
    return good;
}

/* The version that the client saw, if it says so, must be the one that is stored. */
static bool
is_current(const struct json *obj, const struct json *old)
{
    const char *seen = json_text_or(json_dig(obj, "metadata", "resourceVersion"), "");

    return seen[0] == '\0' ||
           strcmp(seen, json_text_or(json_dig(old, "metadata", "resourceVersion"), "")) == 0;
}

bool
verb_update(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *body = NULL;
    bool good = false;

    if (!read_body(c, &body))
        return false;
    for (int i = 0; i < TRIES; i++) {
        struct pending_write w = {0};
        enum write_result r = WRITE_ANSWERED;
        if (!load_object(c, c->name, &w.old, &w.rev))
            return false;
        show_version(c, w.old);
        if (!is_current(body, w.old)) {
            pending_write_release(&w);
            return answer_conflict(c, c->name);
        }
        w.obj = json_clone(body);
        r = pending_write_store(c, &w);
        if (r == WRITE_DONE)
            good = pending_write_answer(c, 200, &w);
        pending_write_release(&w);
        if (r != WRITE_RETRY)
            return good;
    }
    return answer_conflict(c, c->name);
}

static bool
answer_apply_conflict(struct call *c, struct json *causes)
{
    CLEANUP(json_free_ptr) struct json *s = NULL;
    CLEANUP(buf_release) struct buf m = BUF_INIT(65536);
    size_t n = json_size(causes);

    buf_putf(&m, "Apply failed with %zu conflict%s: ", n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n; i++)
        buf_putf(&m, "%s%s: %s", i > 0 ? ", " : "",
                 json_text_or(json_field(json_elem(causes, i), "message"), ""),
                 json_text_or(json_field(json_elem(causes, i), "field"), ""));
    s = status_new(409, "Conflict", buf_c(&m), c->kind, c->name, causes);
    reply_json(c->rp, 409, s);
    return false;
}

static bool
make_applied(struct call *c, const struct json *patch, struct pending_write *w)
{
    CLEANUP(json_free_ptr) struct json *causes = NULL;
    const char *manager = call_param(c, "fieldManager");
    struct apply_manager who = {manager, c->sub != NULL && strcmp(c->sub, "status") == 0,
                                call_flag(c, "force")};
    struct err e = ERR_INIT;
    enum rc rc;

    if (manager == NULL || manager[0] == '\0')
        return answer_error(c, 400, "BadRequest",
                            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required "
                            "value: is required for apply patch");
    rc = apply_patch(c->kind, w->old, patch, who, &w->obj, &causes, &e);
    if (rc == RC_CONFLICT)
        return answer_apply_conflict(c, causes);
    w->applied = true;
    return rc == RC_OK || answer_err(c, &e);
}

static bool
make_patched(struct call *c, const struct json *patch, struct pending_write *w)
{
    struct err e = ERR_INIT;
    enum rc rc = RC_OK;

    if (str_eq(c->content_type, STR_LIT("application/apply-patch+yaml")))
        return make_applied(c, patch, w);
    if (str_eq(c->content_type, STR_LIT("application/merge-patch+json")))
        w->obj = patch_merge(w->old, patch);
    else if (str_eq(c->content_type, STR_LIT("application/json-patch+json")))
        rc = patch_json(w->old, patch, &w->obj, &e);
    else if (str_eq(c->content_type, STR_LIT("application/strategic-merge-patch+json")) &&
             !c->kind->custom)
        rc = strategic_merge_apply(w->old, patch, &w->obj, &e);
    else
        return answer_error(c, 415, "UnsupportedMediaType",
                            "the body of the request was in an unknown format - accepted media "
                            "types include: application/json-patch+json, "
                            "application/merge-patch+json, application/apply-patch+yaml%s",
                            c->kind->custom ? "" : ", application/strategic-merge-patch+json");
    if (rc == RC_CONFLICT || rc == RC_NOT_FOUND)
        return answer_error(c, 422, "Invalid",
                            "the server rejected our request due to an error "
                            "in our request: %s",
                            e.msg);
    return rc == RC_OK || answer_err(c, &e);
}

static bool
load_or_none(struct call *c, bool optional, struct pending_write *w)
{
    if (load_object(c, c->name, &w->old, &w->rev)) {
        show_version(c, w->old);
        return true;
    }
    if (!optional || c->rp->status != 404)
        return false;
    c->rp->status = 200;
    buf_reset(&c->rp->body);
    return true;
}

bool
verb_patch(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *patch = NULL;
    bool apply = str_eq(c->content_type, STR_LIT("application/apply-patch+yaml"));
    bool good = false;

    if (!read_body(c, &patch))
        return false;
    for (int i = 0; i < TRIES; i++) {
        struct pending_write w = {0};
        enum write_result r = WRITE_ANSWERED;
        int status;
        if (!load_or_none(c, apply && c->sub == NULL, &w) || !make_patched(c, patch, &w)) {
            pending_write_release(&w);
            return false;
        }
        if (w.old != NULL && !is_current(w.obj, w.old)) {
            pending_write_release(&w);
            return answer_conflict(c, c->name);
        }
        if (w.old == NULL)
            json_set_cstr(json_need_object(w.obj, "metadata"), "name", c->name);
        status = w.old == NULL ? 201 : 200;
        r = pending_write_store(c, &w);
        if (r == WRITE_DONE)
            good = pending_write_answer(c, status, &w);
        pending_write_release(&w);
        if (r != WRITE_RETRY)
            return good;
    }
    return answer_conflict(c, c->name);
}

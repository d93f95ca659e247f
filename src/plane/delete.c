/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE: at once, or marked until the finalizers are gone. */
#include "base/clock.h"
#include "base/mem.h"
#include "plane/core.h"
#include "plane/select.h"
#include "plane/write.h"

enum { TRIES = 20 };

struct wanted_delete {
    const char *policy, *uid, *version;
    int64_t grace; /* -1: not said */
    struct json *body;
};

/* DeleteOptions of the body or the query. */
static bool
read_options(struct call *c, struct wanted_delete *o)
{
    struct json *body = NULL;

    *o = (struct wanted_delete){.grace = call_number(c, "gracePeriodSeconds", -1)};
    if (c->body.n > 0 && !read_body(c, &body))
        return false;
    o->body = body;
    o->policy =
        json_text_or(json_field(body, "propagationPolicy"), call_param(c, "propagationPolicy"));
    if (o->policy == NULL &&
        (json_is_true(json_field(body, "orphanDependents")) || call_flag(c, "orphanDependents")))
        o->policy = "Orphan";
    o->uid = json_text(json_dig(body, "preconditions", "uid"));
    o->version = json_text(json_dig(body, "preconditions", "resourceVersion"));
    o->grace = json_int_or(json_field(body, "gracePeriodSeconds"), o->grace);
    if (json_size(json_field(body, "dryRun")) > 0)
        c->dry_run = true;
    if (o->policy != NULL && strcmp(o->policy, "Background") != 0 &&
        strcmp(o->policy, "Foreground") != 0 && strcmp(o->policy, "Orphan") != 0) {
        (void)answer_error(c, 422, "Invalid",
                           "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: "
                           "Unsupported value: \"%s\"",
                           o->policy);
        json_free(TAKE(o->body));
        return false;
    }
    return true;
}

static void
ensure_finalizer(struct json *obj, const char *name, bool wanted)
{
    struct json *list = json_need_array(json_need_object(obj, "metadata"), "finalizers");

    for (size_t i = json_size(list); i-- > 0;)
        if (strcmp(json_text_or(json_elem(list, i), ""), name) == 0)
            json_remove_at(list, i);
    if (wanted)
        json_push_cstr(list, name);
    if (json_size(list) == 0)
        json_remove(json_field(obj, "metadata"), "finalizers");
}

static void
delete_mark(const struct call *c, struct json *obj, const struct wanted_delete *o)
{
    struct json *meta = json_need_object(obj, "metadata");
    struct instant when = instant_now();
    const struct resource_ops *ops = c->kind->ops;
    int64_t grace = ops != NULL && ops->grace_s != NULL ? ops->grace_s(obj, o->grace) : 0;
    char text[INSTANT_TEXT];

    if (o->policy != NULL || json_field(meta, "deletionTimestamp") == NULL) {
        ensure_finalizer(obj, "foregroundDeletion",
                         o->policy != NULL && strcmp(o->policy, "Foreground") == 0);
        ensure_finalizer(obj, "orphan", o->policy != NULL && strcmp(o->policy, "Orphan") == 0);
    }
    if (grace == 0)
        json_remove(meta, "deletionGracePeriodSeconds");
    if (json_field(meta, "deletionTimestamp") != NULL)
        return;
    if (grace > 0) {
        json_set_int(meta, "deletionGracePeriodSeconds", grace);
        when.sec += grace;
    }
    when.nsec = 0;
    when.zone = 0;
    json_set_cstr(meta, "deletionTimestamp", instant_format(when, text));
    if (json_field(meta, "generation") != NULL)
        json_set_int(meta, "generation", json_int_or(json_field(meta, "generation"), 0) + 1);
    if (ops != NULL && ops->deleting != NULL)
        ops->deleting(obj);
}

static bool
answer_removed(struct call *c, const struct json *obj)
{
    CLEANUP(json_free_ptr)
    struct json *s = status_new(200, NULL, NULL, c->kind,
                                json_text_or(json_dig(obj, "metadata", "name"), ""), NULL);

    json_set(json_need_object(s, "details"), "uid", json_clone(json_dig(obj, "metadata", "uid")));
    json_remove(s, "code");
    reply_json(c->rp, 200, s);
    return true;
}

static bool
check_preconditions(struct call *c, const struct json *obj, const char *name,
                    const struct wanted_delete *o)
{
    const char *uid = json_text_or(json_dig(obj, "metadata", "uid"), "");
    const char *version = json_text_or(json_dig(obj, "metadata", "resourceVersion"), "");

    if (o->uid != NULL && strcmp(o->uid, uid) != 0)
        return answer_error(c, 409, "Conflict",
                            "Operation cannot be fulfilled on %s \"%s\": Precondition failed: UID "
                            "in precondition: %s, UID in object meta: %s",
                            resource_name(c->kind), name, o->uid, uid);
    if (o->version != NULL && strcmp(o->version, version) != 0)
        return answer_error(c, 409, "Conflict",
                            "Operation cannot be fulfilled on %s \"%s\": Precondition failed: "
                            "ResourceVersion in precondition: %s, ResourceVersion in object meta: "
                            "%s",
                            resource_name(c->kind), name, o->version, version);
    return true;
}

static bool
delete_one(struct call *c, const char *name, const struct wanted_delete *o)
{
    for (int i = 0; i < TRIES; i++) {
        CLEANUP(json_free_ptr) struct json *obj = NULL;
        struct err e = ERR_INIT;
        int64_t rev;
        bool waits, done = true;
        enum rc rc;

        if (!load_object(c, name, &obj, &rev) || !check_preconditions(c, obj, name, o))
            return false;
        delete_mark(c, obj, o);
        waits = json_size(json_dig(obj, "metadata", "finalizers")) > 0 ||
                json_dig(obj, "metadata", "deletionGracePeriodSeconds") != NULL ||
                resource_is_kept(c->kind, obj);
        if (c->dry_run)
            return waits ? answer_object(c, 200, obj) : answer_removed(c, obj);
        if (!waits) {
            if (!remove_object(c, obj, rev, &done))
                return false;
            if (done)
                return answer_removed(c, obj);
            continue;
        }
        rc = db_put(c->plane->db, call_key(c, name), rev, obj, NULL, NULL, &e);
        if (rc == RC_OK)
            return answer_object(c, 200, obj);
        if (rc != RC_CONFLICT)
            return rc == RC_NOT_FOUND ? answer_not_found(c, name) : answer_err(c, &e);
    }
    return answer_conflict(c, name);
}

bool
verb_delete(struct call *c)
{
    struct wanted_delete o;
    bool good;

    if (!read_options(c, &o))
        return false;
    good = delete_one(c, c->name, &o);
    json_free(o.body);
    return good;
}

struct names {
    struct selection selection;
    struct json *all;
};

static bool
on_row(void *arg, const struct db_row *row)
{
    struct names *n = (struct names *)arg;

    if (selection_match(&n->selection, row->text))
        json_push_cstr(n->all, row->name);
    return true;
}

bool
verb_delete_collection(struct call *c)
{
    struct names n = {.all = json_new_array()};
    struct wanted_delete o = {0};
    struct err e = ERR_INIT;
    int64_t rev;
    bool good = read_options(c, &o) && selection_init(&n.selection, c);

    if (good && db_list(c->plane->db, (struct db_key){c->kind->store, "", ""},
                        c->ns != NULL ? c->ns : "", on_row, &n, &rev, &e))
        good = answer_err(c, &e);
    for (size_t i = 0; good && i < json_size(n.all); i++) {
        good = delete_one(c, json_text(json_elem(n.all, i)), &o);
        good = good || c->rp->status == 404; /* gone by itself */
    }
    if (good) {
        CLEANUP(json_free_ptr) struct json *s = status_new(200, NULL, NULL, c->kind, NULL, NULL);
        reply_json(c->rp, 200, s);
    }
    selection_release(&n.selection);
    json_free(n.all);
    json_free(o.body);
    return good;
}

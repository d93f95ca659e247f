/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/write.h"

#include "api/conditions.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "json/yaml.h"
#include "plane/apply.h"
#include "validation/cel_rules.h"
#include "validation/schema.h"

enum { ORPHANS_AT_ONCE = 500 };

void
pending_write_release(struct pending_write *w)
{
    json_free(w->old);
    json_free(w->obj);
    buf_release(&w->stored);
    *w = (struct pending_write){0};
}

bool
pending_write_answer(struct call *c, int status, struct pending_write *w)
{
    if (w->stored.n == 0 || c->output != OUT_OBJECT || (c->kind->custom && !c->kind->storage))
        return answer_object(c, status, w->obj);
    buf_release(&c->rp->body);
    c->rp->body = w->stored;
    w->stored = (struct buf){0};
    c->rp->status = status;
    return true;
}

static bool
defines_kinds(const struct resource_info *k)
{
    return k->ops != NULL && k->ops->defines;
}

/* The client's idea of what and where must be that of the path. */
static bool
check_identity(struct call *c, struct pending_write *w)
{
    struct json *meta = json_field(w->obj, "metadata");
    const char *api = json_text_or(json_field(w->obj, "apiVersion"), c->kind->api_version);
    const char *kind = json_text_or(json_field(w->obj, "kind"), c->kind->kind);
    const char *ns = json_text(json_field(meta, "namespace"));
    const char *name = json_text(json_field(meta, "name"));
    const char *uid = json_text(json_field(meta, "uid"));

    if (json_kind_of(w->obj) != JSON_IS_OBJECT)
        return answer_error(c, 400, "BadRequest", "the object must be a JSON object");
    if (strcmp(api, c->kind->api_version) != 0 || strcmp(kind, c->kind->kind) != 0)
        return answer_error(c, 400, "BadRequest",
                            "the API version and kind in the data (%s %s) do not match the "
                            "expected API version and kind (%s %s)",
                            api, kind, c->kind->api_version, c->kind->kind);
    if (c->kind->namespaced && ns != NULL && ns[0] != '\0' && strcmp(ns, c->ns) != 0)
        return answer_error(c, 400, "BadRequest",
                            "the namespace of the provided object does not match the namespace "
                            "sent on the request");
    if (c->name != NULL && name != NULL && strcmp(name, c->name) != 0)
        return answer_error(c, 400, "BadRequest",
                            "the name of the object (%s) does not match the name on the URL (%s)",
                            name, c->name);
    if (w->old != NULL && uid != NULL && uid[0] != '\0' &&
        strcmp(uid, json_text_or(json_dig(w->old, "metadata", "uid"), "")) != 0)
        return answer_error(c, 409, "Conflict",
                            "Operation cannot be fulfilled on %s \"%s\": Precondition failed: UID "
                            "in precondition: %s, UID in object meta: %s",
                            resource_name(c->kind), c->name, uid,
                            json_text_or(json_dig(w->old, "metadata", "uid"), ""));
    return true;
}

static void
new_uid(char to[static 37])
{
    uint8_t r[16];

    rand_bytes(r, sizeof(r));
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    (void)snprintf(to, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12],
                   r[13], r[14], r[15]);
}

static void
generate_name(struct json *meta)
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
    const char *prefix = json_text_or(json_field(meta, "generateName"), "");
    char tail[6] = "";

    if (json_text_or(json_field(meta, "name"), "")[0] != '\0' || prefix[0] == '\0')
        return;
    for (size_t i = 0; i < sizeof(tail) - 1; i++)
        tail[i] = letters[rand_below(sizeof(letters) - 1)];
    CLEANUP(mem_free_ptr) char *name = mem_printf("%.58s%s", prefix, tail);
    json_set_cstr(meta, "name", name);
}

/* apiVersion, kind and metadata in front, in kubectl's order; what the server owns is its own. */
static void
own_metadata(struct call *c, struct pending_write *w)
{
    static const char *const kept[] = {"uid", "creationTimestamp", "deletionTimestamp",
                                       "deletionGracePeriodSeconds", "generation"};
    struct json *meta = json_need_object(w->obj, "metadata");
    char uid[37], now[40];

    json_set_cstr(w->obj, "apiVersion", c->kind->api_version);
    json_set_cstr(w->obj, "kind", c->kind->kind);
    json_remove(meta, "selfLink");
    if (c->kind->namespaced)
        json_set_cstr(meta, "namespace", c->ns);
    else
        json_remove(meta, "namespace");
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        json_remove(meta, kept[i]);
        if (json_dig(w->old, "metadata", kept[i]) != NULL)
            json_set(meta, kept[i], json_clone(json_dig(w->old, "metadata", kept[i])));
    }
    if (w->old != NULL)
        return;
    generate_name(meta);
    new_uid(uid);
    json_set_cstr(meta, "uid", uid);
    json_set_cstr(meta, "creationTimestamp", api_time(clock_real_ms(), now));
    json_remove(meta, "resourceVersion");
}

static void
fresh_status(const struct resource_info *k, struct json *obj)
{
    if (!k->custom && k->ops->new_status != NULL)
        k->ops->new_status(json_need_object(obj, "status"));
    else if (!k->custom)
        (void)json_need_object(obj, "status");
}

/* Who writes the status writes nothing else, and the other way round. */
static void
separate_status(struct call *c, struct pending_write *w)
{
    bool by_status = c->sub != NULL && strcmp(c->sub, "status") == 0;
    struct json *whole;

    if (c->sub != NULL && strcmp(c->sub, "finalize") == 0) {
        struct json *left = json_clone(json_dig(w->obj, "spec", "finalizers"));
        whole = json_clone(w->old);
        json_set(json_need_object(whole, "spec"), "finalizers",
                 left != NULL ? left : json_new_array());
        json_free(w->obj);
        w->obj = whole;
    } else if (by_status) {
        whole = json_clone(w->old);
        json_set(whole, "status", json_clone(json_field(w->obj, "status")));
        if (json_dig(w->obj, "metadata", "managedFields") != NULL && w->applied)
            json_set(json_need_object(whole, "metadata"), "managedFields",
                     json_clone(json_dig(w->obj, "metadata", "managedFields")));
        json_free(w->obj);
        w->obj = whole;
    } else if (c->kind->has_status) {
        json_remove(w->obj, "status");
        if (w->old == NULL)
            fresh_status(c->kind, w->obj);
        else if (json_field(w->old, "status") != NULL)
            json_set(w->obj, "status", json_clone(json_field(w->old, "status")));
    }
}

/* Types, and fields that the schema does not know: dropped, and told or refused as the client
 * wishes. */
static bool
read_fields(struct call *c, struct pending_write *w)
{
    CLEANUP(json_free_ptr) struct json *unknown = json_new_array();
    CLEANUP(buf_release) struct buf text = BUF_INIT(8192);
    const char *how = call_param(c, "fieldValidation");
    struct err e = ERR_INIT;

    if (c->kind->ops != NULL && c->kind->ops->read != NULL && c->kind->ops->read(w->obj, &e))
        return answer_error(c, 400, "BadRequest",
                            "%s in version \"%s\" cannot be handled as a %s: %s", c->kind->kind,
                            c->kind->version, c->kind->kind, e.msg);
    if (c->kind->schema != NULL)
        schema_prune(c->kind->schema, w->obj, unknown);
    if (json_size(unknown) == 0 || (how != NULL && strcmp(how, "Ignore") == 0))
        return true;
    for (size_t i = 0; i < json_size(unknown); i++) {
        CLEANUP(mem_free_ptr)
        char *one = mem_printf("unknown field \"%s\"", json_text(json_elem(unknown, i)));
        if (how == NULL || strcmp(how, "Strict") != 0)
            reply_warn(c->rp, one);
        buf_putf(&text, "%s%s", i > 0 ? ", " : "", one);
    }
    if (how == NULL || strcmp(how, "Strict") != 0)
        return true;
    return answer_error(c, 400, "BadRequest",
                        "%s in version \"%s\" cannot be handled as a %s: strict decoding error: %s",
                        c->kind->kind, c->kind->version, c->kind->kind, buf_c(&text));
}

static bool
check_object(struct call *c, struct pending_write *w)
{
    const struct plane_hooks *hooks = &c->plane->hooks;
    struct field_errors why = {0};

    meta_validate(w->obj, c->kind->names, c->kind->custom, &why);
    if (c->kind->ops != NULL && c->kind->ops->validate != NULL)
        c->kind->ops->validate(w->old, w->obj, &why);
    if (c->kind->schema != NULL)
        schema_check(c->kind->schema, w->obj, &why);
    if (why.causes == NULL && c->kind->rules != NULL)
        rules_apply(c->kind->rules, w->old, w->obj, &why);
    if (why.causes == NULL && hooks->check != NULL)
        hooks->check(hooks->arg, c->kind->store, w->old, w->obj, &why);
    if (why.causes != NULL) {
        (void)answer_invalid(c, json_text_or(json_dig(w->obj, "metadata", "name"), ""), &why);
        field_errors_release(&why);
        return false;
    }
    return true;
}

/* Does anything but metadata and status differ? */
static bool
is_other_spec(const struct json *old, const struct json *obj)
{
    CLEANUP(json_free_ptr) struct json *a = json_new_object();
    CLEANUP(json_free_ptr) struct json *b = json_new_object();
    static const char *const aside[] = {"metadata", "status", "apiVersion"};

    for (struct json_item it = json_first(old); it.key != NULL; it = json_next(old, it))
        json_set(a, it.key, json_ref(it.value));
    for (struct json_item it = json_first(obj); it.key != NULL; it = json_next(obj, it))
        json_set(b, it.key, json_ref(it.value));
    for (size_t i = 0; i < ARRAY_LEN(aside); i++) {
        json_remove(a, aside[i]);
        json_remove(b, aside[i]);
    }
    return !json_same(a, b);
}

static void
set_generation(struct call *c, struct pending_write *w)
{
    struct json *meta = json_field(w->obj, "metadata");
    int64_t last = json_int_or(json_dig(w->old, "metadata", "generation"), 0);

    if (c->kind->generations && (w->old == NULL || is_other_spec(w->old, w->obj)))
        json_set_int(meta, "generation", last + 1);
}

static bool
check_namespace(struct call *c)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(KUBE_BODY_MAX);
    CLEANUP(json_free_ptr) struct json *ns = NULL;
    struct err e = ERR_INIT;
    int64_t rev;
    enum rc rc;

    if (!c->kind->namespaced)
        return true;
    rc = db_get(c->plane->db, (struct db_key){"namespaces", "", c->ns}, &text, &rev, &e);
    if (rc == RC_NOT_FOUND)
        return answer_error(c, 404, "NotFound", "namespaces \"%s\" not found", c->ns);
    if (rc != RC_OK)
        return answer_err(c, &e);
    if (memmem(text.p, text.n, "deletionTimestamp", 17) == NULL)
        return true; /* nearly always: no need to parse */
    if (json_parse(buf_str(&text), &ns, &e))
        return answer_err(c, &e);
    if (json_dig(ns, "metadata", "deletionTimestamp") != NULL)
        return answer_error(c, 403, "Forbidden",
                            "%s is forbidden: unable to create new content in namespace %s "
                            "because it is being terminated",
                            resource_name(c->kind), c->ns);
    return true;
}

/* Is it on its way out with nobody left to wait for? */
static bool
is_finished(const struct call *c, const struct json *obj)
{
    return json_dig(obj, "metadata", "deletionTimestamp") != NULL &&
           json_size(json_dig(obj, "metadata", "finalizers")) == 0 &&
           json_dig(obj, "metadata", "deletionGracePeriodSeconds") == NULL &&
           !resource_is_kept(c->kind, obj);
}

/* A shallow copy without what does not count, and of managedFields only who has what. */
static struct json *
write_essence(const struct json *obj)
{
    struct json *out = json_new_object(), *meta = json_new_object();
    const struct json *managed = json_dig(obj, "metadata", "managedFields");

    for (struct json_item it = json_first(obj); it.key != NULL; it = json_next(obj, it))
        json_set(out, it.key, json_ref(it.value));
    for (struct json_item it = json_first(json_field(obj, "metadata")); it.key != NULL;
         it = json_next(json_field(obj, "metadata"), it))
        json_set(meta, it.key, json_ref(it.value));
    json_remove(meta, "resourceVersion");
    if (managed != NULL) {
        struct json *bare = json_new_array();
        for (size_t i = 0; i < json_size(managed); i++) {
            const struct json *entry = json_elem(managed, i);
            struct json *own = json_new_object();
            for (struct json_item it = json_first(entry); it.key != NULL; it = json_next(entry, it))
                if (strcmp(it.key, "time") != 0)
                    json_set(own, it.key, json_ref(it.value));
            json_push(bare, own);
        }
        json_set(meta, "managedFields", bare);
    }
    json_set(out, "metadata", meta);
    return out;
}

/* The same but for its revision and when who wrote what? */
static bool
is_same(const struct json *old, const struct json *obj)
{
    CLEANUP(json_free_ptr) struct json *a = write_essence(old);
    CLEANUP(json_free_ptr) struct json *b = write_essence(obj);

    return json_same(a, b);
}

/* Every object of a kind whose definition goes. */
struct orphans {
    struct json *all;
    int64_t revs[ORPHANS_AT_ONCE];
};

static bool
on_orphan(void *arg, const struct db_row *row)
{
    struct orphans *o = (struct orphans *)arg;
    struct json *obj = NULL;
    struct err e = ERR_INIT;

    if (json_parse(row->text, &obj, &e))
        return true;
    o->revs[json_size(o->all)] = row->rev;
    json_push(o->all, obj);
    return json_size(o->all) < ORPHANS_AT_ONCE;
}

static void
remove_orphans(struct call *c, const char *store)
{
    struct orphans *o = MEM_NEW(struct orphans);
    struct err e = ERR_INIT;
    int64_t rev;
    size_t n;

    do {
        o->all = json_new_array();
        if (db_list(c->plane->db, (struct db_key){store, "", ""}, NULL, on_orphan, o, &rev, &e))
            rev = 0;
        n = json_size(o->all);
        for (size_t i = 0; i < n; i++) {
            struct json *obj = json_elem(o->all, i);
            struct db_key key = {store, json_text_or(json_dig(obj, "metadata", "namespace"), ""),
                                 json_text_or(json_dig(obj, "metadata", "name"), "")};
            if (db_remove(c->plane->db, key, o->revs[i], obj, NULL, &e))
                continue; /* changed meanwhile: the next round has it */
        }
        json_free(o->all);
    } while (n == ORPHANS_AT_ONCE);
    mem_free(o);
}

bool
remove_object(struct call *c, struct json *obj, int64_t rev, bool *done)
{
    const char *name = json_text_or(json_dig(obj, "metadata", "name"), "");
    struct err e = ERR_INIT;
    enum rc rc = db_remove(c->plane->db, call_key(c, name), rev, obj, NULL, &e);

    *done = rc == RC_OK;
    if (rc == RC_CONFLICT)
        return true;
    if (rc == RC_NOT_FOUND)
        return answer_not_found(c, name);
    if (rc != RC_OK)
        return answer_err(c, &e);
    if (defines_kinds(c->kind)) {
        registry_remove_crd(c->plane->kinds, obj);
        remove_orphans(c, name);
    }
    return true;
}

static enum write_result
write_put(struct call *c, struct pending_write *w)
{
    const char *name = json_text_or(json_dig(w->obj, "metadata", "name"), "");
    struct err e = ERR_INIT;
    enum rc rc;
    bool done;

    if (c->dry_run)
        return WRITE_DONE;
    if (w->old != NULL && is_finished(c, w->obj)) {
        if (!remove_object(c, w->obj, w->rev, &done))
            return WRITE_ANSWERED;
        return done ? WRITE_DONE : WRITE_RETRY;
    }
    buf_release(&w->stored);
    buf_init(&w->stored, KUBE_BODY_MAX);
    rc = db_put(c->plane->db, call_key(c, name), w->old != NULL ? w->rev : 0, w->obj, &w->rev,
                &w->stored, &e);
    if (rc == RC_CONFLICT)
        return WRITE_RETRY;
    if (rc == RC_EXISTS)
        (void)answer_exists(c, name);
    else if (rc == RC_NOT_FOUND)
        (void)answer_not_found(c, name);
    else if (rc != RC_OK)
        (void)answer_err(c, &e);
    if (rc != RC_OK)
        return WRITE_ANSWERED;
    if (defines_kinds(c->kind))
        registry_put_crd(c->plane->kinds, w->obj);
    return WRITE_DONE;
}

enum write_result
pending_write_store(struct call *c, struct pending_write *w)
{
    const char *manager = call_param(c, "fieldManager");
    struct apply_manager who = {manager != NULL && manager[0] != '\0' ? manager : "unknown",
                                c->sub != NULL && strcmp(c->sub, "status") == 0, false};
    struct json *fixed;

    if (!check_identity(c, w) || (w->old == NULL && !check_namespace(c)))
        return WRITE_ANSWERED;
    drop_nulls(c->kind->custom ? json_field(w->obj, "metadata") : w->obj);
    separate_status(c, w);
    own_metadata(c, w);
    if (!read_fields(c, w))
        return WRITE_ANSWERED;
    if (c->kind->schema != NULL)
        schema_default(c->kind->schema, w->obj);
    if (c->kind->ops != NULL && c->kind->ops->defaults != NULL)
        c->kind->ops->defaults(w->old, w->obj);
    if (!check_object(c, w))
        return WRITE_ANSWERED;
    set_generation(c, w);
    if (!w->applied)
        apply_update(c->kind, w->old, w->obj, who);
    fixed = json_dig(w->old, "metadata", "resourceVersion");
    if (fixed != NULL)
        json_set(json_field(w->obj, "metadata"), "resourceVersion", json_clone(fixed));
    if (w->old != NULL && is_same(w->old, w->obj) && !is_finished(c, w->obj)) {
        json_free(w->obj);
        w->obj = json_ref(w->old);
        return WRITE_DONE;
    }
    return write_put(c, w);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/suite_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "kube/object.h"
#include "kube/patch.h"
#include "kube/watch.h"

enum { LOOK_MS = 20 }; /* between two looks at what shall come true */

static const struct kube_gvr THING = {"conformance.cstash.dev", "v1", "things", "Thing", true};

static struct json *
parse(const char *text)
{
    struct json *j = NULL;
    struct err e = ERR_INIT;

    if (json_parse(str_c(text), &j, &e))
        BUG("%s: %s", text, e.msg);
    return j;
}

/* An object with the fields of `more`, an object in JSON with ' for ". */
struct json *
suite_make(const struct suite *s, const struct kube_gvr *kind, const char *name, const char *more)
{
    struct json *obj = kube_object_new(kind, s->ns, name), *fields, *merged;
    char *text = mem_strdup(more);

    for (char *p = text; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    fields = parse(text);
    merged = patch_merge(obj, fields);
    json_free(fields);
    json_free(obj);
    mem_free(text);
    return merged;
}

bool
suite_wait(struct suite *s, int *waited, int line, const char *what)
{
    if (*waited >= WAIT_MS) {
        (void)snprintf(s->why, sizeof(s->why), "line %d: never %s", line, what);
        return false;
    }
    if (ctx_sleep(s->cx, LOOK_MS, &s->e)) {
        (void)snprintf(s->why, sizeof(s->why), "line %d: %s", line, s->e.msg);
        return false;
    }
    *waited += LOOK_MS;
    return true;
}

static bool
is(const struct json *j, const char *want)
{
    return strcmp(json_text_or(j, ""), want) == 0;
}

/* Make a ConfigMap or another simple object; `out` may be NULL. */
static enum rc
create(struct suite *s, const struct kube_gvr *kind, const char *name, const char *more,
       struct json **out)
{
    struct json *obj = suite_make(s, kind, name, more);
    enum rc rc = kube_create(s->cx, s->k, kind, s->ns, obj, NULL, out, &s->e);

    json_free(obj);
    return rc;
}

static enum rc
get(struct suite *s, const struct kube_gvr *kind, const char *name, struct json **out)
{
    return kube_get(s->cx, s->k, kind, s->ns, name, out, &s->e);
}

static enum rc
patch(struct suite *s, const struct kube_gvr *kind, const char *name, enum kube_patch_type type,
      const char *text, const struct kube_write *w, struct json **out)
{
    char *copy = mem_strdup(text);
    struct json *p;
    enum rc rc;

    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    p = parse(copy);
    mem_free(copy);
    rc = kube_patch(s->cx, s->k, kind, s->ns, name, type, p, w, out, &s->e);
    json_free(p);
    return rc;
}

/* Wait until it is gone. */
static enum rc
wait_gone(struct suite *s, const struct kube_gvr *kind, const char *name)
{
    int64_t end = clock_mono_ms() + WAIT_MS;

    for (;;) {
        enum rc rc = get(s, kind, name, NULL);
        if (rc == RC_NOT_FOUND)
            return RC_OK;
        if (rc != RC_OK)
            return rc;
        if (clock_mono_ms() > end)
            return err_set(&s->e, RC_TIMEOUT, "%s is still there", name);
        if (ctx_sleep(s->cx, 50, &s->e))
            return s->e.code;
    }
}

static bool
case_create_and_get(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *made = NULL;
    CLEANUP(json_free_ptr) struct json *got = NULL;

    OK(create(s, &KUBE_CONFIG_MAP, "cm", "{'data':{'a':'b'}}", &made));
    CHECK(kube_uid(made) != NULL && kube_version(made) != NULL && kube_created_ms(made) > 0);
    OK(get(s, &KUBE_CONFIG_MAP, "cm", &got));
    CHECK(json_same(made, got));
    CHECK(is(json_field(got, "kind"), "ConfigMap") && is(json_field(got, "apiVersion"), "v1"));
    GET(RC_EXISTS, create(s, &KUBE_CONFIG_MAP, "cm", "{}", NULL));
    GET(RC_NOT_FOUND, get(s, &KUBE_CONFIG_MAP, "none", NULL));
    CHECK(s->e.sys == 404 && strstr(s->e.msg, "\"none\" not found") != NULL);
    GET(RC_INVALID, create(s, &KUBE_CONFIG_MAP, "Bad_Name", "{}", NULL));
    CHECK(s->e.sys == 422);
    return true;
}

static bool
case_generate_name(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *a = NULL;
    CLEANUP(json_free_ptr) struct json *b = NULL;
    CLEANUP(json_free_ptr) struct json *obj = suite_make(s, &KUBE_CONFIG_MAP, NULL, "{}");

    json_set_cstr(kube_meta(obj), "generateName", "gen-");
    OK(kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, obj, NULL, &a, &s->e));
    OK(kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, obj, NULL, &b, &s->e));
    CHECK(strncmp(kube_name(a), "gen-", 4) == 0 && strlen(kube_name(a)) == 9);
    CHECK(strcmp(kube_name(a), kube_name(b)) != 0);
    return true;
}

static bool
case_dry_run(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *obj = suite_make(s, &KUBE_CONFIG_MAP, "dry", "{}");
    struct kube_write w = {.dry_run = true};

    OK(kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, obj, &w, NULL, &s->e));
    GET(RC_NOT_FOUND, get(s, &KUBE_CONFIG_MAP, "dry", NULL));
    return true;
}

static enum rc
count(void *arg, struct json *obj, struct err *e)
{
    (void)e;
    (*(int *)arg)++;
    json_set_cstr(json_need_object(obj, "data"), "n", *(int *)arg > 0 ? "1" : "0");
    return RC_OK;
}

static bool
case_update_conflicts(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *old = NULL;
    CLEANUP(json_free_ptr) struct json *now = NULL;
    CLEANUP(json_free_ptr) struct json *same = NULL;
    int calls = 0;

    OK(create(s, &KUBE_CONFIG_MAP, "up", "{'data':{'a':'1'}}", &old));
    OK(kube_modify(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, "up", NULL, count, &calls, &now, &s->e));
    CHECK(is(json_dig(now, "data", "n"), "1") && strcmp(kube_version(now), kube_version(old)) != 0);
    GET(RC_CONFLICT, kube_update(s->cx, s->k, &KUBE_CONFIG_MAP, old, NULL, NULL, &s->e));
    CHECK(s->e.sys == 409);
    OK(kube_update(s->cx, s->k, &KUBE_CONFIG_MAP, now, NULL, &same, &s->e));
    CHECK(strcmp(kube_version(now), kube_version(same)) == 0); /* nothing changed */
    json_set_cstr(kube_meta(now), "uid", "00000000-0000-0000-0000-000000000000");
    GET(RC_CONFLICT, kube_update(s->cx, s->k, &KUBE_CONFIG_MAP, now, NULL, NULL, &s->e));
    json_remove(kube_meta(now), "uid");
    json_remove(kube_meta(now), "resourceVersion");
    OK(kube_update(s->cx, s->k, &KUBE_CONFIG_MAP, now, NULL, NULL, &s->e));
    return true;
}

static bool
case_list_pages_and_selectors(struct suite *s)
{
    static const struct {
        const char *labels, *fields;
        size_t n;
    } cases[] = {
        {"set=pages", NULL, 5},
        {"set=pages,odd=true", NULL, 2},
        {"set=pages,odd!=true", NULL, 3},
        {"set in (pages),!odd", NULL, 3},
        {"set=pages,odd notin (true)", NULL, 3},
        {"set=pages", "metadata.name=page-3", 1},
        {"set=pages", "metadata.name!=page-3", 4},
        {"set=nothing", NULL, 0},
    };
    struct kube_list_opts wrong = {
        .kind = &KUBE_CONFIG_MAP, .ns = s->ns, .label_selector = "a in b"};
    char name[16];

    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), "page-%d", i);
        CLEANUP(json_free_ptr) struct json *obj = suite_make(s, &KUBE_CONFIG_MAP, name, "{}");
        kube_set_label(obj, "set", "pages");
        kube_set_label(obj, "odd", i % 2 == 1 ? "true" : NULL);
        OK(kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, obj, NULL, NULL, &s->e));
    }
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kube_list_opts o = {.kind = &KUBE_CONFIG_MAP,
                                   .ns = s->ns,
                                   .label_selector = cases[i].labels,
                                   .field_selector = cases[i].fields,
                                   .page = 2};
        CLEANUP(json_free_ptr) struct json *items = NULL;
        CLEANUP(mem_free_ptr) char *rv = NULL;
        OK(kube_list(s->cx, s->k, &o, &items, &rv, &s->e));
        CHECK(json_size(items) == cases[i].n && rv[0] != '\0');
        json_free(TAKE(items));
        mem_free(TAKE(rv));
        o.ns = NULL;
        OK(kube_list(s->cx, s->k, &o, &items, NULL, &s->e));
        CHECK(json_size(items) == cases[i].n);
    }
    GET(RC_INVALID, kube_list(s->cx, s->k, &wrong, &(struct json *){NULL}, NULL, &s->e));
    return true;
}

static bool
case_merge_and_json_patches(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *got = NULL;

    OK(create(s, &KUBE_CONFIG_MAP, "pa", "{'data':{'a':'1','b':'2'}}", NULL));
    OK(patch(s, &KUBE_CONFIG_MAP, "pa", KUBE_PATCH_MERGE, "{'data':{'a':null,'c':'3'}}", NULL,
             NULL));
    OK(patch(s, &KUBE_CONFIG_MAP, "pa", KUBE_PATCH_JSON,
             "[{'op':'test','path':'/data/b','value':'2'},"
             "{'op':'replace','path':'/data/b','value':'4'}]",
             NULL, &got));
    CHECK(json_dig(got, "data", "a") == NULL && is(json_dig(got, "data", "b"), "4") &&
          is(json_dig(got, "data", "c"), "3"));
    GET(RC_INVALID, patch(s, &KUBE_CONFIG_MAP, "pa", KUBE_PATCH_JSON,
                          "[{'op':'test','path':'/data/b','value':'9'}]", NULL, NULL));
    GET(RC_NOT_FOUND, patch(s, &KUBE_CONFIG_MAP, "none", KUBE_PATCH_MERGE, "{}", NULL, NULL));
    return true;
}

static enum rc
apply(struct suite *s, const char *manager, bool force, const char *data, struct json **out)
{
    struct json *obj = suite_make(s, &KUBE_CONFIG_MAP, "ap", data);
    struct kube_write w = {.manager = manager, .force = force};
    enum rc rc = kube_apply(s->cx, s->k, &KUBE_CONFIG_MAP, obj, &w, out, &s->e);

    json_free(obj);
    return rc;
}

static bool
case_server_side_apply(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *got = NULL;

    OK(apply(s, "one", false, "{'data':{'a':'1','b':'1'}}", &got));
    CHECK(
        is(json_field(json_elem(json_dig(got, "metadata", "managedFields"), 0), "manager"), "one"));
    GET(RC_CONFLICT, apply(s, "two", false, "{'data':{'a':'2'}}", NULL));
    CHECK(strstr(s->e.msg, "one") != NULL);
    json_free(TAKE(got));
    OK(apply(s, "two", false, "{'data':{'b':'1','c':'2'}}", NULL)); /* the same value: shared */
    OK(apply(s, "two", true, "{'data':{'a':'2','b':'1','c':'2'}}", NULL));
    OK(apply(s, "one", false, "{'data':{}}", &got)); /* gives up b, which two keeps */
    CHECK(is(json_dig(got, "data", "a"), "2") && is(json_dig(got, "data", "b"), "1"));
    json_free(TAKE(got));
    OK(apply(s, "two", false, "{'data':{'c':'2'}}", &got)); /* nobody wants a and b any more */
    CHECK(json_dig(got, "data", "a") == NULL && json_dig(got, "data", "b") == NULL &&
          is(json_dig(got, "data", "c"), "2"));
    return true;
}

static bool
case_finalizers_hold_a_deletion(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *got = NULL;

    OK(create(s, &KUBE_CONFIG_MAP, "fin", "{}", NULL));
    OK(patch(s, &KUBE_CONFIG_MAP, "fin", KUBE_PATCH_MERGE,
             "{'metadata':{'finalizers':['cstash.dev/test']}}", NULL, NULL));
    OK(kube_delete(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, "fin", NULL, &s->e));
    OK(get(s, &KUBE_CONFIG_MAP, "fin", &got));
    CHECK(kube_is_deleting(got));
    CHECK(kube_remove_finalizer(got, "cstash.dev/test"));
    OK(kube_update(s->cx, s->k, &KUBE_CONFIG_MAP, got, NULL, NULL, &s->e));
    OK(wait_gone(s, &KUBE_CONFIG_MAP, "fin"));
    return true;
}

static bool
case_delete_preconditions(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *got = NULL;
    struct kube_delete_opts o = {.uid = "00000000-0000-0000-0000-000000000000"};

    OK(create(s, &KUBE_CONFIG_MAP, "pre", "{}", &got));
    GET(RC_CONFLICT, kube_delete(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, "pre", &o, &s->e));
    o.uid = kube_uid(got);
    OK(kube_delete(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, "pre", &o, &s->e));
    GET(RC_NOT_FOUND, kube_delete(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, "pre", NULL, &s->e));
    return true;
}

static bool
case_delete_collection(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *a = suite_make(s, &KUBE_CONFIG_MAP, "col-a", "{}");
    CLEANUP(json_free_ptr) struct json *b = suite_make(s, &KUBE_CONFIG_MAP, "col-b", "{}");
    struct kube_delete_opts o = {.label_selector = "col=a"};

    kube_set_label(a, "col", "a");
    kube_set_label(b, "col", "b");
    OK(kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, a, NULL, NULL, &s->e));
    OK(kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, b, NULL, NULL, &s->e));
    OK(kube_delete_collection(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, &o, &s->e));
    OK(wait_gone(s, &KUBE_CONFIG_MAP, "col-a"));
    OK(get(s, &KUBE_CONFIG_MAP, "col-b", NULL));
    return true;
}

/* Owner and dependent, then a deletion of the owner as `propagation` says. */
static enum rc
delete_owner(struct suite *s, const char *owner, const char *owned, const char *propagation)
{
    CLEANUP(json_free_ptr) struct json *parent = NULL;
    CLEANUP(json_free_ptr) struct json *child = suite_make(s, &KUBE_CONFIG_MAP, owned, "{}");
    struct kube_delete_opts o = {.propagation = propagation};

    if (create(s, &KUBE_CONFIG_MAP, owner, "{}", &parent))
        return s->e.code;
    (void)kube_set_owner(child, parent, true);
    if (kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, child, NULL, NULL, &s->e))
        return s->e.code;
    if (ctx_sleep(s->cx, 500, &s->e)) /* a collector learns of it by a watch */
        return s->e.code;
    return kube_delete(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, owner, &o, &s->e);
}

static bool
case_propagation(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *left = NULL;

    OK(delete_owner(s, "own-b", "dep-b", "Background"));
    OK(wait_gone(s, &KUBE_CONFIG_MAP, "own-b"));
    OK(wait_gone(s, &KUBE_CONFIG_MAP, "dep-b"));
    OK(delete_owner(s, "own-f", "dep-f", "Foreground"));
    OK(wait_gone(s, &KUBE_CONFIG_MAP, "own-f"));
    GET(RC_NOT_FOUND, get(s, &KUBE_CONFIG_MAP, "dep-f", NULL));
    OK(delete_owner(s, "own-o", "dep-o", "Orphan"));
    OK(wait_gone(s, &KUBE_CONFIG_MAP, "own-o"));
    OK(get(s, &KUBE_CONFIG_MAP, "dep-o", &left));
    CHECK(kube_controller_of(left) == NULL);
    return true;
}

/* The next event that is not a bookmark must be this one. */
static bool
event_is(struct suite *s, struct kube_watch *w, enum kube_event_type want, const char *name)
{
    enum kube_event_type type = KUBE_BOOKMARK;
    struct json *obj = NULL;
    bool right;

    while (type == KUBE_BOOKMARK) {
        json_free(TAKE(obj));
        OK(kube_watch_next(w, &type, &obj, &s->e));
    }
    right = type == want && strcmp(kube_name(obj) != NULL ? kube_name(obj) : "", name) == 0;
    if (!right)
        (void)snprintf(s->why, sizeof(s->why), "got event %d of %s, wanted %d of %s", type,
                       kube_name(obj) != NULL ? kube_name(obj) : "nothing", want, name);
    json_free(obj);
    return right;
}

static void
close_watch(struct kube_watch **w)
{
    kube_watch_close(*w);
}

static bool
case_watch(struct suite *s)
{
    CLEANUP(close_watch) struct kube_watch *w = NULL;
    CLEANUP(json_free_ptr) struct json *items = NULL;
    CLEANUP(json_free_ptr) struct json *obj = suite_make(s, &KUBE_CONFIG_MAP, "w1", "{}");
    CLEANUP(mem_free_ptr) char *rv = NULL;
    struct kube_list_opts lo = {
        .kind = &KUBE_CONFIG_MAP, .ns = s->ns, .label_selector = "watch=yes"};
    struct kube_watch_opts wo = {.label_selector = "watch=yes", .timeout_s = 60};

    OK(kube_list(s->cx, s->k, &lo, &items, &rv, &s->e));
    wo.resource_version = rv;
    OK(kube_watch_open(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, &wo, &w, &s->e));
    OK(create(s, &KUBE_CONFIG_MAP, "w0", "{}", NULL));
    kube_set_label(obj, "watch", "yes");
    OK(kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, obj, NULL, NULL, &s->e));
    CHECK(event_is(s, w, KUBE_ADDED, "w1"));
    OK(patch(s, &KUBE_CONFIG_MAP, "w1", KUBE_PATCH_MERGE, "{'data':{'x':'y'}}", NULL, NULL));
    CHECK(event_is(s, w, KUBE_MODIFIED, "w1"));
    OK(patch(s, &KUBE_CONFIG_MAP, "w1", KUBE_PATCH_MERGE, "{'metadata':{'labels':{'watch':'no'}}}",
             NULL, NULL));
    CHECK(event_is(s, w, KUBE_DELETED, "w1")); /* it left the selection */
    OK(patch(s, &KUBE_CONFIG_MAP, "w1", KUBE_PATCH_MERGE, "{'metadata':{'labels':{'watch':'yes'}}}",
             NULL, NULL));
    CHECK(event_is(s, w, KUBE_ADDED, "w1"));
    kube_watch_close(TAKE(w));
    /* Resumed where the list was, all of it comes again. */
    OK(kube_watch_open(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, &wo, &w, &s->e));
    CHECK(event_is(s, w, KUBE_ADDED, "w1"));
    CHECK(event_is(s, w, KUBE_MODIFIED, "w1"));
    kube_watch_close(TAKE(w));
    /* Without a version, what is there comes first. */
    wo.resource_version = NULL;
    OK(kube_watch_open(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, &wo, &w, &s->e));
    CHECK(event_is(s, w, KUBE_ADDED, "w1"));
    OK(kube_delete(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, "w1", NULL, &s->e));
    CHECK(event_is(s, w, KUBE_DELETED, "w1"));
    return true;
}

static bool
case_watch_ends_in_time(struct suite *s)
{
    CLEANUP(close_watch) struct kube_watch *w = NULL;
    struct kube_watch_opts o = {.label_selector = "none=none", .timeout_s = 3};
    enum kube_event_type type = KUBE_BOOKMARK;
    int64_t began = clock_mono_ms();

    OK(kube_watch_open(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, &o, &w, &s->e));
    while (type == KUBE_BOOKMARK) {
        CLEANUP(json_free_ptr) struct json *obj = NULL;
        OK(kube_watch_next(w, &type, &obj, &s->e));
        CHECK(type != KUBE_BOOKMARK || kube_version(obj) != NULL);
    }
    CHECK(type == KUBE_END);
    CHECK(clock_mono_ms() - began >= 2000 && clock_mono_ms() - began < 20000);
    return true;
}

/* A version that was never given out: "too large" or "gone", never silence with success. */
static bool
case_watch_of_the_far_past(struct suite *s)
{
    CLEANUP(close_watch) struct kube_watch *w = NULL;
    struct kube_watch_opts o = {.resource_version = "1", .timeout_s = 2};
    enum kube_event_type type = KUBE_ADDED;
    enum rc rc = kube_watch_open(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, &o, &w, &s->e);

    while (rc == RC_OK && type != KUBE_END) {
        struct json *obj = NULL;
        rc = kube_watch_next(w, &type, &obj, &s->e);
        json_free(obj);
    }
    CHECK(rc == RC_OK || (rc == RC_CONFLICT && s->e.sys == 410)); /* all of it, or 410 */
    return true;
}

static bool
case_secret_string_data(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *got = NULL;

    OK(create(s, &KUBE_SECRET, "sec", "{'stringData':{'a':'sesame'}}", NULL));
    OK(get(s, &KUBE_SECRET, "sec", &got));
    CHECK(is(json_dig(got, "data", "a"), "c2VzYW1l") && json_field(got, "stringData") == NULL);
    CHECK(is(json_field(got, "type"), "Opaque"));
    return true;
}

static bool
case_event_and_lease(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *ev = NULL;
    CLEANUP(json_free_ptr) struct json *lease = NULL;
    char *more = mem_printf("{'involvedObject':{'kind':'ConfigMap','namespace':'%s','name':'x'},"
                            "'reason':'R','message':'m','type':'Normal','count':1,"
                            "'source':{'component':'c'}}",
                            s->ns);
    enum rc rc = create(s, &KUBE_EVENT, "ev.1", more, NULL);

    mem_free(more);
    OK(rc);
    OK(patch(s, &KUBE_EVENT, "ev.1", KUBE_PATCH_MERGE, "{'count':2}", NULL, &ev));
    CHECK(json_int_or(json_field(ev, "count"), 0) == 2);
    OK(create(s, &KUBE_LEASE, "le",
              "{'spec':{'holderIdentity':'a','leaseDurationSeconds':15,'leaseTransitions':0,"
              "'acquireTime':'2026-11-22T00:00:00.000001Z',"
              "'renewTime':'2026-11-22T00:00:00.000001Z'}}",
              &lease));
    CHECK(is(json_dig(lease, "spec", "renewTime"), "2026-11-22T00:00:00.000001Z"));
    json_set_cstr(json_need_object(lease, "spec"), "holderIdentity", "b");
    OK(kube_update(s->cx, s->k, &KUBE_LEASE, lease, NULL, NULL, &s->e));
    GET(RC_CONFLICT, kube_update(s->cx, s->k, &KUBE_LEASE, lease, NULL, NULL, &s->e));
    return true;
}

static const char CRD[] =
    "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition',"
    "'metadata':{'name':'things.conformance.cstash.dev'},'spec':{'group':'conformance.cstash.dev',"
    "'scope':'Namespaced','names':{'plural':'things','singular':'thing','kind':'Thing',"
    "'listKind':'ThingList'},'versions':[{'name':'v1','served':true,'storage':true,"
    "'subresources':{'status':{}},'schema':{'openAPIV3Schema':{'type':'object','properties':{"
    "'spec':{'type':'object','required':['size'],'properties':{"
    "'size':{'type':'integer','minimum':1},'mode':{'type':'string','enum':['a','b'],'default':'a'},"
    "'free':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}},"
    "'status':{'type':'object','properties':{'phase':{'type':'string'}}}}}}}]}}";

/* Make the definition and wait until objects can be made. */
static enum rc
define_thing(struct suite *s)
{
    char *text = mem_strdup(CRD);
    int64_t end = clock_mono_ms() + WAIT_MS;
    struct kube_list_opts o = {.kind = &THING, .ns = s->ns};
    struct json *crd;
    enum rc rc;

    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    crd = parse(text);
    mem_free(text);
    rc = kube_create(s->cx, s->k, &KUBE_CRD, NULL, crd, NULL, NULL, &s->e);
    json_free(crd);
    if (rc != RC_OK && rc != RC_EXISTS)
        return rc;
    do {
        rc = kube_list(s->cx, s->k, &o, &crd, NULL, &s->e);
        if (rc == RC_OK)
            json_free(crd);
        else if (rc != RC_NOT_FOUND || ctx_sleep(s->cx, 100, &s->e))
            return s->e.code;
    } while (rc != RC_OK && clock_mono_ms() < end);
    return rc;
}

static bool
case_crd_schema(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *got = NULL;

    OK(define_thing(s));
    OK(create(s, &THING, "t1", "{'spec':{'size':1,'lost':true,'free':{'kept':true}},'x':1}", &got));
    CHECK(is(json_dig(got, "spec", "mode"), "a"));
    CHECK(json_dig(got, "spec", "lost") == NULL && json_field(got, "x") == NULL);
    CHECK(json_is_true(json_dig(got, "spec", "free", "kept")));
    CHECK(kube_generation(got) == 1);
    GET(RC_INVALID, create(s, &THING, "t2", "{'spec':{}}", NULL));
    CHECK(strstr(s->e.msg, "spec.size") != NULL);
    GET(RC_INVALID, create(s, &THING, "t2", "{'spec':{'size':0}}", NULL));
    GET(RC_INVALID, create(s, &THING, "t2", "{'spec':{'size':'1'}}", NULL));
    GET(RC_INVALID, create(s, &THING, "t2", "{'spec':{'size':1,'mode':'c'}}", NULL));
    /* Only of built-in kinds must a finalizer name a domain. */
    OK(create(s, &THING, "t3", "{'metadata':{'finalizers':['short']},'spec':{'size':1}}", NULL));
    OK(patch(s, &THING, "t3", KUBE_PATCH_MERGE, "{'metadata':{'finalizers':null}}", NULL, NULL));
    return true;
}

static bool
case_status_subresource(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *got = NULL;
    struct kube_write status = {.subresource = "status"};

    OK(define_thing(s));
    OK(create(s, &THING, "st", "{'spec':{'size':1},'status':{'phase':'New'}}", &got));
    CHECK(json_dig(got, "status", "phase") == NULL);
    json_free(TAKE(got));
    OK(patch(s, &THING, "st", KUBE_PATCH_MERGE, "{'spec':{'size':9},'status':{'phase':'Up'}}",
             &status, &got));
    CHECK(is(json_dig(got, "status", "phase"), "Up"));
    CHECK(json_int_or(json_dig(got, "spec", "size"), 0) == 1 && kube_generation(got) == 1);
    json_free(TAKE(got));
    OK(patch(s, &THING, "st", KUBE_PATCH_MERGE, "{'spec':{'size':2},'status':{'phase':'Down'}}",
             NULL, &got));
    CHECK(is(json_dig(got, "status", "phase"), "Up"));
    CHECK(json_int_or(json_dig(got, "spec", "size"), 0) == 2 && kube_generation(got) == 2);
    return true;
}

static bool
case_unknown_resources(struct suite *s)
{
    static const struct kube_gvr none = {"none.cstash.dev", "v1", "nones", "None", true};

    GET(RC_NOT_FOUND, get(s, &none, "x", NULL));
    GET(RC_NOT_FOUND, kube_raw(s->cx, s->k, &(struct kube_raw){.path = "/nowhere"}, NULL, &s->e));
    return true;
}

static bool
case_discovery(struct suite *s)
{
    static const char *const paths[] = {"/version", "/api", "/apis", "/api/v1", "/apis/batch/v1"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        CLEANUP(buf_release) struct buf b = BUF_INIT(KUBE_BODY_MAX);
        CLEANUP(json_free_ptr) struct json *j = NULL;
        OK(kube_raw(s->cx, s->k, &(struct kube_raw){.path = paths[i]}, &b, &s->e));
        OK(json_parse(buf_str(&b), &j, &s->e));
    }
    return true;
}

/* What is refused, by which code, and in words that name the field. */
static const struct refusal {
    const struct kube_gvr *kind;
    const char *name, *body;
    int http;
    const char *words;
} refusals[] = {
    {&KUBE_CONFIG_MAP, "r1", "{'metadata':{'namespace':'conformance-none'}}", 404,
     "namespaces \"conformance-none\" not found"},
    {&KUBE_CONFIG_MAP, "r1", "{'metadata':{'resourceVersion':'5'}}", 500, "resourceVersion"},
    {&KUBE_CONFIG_MAP, "r1", "{'metadata':{'labels':{'bad label':'x'}}}", 422, "metadata.labels"},
    {&KUBE_CONFIG_MAP, "r1", "{'metadata':{'labels':{'a':'no good'}}}", 422, "metadata.labels"},
    {&KUBE_CONFIG_MAP, "r1", "{'metadata':{'annotations':{'bad key':'x'}}}", 422,
     "metadata.annotations"},
    {&KUBE_CONFIG_MAP, "r1", "{'metadata':{'finalizers':['short']}}", 422, "metadata.finalizers"},
    {&KUBE_CONFIG_MAP, "r1",
     "{'metadata':{'ownerReferences':[{'apiVersion':'v1','kind':'Pod','name':'x'}]}}", 422, "uid"},
    {&KUBE_CONFIG_MAP, "r1",
     "{'metadata':{'ownerReferences':["
     "{'apiVersion':'v1','kind':'Pod','name':'x','uid':'1','controller':true},"
     "{'apiVersion':'v1','kind':'Pod','name':'y','uid':'2','controller':true}]}}",
     422, "metadata.ownerReferences"},
    {&KUBE_CONFIG_MAP, "r1", "{'data':{'bad key':'x'}}", 422, "data"},
    {&KUBE_CONFIG_MAP, "r1", "{'data':{'a':1}}", 400, "data"},
    {&KUBE_CONFIG_MAP, "r1", "{'kind':'Secret'}", 400, "Secret"},
    {&KUBE_SECRET, "r1", "{'data':{'a':'not base64!'}}", 400, "base64"},
    {&KUBE_CRON_JOB, "r1",
     "{'spec':{'schedule':'61 * * * *','jobTemplate':{'spec':{'template':{'spec':{'restartPolicy':"
     "'Never','containers':[{'name':'c','image':'i'}]}}}}}}",
     422, "spec.schedule"},
    {&KUBE_CRON_JOB, "r-name-of-a-cronjob-that-is-longer-than-fifty-two-characters",
     "{'spec':{'schedule':'0 * * * *','jobTemplate':{'spec':{'template':{'spec':{'restartPolicy':"
     "'Never','containers':[{'name':'c','image':'i'}]}}}}}}",
     422, "52 characters"},
    {&KUBE_JOB, "r1", "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'i'}]}}}}",
     422, "restartPolicy"},
    {&KUBE_JOB, "r1",
     "{'spec':{'template':{'spec':{'restartPolicy':'Never','containers':[{'name':'Bad_Name',"
     "'image':'i'}]}}}}",
     422, "spec.template.spec.containers[0].name"},
    {&KUBE_JOB, "r1",
     "{'spec':{'template':{'spec':{'restartPolicy':'Never','containers':[{'name':'c','image':'i',"
     "'volumeMounts':[{'name':'none','mountPath':'/x'}]}]}}}}",
     422, "volumeMounts[0].name"},
    {&KUBE_ROLE_BINDING, "r1", "{'roleRef':{'kind':'Thing','name':'x'}}", 422, "roleRef.kind"},
    {&KUBE_ROLE_BINDING, "r1", "{'roleRef':{'kind':'Role','name':''}}", 422, "roleRef.name"},
    {&KUBE_SERVICE_ACCOUNT, "Bad", "{}", 422, "metadata.name"},
    {&KUBE_LEASE, "r1", "{'spec':{'leaseDurationSeconds':-1}}", 422, "leaseDurationSeconds"},
    {&KUBE_LEASE, "r1", "{'spec':{'renewTime':'yesterday'}}", 400, "yesterday"},
};

static bool
case_refusals(struct suite *s)
{
    char all[sizeof(s->why)] = "";

    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refusal *r = &refusals[i];
        CLEANUP(json_free_ptr) struct json *obj = suite_make(s, r->kind, r->name, r->body);
        size_t n = strlen(all);
        enum rc rc = kube_create(s->cx, s->k, r->kind, kube_ns(obj), obj, NULL, NULL, &s->e);

        if (rc != RC_OK && s->e.sys == r->http && strstr(s->e.msg, r->words) != NULL)
            continue;
        (void)snprintf(all + n, sizeof(all) - n, "\n#   %s: %d %s", r->words,
                       rc == RC_OK ? 201 : s->e.sys, rc == RC_OK ? "" : s->e.msg);
        if (rc == RC_OK)
            OK(kube_delete(s->cx, s->k, r->kind, kube_ns(obj), kube_name(obj), NULL, &s->e));
    }
    (void)snprintf(s->why, sizeof(s->why), "not refused as they should be:%s", all);
    if (all[0] != '\0')
        return false;
    /* Without a namespace there is no such collection to write to. */
    CLEANUP(json_free_ptr) struct json *nowhere = kube_object_new(&KUBE_CONFIG_MAP, NULL, "r1");
    GET(RC_INVALID, kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, nowhere, NULL, NULL, &s->e));
    CHECK(s->e.sys == 405);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct suite *s);
} cases[] = {
    {"create and get", case_create_and_get},
    {"generateName", case_generate_name},
    {"dry run", case_dry_run},
    {"update conflicts", case_update_conflicts},
    {"list: pages and selectors", case_list_pages_and_selectors},
    {"merge and JSON patches", case_merge_and_json_patches},
    {"server-side apply", case_server_side_apply},
    {"finalizers hold a deletion", case_finalizers_hold_a_deletion},
    {"delete: preconditions", case_delete_preconditions},
    {"delete: collection", case_delete_collection},
    {"delete: propagation", case_propagation},
    {"watch", case_watch},
    {"watch: ends in time", case_watch_ends_in_time},
    {"watch: of the far past", case_watch_of_the_far_past},
    {"secret: stringData", case_secret_string_data},
    {"event and lease", case_event_and_lease},
    {"CRD: validation, defaults, pruning", case_crd_schema},
    {"CRD: status subresource", case_status_subresource},
    {"unknown resources", case_unknown_resources},
    {"discovery", case_discovery},
    {"refusals", case_refusals},
    {"cache: follows", case_cache_follows},
    {"cache: a lost event and a forgotten version", case_cache_lists_anew},
    {"controller: converges", case_controller_converges},
    {"lease: one holder", case_lease_has_one_holder},
    {"lease: kept, then given back", case_lease_is_kept_and_given_back},
    {"lease: taken over when it expired", case_lease_is_taken_over},
    {"lease: lost", case_lease_is_lost},
    {"recorder: the same again is counted", case_recorder_counts},
};

static enum rc
begin(struct suite *s)
{
    struct json *ns;
    enum rc rc;

    (void)snprintf(s->ns, sizeof(s->ns), "conformance-%08x",
                   (unsigned)rand_below((uint64_t)UINT32_MAX));
    ns = kube_object_new(&KUBE_NAMESPACE, NULL, s->ns);
    rc = kube_create(s->cx, s->k, &KUBE_NAMESPACE, NULL, ns, NULL, NULL, &s->e);
    json_free(ns);
    return rc;
}

int
kube_suite_run(struct ctx *cx, struct kube *k, struct lossy *net, const char *only)
{
    struct suite s = {.cx = cx, .k = k, .net = net};
    int failed = 0, n = 0;
    struct err ignored = ERR_INIT;

    if (begin(&s)) {
        (void)printf("Bail out! could not make a namespace: %s\n", s.e.msg);
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool ok;
        if (only != NULL && strstr(cases[i].name, only) == NULL)
            continue;
        ok = cases[i].run(&s);
        (void)printf("%sok %d - %s\n", ok ? "" : "not ", ++n, cases[i].name);
        if (!ok)
            (void)printf("# %s\n", s.why);
        (void)fflush(stdout);
        failed += !ok;
    }
    (void)printf("1..%d\n", n);
    (void)!kube_delete(cx, k, &KUBE_NAMESPACE, NULL, s.ns, NULL, &ignored);
    (void)!kube_delete(cx, k, &KUBE_CRD, NULL, "things.conformance.cstash.dev", NULL, &ignored);
    return failed;
}

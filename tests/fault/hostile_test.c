/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of hostile objects in front of the operator: every field of every kind that it works on
 * in turn is each of a list of bad values. The API server is a stub that takes anything, as a
 * cluster's takes more than we would. Whatever they hold, each is given its phase, and the good ones
 * among them are served.
 */
#include "t.h"

#include <pthread.h>
#include <unistd.h>

#include "api/backend.h"
#include "api/conditions.h"
#include "api/invoker.h"
#include "api/kinds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/kube_repo.h"
#include "job/step_internal.h"
#include "kube/kube.h"
#include "operator/operator.h"

enum { DEEP = 1500, TOO_DEEP = 5000, LONG = 70000, LONG_WIDE = 3000, WAIT_MS = 120000, LEVELS = 8 };

/* ---- an API server that checks nothing ---- */

struct server {
    struct kube_transport t;
    pthread_mutex_t lock;
    struct json *objects; /* "plural/ns/name": object */
    struct buf raw;       /* items of backupconfigurations that nobody can read */
    uint64_t version;
};

struct waiting {
    struct kube_stream s;
    struct ctx *cx;
};

static enum rc
waiting_read(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct waiting *w = CONTAINER_OF(CONTAINER_OF(r, struct kube_stream, rd), struct waiting, s);

    (void)p;
    (void)n;
    *got = 0;
    return ctx_sleep(w->cx, WAIT_MS, e);
}

static enum rc
server_open(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
            struct kube_response *out, struct kube_stream **stream, struct err *e)
{
    struct waiting *w = MEM_NEW(struct waiting);

    (void)t;
    (void)rq;
    (void)e;
    w->s.rd.read = waiting_read;
    w->cx = cx;
    out->status = 200;
    buf_init(&out->body, 1);
    *stream = &w->s;
    return RC_OK;
}

static void
server_close_stream(struct kube_stream *s)
{
    mem_free(CONTAINER_OF(s, struct waiting, s));
}

static void
server_free(struct kube_transport *t)
{
    (void)t;
}

/* The path as "plural/ns/name"; `sub`: what comes behind. mem_free. */
static char *
key_of(const char *path, bool *is_list)
{
    char *copy = mem_strndup(path, strcspn(path, "?")), *rest = NULL, *word[LEVELS] = {NULL};
    const char *ns = "", *plural, *name;
    size_t n = 0, at;
    char *key;

    for (char *w = strtok_r(copy, "/", &rest); w != NULL && n < LEVELS;
         w = strtok_r(NULL, "/", &rest))
        word[n++] = w;
    at = n > 0 && strcmp(word[0], "api") == 0 ? 2 : 3;
    if (at + 1 < n && strcmp(word[at], "namespaces") == 0 && at + 2 < n) {
        ns = word[at + 1];
        at += 2;
    }
    plural = at < n ? word[at] : "";
    name = at + 1 < n ? word[at + 1] : NULL;
    *is_list = name == NULL;
    key = name == NULL ? mem_printf("%s/", plural) : mem_printf("%s/%s/%s", plural, ns, name);
    mem_free(copy);
    return key;
}

static void
answer(struct kube_response *out, int status, const struct json *j)
{
    struct err e = ERR_INIT;

    out->status = status;
    buf_init(&out->body, KUBE_BODY_MAX);
    if (j == NULL)
        buf_must_printf(&out->body, "{\"kind\":\"Status\",\"code\":%d,\"reason\":\"NotFound\"}",
                        status);
    else
        T_OK(json_print(j, &out->body, &e));
}

static void
answer_list(struct server *s, const char *prefix, struct kube_response *out)
{
    bool first = true;
    struct err e = ERR_INIT;

    out->status = 200;
    buf_init(&out->body, KUBE_BODY_MAX);
    buf_must_printf(&out->body, "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"1\"},"
                                "\"items\":[");
    for (struct json_item it = json_first(s->objects); it.key != NULL;
         it = json_next(s->objects, it))
        if (strncmp(it.key, prefix, strlen(prefix)) == 0) {
            buf_must_printf(&out->body, "%s", first ? "" : ",");
            T_OK(json_print(it.value, &out->body, &e));
            first = false;
        }
    if (strcmp(prefix, "backupconfigurations/") == 0)
        buf_must_add(&out->body, s->raw.p, s->raw.n);
    buf_must_printf(&out->body, "]}");
}

static void
store(struct server *s, const char *key, struct json *take)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)++s->version);
    json_set_cstr(json_need_object(take, "metadata"), "resourceVersion", text);
    json_set(s->objects, key, take);
}

/* A finalizer is all that is patched of what is stored; of the rest the patch is the object. */
static struct json *
patched(const struct json *was, const struct json *patch)
{
    struct json *now = json_clone(was != NULL ? was : patch);
    const struct json *f = json_dig(patch, "metadata", "finalizers");

    if (was != NULL && f != NULL)
        json_set(json_need_object(now, "metadata"), "finalizers", json_clone(f));
    return now;
}

static void
serve(struct server *s, const struct kube_request *rq, const char *key, bool is_list,
      struct json *body, struct kube_response *out)
{
    const struct json *was = json_field(s->objects, key);
    bool known = strncmp(key, "backup", 6) == 0 || strncmp(key, "restore", 7) == 0 ||
                 strncmp(key, "repositories", 12) == 0 || strncmp(key, "snapshotviews", 13) == 0;

    if (strcmp(rq->method, "GET") == 0 && is_list) {
        answer_list(s, key, out);
    } else if (strcmp(rq->method, "GET") == 0) {
        answer(out, was != NULL ? 200 : 404, was);
    } else if (body == NULL) {
        answer(out, 404, NULL);
    } else {
        struct json *now = strcmp(rq->method, "PUT") == 0 ? json_clone(body) : patched(was, body);

        if (known && !is_list) {
            store(s, key, now);
            answer(out, 200, now);
        } else { /* what is made of them is not kept: tens of thousands of it */
            json_set_cstr(json_need_object(now, "metadata"), "resourceVersion", "1");
            answer(out, 201, now);
            json_free(now);
        }
    }
}

static enum rc
server_call(struct kube_transport *t, struct ctx *cx, const struct kube_request *rq,
            struct kube_response *out, struct err *e)
{
    struct server *s = CONTAINER_OF(t, struct server, t);
    CLEANUP(json_free_ptr) struct json *body = NULL;
    CLEANUP(mem_free_ptr) char *key = NULL;
    struct err ignored = ERR_INIT;
    bool is_list;

    if (ctx_check(cx, e))
        return err_code(e);
    if (strcmp(rq->path, "/apis/cstash.io/v1alpha1") == 0) { /* is that kind there? */
        struct json *kinds = NULL;

        if (json_parse(STR_LIT("{\"resources\":[{\"name\":\"backupverifications\",\"verbs\":["
                               "\"watch\"]},{\"name\":\"snapshotviews\",\"verbs\":[\"watch\"]}]}"),
                       &kinds, e))
            return err_code(e);
        answer(out, 200, kinds);
        json_free(kinds);
        return RC_OK;
    }
    key = key_of(rq->path, &is_list);
    if (rq->body.n > 0)
        (void)!json_parse(rq->body, &body, &ignored);
    (void)pthread_mutex_lock(&s->lock);
    serve(s, rq, key, is_list, body, out);
    (void)pthread_mutex_unlock(&s->lock);
    return RC_OK;
}

/* ---- hostile values ---- */

static struct json *
deep(bool objects)
{
    struct json *j = json_new_cstr("x");

    for (int i = 0; i < DEEP; i++) {
        struct json *up = objects ? json_new_object() : json_new_array();

        if (objects)
            json_set(up, "a", j);
        else
            json_push(up, j);
        j = up;
    }
    return j;
}

static struct json *
many(void)
{
    struct json *a = json_new_array();

    for (int i = 0; i < SCHEMA_ITEMS_MAX + 1; i++)
        json_push(a, json_new_cstr(""));
    return a;
}

enum { VALUES = 18 };
static struct json *
hostile(int which)
{
    CLEANUP(mem_free_ptr) char *text = (char *)mem_zero(LONG + 1, 1);

    memset(text, which == 0 ? 'a' : '/', LONG);
    for (int i = 0; which == 16 && i + 3 < LONG_WIDE;
         i += 3) /* cut anywhere, it is half a letter */
        memcpy(text + i, "\xe2\x82\xac", 4);
    switch (which) {
    case 0:
    case 1:
    case 16:
        return json_new_cstr(text);
    case 2:
        return deep(false);
    case 3:
        return deep(true);
    case 4:
        return many();
    case 5:
        return json_new_cstr("../../../../api/v1/namespaces/kube-system/secrets?x=%2e#");
    case 6:
        return json_new_cstr("\xe2\x80\xae\xef\xbf\xbe\xf3\xa0\x80\x81 \r\n\x1b[31m${A:-${B}}\x7f");
    case 7:
        return json_new_int(INT64_MIN);
    case 8:
        return json_new_int(INT64_MAX);
    case 9:
        return json_new_bool(true);
    case 10:
        return json_new_object();
    case 11:
        return json_new_array();
    case 12:
        return json_new_cstr("");
    case 13:
        return json_new_cstr("-9223372036854775808h");
    case 14:
        return json_new_str(STR_LIT("a\0b"));
    case 15:
        return json_new_cstr("%s%n%99999999d {{range .}}{{.}}{{end}}");
    default:
        return NULL; /* not there */
    }
}

static const char base_config[] =
    "{\"apiVersion\":\"stash.appscode.com/"
    "v1beta1\",\"kind\":\"BackupConfiguration\",\"metadata\":{},"
    "\"spec\":{\"schedule\":\"0 0 1 1 *\",\"task\":{\"name\":\"t\",\"params\":[{\"name\":\"args\","
    "\"value\":\"x\"}]},\"repository\":{\"name\":\"repo\"},\"target\":{\"alias\":\"h\",\"ref\":"
    "{\"apiVersion\":\"appcatalog.appscode.com/"
    "v1alpha1\",\"kind\":\"AppBinding\",\"name\":\"app\"}},"
    "\"retentionPolicy\":{\"name\":\"k\",\"keepLast\":1,\"prune\":true},\"runtimeSettings\":{"
    "\"pod\":"
    "{\"podLabels\":{\"a\":\"b\"},\"serviceAccountAnnotations\":{\"a\":\"b\"}},\"container\":"
    "{\"env\":[{\"name\":\"A\",\"value\":\"b\"}]}},\"hooks\":{\"preBackup\":{\"httpPost\":{"
    "\"port\":1,"
    "\"path\":\"/\"}}}}}";
static const char base_restore[] =
    "{\"apiVersion\":\"stash.appscode.com/v1beta1\",\"kind\":\"RestoreSession\",\"metadata\":{},"
    "\"spec\":{\"task\":{\"name\":\"t\"},\"repository\":{\"name\":\"repo\"},\"target\":{\"ref\":"
    "{\"apiVersion\":\"appcatalog.appscode.com/"
    "v1alpha1\",\"kind\":\"AppBinding\",\"name\":\"app\"},"
    "\"rules\":[{\"snapshots\":[\"latest\"]}]}}}";
static const char base_session[] =
    "{\"apiVersion\":\"stash.appscode.com/v1beta1\",\"kind\":\"BackupSession\",\"metadata\":{},"
    "\"spec\":{\"invoker\":{\"apiGroup\":\"stash.appscode.com\",\"kind\":\"BackupConfiguration\","
    "\"name\":\"good\"},\"retryLeft\":1},\"status\":{}}";
static const char base_repository[] =
    "{\"apiVersion\":\"stash.appscode.com/"
    "v1alpha1\",\"kind\":\"Repository\",\"metadata\":{\"finalizers\":[\"stash\"]},"
    "\"spec\":{\"backend\":{\"storageSecretName\":\"s\",\"s3\":{\"endpoint\":\"http://"
    "h\",\"bucket\":"
    "\"b\",\"prefix\":\"p\",\"region\":\"r\"}},\"usagePolicy\":{\"allowedNamespaces\":{\"from\":"
    "\"Same\"}}}}";
static const char base_app[] =
    "{\"apiVersion\":\"appcatalog.appscode.com/v1alpha1\",\"kind\":\"AppBinding\",\"metadata\":{},"
    "\"spec\":{\"type\":\"redis\",\"version\":\"7\",\"clientConfig\":{\"url\":\"redis://h:1\"},"
    "\"secret\":{\"name\":\"s\"},\"parameters\":{\"stash\":{\"addon\":{\"backupTask\":{\"name\":"
    "\"t\","
    "\"params\":[{\"name\":\"a\",\"value\":\"b\"}]}}}}}}";
static const char base_task[] =
    "{\"apiVersion\":\"stash.appscode.com/v1beta1\",\"kind\":\"Task\",\"metadata\":{},\"spec\":"
    "{\"steps\":[{\"name\":\"f\",\"params\":[{\"name\":\"outputDir\",\"value\":\"/o\"}]}]}}";
static const char base_function[] =
    "{\"apiVersion\":\"stash.appscode.com/v1beta1\",\"kind\":\"Function\",\"metadata\":{},\"spec\":"
    "{\"image\":\"i\",\"args\":[\"x\",\"--a=${args:=}\"]}}";

static const char base_verification[] =
    "{\"apiVersion\":\"cstash.io/v1alpha1\",\"kind\":\"BackupVerification\",\"metadata\":{},"
    "\"spec\":{\"configuration\":{\"name\":\"good\"},\"schedule\":\"0 0 1 1 *\",\"level\":"
    "\"restore\",\"server\":{\"image\":\"i\",\"resources\":{}},\"questions\":[\"DBSIZE => 1\"],"
    "\"timeOut\":\"1h\"}}";

static const char base_view[] =
    "{\"apiVersion\":\"cstash.io/v1alpha1\",\"kind\":\"SnapshotView\",\"metadata\":{},\"spec\":"
    "{\"repository\":{\"name\":\"repo\"},\"command\":\"get\",\"snapshots\":[\"latest\"],\"key\":"
    "\"k\",\"match\":[\"*\"],\"user\":\"u\"}}";

/* Steps to a field: the path of a table as names; lists are entered at their first element. */
struct step {
    const char *name[LEVELS * 2];
    size_t n;
};

struct kind_case {
    const struct crd_def *kind;
    const char *base;
    struct json *made; /* "plural/tenant/hN": object */
    size_t n;
};

static void
put_at(struct json *obj, const struct step *at, struct json *take)
{
    struct json *here = obj;

    for (size_t i = 0; i + 1 < at->n; i++) {
        struct json *next = json_field(here, at->name[i]);

        if (json_kind_of(next) == JSON_IS_ARRAY && json_size(next) > 0 &&
            json_kind_of(json_elem(next, 0)) == JSON_IS_OBJECT)
            next = json_elem(next, 0);
        else if (json_kind_of(next) != JSON_IS_OBJECT)
            next = json_need_object(here, at->name[i]);
        here = next;
    }
    if (take == NULL)
        json_remove(here, at->name[at->n - 1]);
    else
        json_set(here, at->name[at->n - 1], take);
}

static void
add_object(struct kind_case *c, struct json *take, const char *name)
{
    CLEANUP(mem_free_ptr) char *key = mem_printf("%s/tenant/%s", c->kind->gvr->plural, name);
    struct json *meta = json_need_object(take, "metadata");

    json_set_cstr(meta, "name", name);
    json_set_cstr(meta, "namespace", c->kind->gvr->namespaced ? "tenant" : NULL);
    json_set_cstr(meta, "uid", name);
    json_set_cstr(meta, "resourceVersion", "1");
    json_set_cstr(meta, "creationTimestamp", "2026-01-01T00:00:00Z");
    json_set_int(meta, "generation", 1);
    json_set(c->made, key, take);
    c->n++;
}

static struct json *
base_of(const struct kind_case *c)
{
    struct json *obj = NULL;
    struct err e = ERR_INIT;

    T_OK(json_parse(str_c(c->base), &obj, &e));
    return obj;
}

/* Large ones only where their kind fits: elsewhere any of the wrong kind does, and memory is left. */
static bool
is_worth(const struct field *f, int which)
{
    bool text = f->type == F_STR || f->type == F_NAME || f->type == F_DURATION;

    return which > 4 || (which < 2 && text) || (which == 4 && f->type == F_STRS) ||
           ((which == 2 || which == 3) && f->type != F_BOOL);
}

static void
add_fields(struct kind_case *c, const struct field *fields, struct step at)
{
    at.n++;
    for (const struct field *f = fields; f->name != NULL; f++) {
        at.name[at.n - 1] = f->name;
        if (at.n == 1 && strcmp(f->name, "status") == 0)
            continue; /* who may write that is not a tenant */
        for (int v = 0; v < VALUES; v++) {
            CLEANUP(mem_free_ptr) char *name = mem_printf("h%zu", c->n);
            struct json *obj;

            if (!is_worth(f, v))
                continue;
            obj = base_of(c);
            put_at(obj, &at, hostile(v));
            add_object(c, obj, name);
        }
        if ((f->type == F_OBJECT || f->type == F_LIST) && at.n + 1 < LEVELS)
            add_fields(c, f->of, at);
    }
}

/* ---- the test ---- */

static struct server *
server_new(struct kind_case *cases, size_t n)
{
    struct server *s = MEM_NEW(struct server);
    char *big = (char *)mem_zero(2 * TOO_DEEP + 1, 1);

    s->t = (struct kube_transport){server_call, server_open, server_close_stream,
                                   server_free, NULL,        NULL};
    (void)pthread_mutex_init(&s->lock, NULL);
    s->objects = json_new_object();
    s->version = 1;
    for (size_t i = 0; i < n; i++)
        json_merge_fields(s->objects, cases[i].made);
    buf_init(&s->raw, 1 << 20);
    memset(big, '[', TOO_DEEP);
    memset(big + TOO_DEEP, ']', TOO_DEEP);
    buf_must_printf(&s->raw,
                    ",{\"metadata\":{\"name\":\"number\",\"namespace\":\"tenant\",\"uid\":\"n\","
                    "\"resourceVersion\":\"1\"},\"spec\":{\"x\":99999999999999999999999}}"
                    ",{\"metadata\":{\"name\":\"depth\",\"namespace\":\"tenant\",\"uid\":\"d\","
                    "\"resourceVersion\":\"1\"},\"spec\":%s}",
                    big);
    mem_free(big);
    return s;
}

static void *
operate(void *arg)
{
    struct operator_opts o = {.image = "i", .deletion_limit_ms = 1000, .workers = 4};
    struct kube_opts how = {.tries = 1};
    struct server *s = (struct server *)((void **)arg)[0];
    struct ctx *cx = (struct ctx *)((void **)arg)[1];
    struct kube *k = kube_new(&s->t, &how);
    struct err e = ERR_INIT;

    T_OK(operator_run(cx, k, &o, &e));
    kube_free(k);
    return NULL;
}

static bool
has_result(const char *key, const struct json *obj)
{
    const char *phase = json_text_or(json_dig(obj, "status", "phase"), "");

    if (strncmp(key, "repositories/", 13) == 0)
        return json_dig(obj, "status", "observedGeneration") != NULL;
    if (strncmp(key, "backupverifications/", 20) == 0)
        return json_size(json_dig(obj, "status", "conditions")) > 0;
    if (strncmp(key, "backupsessions/", 15) == 0 || strncmp(key, "snapshotviews/", 14) == 0)
        return phase[0] != '\0';
    if (strncmp(key, "backupconfigurations/", 21) == 0 || strncmp(key, "restoresessions/", 16) == 0)
        return phase[0] != '\0';
    return true;
}

/* How many have no result yet; the first of them in `which`. */
static size_t
count_open(struct server *s, char *which, size_t room)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&s->lock);
    for (struct json_item it = json_first(s->objects); it.key != NULL;
         it = json_next(s->objects, it))
        if (!has_result(it.key, it.value) && n++ == 0)
            (void)snprintf(which, room, "%s", it.key);
    if (json_field(s->objects, "backupconfigurations/tenant/number") == NULL ||
        json_field(s->objects, "backupconfigurations/tenant/depth") == NULL)
        n++;
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}

static void
expect_phase(struct server *s, const char *key, const char *want)
{
    assert_string_equal(json_text_or(json_dig(json_field(s->objects, key), "status", "phase"), ""),
                        want);
}

static void
add_good(struct kind_case *cases, size_t n)
{
    static const char *const names[] = {"good", "good", "good", "repo", "app",
                                        "t",    "f",    "good", "good"};

    for (size_t i = 0; i < n; i++)
        add_object(&cases[i], base_of(&cases[i]), names[i]);
}

/*
 * A session for every third configuration: of those that are Ready all the same a Job is made. Each
 * has a target of its own, or all would wait for one another.
 */
static void
add_sessions(struct kind_case *sessions, const struct kind_case *configs)
{
    size_t n = 0;

    for (struct json_item it = json_first(configs->made); it.key != NULL;
         it = json_next(configs->made, it)) {
        CLEANUP(mem_free_ptr) char *name = mem_printf("of-%s", strrchr(it.key, '/') + 1);
        struct json *ref = json_dig(it.value, "spec", "target", "ref"), *obj;

        if (n++ % 3 != 0 || json_kind_of(ref) != JSON_IS_OBJECT)
            continue;
        json_set_cstr(ref, "apiVersion", "na");
        json_set_cstr(ref, "kind", "EmptyTarget");
        json_set_cstr(ref, "name", name);
        obj = base_of(sessions);
        json_set_cstr(json_need_object(json_need_object(obj, "spec"), "invoker"), "name", name + 3);
        add_object(sessions, obj, name);
    }
}

static void
test_hostile_objects_stop_no_others(void **state)
{
    struct kind_case cases[] = {
        {&kind_backupconfiguration, base_config, json_new_object(), 0},
        {&kind_restoresession, base_restore, json_new_object(), 0},
        {&kind_backupsession, base_session, json_new_object(), 0},
        {&kind_repository, base_repository, json_new_object(), 0},
        {&kind_appbinding, base_app, json_new_object(), 0},
        {&kind_task, base_task, json_new_object(), 0},
        {&kind_function, base_function, json_new_object(), 0},
        {&kind_backupverification, base_verification, json_new_object(), 0},
        {&kind_snapshotview, base_view, json_new_object(), 0},
    };
    char which[200] = "";
    struct json *secret;
    struct server *s;
    struct ctx cx;
    struct err e = ERR_INIT;
    pthread_t thread;
    size_t total = 0;
    int64_t end = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        add_fields(&cases[i], cases[i].kind->fields, (struct step){.n = 0});
        total += cases[i].n;
    }
    assert_true(total > 3000);
    add_sessions(&cases[2], &cases[0]);
    add_good(cases, ARRAY_LEN(cases));
    s = server_new(cases, ARRAY_LEN(cases));
    secret = json_new_object();
    json_set_cstr(json_need_object(secret, "data"), "RESTIC_PASSWORD", "eA==");
    store(s, "secrets/tenant/s", secret);
    T_OK(ctx_init(&cx, &e));
    assert_int_equal(pthread_create(&thread, NULL, operate, (void *[]){s, &cx}), 0);
    /* However slow the machine is: what counts is that one after the other gets a result. */
    for (size_t open = SIZE_MAX, n; (n = count_open(s, which, sizeof(which))) > 0;) {
        if (n < open)
            end = clock_mono_ms() + WAIT_MS;
        open = MIN(open, n);
        if (clock_mono_ms() > end)
            fail_msg("no result for %s and others", which);
        (void)usleep(300 * 1000);
    }
    ctx_cancel(&cx);
    (void)pthread_join(thread, NULL);
    expect_phase(s, "backupconfigurations/tenant/good", "Ready");
    assert_true(condition_is_true(
        json_field(json_field(s->objects, "backupverifications/tenant/good"), "status"),
        COND_CRONJOB_CREATED));
    expect_phase(s, "snapshotviews/tenant/good", "Pending");
    expect_phase(s, "backupconfigurations/tenant/number", "Invalid");
    expect_phase(s, "backupconfigurations/tenant/depth", "Invalid");
    ctx_release(&cx);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        json_free(cases[i].made);
    json_free(s->objects);
    buf_release(&s->raw);
    (void)pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

/* What the steps of Jobs read of objects and of their flags. */
static void
test_hostile_words_for_steps(void **state)
{
    (void)state;
    for (int v = 0; v < VALUES; v++) {
        struct json *j = hostile(v);
        const char *text = json_text_or(j, "");

        for (size_t i = 0; backend_provider(i) != NULL; i++) {
            CLEANUP(json_free_ptr) struct json *empty = json_new_object();
            struct backend b = {.provider = mem_strdup(backend_provider(i)),
                                .bucket = mem_strdup(text),
                                .prefix = mem_strdup(text),
                                .endpoint = mem_strdup(text),
                                .region = mem_strdup(text)};
            struct store *st = NULL;
            struct err e = ERR_INIT;

            if (kube_repo_store(&b, empty, false, NULL, &st, &e) == RC_OK)
                store_release(st);
            else
                assert_true(e.msg[0] != '\0');
            backend_release(&b);
        }
        for (enum redis_args_direction d = REDIS_ARGS_BACKUP; d <= REDIS_ARGS_RESTORE; d++) {
            struct redis_args a = {0};
            struct err e = ERR_INIT;

            if (redis_args_parse(text, d, &a, &e) != RC_OK)
                assert_true(e.msg[0] != '\0');
            redis_args_release(&a);
        }
        json_free(j);
    }
}

static void
open_binding(struct ctx *cx, struct kube *k, const char *name)
{
    struct step_flags f = {.ns = "tenant",
                           .appbinding = name,
                           .appbinding_ns = "tenant",
                           .scratch_dir = "/tmp",
                           .wait_timeout_ms = 1000};
    struct redis_args a = {0};
    struct redis_target b = {0};
    struct err e = ERR_INIT;

    T_OK(redis_args_parse("", REDIS_ARGS_BACKUP, &a, &e));
    if (redis_target_open(cx, k, &f, &a, &b, &e) != RC_OK)
        assert_true(e.msg[0] != '\0');
    redis_target_close(&b);
    redis_args_release(&a);
}

/* Every AppBinding that is none, and every Secret that is none behind a good one. */
static void
test_hostile_bindings_for_steps(void **state)
{
    struct kind_case apps = {&kind_appbinding, base_app, json_new_object(), 0};
    struct server *s;
    struct kube *k;
    struct ctx cx;
    struct err e = ERR_INIT;

    (void)state;
    add_fields(&apps, kind_appbinding.fields, (struct step){.n = 0});
    add_object(&apps, base_of(&apps), "app");
    s = server_new(&apps, 1);
    k = kube_new(&s->t, &(struct kube_opts){.tries = 1});
    T_OK(ctx_init(&cx, &e));
    for (struct json_item it = json_first(apps.made); it.key != NULL; it = json_next(apps.made, it))
        open_binding(&cx, k, strrchr(it.key, '/') + 1);
    for (int v = 0; v < VALUES; v++)
        for (int whole = 0; whole < 2; whole++) {
            struct json *secret = json_new_object(), *bad = hostile(v);

            if (whole)
                json_set(secret, "data", bad);
            else
                json_set(json_need_object(secret, "data"), "password", bad);
            store(s, "secrets/tenant/s", secret);
            open_binding(&cx, k, "app");
        }
    kube_free(k);
    ctx_release(&cx);
    json_free(apps.made);
    json_free(s->objects);
    buf_release(&s->raw);
    (void)pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_words_for_steps),
        cmocka_unit_test(test_hostile_bindings_for_steps),
        cmocka_unit_test(test_hostile_objects_stop_no_others),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

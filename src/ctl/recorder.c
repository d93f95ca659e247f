/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recorder.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/strmap.h"
#include "kube/limit.h"
#include "kube/object.h"

/* As client-go: an event is the same for ten minutes; 25 of an object at once, then one in 300 s.
 */
enum {
    SAME_MS = 600000,
    BURST = 25,
    KNOWN_MAX = 4096,
    MESSAGE_MAX = 1024,
    NAME_SHOWN = 236,
    NAMES_TRIED = 16
};
#define REFILL_PER_S (1.0 / 300)

/* An event that was written, to be counted up when it comes again. */
struct known {
    int64_t at_ms;
    int64_t count;
    char *ns, *name;
    char key[];
};

/* How much an object has said. */
struct talk {
    struct limit limit;
    char uid[];
};

struct recorder {
    struct kube *k;
    char *component, *host;
    int64_t (*now_ms)(void);
    pthread_mutex_t lock; /* held while an event is written: the same one is not made twice */
    struct strmap known, talks;
    int64_t last_ns; /* of the last name, which must differ */
};

struct recorder *
recorder_new(struct kube *k, const struct recorder_opts *o)
{
    struct recorder *r = MEM_NEW(struct recorder);

    r->k = k;
    r->component = mem_strdup(o->component);
    r->host = o->host == NULL ? NULL : mem_strdup(o->host);
    r->now_ms = o->now_ms != NULL ? o->now_ms : clock_real_ms;
    (void)pthread_mutex_init(&r->lock, NULL);
    return r;
}

static void
free_known(struct known *x)
{
    mem_free(x->ns);
    mem_free(x->name);
    mem_free(x);
}

/* Forget everything: events come in bursts, and a burst that is told twice does no harm. */
static void
forget_all(struct recorder *r)
{
    for (size_t i = 0; i < r->known.cap; i++)
        if (strmap_at(&r->known, i) != NULL)
            free_known((struct known *)strmap_at(&r->known, i));
    for (size_t i = 0; i < r->talks.cap; i++) {
        struct talk *t = (struct talk *)strmap_at(&r->talks, i);
        if (t == NULL)
            continue;
        limit_release(&t->limit);
        mem_free(t);
    }
    strmap_release(&r->known);
    strmap_release(&r->talks);
}

void
recorder_free(struct recorder *r)
{
    if (r == NULL)
        return;
    forget_all(r);
    mem_free(r->component);
    mem_free(r->host);
    (void)pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

/* Has this object said too much? */
static bool
is_spam_locked(struct recorder *r, const char *uid)
{
    struct talk *t = (struct talk *)strmap_get(&r->talks, uid);
    size_t n = strlen(uid) + 1;

    if (t == NULL) {
        t = (struct talk *)mem_zero(1, sizeof(*t) + n);
        memcpy(t->uid, uid, n);
        limit_init(&t->limit, REFILL_PER_S, BURST, r->now_ms());
        strmap_add(&r->talks, t->uid, t);
    }
    return !limit_try(&t->limit, r->now_ms());
}

static const char *
time_text(int64_t ms, char to[static INSTANT_TEXT])
{
    return instant_format((struct instant){.sec = ms / 1000}, to);
}

static enum rc
count_up_locked(struct ctx *cx, struct recorder *r, struct known *x, struct err *e)
{
    struct json *patch = json_new_object();
    char when[INSTANT_TEXT];
    enum rc rc;

    json_set_int(patch, "count", x->count + 1);
    json_set_cstr(patch, "lastTimestamp", time_text(r->now_ms(), when));
    rc = kube_patch(cx, r->k, &KUBE_EVENT, x->ns, x->name, KUBE_PATCH_MERGE, patch, NULL, NULL, e);
    json_free(patch);
    if (rc == RC_OK) {
        x->count++;
        x->at_ms = r->now_ms();
    }
    return rc;
}

/* "<object>.<hex of unix ns>", never the same twice here; another process may have taken it. */
static char *
event_name_locked(struct recorder *r, const char *object)
{
    int64_t ns = r->now_ms() * 1000000;

    r->last_ns = MAX(ns, r->last_ns + 1);
    return mem_printf("%.*s.%llx", NAME_SHOWN, object, (unsigned long long)r->last_ns);
}

struct event {
    const struct json *obj;
    const char *type, *reason, *message;
    const char *key; /* all of it: what is the same event */
};

static enum rc
write_new_locked(struct ctx *cx, struct recorder *r, const struct event *new, struct err *e)
{
    const struct json *obj = new->obj;
    const char *ns = kube_ns(obj) != NULL ? kube_ns(obj) : "default";
    const char *object = kube_name(obj) != NULL ? kube_name(obj) : "unknown";
    char *name = event_name_locked(r, object);
    struct json *ev = kube_object_new(&KUBE_EVENT, ns, name), *source;
    char when[INSTANT_TEXT];
    struct known *x;
    enum rc rc;

    json_set(ev, "involvedObject", kube_reference(obj));
    json_set_cstr(ev, "reason", new->reason);
    json_set_cstr(ev, "message", new->message);
    json_set_cstr(ev, "type", new->type);
    source = json_need_object(ev, "source");
    json_set_cstr(source, "component", r->component);
    json_set_cstr(source, "host", r->host);
    json_set_cstr(ev, "reportingComponent", r->component);
    json_set_cstr(ev, "reportingInstance", r->host != NULL ? r->host : "");
    json_set_cstr(ev, "firstTimestamp", time_text(r->now_ms(), when));
    json_set_cstr(ev, "lastTimestamp", when);
    json_set_int(ev, "count", 1);
    rc = kube_create(cx, r->k, &KUBE_EVENT, ns, ev, NULL, NULL, e);
    for (int i = 1; rc == RC_EXISTS && i < NAMES_TRIED; i++) {
        mem_free(name);
        name = event_name_locked(r, object);
        json_set_cstr(kube_meta(ev), "name", name);
        *e = (struct err)ERR_INIT;
        rc = kube_create(cx, r->k, &KUBE_EVENT, ns, ev, NULL, NULL, e);
    }
    json_free(ev);
    if (rc != RC_OK) {
        mem_free(name);
        return rc;
    }
    x = (struct known *)mem_zero(1, sizeof(*x) + strlen(new->key) + 1);
    memcpy(x->key, new->key, strlen(new->key) + 1);
    x->ns = mem_strdup(ns);
    x->name = name;
    x->count = 1;
    x->at_ms = r->now_ms();
    strmap_add(&r->known, x->key, x);
    return RC_OK;
}

static enum rc
write_locked(struct ctx *cx, struct recorder *r, const struct event *new, struct err *e)
{
    struct known *x = (struct known *)strmap_get(&r->known, new->key);

    if (x != NULL && r->now_ms() - x->at_ms < SAME_MS) {
        enum rc rc = count_up_locked(cx, r, x, e);
        if (rc != RC_NOT_FOUND) /* else the server has dropped it: write it anew */
            return rc;
    }
    if (x != NULL)
        free_known((struct known *)strmap_remove(&r->known, new->key));
    return write_new_locked(cx, r, new, e);
}

void
recorder_event(struct ctx *cx, struct recorder *r, const struct json *obj, const char *type,
               const char *reason, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    struct err e = ERR_INIT;
    const char *uid = kube_uid(obj) != NULL ? kube_uid(obj) : "";
    char *key;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    key = mem_printf("%s\n%s\n%s\n%s\n%s\n%s", uid,
                     json_text_or(json_dig(obj, "metadata", "namespace"), ""),
                     json_text_or(json_dig(obj, "metadata", "name"), ""), type, reason, message);
    (void)pthread_mutex_lock(&r->lock);
    if (r->known.n >= KNOWN_MAX || r->talks.n >= KNOWN_MAX)
        forget_all(r);
    if (!is_spam_locked(r, uid) &&
        write_locked(cx, r, &(struct event){obj, type, reason, message, key}, &e))
        log_info("could not write the event %s of %s: %s", reason,
                 json_text_or(json_dig(obj, "metadata", "name"), ""), e.msg);
    (void)pthread_mutex_unlock(&r->lock);
    mem_free(key);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch.h"

#include "base/mem.h"
#include "kube/kube_internal.h"

enum { EVENT_MAX = 64 * 1024 * 1024, READ_BYTES = 32 * 1024 };

struct kube_watch {
    struct kube *k;
    const struct kube_gvr *kind;
    struct kube_stream *stream;
    struct buf in;       /* lines of JSON; in[at..n) is not read yet */
    size_t at, searched; /* no line end before `searched` */
    bool lean;           /* no managedFields */
};

enum rc
kube_watch_open(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
                const struct kube_watch_opts *o, struct kube_watch **out, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(KUBE_PATH_MAX);
    struct kube_request rq = {.method = "GET"};
    struct kube_response r = {.status = 0};
    struct kube_stream *stream = NULL;
    struct kube_watch *w;
    char seconds[16];

    (void)snprintf(seconds, sizeof(seconds), "%d", o->timeout_s);
    kube_path(&path, kind, ns, NULL, NULL);
    kube_query(&path, "watch", "true");
    kube_query(&path, "allowWatchBookmarks", "true");
    kube_query(&path, "resourceVersion", o->resource_version);
    kube_query(&path, "labelSelector", o->label_selector);
    kube_query(&path, "fieldSelector", o->field_selector);
    kube_query(&path, "timeoutSeconds", o->timeout_s > 0 ? seconds : NULL);
    if (buf_whole(&path, "the address of a request", e))
        return err_code(e);
    rq.path = buf_c(&path);
    (void)atomic_fetch_add(&k->requests, 1);
    if (k->t->open(k->t, cx, &rq, &r, &stream, e))
        return err_code(e);
    if (stream == NULL)
        return kube_answer_error(&r, e);
    buf_release(&r.body);
    w = MEM_NEW(struct kube_watch);
    w->k = k;
    w->kind = kind;
    w->stream = stream;
    w->lean = o->no_managed_fields;
    buf_init(&w->in, EVENT_MAX);
    *out = w;
    return RC_OK;
}

void
kube_watch_close(struct kube_watch *w)
{
    if (w == NULL)
        return;
    kube_close(w->k, w->stream);
    buf_release(&w->in);
    mem_free(w);
}

/* The next line, borrowed until the next call; {NULL, 0} at the end of the stream. */
static enum rc
next_line(struct kube_watch *w, struct str *out, struct err *e)
{
    for (;;) {
        const uint8_t *nl = w->searched == w->in.n
                                ? NULL
                                : memchr(w->in.p + w->searched, '\n', w->in.n - w->searched);
        size_t got;
        if (nl != NULL) {
            size_t end = (size_t)(nl - w->in.p);
            *out = str_of(w->in.p + w->at, end - w->at);
            w->at = w->searched = end + 1;
            return RC_OK;
        }
        if (w->at > 0) {
            memmove(w->in.p, w->in.p + w->at, w->in.n - w->at);
            w->in.n -= w->at;
            w->at = 0;
        }
        w->searched = w->in.n;
        if (buf_reserve(&w->in, READ_BYTES, e) ||
            rd_read(&w->stream->rd, w->in.p + w->in.n, READ_BYTES, &got, e))
            return err_code(e);
        if (got == 0) {
            *out = str_of(NULL, 0);
            return RC_OK;
        }
        w->in.n += got;
    }
}

static bool
type_of(const char *name, enum kube_event_type *out)
{
    static const char *const names[] = {"", "ADDED", "MODIFIED", "DELETED", "BOOKMARK"};

    for (size_t i = 1; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum kube_event_type)i;
            return true;
        }
    return false;
}

enum rc
kube_watch_next(struct kube_watch *w, enum kube_event_type *type, struct json **obj, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *event = NULL;
    struct json *object;
    struct str line;
    const char *name;

    do {
        if (next_line(w, &line, e))
            return err_code(e);
    } while (line.p != NULL && line.n == 0);
    if (line.p == NULL) {
        *type = KUBE_END;
        *obj = NULL;
        return RC_OK;
    }
    if (w->lean)
        line.n = json_cut_field(w->in.p + (line.p - w->in.p), line.n, "managedFields");
    if (json_parse(line, &event, e) && salvage_event(line, w->kind, &event, e))
        return err_wrap(e, "could not read a watch event");
    name = json_text_or(json_field(event, "type"), "");
    object = json_field(event, "object");
    if (strcmp(name, "ERROR") == 0)
        return kube_status_error(e, (int)json_int_or(json_field(object, "code"), 500), 0, object);
    if (json_kind_of(object) != JSON_IS_OBJECT || !type_of(name, type))
        return err_set(e, RC_CORRUPT, "the watch has an event of type \"%.40s\"", name);
    kube_name_kind(object, w->kind);
    *obj = json_ref(object);
    return RC_OK;
}

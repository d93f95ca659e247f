/* SPDX-License-Identifier: Apache-2.0 */
/* GET ?watch: changes as they happen, one JSON object a line. */
#include <poll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "httpd/httpd.h"
#include "json/write.h"
#include "plane/core.h"
#include "plane/select.h"
#include "plane/table.h"

enum { PIECE = 256 * 1024, PEER_MS = 3000, WATCH_MAX_S = 3600 };

struct watch {
    struct plane_stream stream;
    struct plane *plane;
    struct ctx *cx;
    struct resource_info *kind;
    char *ns; /* NULL: all */
    char *include;
    enum output output;
    struct selection selection;
    struct db_notifier bell;
    int peer;
    int64_t rev;
    int64_t end_ms, bookmark_ms; /* clock_mono_ms */
    bool bookmarks, over, columns_told, as_stored;
    struct buf out;
    size_t given;
    struct err err; /* of a callback */
};

static bool
put_event(struct watch *w, const char *type, struct str object)
{
    return buf_printf(&w->out, &w->err, "{\"type\":\"%s\",\"object\":", type) == RC_OK &&
           buf_add_str(&w->out, object, &w->err) == RC_OK &&
           buf_add_str(&w->out, STR_LIT("}\n"), &w->err) == RC_OK;
}

static bool
put_tree(struct watch *w, const char *type, struct json *obj)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(KUBE_BODY_MAX);
    CLEANUP(json_free_ptr) struct json *shown = NULL;

    if (w->kind->custom)
        json_set_cstr(obj, "apiVersion", w->kind->api_version);
    if (w->output == OUT_TABLE) {
        shown = table_new(w->kind);
        table_add(shown, w->kind, obj, w->include);
        if (w->columns_told)
            json_set(shown, "columnDefinitions", json_new_null());
        w->columns_told = true;
    } else {
        shown = w->output == OUT_META ? table_partial(obj) : json_ref(obj);
    }
    return json_print(shown, &text, &w->err) == RC_OK && put_event(w, type, buf_str(&text));
}

static bool
put_text(struct watch *w, const char *type, struct str text)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;

    if (w->as_stored)
        return put_event(w, type, text);
    return json_parse(text, &obj, &w->err) == RC_OK && put_tree(w, type, obj);
}

static bool
on_present(void *arg, const struct db_row *row)
{
    struct watch *w = (struct watch *)arg;

    return !selection_match(&w->selection, row->text) || put_text(w, "ADDED", row->text);
}

/* What a change is for a client that sees only what it selected. NULL: nothing. */
static const char *
type_of(const struct watch *w, const struct db_row *row)
{
    bool now = selection_match(&w->selection, row->text), before = now;

    if (row->event == DB_ADDED)
        return now ? "ADDED" : NULL;
    if (row->prev.n > 0 && !w->selection.all)
        before = selection_match(&w->selection, row->prev);
    if (row->event == DB_DELETED)
        return before ? "DELETED" : NULL;
    if (now)
        return before ? "MODIFIED" : "ADDED";
    return before ? "DELETED" : NULL;
}

static bool
on_change(void *arg, const struct db_row *row)
{
    struct watch *w = (struct watch *)arg;
    const char *type = type_of(w, row);

    return (type == NULL || put_text(w, type, row->text)) && w->out.n < PIECE;
}

static void
put_bookmark(struct watch *w)
{
    CLEANUP(json_free_ptr) struct json *obj = json_new_object();
    char decimal[24];

    w->bookmark_ms = clock_mono_ms() + (int64_t)w->plane->bookmark_s * 1000;
    (void)snprintf(decimal, sizeof(decimal), "%lld", (long long)w->rev);
    json_set_cstr(obj, "kind", w->kind->kind);
    json_set_cstr(obj, "apiVersion", w->kind->api_version);
    json_set_cstr(json_need_object(obj, "metadata"), "resourceVersion", decimal);
    if (w->output == OUT_TABLE) { /* as an empty row of its object */
        CLEANUP(json_free_ptr) struct json *table = table_new(w->kind);
        json_set(table, "metadata", json_clone(json_field(obj, "metadata")));
        json_set(table, "columnDefinitions", json_new_null());
        CLEANUP(mem_free_ptr) char *text = json_to_text(table, false);
        (void)put_event(w, "BOOKMARK", str_c(text));
    } else {
        CLEANUP(mem_free_ptr) char *text = json_to_text(obj, false);
        (void)put_event(w, "BOOKMARK", str_c(text));
    }
}

/* The log no longer reaches back: say so and end. */
static void
put_expired(struct watch *w, const struct err *why)
{
    CLEANUP(json_free_ptr)
    struct json *s = status_new(410, "Expired", why->msg, NULL, NULL, NULL);
    CLEANUP(mem_free_ptr) char *text = json_to_text(s, false);

    (void)put_event(w, "ERROR", str_c(text));
    w->over = true;
}

static enum rc
watch_collect(struct watch *w, struct err *e)
{
    enum rc rc;

    db_notifier_quiet(&w->bell);
    rc = db_changes(w->plane->db, w->kind->store, w->ns, on_change, w, &w->rev, e);
    if (rc == RC_LIMIT) {
        put_expired(w, e);
        return RC_OK;
    }
    if (rc == RC_OK && w->err.code != RC_OK) {
        *e = w->err;
        rc = e->code;
    }
    return rc;
}

/* Until there is something to give, or the end. */
static enum rc
watch_fill(struct watch *w, struct err *e)
{
    while (w->out.n == 0 && !w->over) {
        int64_t now = clock_mono_ms();
        short ready;

        if (watch_collect(w, e))
            return err_code(e);
        if (w->out.n > 0)
            return RC_OK;
        if (now >= w->end_ms) {
            w->over = true;
            if (w->bookmarks)
                put_bookmark(w);
            return RC_OK;
        }
        if (w->bookmarks && now >= w->bookmark_ms) {
            put_bookmark(w);
            return RC_OK;
        }
        int64_t until = w->bookmarks ? MIN(w->end_ms, w->bookmark_ms) : w->end_ms;
        if (ctx_wait(w->cx, w->bell.fd, POLLIN, (int)MIN(until - now, PEER_MS), &ready, e))
            return err_code(e);
        if (ready == 0 && httpd_peer_is_gone(w->peer))
            w->over = true;
    }
    return RC_OK;
}

static enum rc
watch_read(struct rd *rd, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct watch *w = CONTAINER_OF(rd, struct watch, stream.pub.rd);
    size_t some;

    while (w->given == w->out.n) { /* what came may not have been for this watch */
        w->given = 0;
        buf_reset(&w->out);
        if (w->over) {
            *got = 0;
            return RC_OK;
        }
        if (watch_fill(w, e))
            return err_code(e);
    }
    some = MIN(n, w->out.n - w->given);
    memcpy(p, w->out.p + w->given, some);
    w->given += some;
    *got = some;
    return RC_OK;
}

static void
watch_close(struct plane_stream *s)
{
    struct watch *w = CONTAINER_OF(s, struct watch, stream);

    if (w->bell.kind != NULL)
        db_notifier_remove(w->plane->db, &w->bell);
    resource_drop(w->kind);
    mem_free(w->ns);
    mem_free(w->include);
    selection_release(&w->selection);
    buf_release(&w->out);
    mem_free(w);
}

/* Where to begin; everything that is there now comes first when no version is given. */
static enum rc
watch_begin(struct watch *w, const char *version, struct err *e)
{
    enum rc rc;

    if (version != NULL && version[0] != '\0' && strcmp(version, "0") != 0)
        return str_to_i64(str_c(version), &w->rev)
                   ? RC_OK
                   : err_set(e, RC_INVALID, "invalid resource version \"%s\"", version);
    rc = db_list(w->plane->db, (struct db_key){w->kind->store, "", ""}, w->ns, on_present, w,
                 &w->rev, e);
    if (rc == RC_OK && w->err.code != RC_OK) {
        *e = w->err;
        rc = e->code;
    }
    return rc;
}

bool
verb_watch(struct call *c)
{
    int64_t seconds = call_number(c, "timeoutSeconds", WATCH_MAX_S), now = clock_mono_ms();
    struct watch *w;
    struct err e = ERR_INIT;

    if (call_flag(c, "sendInitialEvents"))
        return answer_error(c, 422, "Invalid",
                            "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: "
                            "Forbidden: sendInitialEvents is forbidden for watch unless the "
                            "WatchList feature gate is enabled");
    w = MEM_NEW(struct watch);
    w->stream.pub.rd.read = watch_read;
    w->stream.close = watch_close;
    w->plane = c->plane;
    w->cx = c->cx;
    w->kind = resource_keep(c->kind);
    w->ns = c->ns != NULL ? mem_strdup(c->ns) : NULL;
    w->include = mem_strdup(c->include);
    w->output = c->output;
    w->peer = c->peer;
    w->end_ms = now + MIN(MAX(seconds, 1), WATCH_MAX_S) * 1000;
    w->bookmark_ms = now + (int64_t)c->plane->bookmark_s * 1000;
    w->bookmarks = call_flag(c, "allowWatchBookmarks");
    buf_init(&w->out, KUBE_BODY_MAX);
    if (!selection_init(&w->selection, c)) {
        watch_close(&w->stream);
        return false;
    }
    w->as_stored = w->output == OUT_OBJECT && (!w->kind->custom || w->kind->storage);
    if (db_notifier_add(c->plane->db, w->kind->store, &w->bell, &e) ||
        watch_begin(w, call_param(c, "resourceVersion"), &e)) {
        watch_close(&w->stream);
        return answer_err(c, &e);
    }
    c->rp->type = "application/json";
    c->rp->stream = &w->stream;
    return true;
}

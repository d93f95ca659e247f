/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/verdict.h"

#include "base/log.h"
#include "base/mem.h"
#include "json/node.h"
#include "json/write.h"
#include "repo/save.h"

enum {
    BRIEF_VERSION = 1,
    BRIEF_MAX = 16 * 1024,
    NSEC = 1000 * 1000 * 1000,
    BEFORE_NSEC = 1000 * 1000
};

static const char *const level_names[] = {"data", "restore"};

const char *
verdict_level_name(enum verdict_level l)
{
    return level_names[l];
}

/* ---- as JSON ---- */

void
verdict_fields(struct jw *w, const struct verdict *v)
{
    char id[ID_TEXT], when[INSTANT_TEXT];

    jw_field_cstr(w, "snapshot", id_hex(&v->snapshot, id));
    jw_field_cstr(w, "tree", id_hex(&v->tree, id));
    jw_field_cstr(w, "time", instant_format(v->time, when));
    jw_field_cstr(w, "level", verdict_level_name(v->level));
    jw_field_bool(w, "good", v->good);
    if (!v->good)
        jw_field_cstr(w, "why", v->why);
    if (v->digest[0] != '\0') {
        jw_field_u64(w, "keys", v->keys);
        jw_field_cstr(w, "digest", v->digest);
    }
    if (v->restore_ms >= 0)
        jw_field_u64(w, "restore_ms", (uint64_t)v->restore_ms);
    if (v->server[0] != '\0')
        jw_field_cstr(w, "server", v->server);
    if (v->questions != 0)
        jw_field_u64(w, "questions", v->questions);
}

static void
verdict_text(const struct json *j, const char *key, char *to, size_t n)
{
    (void)snprintf(to, n, "%s", json_text_or(json_field(j, key), ""));
}

struct verdict *
verdict_read(const struct json *brief)
{
    const struct json *j = json_field(brief, "verdict"), *good = json_field(j, "good");
    const char *level = json_text_or(json_field(j, "level"), "");
    struct err none = ERR_INIT;
    struct verdict v = {.level = VERDICT_DATA};

    while (v.level < ARRAY_LEN(level_names) && strcmp(level, level_names[v.level]) != 0)
        v.level++;
    if (v.level == ARRAY_LEN(level_names) || json_kind_of(good) != JSON_IS_BOOL ||
        !id_from_hex(json_text_str(json_field(j, "tree")), &v.tree) ||
        !id_from_hex(json_text_str(json_field(j, "snapshot")), &v.snapshot) ||
        instant_parse(json_text_str(json_field(j, "time")), &v.time, &none))
        return NULL;
    v.good = json_is_true(good);
    v.keys = (uint64_t)MAX((int64_t)0, json_int_or(json_field(j, "keys"), 0));
    v.questions = (uint64_t)MAX((int64_t)0, json_int_or(json_field(j, "questions"), 0));
    v.restore_ms = MAX((int64_t)-1, json_int_or(json_field(j, "restore_ms"), -1));
    verdict_text(j, "why", v.why, sizeof(v.why));
    verdict_text(j, "digest", v.digest, sizeof(v.digest));
    verdict_text(j, "server", v.server, sizeof(v.server));
    return (struct verdict *)memcpy(mem_alloc(sizeof(v)), &v, sizeof(v));
}

/* ---- which is of which ---- */

const struct verdict *
verdict_good(const struct snapshot *s)
{
    return s->verdict != NULL && s->verdict->good ? s->verdict : NULL;
}

static void
verdict_attach(struct snapshot *s, const struct verdict *v)
{
    if (!id_eq(&s->tree, &v->tree) ||
        (s->verdict != NULL && instant_cmp(s->verdict->time, v->time) >= 0))
        return;
    if (s->verdict == NULL)
        s->verdict = MEM_NEW(struct verdict);
    *s->verdict = *v;
}

size_t
verdicts_attach(struct snapshot *list, size_t n)
{
    size_t left = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n && list[i].record; k++)
            if (!list[k].record)
                verdict_attach(&list[k], list[i].verdict);
    for (size_t i = 0; i < n; i++) {
        if (list[i].record)
            snapshot_release(&list[i]);
        else
            list[left++] = list[i];
    }
    return left;
}

/* ---- kept ---- */

static enum rc
verdict_brief(const struct verdict *v, struct buf *out, struct err *e)
{
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    jw_field_u64(&w, "version", BRIEF_VERSION);
    jw_key(&w, "verdict");
    jw_open_object(&w);
    verdict_fields(&w, v);
    jw_close_object(&w);
    jw_close_object(&w);
    return jw_end(&w, e);
}

/* A moment before the snapshot: whoever takes it for one does not take it for the latest. */
static struct instant
verdict_when(const struct snapshot *s)
{
    struct instant t = s->time;

    t.nsec -= BEFORE_NSEC;
    if (t.nsec < 0) {
        t.sec--;
        t.nsec += NSEC;
    }
    return t;
}

/* What was kept of the same tree; `*stands`: one of them says more than `v` does. */
struct verdicts_before {
    struct id *ids;
    size_t n;
    bool stands;
};

static enum rc
verdict_find(struct ctx *cx, struct repo *r, const struct verdict *v, struct verdicts_before *out,
             struct err *e)
{
    struct snapshots_unread unread = {.n = 0};
    struct snapshot *list;
    size_t n;

    if (snapshots_and_records(cx, r, &list, &n, &unread, e))
        return err_code(e);
    out->ids = (struct id *)mem_zero(n + 1, sizeof(*out->ids));
    for (size_t i = 0; i < n; i++) {
        if (!list[i].record || !id_eq(&list[i].verdict->tree, &v->tree))
            continue;
        out->stands = out->stands || (v->good && v->level < list[i].verdict->level);
        out->ids[out->n++] = list[i].id;
    }
    snapshots_free(list, n);
    mem_free(unread.ids);
    return RC_OK;
}

static enum rc
verdict_publish(struct ctx *cx, struct repo *r, const struct snapshot *s, struct verdict *v,
                struct err *e)
{
    static const char *const tags[] = {VERDICT_TAG};
    CLEANUP(buf_release) struct buf brief = BUF_INIT(BRIEF_MAX);
    struct save_meta meta = {.hostname = VERDICT_HOST,
                             .tags = tags,
                             .n_tags = ARRAY_LEN(tags),
                             .path = VERDICT_PATH,
                             .time = verdict_when(s)};
    struct save *save;

    if (verdict_brief(v, &brief, e) || save_open(cx, r, NULL, &save, e))
        return err_code(e);
    meta.brief = buf_c(&brief);
    return save_commit(save, &meta, &v->file, NULL, e);
}

enum rc
verdict_save(struct ctx *cx, struct repo *r, const struct snapshot *s, struct verdict *v,
             struct err *e)
{
    struct verdicts_before before = {.n = 0};
    struct err why = ERR_INIT;
    enum rc rc;

    v->tree = s->tree;
    v->snapshot = s->id;
    rc = verdict_find(cx, r, v, &before, e);
    if (rc == RC_OK && before.stands)
        log_info("what an earlier verification by a restore found stands");
    else if (rc == RC_OK)
        rc = verdict_publish(cx, r, s, v, e);
    if (rc == RC_OK && !before.stands && before.n != 0 &&
        snapshots_forget(cx, r, before.ids, before.n, NULL, &why))
        log_info("the record of an earlier verification stays: %s", why.msg);
    mem_free(before.ids);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not keep the result in the repository");
}

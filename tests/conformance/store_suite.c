/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/sha256.h"
#include "store_suite.h"

static struct ctx cx;

static struct store_name
name_of(enum store_type type, struct str bytes)
{
    struct store_name name = {.type = type};

    sha256_of(bytes, &name.id);
    return name;
}

struct found {
    struct id want;
    uint64_t bytes;
    size_t n, hits;
};

static enum rc
note(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct found *f = arg;

    (void)e;
    f->n++;
    if (id_eq(id, &f->want)) {
        f->hits++;
        f->bytes = bytes;
    }
    return RC_OK;
}

static enum rc
refuse(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    (void)arg;
    (void)id;
    (void)bytes;
    return err_set(e, RC_CONFLICT, "stop here");
}

static void
objects_come_back_whole(struct store *s)
{
    static const enum store_type types[] = {STORE_CONFIG, STORE_KEY,  STORE_SNAPSHOT,
                                            STORE_INDEX,  STORE_LOCK, STORE_PACK};
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        CLEANUP(buf_release) struct buf out = BUF_INIT(100), small = BUF_INIT(8);
        struct store_name name = name_of(types[i], STR_LIT("the bytes"));
        uint8_t part[3];
        uint64_t n = 0;
        T_RC(store_get_all(&cx, s, &name, &out, &e), RC_NOT_FOUND);
        T_RC(s->ops->stat(&cx, s, &name, &n, &e), RC_NOT_FOUND);
        T_OK(s->ops->del(&cx, s, &name, &e));
        T_OK(store_put_all(&cx, s, &name, STR_LIT("the bytes"), &e));
        T_OK(s->ops->stat(&cx, s, &name, &n, &e));
        assert_int_equal(n, 9);
        T_OK(store_get_all(&cx, s, &name, &out, &e));
        T_STR(buf_str(&out), STR_LIT("the bytes"));
        T_OK(s->ops->get(&cx, s, &name, 4, part, 3, &e));
        T_STR(str_of(part, 3), STR_LIT("byt"));
        T_RC(s->ops->get(&cx, s, &name, 7, part, 3, &e), RC_CORRUPT);
        T_RC(store_get_all(&cx, s, &name, &small, &e), RC_LIMIT);
        T_OK(s->ops->del(&cx, s, &name, &e));
        T_RC(s->ops->stat(&cx, s, &name, &n, &e), RC_NOT_FOUND);
    }
}

static void
lists_hold_what_is_there(struct store *s)
{
    struct err e = ERR_INIT;
    struct store_name a = name_of(STORE_PACK, STR_LIT("a")), b = name_of(STORE_PACK, STR_LIT("bb"));
    struct found f = {.want = b.id};

    T_OK(s->ops->list(&cx, s, STORE_PACK, note, &f, &e));
    assert_int_equal(f.n, 0);
    T_OK(store_put_all(&cx, s, &a, STR_LIT("a"), &e));
    T_OK(store_put_all(&cx, s, &b, STR_LIT("bb"), &e));
    T_OK(s->ops->list(&cx, s, STORE_PACK, note, &f, &e));
    assert_int_equal(f.n, 2);
    assert_int_equal(f.hits, 1);
    assert_int_equal(f.bytes, 2);
    T_RC(s->ops->list(&cx, s, STORE_PACK, refuse, NULL, &e), RC_CONFLICT);
    f.n = 0;
    T_OK(s->ops->list(&cx, s, STORE_SNAPSHOT, note, &f, &e));
    assert_int_equal(f.n, 0);
    T_OK(s->ops->del(&cx, s, &a, &e));
    T_OK(s->ops->del(&cx, s, &b, &e));
}

static void
nothing_is_there_before_commit_or_after_abort(struct store *s)
{
    struct err e = ERR_INIT;
    struct store_name name = name_of(STORE_PACK, STR_LIT("part one, part two"));
    struct store_put *put = NULL;
    struct found f = {.n = 0};
    CLEANUP(buf_release) struct buf out = BUF_INIT(100);

    T_OK(s->ops->put_begin(&cx, s, STORE_PACK, &put, &e));
    T_OK(s->ops->put_write(&cx, put, (const uint8_t *)"part one, ", 10, &e));
    T_OK(s->ops->list(&cx, s, STORE_PACK, note, &f, &e));
    assert_int_equal(f.n, 0);
    s->ops->put_abort(put);
    s->ops->put_abort(NULL);
    T_OK(s->ops->list(&cx, s, STORE_PACK, note, &f, &e));
    assert_int_equal(f.n, 0);
    for (int twice = 0; twice < 2; twice++) {
        T_OK(s->ops->put_begin(&cx, s, STORE_PACK, &put, &e));
        T_OK(s->ops->put_write(&cx, put, (const uint8_t *)"part one, ", 10, &e));
        T_OK(s->ops->put_write(&cx, put, (const uint8_t *)"part two", 8, &e));
        T_OK(s->ops->put_commit(&cx, put, &name.id, &e));
    }
    T_OK(store_get_all(&cx, s, &name, &out, &e));
    T_STR(buf_str(&out), STR_LIT("part one, part two"));
    T_OK(s->ops->del(&cx, s, &name, &e));
}

struct writer {
    struct store *store;
    unsigned seed;
    bool ok;
};

static void *
write_some(void *arg)
{
    struct writer *w = arg;
    uint8_t bytes[1000];

    w->ok = true;
    for (unsigned i = 0; i < 20; i++) {
        CLEANUP(buf_release) struct buf out = BUF_INIT(sizeof(bytes));
        struct err e = ERR_INIT;
        struct store_name name;
        memset(bytes, (int)(w->seed * 20 + i), sizeof(bytes));
        name = name_of(STORE_PACK, str_of(bytes, sizeof(bytes)));
        w->ok = w->ok && !store_put_all(&cx, w->store, &name, str_of(bytes, sizeof(bytes)), &e) &&
                !store_get_all(&cx, w->store, &name, &out, &e) &&
                str_eq(buf_str(&out), str_of(bytes, sizeof(bytes))) &&
                !w->store->ops->del(&cx, w->store, &name, &e);
        if (e.code != RC_OK)
            print_error("%s\n", e.msg);
    }
    return NULL;
}

static void
several_threads_may_use_it(struct store *s)
{
    struct writer w[4];
    pthread_t threads[4];

    for (unsigned i = 0; i < 4; i++) {
        w[i] = (struct writer){.store = s, .seed = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, &w[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 4; i++)
        assert_true(w[i].ok);
}

static void
a_cancelled_call_does_nothing(struct store *s)
{
    struct store_name name = name_of(STORE_INDEX, STR_LIT("x"));
    struct store_put *put = NULL;
    struct err e = ERR_INIT;
    struct found f = {.n = 0};
    struct ctx gone;
    uint64_t n;

    T_OK(ctx_init(&gone, &e));
    T_OK(s->ops->put_begin(&gone, s, STORE_INDEX, &put, &e));
    ctx_cancel(&gone);
    T_RC(s->ops->put_commit(&gone, put, &name.id, &e), RC_CANCELLED);
    T_RC(store_put_all(&gone, s, &name, STR_LIT("x"), &e), RC_CANCELLED);
    T_RC(s->ops->stat(&gone, s, &name, &n, &e), RC_CANCELLED);
    T_RC(s->ops->del(&gone, s, &name, &e), RC_CANCELLED);
    T_RC(s->ops->stat(&cx, s, &name, &n, &e), RC_NOT_FOUND);
    T_OK(s->ops->list(&cx, s, STORE_INDEX, note, &f, &e));
    assert_int_equal(f.n, 0);
    ctx_release(&gone);
}

/* By the store's own clock: what was just written is young, whatever the time is here. */
static void
ages_are_told_or_not(struct store *s)
{
    enum { MOMENT_MS = 5 * 60 * 1000, ROUNDED_MS = 2000 };
    struct err e = ERR_INIT;
    struct store_name name = name_of(STORE_LOCK, STR_LIT("young"));
    struct store_age age = {.ms = -1};
    enum rc rc;

    age.claimed = clock_real_ms();
    T_OK(store_put_all(&cx, s, &name, STR_LIT("young"), &e));
    rc = store_age(&cx, s, &name, &age, &e);
    if (rc != RC_UNSUPPORTED) {
        assert_int_equal(rc, RC_OK);
        assert_in_range(age.ms + ROUNDED_MS, 0, MOMENT_MS);
    }
    T_OK(s->ops->del(&cx, s, &name, &e));
    rc = store_age(&cx, s, &name, &age, &e);
    assert_true(rc == RC_NOT_FOUND || rc == RC_UNSUPPORTED);
}

static void
a_wipe_leaves_nothing(struct store *s)
{
    static const enum store_type types[] = {STORE_CONFIG, STORE_KEY,  STORE_SNAPSHOT,
                                            STORE_INDEX,  STORE_LOCK, STORE_PACK};
    struct err e = ERR_INIT;
    uint64_t n;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct store_name name = name_of(types[i], STR_LIT("wiped"));
        T_OK(store_put_all(&cx, s, &name, STR_LIT("wiped"), &e));
    }
    T_OK(store_wipe(&cx, s, &n, &e));
    assert_true(n >= ARRAY_LEN(types));
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct store_name name = name_of(types[i], STR_LIT("wiped"));
        struct found f = {.n = 0};
        T_RC(s->ops->stat(&cx, s, &name, &n, &e), RC_NOT_FOUND);
        if (types[i] != STORE_CONFIG)
            T_OK(s->ops->list(&cx, s, types[i], note, &f, &e));
        assert_int_equal(f.n, 0);
    }
    T_OK(store_wipe(&cx, s, &n, &e));
    assert_int_equal(n, 0);
}

struct walked {
    char path[STORE_NAME_TEXT]; /* of the one that is looked for */
    struct store_file found;
    size_t n;
};

static enum rc
walk_note(void *arg, const struct store_file *f, struct err *e)
{
    struct walked *w = arg;

    (void)e;
    w->n++;
    if (str_eq(f->path, str_c(w->path)))
        w->found = *f;
    return RC_OK;
}

static enum rc
walk_refuse(void *arg, const struct store_file *f, struct err *e)
{
    (void)arg;
    (void)f;
    return err_set(e, RC_CONFLICT, "stop here");
}

static void
a_walk_tells_every_file_and_when_it_was_written(struct store *s)
{
    enum { HOUR_MS = 60 * 60 * 1000 };
    bool tells = s->ops->walk != NULL && strncmp(s->place, "rest:", 5) != 0;
    struct store_name name = name_of(STORE_PACK, STR_LIT("bb")), config = {.type = STORE_CONFIG};
    struct err e = ERR_INIT;
    struct walked w = {.n = 0};
    int64_t now = 0;

    if (!tells) {
        T_RC(store_walk(&cx, s, walk_note, &w, &now, &e), RC_UNSUPPORTED);
        return;
    }
    T_OK(store_put_all(&cx, s, &name, STR_LIT("bb"), &e));
    T_OK(store_put_all(&cx, s, &config, STR_LIT("a"), &e));
    (void)store_name_text(&name, w.path);
    T_OK(store_walk(&cx, s, walk_note, &w, &now, &e));
    assert_int_equal(w.n, 2);
    assert_int_equal(w.found.bytes, 2);
    assert_true(w.found.is_file);
    /* The two clocks are one: a time that was misread is further away. */
    assert_true(w.found.written_ms > now - HOUR_MS && w.found.written_ms < now + HOUR_MS);
    T_RC(store_walk(&cx, s, walk_refuse, NULL, &now, &e), RC_CONFLICT);
    T_OK(s->ops->del(&cx, s, &name, &e));
    T_OK(s->ops->del(&cx, s, &config, &e));
}

void
store_suite(struct store *s)
{
    struct err e = ERR_INIT;

    T_OK(ctx_init(&cx, &e));
    T_OK(s->ops->create(&cx, s, &e));
    T_OK(s->ops->create(&cx, s, &e));
    objects_come_back_whole(s);
    lists_hold_what_is_there(s);
    nothing_is_there_before_commit_or_after_abort(s);
    several_threads_may_use_it(s);
    a_cancelled_call_does_nothing(s);
    ages_are_told_or_not(s);
    a_walk_tells_every_file_and_when_it_was_written(s);
    a_wipe_leaves_nothing(s);
    ctx_release(&cx);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "repo/format/poly.h"
#include "repo/key.h"
#include "repo/repo_internal.h"
#include "store/cache.h"

static const struct store_name config_name = {.type = STORE_CONFIG};

static enum rc
config_store(struct ctx *cx, struct store *s, const struct config *c, const struct seal_key *key,
             struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONFIG_MAX), got = BUF_INIT(CONFIG_MAX);
    struct retry again = store_retry_damaged(s);
    uint8_t sealed[1024];
    struct sealer *sealer = NULL;
    struct str bytes;

    if (config_encode(c, &text, e) || sealer_new(key, &sealer, e))
        return err_code(e);
    BUG_ON(text.n + SEAL_OVERHEAD > sizeof(sealed));
    seal(sealer, text.p, text.n, sealed);
    sealer_free(sealer);
    bytes = str_of(sealed, text.n + SEAL_OVERHEAD);
    if (store_put_all(cx, s, &config_name, bytes, e) ||
        store_prove(cx, s, &config_name, bytes.n, e))
        return err_code(e);
    /* Another config under the same name has the same size; and what comes may be damaged. */
    do {
        buf_reset(&got);
        if (store_get_all(cx, s, &config_name, &got, e))
            return err_code(e);
        if (str_eq(buf_str(&got), bytes))
            return RC_OK;
        (void)err_set(e, RC_CORRUPT, "%s said that it stored config, but has another one",
                      s->place);
    } while (retry_next(cx, &again, e));
    return err_code(e);
}

static enum rc
count_object(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    size_t *n = arg;

    (void)id;
    (void)bytes;
    (void)e;
    *n += 1;
    return RC_OK;
}

/* Snapshots without config are those of a repository that lost it: only their own key opens them. */
static enum rc
adopt_orphans(struct ctx *cx, struct store *s, bool have_key, struct err *e)
{
    size_t n = 0;

    if (s->ops->list(cx, s, STORE_SNAPSHOT, count_object, &n, e))
        return err_code(e);
    if (n == 0)
        return RC_OK;
    if (have_key) {
        log_warn(
            "%s has %zu %s and the key, but no config: a new config makes them readable, though "
            "new backups will not share data with them",
            s->place, n, str_plural(n, "snapshot", "snapshots"));
        return RC_OK;
    }
    (void)err_set(e, RC_CORRUPT,
                  "config and keys are missing, and a new key does not open the %zu %s there", n,
                  str_plural(n, "snapshot", "snapshots"));
    return err_hint(e, "put back config and keys/* from a copy, or choose an empty place");
}

/*
 * The key of an `init` that died before it wrote config, if there is one: a second would open with
 * the same password and hold something else. Otherwise a new one, unless there are snapshots, which
 * it could not open. Somebody else may have been faster meanwhile, since keys take long to make.
 */
static enum rc
master_key(struct ctx *cx, struct store *s, struct str password, const struct repo_init_opts *opts,
           struct seal_key *out, struct err *e)
{
    struct store_name name = {.type = STORE_KEY};
    uint64_t bytes;
    enum rc rc = key_search(cx, s, password, str_of(NULL, 0), out, &name.id, e);

    if (rc == RC_WRONG_PASSWORD)
        return err_set(e, RC_CORRUPT,
                       "there are keys that this password does not open, but there is no config");
    if (rc != RC_OK && rc != RC_NOT_FOUND)
        return rc;
    if (adopt_orphans(cx, s, rc == RC_OK, e))
        return err_code(e);
    if (rc == RC_OK)
        return RC_OK;
    rand_bytes(out, sizeof(*out));
    if (key_store(cx, s, password, out, opts, &name.id, e))
        return err_code(e);
    rc = s->ops->stat(cx, s, &config_name, &bytes, e);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (s->ops->del(cx, s, &name, e))
        return err_code(e);
    return rc != RC_OK ? rc : err_set(e, RC_EXISTS, "somebody else has just made it");
}

bool
repo_test_fast_kdf(void)
{
#ifdef CSTASH_TEST_SWITCHES
    if (getenv("CSTASH_TEST_FAST_KDF") != NULL) {
        log_warn("CSTASH_TEST_FAST_KDF is set: the key of this repository protects nothing");
        return true;
    }
#endif
    return false;
}

enum rc
repo_init(struct ctx *cx, struct store *s, struct str password, const struct repo_init_opts *opts,
          struct id *repo_id, struct err *e)
{
    struct config c = {.version = opts != NULL && opts->version != 0 ? opts->version : 2};
    struct seal_key key = {.encrypt = {0}};
    uint64_t bytes;
    enum rc rc;

    if (c.version != 1 && c.version != 2)
        return err_set(e, RC_INVALID, "there is no repository version %u", c.version);
    if (password.n == 0)
        return err_set(e, RC_INVALID, "an empty password protects nothing");
    rc = s->ops->stat(cx, s, &config_name, &bytes, e);
    if (rc == RC_OK)
        return err_set(e, RC_EXISTS, "there is a repository at %s already", s->place);
    if (rc != RC_NOT_FOUND)
        return rc;
    rand_bytes(&c.id, sizeof(c.id));
    c.polynomial = opts != NULL && opts->polynomial != 0 ? opts->polynomial : poly_random();
    rc = s->ops->create(cx, s, e);
    if (rc == RC_OK)
        rc = master_key(cx, s, password, opts, &key, e);
    if (rc == RC_OK)
        rc = config_store(cx, s, &c, &key, e);
    if (rc == RC_CORRUPT) { /* half a config would stand in the way of the next try */
        struct err ignored = ERR_INIT;
        (void)s->ops->del(cx, s, &config_name, &ignored);
    }
    mem_wipe(&key, sizeof(key));
    if (rc)
        return err_wrap(e, "could not make a repository at %s", s->place);
    (void)store_reserve_keep(cx, s, &bytes);
    *repo_id = c.id;
    return RC_OK;
}

static enum rc
no_repository(const struct store *s, struct err *e)
{
    (void)err_set(e, RC_NO_REPOSITORY, "there is no repository at %s", s->place);
    return err_hint(e, "make one with `cstash init`");
}

/* Find the key that opens config, and read that. */
static enum rc
open_config_once(struct ctx *cx, struct repo *r, struct str password, struct err *e)
{
    CLEANUP(buf_release) struct buf raw = BUF_INIT(CONFIG_MAX);
    enum rc rc = store_get_all(cx, r->store, &config_name, &raw, e);

    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? no_repository(r->store, e) : rc;
    if (raw.n < SEAL_OVERHEAD)
        return err_set(e, RC_CORRUPT, "could not read config: it is cut short");
    rc = key_search(cx, r->store, password, buf_str(&raw), &r->key, &r->key_id, e);
    if (rc == RC_NOT_FOUND)
        e->code = rc = RC_CORRUPT;
    if (rc == RC_OK)
        rc = sealer_new(&r->key, &r->sealer, e);
    if (rc != RC_OK)
        return rc;
    if (seal_open(r->sealer, raw.p, raw.n, raw.p + SEAL_IV, e) ||
        config_decode(str_of(raw.p + SEAL_IV, raw.n - SEAL_OVERHEAD), &r->config, e))
        return err_wrap(e, "could not read config");
    return RC_OK;
}

/* Its name is not a hash, so only now is known whether it came whole. */
static enum rc
open_config(struct ctx *cx, struct repo *r, struct str password, struct err *e)
{
    struct retry again = store_retry_damaged(r->store);
    enum rc rc;

    do {
        sealer_free(TAKE(r->sealer));
        rc = open_config_once(cx, r, password, e);
    } while (rc == RC_CORRUPT && retry_next(cx, &again, e));
    return rc == RC_OK ? RC_OK : err_code(e);
}

enum rc
repo_open(struct ctx *cx, struct store *s, struct str password, struct repo **out, struct err *e)
{
    struct repo *r = MEM_NEW(struct repo);

    r->store = s;
    (void)pthread_mutex_init(&r->work, NULL);
    lock_setup(r);
    if (open_config(cx, r, password, e)) {
        if (e->code != RC_NO_REPOSITORY)
            (void)err_wrap(e, "could not open the repository at %s", s->place);
        repo_close(r);
        return err_code(e);
    }
    r->zstd = zstd_enc_new(ZSTD_FAST);
    *out = r;
    return RC_OK;
}

void
repo_close(struct repo *r)
{
    if (r == NULL)
        return;
    repo_unlock(r);
    lock_teardown(r);
    index_free(r->index);
    sealer_free(r->sealer);
    zstd_enc_free(r->zstd);
    (void)pthread_mutex_destroy(&r->work);
    mem_wipe(&r->key, sizeof(r->key));
    store_release(r->cache);
    mem_free(r);
}

void
repo_use_cache(struct repo *r, const char *base)
{
    char hex[ID_TEXT];
    char *folder;

    if (!r->store->remote || r->cache != NULL)
        return;
    folder = mem_printf("%s/%s", base, id_hex(&r->config.id, hex));
    r->store = r->cache = store_cache_new(r->store, folder, 0);
    mem_free(folder);
}

unsigned
repo_version(const struct repo *r)
{
    return r->config.version;
}

const struct id *
repo_id(const struct repo *r)
{
    return &r->config.id;
}

uint64_t
repo_polynomial(const struct repo *r)
{
    return r->config.polynomial;
}

struct store *
repo_store(const struct repo *r)
{
    return r->store;
}

/* Stores that do not write over an object say so in one of these ways. */
static bool
is_refused(enum rc rc)
{
    return rc == RC_EXISTS || rc == RC_CONFLICT || rc == RC_DENIED;
}

static enum rc
replace_config(struct ctx *cx, struct repo *r, const struct config *c, struct str old,
               struct err *e)
{
    struct err back = ERR_INIT;

    if (config_store(cx, r->store, c, &r->key, e) == RC_OK)
        return RC_OK;
    if (is_refused(e->code) && r->store->ops->del(cx, r->store, &config_name, e) == RC_OK &&
        config_store(cx, r->store, c, &r->key, e) == RC_OK)
        return RC_OK;
    if (store_put_all(cx, r->store, &config_name, old, &back) && !is_refused(back.code))
        return err_wrap(e, "the old config could not be put back either (%.200s)", back.msg);
    return err_code(e);
}

enum rc
repo_upgrade(struct ctx *cx, struct repo *r, repo_keep_fn *keep, void *arg, struct err *e)
{
    CLEANUP(buf_release) struct buf old = BUF_INIT(CONFIG_MAX);
    struct config c = r->config;

    c.version = 2;
    if (store_get_all(cx, r->store, &config_name, &old, e) || keep(arg, buf_str(&old), e) ||
        repo_lock_ok(r, e) || replace_config(cx, r, &c, buf_str(&old), e))
        return err_wrap(e, "could not make it a repository of version 2");
    (void)pthread_mutex_lock(&r->work); /* the lock is written anew now and then */
    r->config = c;
    (void)pthread_mutex_unlock(&r->work);
    return RC_OK;
}

const struct config *
repo_config(const struct repo *r)
{
    return &r->config;
}

enum rc
repo_master_key(const struct repo *r, struct buf *out, struct err *e)
{
    return key_master_encode(&r->key, out, e);
}

const struct index *
repo_index(const struct repo *r)
{
    return r->index;
}

void
repo_index_is_old(struct repo *r)
{
    r->index_is_fresh = false;
}

void
repo_make_room(struct repo *r, bool on)
{
    r->makes_room = on;
}

bool
repo_reserve_is_due(struct repo *r)
{
    return atomic_load(&r->reserve_is_due);
}

unsigned
repo_workers(const struct repo *r)
{
    return parallel_workers(r->store->connections);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/rand.h"
#include "repo/format/poly.h"
#include "repo/key.h"
#include "repo/repo_internal.h"

static const struct store_name config_name = {.type = STORE_CONFIG};

static enum rc
config_store(struct ctx *cx, struct store *s, const struct config *c, const struct seal_key *key,
             struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONFIG_MAX);
    uint8_t sealed[1024];
    struct sealer *sealer = NULL;

    if (config_encode(c, &text, e) || sealer_new(key, &sealer, e))
        return e->code;
    BUG_ON(text.n + SEAL_OVERHEAD > sizeof(sealed));
    seal(sealer, text.p, text.n, sealed);
    sealer_free(sealer);
    return store_put_all(cx, s, &config_name, str_of(sealed, text.n + SEAL_OVERHEAD), e);
}

enum rc
repo_init(struct ctx *cx, struct store *s, struct str password, const struct repo_init_opts *opts,
          struct id *repo_id, struct err *e)
{
    struct config c = {.version = opts != NULL && opts->version != 0 ? opts->version : 2};
    struct seal_key key;
    struct id key_id;
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
    rand_bytes(&key, sizeof(key));
    rand_bytes(&c.id, sizeof(c.id));
    c.polynomial = poly_random();
    rc = s->ops->create(cx, s, e);
    if (rc == RC_OK)
        rc = key_store(cx, s, password, &key, opts != NULL && opts->fast_kdf, &key_id, e);
    if (rc == RC_OK)
        rc = config_store(cx, s, &c, &key, e);
    mem_wipe(&key, sizeof(key));
    if (rc)
        return err_wrap(e, "could not make a repository at %s", s->place);
    *repo_id = c.id;
    return RC_OK;
}

/* Read config with the key that was found. */
static enum rc
open_config(struct ctx *cx, struct repo *r, struct err *e)
{
    CLEANUP(buf_release) struct buf raw = BUF_INIT(CONFIG_MAX);

    if (store_get_all(cx, r->store, &config_name, &raw, e))
        return e->code;
    if (seal_open(r->sealer, raw.p, raw.n, raw.p + SEAL_IV, e) ||
        config_decode(str_of(raw.p + SEAL_IV, raw.n - SEAL_OVERHEAD), &r->config, e))
        return err_wrap(e, "could not read config");
    return RC_OK;
}

enum rc
repo_open(struct ctx *cx, struct store *s, struct str password, struct repo **out, struct err *e)
{
    struct repo *r = MEM_NEW(struct repo);
    uint64_t bytes = 0;

    r->store = s;
    (void)pthread_mutex_init(&r->work, NULL);
    lock_setup(r);
    if (s->ops->stat(cx, s, &config_name, &bytes, e)) {
        if (e->code == RC_NOT_FOUND) {
            (void)err_set(e, RC_NO_REPOSITORY, "there is no repository at %s", s->place);
            (void)err_hint(e, "make one with `cstash init`");
        }
        goto fail;
    }
    if (key_search(cx, s, password, &r->key, &r->key_id, e) || sealer_new(&r->key, &r->sealer, e) ||
        open_config(cx, r, e)) {
        (void)err_wrap(e, "could not open the repository at %s", s->place);
        goto fail;
    }
    r->zstd = zstd_enc_new(ZSTD_FAST);
    *out = r;
    return RC_OK;
fail:
    repo_close(r);
    return e->code;
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
    mem_free(r);
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

struct store *
repo_store(const struct repo *r)
{
    return r->store;
}

struct index_load {
    struct repo *repo;
    struct index *index;
};

static enum rc
add_pack(void *arg, const struct index_pack *pack, struct err *e)
{
    struct index_load *l = arg;

    return index_add(l->index, pack, e);
}

static enum rc
read_index(void *arg, struct rd *rd, struct err *e)
{
    struct index_load *l = arg;

    return index_decode(rd, l->repo->config.version, add_pack, l, e);
}

enum rc
repo_load_index(struct ctx *cx, struct repo *r, struct err *e)
{
    struct index_load l = {.repo = r, .index = index_new()};
    struct id_list files = {.n = 0};
    enum rc rc = id_list_load(cx, r, STORE_INDEX, &files, e);

    for (size_t i = 0; rc == RC_OK && i < files.n; i++) {
        struct store_name name = {.type = STORE_INDEX, .id = files.ids[i]};
        rc = unpacked_read(cx, r, &name, (struct unpacked_max){INDEX_FILE_MAX, INDEX_TEXT_MAX},
                           read_index, &l, e);
    }
    id_list_release(&files);
    if (rc) {
        index_free(l.index);
        return rc;
    }
    index_sort(l.index);
    index_free(r->index);
    r->index = l.index;
    r->index_is_fresh = true;
    return RC_OK;
}

enum rc
repo_need_index(struct ctx *cx, struct repo *r, struct err *e)
{
    return r->index_is_fresh ? RC_OK : repo_load_index(cx, r, e);
}

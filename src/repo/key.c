/* SPDX-License-Identifier: Apache-2.0 */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/key.h"
#include "repo/repo_internal.h"

enum {
    KEYS_TRIED_MAX = 20, /* restic gives up after as many */
    KEYS_SEEN_MAX = 10000
};

void
whoami(char host[static LOCK_NAME_MAX], char user[static LOCK_NAME_MAX])
{
    struct passwd entry, *found = NULL;
    char room[4096];

    host[0] = user[0] = '\0';
    if (gethostname(host, LOCK_NAME_MAX - 1) != 0)
        host[0] = '\0';
    host[LOCK_NAME_MAX - 1] = '\0';
    if (getpwuid_r(geteuid(), &entry, room, sizeof(room), &found) == 0 && found != NULL)
        (void)snprintf(user, LOCK_NAME_MAX, "%s", entry.pw_name);
}

/* *junk: the store gave it whole, and it is not a key. */
static enum rc
key_read(struct ctx *cx, struct store *s, const struct id *id, struct key_file *out, bool *junk,
         struct err *e)
{
    CLEANUP(buf_release) struct buf raw = BUF_INIT(KEY_FILE_MAX);
    struct store_name name = {.type = STORE_KEY, .id = *id};
    char text[STORE_NAME_TEXT];
    enum rc rc = store_get_all(cx, s, &name, &raw, e);

    *junk = rc == RC_OK || rc == RC_CORRUPT;
    if (rc != RC_OK)
        return rc;
    if (key_file_decode(buf_str(&raw), out, e))
        return err_wrap(e, "could not read %s", store_name_text(&name, text));
    *junk = false;
    return RC_OK;
}

enum rc
key_load(struct ctx *cx, struct store *s, const struct id *id, struct key_file *out, struct err *e)
{
    bool junk;

    return key_read(cx, s, id, out, &junk, e);
}

/* Read it back and open it: a key that does not open would lock everybody out. */
static enum rc
key_prove(struct ctx *cx, struct store *s, struct str password, const struct id *id,
          const struct seal_key *master, struct err *e)
{
    struct key_file *k = MEM_NEW(struct key_file);
    struct seal_key got;
    enum rc rc = key_load(cx, s, id, k, e);

    if (rc == RC_OK)
        rc = key_file_open(k, password, &got, e);
    if (rc == RC_OK && memcmp(&got, master, sizeof(got)) != 0)
        rc = err_set(e, RC_INTERNAL, "the new key does not hold the master key");
    mem_wipe(&got, sizeof(got));
    mem_free(k);
    return rc;
}

enum rc
key_store(struct ctx *cx, struct store *s, struct str password, const struct seal_key *master,
          const struct repo_init_opts *opts, struct id *id, struct err *e)
{
    static const struct repo_init_opts none = {.version = 0};
    const struct repo_init_opts *o = opts != NULL ? opts : &none;
    CLEANUP(buf_release) struct buf text = BUF_INIT(KEY_FILE_MAX);
    struct key_file *k = MEM_NEW(struct key_file);
    struct store_name name = {.type = STORE_KEY};
    struct err why = ERR_INIT;

    k->created = instant_now();
    k->params = o->fast_kdf ? (struct scrypt_params){2, 8, 1} : (struct scrypt_params){32768, 8, 4};
    whoami(k->hostname, k->username);
    if (o->key_user != NULL)
        (void)snprintf(k->username, sizeof(k->username), "%s", o->key_user);
    if (o->key_host != NULL)
        (void)snprintf(k->hostname, sizeof(k->hostname), "%s", o->key_host);
    if (key_file_seal(k, password, master, e) || key_file_encode(k, &text, e)) {
        mem_free(k);
        return err_code(e);
    }
    mem_free(k);
    sha256_of(buf_str(&text), &name.id);
    if (store_put_all(cx, s, &name, buf_str(&text), e))
        return err_wrap(e, "could not store the key");
    if (key_prove(cx, s, password, &name.id, master, &why)) {
        if (s->ops->del(cx, s, &name, e))
            (void)err_wrap(e, "could not remove the new key, which does not open");
        *e = why;
        return err_wrap(e, "could not open the new key");
    }
    *id = name.id;
    return RC_OK;
}

struct found_keys {
    struct id *ids;
    size_t n, all;
};

/* What a search tries, and may still do. */
struct key_try {
    struct str password;
    uint64_t work; /* of scrypt */
    unsigned keys;
};

static enum rc
add_key(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct found_keys *f = arg;

    (void)bytes;
    (void)e;
    f->all++;
    if (f->n == KEYS_SEEN_MAX)
        return RC_OK;
    f->ids = mem_more(f->ids, f->n, sizeof(*f->ids));
    f->ids[f->n++] = *id;
    return RC_OK;
}

static enum rc
must_fit(const struct seal_key *master, struct str config, struct err *e)
{
    CLEANUP(mem_free_ptr) uint8_t *plain = mem_alloc(config.n + 1);
    struct sealer *s = NULL;
    enum rc rc = sealer_new(master, &s, e);

    if (rc != RC_OK)
        return rc;
    rc = seal_open(s, config.p, config.n, plain, e);
    sealer_free(s);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not read config");
}

static enum rc
try_key(struct ctx *cx, struct store *s, const struct id *id, struct key_try *left,
        struct seal_key *master, bool *junk, struct err *e)
{
    struct key_file *k = MEM_NEW(struct key_file);
    enum rc rc = key_read(cx, s, id, k, junk, e);

    *junk = *junk || (rc == RC_OK && scrypt_work(k->params) > left->work);
    if (rc == RC_OK && *junk)
        rc = err_set(e, RC_LIMIT, "the keys together ask for too much work");
    if (rc == RC_OK) {
        left->work -= scrypt_work(k->params);
        left->keys--;
        rc = key_file_open(k, left->password, master, e);
    }
    mem_wipe(k, sizeof(*k));
    mem_free(k);
    return rc;
}

enum rc
key_search(struct ctx *cx, struct store *s, struct str password, struct str config,
           struct seal_key *master, struct id *id, struct err *e)
{
    struct found_keys found = {.n = 0};
    struct err first = ERR_INIT, spoilt = ERR_INIT;
    struct key_try left = {.password = password, .work = KEYS_WORK_MAX, .keys = KEYS_TRIED_MAX};
    enum rc rc = s->ops->list(cx, s, STORE_KEY, add_key, &found, e);
    bool opened = false;
    size_t junk = 0;

    for (size_t i = 0; rc == RC_OK && !opened && left.keys > 0 && i < found.n; i++) {
        struct err why = ERR_INIT;
        bool bad;
        enum rc got = try_key(cx, s, &found.ids[i], &left, master, &bad, &why);

        if (got == RC_OK && config.n != 0)
            got = must_fit(master, config, &why);
        opened = got == RC_OK;
        if (opened)
            *id = found.ids[i];
        else
            mem_wipe(master, sizeof(*master));
        if (bad) {
            if (found.n > 1)
                log_warn("%s", why.msg);
            if (junk++ == 0)
                spoilt = why;
        } else if (first.code == RC_OK && !opened && got != RC_WRONG_PASSWORD &&
                   got != RC_NOT_FOUND) {
            first = why;
        }
    }
    mem_free(found.ids);
    if (rc != RC_OK || opened)
        return rc;
    if (first.code == RC_OK && junk > 0 && junk == found.n)
        first = spoilt; /* no password was tried */
    if (first.code != RC_OK) {
        *e = first;
        return err_code(e);
    }
    if (found.all == 0)
        return err_set(e, RC_NOT_FOUND, "the repository has no keys");
    if (junk > 0)
        return err_set(e, RC_WRONG_PASSWORD,
                       "wrong password: it opens no key, and %zu of %zu cannot be used", junk,
                       found.all);
    if (left.keys == 0 || found.all > found.n)
        return err_set(e, RC_WRONG_PASSWORD,
                       "wrong password: it opens none of the first %u of %zu keys",
                       KEYS_TRIED_MAX - left.keys, found.all);
    return err_set(e, RC_WRONG_PASSWORD, "wrong password");
}

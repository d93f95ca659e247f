/* SPDX-License-Identifier: Apache-2.0 */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/key.h"
#include "repo/repo_internal.h"

/* restic gives up after as many. */
enum { KEYS_TRIED_MAX = 20 };

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

enum rc
key_load(struct ctx *cx, struct store *s, const struct id *id, struct key_file *out, struct err *e)
{
    CLEANUP(buf_release) struct buf raw = BUF_INIT(KEY_FILE_MAX);
    struct store_name name = {.type = STORE_KEY, .id = *id};
    char text[STORE_NAME_TEXT];
    struct id got;

    if (store_get_all(cx, s, &name, &raw, e))
        return e->code;
    sha256_of(buf_str(&raw), &got);
    if (!id_eq(&got, id))
        return err_set(e, RC_CORRUPT,
                       "could not read %s: its content does not have the hash that is its name",
                       store_name_text(&name, text));
    if (key_file_decode(buf_str(&raw), out, e))
        return err_wrap(e, "could not read %s", store_name_text(&name, text));
    return RC_OK;
}

/* Read it back and open it: a key that does not open would lock everybody out. */
static enum rc
prove(struct ctx *cx, struct store *s, struct str password, const struct id *id,
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
          bool fast, struct id *id, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(KEY_FILE_MAX);
    struct key_file *k = MEM_NEW(struct key_file);
    struct store_name name = {.type = STORE_KEY};
    struct err why = ERR_INIT;

    k->created = instant_now();
    k->params = fast ? (struct scrypt_params){2, 8, 1} : (struct scrypt_params){32768, 8, 4};
    whoami(k->hostname, k->username);
    if (key_file_seal(k, password, master, e) || key_file_encode(k, &text, e)) {
        mem_free(k);
        return e->code;
    }
    mem_free(k);
    sha256_of(buf_str(&text), &name.id);
    if (store_put_all(cx, s, &name, buf_str(&text), e))
        return err_wrap(e, "could not store the key");
    if (prove(cx, s, password, &name.id, master, &why)) {
        if (s->ops->del(cx, s, &name, e))
            (void)err_wrap(e, "could not remove the new key, which does not open");
        *e = why;
        return err_wrap(e, "could not open the new key");
    }
    *id = name.id;
    return RC_OK;
}

struct found_keys {
    struct id ids[KEYS_TRIED_MAX];
    size_t n, all;
};

static enum rc
add_key(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct found_keys *f = arg;

    (void)bytes;
    (void)e;
    if (f->n < KEYS_TRIED_MAX)
        f->ids[f->n++] = *id;
    f->all++;
    return RC_OK;
}

enum rc
key_search(struct ctx *cx, struct store *s, struct str password, struct seal_key *master,
           struct id *id, struct err *e)
{
    struct key_file *k = MEM_NEW(struct key_file);
    struct found_keys found = {.n = 0};
    enum rc rc = s->ops->list(cx, s, STORE_KEY, add_key, &found, e);
    bool opened = false;

    for (size_t i = 0; rc == RC_OK && !opened && i < found.n; i++) {
        rc = key_load(cx, s, &found.ids[i], k, e);
        if (rc == RC_NOT_FOUND) { /* removed just now */
            rc = RC_OK;
            continue;
        }
        if (rc == RC_OK)
            rc = key_file_open(k, password, master, e);
        opened = rc == RC_OK;
        if (rc == RC_WRONG_PASSWORD)
            rc = RC_OK;
        else if (opened)
            *id = found.ids[i];
    }
    mem_wipe(k, sizeof(*k));
    mem_free(k);
    if (rc || opened)
        return rc;
    if (found.all == 0)
        return err_set(e, RC_CORRUPT, "the repository has no keys");
    if (found.all > found.n)
        return err_set(e, RC_WRONG_PASSWORD, "the password opens none of the first %d of %zu keys",
                       KEYS_TRIED_MAX, found.all);
    return err_set(e, RC_WRONG_PASSWORD, "the password opens none of the keys");
}

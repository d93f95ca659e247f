/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "repo/key.h"
#include "repo/keys.h"
#include "repo/lookup.h"

enum rc
keys_list(struct ctx *cx, struct repo *r, struct key_info **out, size_t *n, size_t *unread,
          struct err *e)
{
    struct key_file *k = MEM_NEW(struct key_file);
    struct id_list files = {.n = 0};
    struct key_info *list;
    size_t have = 0;
    enum rc rc = id_list_load(cx, r, STORE_KEY, &files, e);

    *unread = 0;
    list = mem_zero(files.n, sizeof(*list));
    for (size_t i = 0; rc == RC_OK && i < files.n; i++) {
        struct err why = ERR_INIT;
        rc = key_load(cx, r->store, &files.ids[i], k, &why);
        if (rc == RC_CORRUPT) {
            log_warn("%s", why.msg);
            ++*unread;
            rc = RC_OK;
            continue;
        }
        if (rc) {
            *e = why;
            break;
        }
        list[have++] = (struct key_info){.id = files.ids[i],
                                         .created = k->created,
                                         .username = mem_strdup(k->username),
                                         .hostname = mem_strdup(k->hostname),
                                         .current = id_eq(&files.ids[i], &r->key_id)};
    }
    id_list_release(&files);
    mem_free(k);
    if (rc) {
        keys_free(list, have);
        return rc;
    }
    *out = list;
    *n = have;
    return RC_OK;
}

void
keys_free(struct key_info *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mem_free(list[i].username);
        mem_free(list[i].hostname);
    }
    mem_free(list);
}

enum rc
keys_add(struct ctx *cx, struct repo *r, struct str password, const struct repo_init_opts *opts,
         struct id *id, struct err *e)
{
    if (password.n == 0)
        return err_set(e, RC_INVALID, "an empty password protects nothing");
    return key_store(cx, r->store, password, &r->key, opts, id, e);
}

enum rc
keys_remove(struct ctx *cx, struct repo *r, const char *spec, struct err *e)
{
    struct store_name name = {.type = STORE_KEY};

    if (lookup_file(cx, r, STORE_KEY, spec, &name.id, e))
        return err_code(e);
    if (id_eq(&name.id, &r->key_id))
        return err_set(e, RC_INVALID, "the key \"%s\" is the one in use", spec);
    return repo_remove(cx, r, STORE_KEY, &name.id, 1, NULL, e);
}

enum rc
keys_passwd(struct ctx *cx, struct repo *r, struct str password, const struct repo_init_opts *opts,
            struct id *id, struct err *e)
{
    struct id old = r->key_id, fresh;

    if (keys_add(cx, r, password, opts, &fresh, e))
        return err_code(e);
    r->key_id = fresh;
    *id = fresh;
    if (repo_remove(cx, r, STORE_KEY, &old, 1, NULL, e))
        return err_wrap(e, "the new password works, but the old key could not be removed");
    return RC_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/sha256.h"
#include "store/store.h"

const char *
store_env(const struct store_opts *o, const char *name)
{
    const char *v = o->env != NULL ? o->env(o->env_arg, name) : getenv(name);

    return v == NULL || v[0] == '\0' ? NULL : v;
}

void
store_env_copy(const struct store_opts *o, const char *const *names, size_t n, char **out)
{
    for (size_t i = 0; i < n; i++) {
        const char *v = store_env(o, names[i]);
        out[i] = v == NULL ? NULL : mem_strdup(v);
    }
}

void
store_env_free(char **values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        secret_free_text(values[i]);
}

const char *
store_option(const struct store_opts *o, const char *name)
{
    size_t n = strlen(name);

    for (const char *const *at = o->options; at != NULL && *at != NULL; at++)
        if (strncmp(*at, name, n) == 0 && (*at)[n] == '=')
            return *at + n + 1;
    return NULL;
}

void
store_release(struct store *s)
{
    if (s != NULL)
        s->ops->release(s);
}

enum rc
store_put_all(struct ctx *cx, struct store *s, const struct store_name *name, struct str bytes,
              struct err *e)
{
    struct store_put *put = NULL;

    if (s->ops->put_begin(cx, s, name->type, &put, e))
        return err_code(e);
    if (s->ops->put_write(cx, put, bytes.p, bytes.n, e)) {
        s->ops->put_abort(put);
        return err_code(e);
    }
    return s->ops->put_commit(cx, put, &name->id, e);
}

bool
store_reserve_keep(struct ctx *cx, struct store *s, uint64_t *left)
{
    struct err e = ERR_INIT; /* there is no room for it now: another time */

    *left = UINT64_MAX;
    if (s->ops->reserve == NULL || s->ops->reserve->keep(cx, s, left, &e) == RC_OK)
        return true;
    log_debug("no room was set aside in %s: %s", s->place, e.msg);
    return false;
}

enum rc
store_reserve_put(struct ctx *cx, struct store *s, const struct store_name *name, struct str bytes,
                  struct err *e)
{
    if (s->ops->reserve == NULL)
        return err_set(e, RC_FULL, "%s is full", s->place);
    return s->ops->reserve->put(cx, s, name, bytes, e);
}

enum rc
store_too_large(const struct store_name *name, uint64_t bytes, struct err *e)
{
    char text[STORE_NAME_TEXT];

    return err_set(e, RC_LIMIT, "%s has %llu bytes, more than are allowed here",
                   store_name_text(name, text), (unsigned long long)bytes);
}

enum rc
store_check_hash(const struct store_name *name, struct str bytes, struct err *e)
{
    struct id got;

    if (name->type == STORE_CONFIG)
        return RC_OK;
    sha256_of(bytes, &got);
    if (id_eq(&got, &name->id))
        return RC_OK;
    return bytes.n == 0
               ? err_set(e, RC_CORRUPT, "it is damaged: it is empty")
               : err_set(e, RC_CORRUPT, "its content does not have the hash that is its name");
}

static enum rc
store_get_whole(struct ctx *cx, struct store *s, const struct store_name *name, struct buf *out,
                struct err *e)
{
    uint64_t bytes = 0;

    if (s->ops->stat(cx, s, name, &bytes, e))
        return err_code(e);
    if (bytes > SIZE_MAX || buf_reserve(out, (size_t)bytes, e))
        return store_too_large(name, bytes, e);
    if (bytes != 0 && s->ops->get(cx, s, name, 0, out->p + out->n, (size_t)bytes, e)) {
        if (e->code == RC_CORRUPT) /* less than the store said: nothing is known of the content */
            e->code = RC_IO;
        return err_code(e);
    }
    out->n += (size_t)bytes;
    return RC_OK;
}

enum rc
store_get_all(struct ctx *cx, struct store *s, const struct store_name *name, struct buf *out,
              struct err *e)
{
    bool whole = s->ops->get_all != NULL;
    char text[STORE_NAME_TEXT];
    size_t before = out->n;

    if ((whole ? s->ops->get_all : store_get_whole)(cx, s, name, out, e))
        return err_code(e);
    if (whole && s->remote) /* it has compared already, and read again where it differed */
        return RC_OK;
    return store_check_hash(name, buf_from(out, before), e)
               ? err_wrap(e, "could not read %s", store_name_text(name, text))
               : RC_OK;
}

const char *
store_name_text(const struct store_name *name, char to[static STORE_NAME_TEXT])
{
    static const char *const folders[] = {
        [STORE_CONFIG] = "config", [STORE_KEY] = "keys",   [STORE_SNAPSHOT] = "snapshots",
        [STORE_INDEX] = "index",   [STORE_LOCK] = "locks", [STORE_PACK] = "data"};
    char hex[ID_TEXT];

    (void)id_hex(&name->id, hex);
    if (name->type == STORE_CONFIG)
        (void)snprintf(to, STORE_NAME_TEXT, "config");
    else if (name->type == STORE_PACK)
        (void)snprintf(to, STORE_NAME_TEXT, "data/%.2s/%s", hex, hex);
    else
        (void)snprintf(to, STORE_NAME_TEXT, "%s/%s", folders[name->type], hex);
    return to;
}

enum rc
store_age(struct ctx *cx, struct store *s, const struct store_name *name, struct store_age *age,
          struct err *e)
{
    if (s->ops->age == NULL)
        return err_set(e, RC_UNSUPPORTED, "%s does not tell when a file was written", s->place);
    return s->ops->age(cx, s, name, age, e);
}

enum rc
store_walk(struct ctx *cx, struct store *s, store_walk_fn *fn, void *arg, int64_t *now,
           struct err *e)
{
    if (s->ops->walk == NULL)
        return err_set(e, RC_UNSUPPORTED, "%s does not tell what else lies below it", s->place);
    return s->ops->walk(cx, s, fn, arg, now, e);
}

uint64_t
store_list_max(enum store_type type)
{
    static const uint64_t most[] = {
        [STORE_CONFIG] = 1,      [STORE_KEY] = 1000,   [STORE_SNAPSHOT] = 2000000,
        [STORE_INDEX] = 2000000, [STORE_LOCK] = 10000, [STORE_PACK] = 1U << 28};
    return most[type];
}

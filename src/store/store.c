/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/sha256.h"
#include "store/azure.h"
#include "store/b2.h"
#include "store/gcs.h"
#include "store/local.h"
#include "store/rest.h"
#include "store/s3.h"
#include "store/swift.h"

typedef enum rc open_fn(const char *address, const struct store_opts *o, struct store **out,
                        struct err *e);

static enum rc
open_local(const char *address, const struct store_opts *o, struct store **out, struct err *e)
{
    (void)o;
    if (address[0] == '\0')
        return err_set(e, RC_INVALID, "the address of the repository is empty");
    *out = store_local_new(address);
    return RC_OK;
}

/* A scheme without a function is restic's, but not known here. */
static const struct scheme {
    const char *name;
    open_fn *open;
} schemes[] = {{"local:", open_local},
               {"s3:", store_s3_open},
               {"rest:", store_rest_open},
               {"sftp:", NULL},
               {"gs:", store_gcs_open},
               {"azure:", store_azure_open},
               {"b2:", store_b2_open},
               {"swift:", store_swift_open},
               {"rclone:", NULL},
               {"http:", NULL},
               {"https:", NULL}};

/* "NAME.connections" of the options, where the caller gives no number. */
static enum rc
set_connections(const char *scheme, struct store_opts *o, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *name = mem_printf("%.*s.connections", (int)strcspn(scheme, ":"), scheme);
    const char *text = store_option(o, name);
    uint64_t n;

    if (text == NULL)
        return RC_OK;
    if (!str_to_u64(str_c(text), &n) || n < 1 || n > STORE_CONNECTIONS_MAX)
        return err_set(e, RC_INVALID, "the option %s=%.40s is not a number from 1 to %d", name,
                       text, STORE_CONNECTIONS_MAX);
    o->connections = (unsigned)n;
    return RC_OK;
}

enum rc
store_open(const char *url, const struct store_opts *opts, struct store **out, struct err *e)
{
    struct store_opts o = opts != NULL ? *opts : (struct store_opts){.connections = 0};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        const struct scheme *s = &schemes[i];
        if (strncmp(url, s->name, strlen(s->name)) != 0)
            continue;
        if (s->open == NULL) {
            (void)err_set(e, RC_UNSUPPORTED, "repositories at \"%s...\" are not known here",
                          s->name);
            return err_hint(
                e,
                "use a path, local:PATH, s3:HOST/BUCKET/PREFIX, gs:BUCKET:/PREFIX, "
                "azure:CONTAINER:/PREFIX, swift:CONTAINER:/PREFIX, b2:BUCKET:/PREFIX or rest:URL");
        }
        if (set_connections(s->name, &o, e))
            return e->code;
        return s->open(url + strlen(s->name), &o, out, e);
    }
    return open_local(url, &o, out, e);
}

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
        return e->code;
    if (s->ops->put_write(cx, put, bytes.p, bytes.n, e)) {
        s->ops->put_abort(put);
        return e->code;
    }
    return s->ops->put_commit(cx, put, &name->id, e);
}

enum rc
store_prove(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t bytes,
            struct err *e)
{
    enum { FIRST_PAUSE_MS = 50 };
    int left = s->remote ? STORE_TRIES : 1, pause = FIRST_PAUSE_MS;
    char text[STORE_NAME_TEXT];
    struct err why = ERR_INIT;
    uint64_t got = 0;
    enum rc rc;

    while ((rc = s->ops->stat(cx, s, name, &got, &why)) == RC_NOT_FOUND && --left > 0) {
        if (ctx_sleep(cx, pause, e))
            return e->code;
        pause *= 2;
    }
    if (rc == RC_OK && got == bytes)
        return RC_OK;
    if (rc != RC_OK && rc != RC_NOT_FOUND) {
        *e = why;
        return err_wrap(e, "could not see whether %s was stored", store_name_text(name, text));
    }
    if (rc == RC_NOT_FOUND)
        (void)err_set(e, RC_IO, "%s said that it stored %s, but it is not there", s->place,
                      store_name_text(name, text));
    else
        (void)err_set(e, RC_CORRUPT,
                      "%s said that it stored %s, but has %" PRIu64 " of its %" PRIu64 " bytes",
                      s->place, store_name_text(name, text), got, bytes);
    return err_hint(e, "the store loses what it is given: look at its log and its disks, then run "
                       "`cstash check`");
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

/* What went over a network may have been damaged on the way. */
static bool
is_worth_another_read(const struct store *s, const struct store_name *name, struct str bytes)
{
    struct id got;

    if (!s->remote || name->type == STORE_CONFIG)
        return false;
    sha256_of(bytes, &got);
    return !id_eq(&got, &name->id);
}

enum rc
store_too_large(const struct store_name *name, uint64_t bytes, struct err *e)
{
    char text[STORE_NAME_TEXT];

    return err_set(e, RC_LIMIT, "%s has %llu bytes, more than are allowed here",
                   store_name_text(name, text), (unsigned long long)bytes);
}

enum rc
store_get_once(struct ctx *cx, struct store *s, const struct store_name *name, struct buf *out,
               struct err *e)
{
    uint64_t bytes = 0;

    if (s->ops->get_all != NULL)
        return s->ops->get_all(cx, s, name, out, e);
    if (s->ops->stat(cx, s, name, &bytes, e))
        return e->code;
    if (bytes > SIZE_MAX || buf_reserve(out, (size_t)bytes, e))
        return store_too_large(name, bytes, e);
    if (bytes != 0 && s->ops->get(cx, s, name, 0, out->p + out->n, (size_t)bytes, e))
        return e->code;
    out->n += (size_t)bytes;
    return RC_OK;
}

enum rc
store_get_all(struct ctx *cx, struct store *s, const struct store_name *name, struct buf *out,
              struct err *e)
{
    size_t before = out->n;

    for (int left = STORE_TRIES; left > 0; left--) {
        out->n = before;
        if (store_get_once(cx, s, name, out, e))
            return e->code;
        if (!is_worth_another_read(s, name, buf_from(out, before)))
            break;
    }
    return RC_OK;
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

uint64_t
store_list_max(enum store_type type)
{
    static const uint64_t most[] = {
        [STORE_CONFIG] = 1,      [STORE_KEY] = 1000,   [STORE_SNAPSHOT] = 2000000,
        [STORE_INDEX] = 2000000, [STORE_LOCK] = 10000, [STORE_PACK] = 1U << 28};
    return most[type];
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "store/local.h"
#include "store/store.h"

enum rc
store_open(const char *url, struct store **out, struct err *e)
{
    static const char *const others[] = {
        "sftp:", "rest:", "s3:", "gs:", "azure:", "b2:", "swift:", "rclone:", "http:", "https:"};
    const char *path = url;

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (strncmp(url, others[i], strlen(others[i])) == 0) {
            (void)err_set(e, RC_UNSUPPORTED, "repositories at \"%s...\" are not known here",
                          others[i]);
            return err_hint(e, "use a path, or local:PATH");
        }
    }
    if (strncmp(url, "local:", 6) == 0)
        path = url + 6;
    if (path[0] == '\0')
        return err_set(e, RC_INVALID, "the address of the repository is empty");
    *out = store_local_new(path);
    return RC_OK;
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
store_get_all(struct ctx *cx, struct store *s, const struct store_name *name, struct buf *out,
              struct err *e)
{
    uint64_t bytes = 0;
    char text[STORE_NAME_TEXT];

    if (s->ops->stat(cx, s, name, &bytes, e))
        return e->code;
    if (bytes > SIZE_MAX || buf_reserve(out, (size_t)bytes, e)) {
        (void)err_set(e, RC_LIMIT, "%s has %llu bytes, more than are allowed here",
                      store_name_text(name, text), (unsigned long long)bytes);
        return e->code;
    }
    if (bytes != 0 && s->ops->get(cx, s, name, 0, out->p + out->n, (size_t)bytes, e))
        return e->code;
    out->n += (size_t)bytes;
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

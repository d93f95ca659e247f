/* SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>

#include "repo/lookup.h"

enum { SHOWN_MAX = 80 };

bool
id_begins_with(const struct id *id, const char *spec)
{
    char hex[ID_TEXT];
    size_t n = strlen(spec);

    return n < ID_TEXT && strncasecmp(id_hex(id, hex), spec, n) == 0;
}

enum rc
id_check_prefix(const char *spec, struct err *e)
{
    size_t n = strlen(spec);
    char shown[SHOWN_MAX];

    if (n == 0 || n >= ID_TEXT || strspn(spec, "0123456789abcdefABCDEF") != n)
        return err_set(e, RC_INVALID, "\"%s\" is not an ID",
                       str_show(str_c(spec), shown, SHOWN_MAX));
    return RC_OK;
}

static enum rc
lookup_judge(const char *what, const char *spec, size_t found, struct err *e)
{
    if (found == 0)
        return err_set(e, RC_NOT_FOUND, "there is no %s \"%s\"", what, spec);
    if (found > 1)
        return err_set(e, RC_INVALID, "%zu %ss begin with \"%s\"", found, what, spec);
    return RC_OK;
}

enum rc
lookup_file(struct ctx *cx, struct repo *r, enum store_type type, const char *spec, struct id *out,
            struct err *e)
{
    static const char *const words[] = {
        [STORE_CONFIG] = "config",    [STORE_KEY] = "key",   [STORE_SNAPSHOT] = "snapshot",
        [STORE_INDEX] = "index file", [STORE_LOCK] = "lock", [STORE_PACK] = "pack"};
    struct id_list files = {.n = 0};
    size_t found = 0, at = 0;
    enum rc rc;

    if (id_check_prefix(spec, e) || id_list_load(cx, r, type, &files, e))
        return err_code(e);
    for (size_t i = 0; i < files.n; i++)
        if (id_begins_with(&files.ids[i], spec)) {
            at = i;
            found++;
        }
    rc = lookup_judge(words[type], spec, found, e);
    if (rc == RC_OK)
        *out = files.ids[at];
    id_list_release(&files);
    return rc;
}

enum rc
lookup_blob(struct repo *r, const char *spec, enum blob_type *type, struct id *out, struct err *e)
{
    struct pack_entry b, match = {.offset = 0};
    size_t found = 0;

    if (id_check_prefix(spec, e))
        return err_code(e);
    for (size_t i = 0; i < index_blobs(r->index); i++) {
        (void)index_at(r->index, i, &b);
        if (!id_begins_with(&b.id, spec) || (found > 0 && id_eq(&b.id, &match.id)))
            continue; /* copies follow each other */
        match = b;
        found++;
    }
    if (lookup_judge("blob", spec, found, e))
        return err_code(e);
    *type = match.type;
    *out = match.id;
    return RC_OK;
}

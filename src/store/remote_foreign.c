/* SPDX-License-Identifier: Apache-2.0 */
/* What there is in a bucket beside a repository. */
#include "base/mem.h"
#include "store/remote_internal.h"

enum { PAGES_MAX = 1000 /* of what is ours, before something else */ };

/* The objects that some tools make of folders: "keys/", "data/3f/". */
static bool
is_folder(struct str name, const char *known)
{
    size_t n = strcspn(known, "/") + 1;

    return name.n >= n && memcmp(name.p, known, n) == 0 && name.p[name.n - 1] == '/';
}

/* "config", "keys/3f..", "data/3f/3f..", and their folders. */
static bool
is_ours(struct str name)
{
    static const enum store_type types[] = {STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK,
                                            STORE_PACK};
    struct store_name known = {.type = STORE_CONFIG};
    char text[STORE_NAME_TEXT];
    bool has_id = id_from_hex(remote_last_part(name), &known.id);

    if (str_eq(name, str_c(store_name_text(&known, text))))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        known.type = types[i];
        (void)store_name_text(&known, text);
        if ((has_id && str_eq(name, str_c(text))) || is_folder(name, text))
            return true;
    }
    return false;
}

static enum rc
remote_foreign_look(void *arg, const struct remote_entry *o, struct err *e)
{
    char **first = (char **)arg;

    if (is_ours(o->name))
        return RC_OK;
    *first = mem_strndup((const char *)o->name.p, o->name.n);
    return err_set(e, RC_CONFLICT, "one is enough");
}

enum rc
remote_foreign_object(struct ctx *cx, struct store *s, char **name, struct err *e)
{
    struct remote *f = CONTAINER_OF(s, struct remote, store);
    struct err mine = ERR_INIT;

    *name = NULL;
    if (!f->at_bucket_root)
        return RC_OK;
    if (!f->ops->lists_foreign)
        return err_set(e, RC_UNSUPPORTED, "%s does not tell what else it holds", s->place);
    if (remote_walk_pages(cx, f, remote_foreign_look, name, PAGES_MAX, NULL, &mine) == RC_OK ||
        mine.code == RC_NOT_FOUND || *name != NULL)
        return RC_OK;
    *e = mine;
    return err_code(e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/change.h"

#include "base/mem.h"
#include "base/rand.h"

static enum rc
check_room(size_t n, struct err *e)
{
    return n < CHANGES_MAX ? RC_OK : err_set(e, RC_USAGE, "more than %d of them", CHANGES_MAX);
}

enum rc
change_add_rename(struct renames *to, const char *text, struct err *e)
{
    const char *eq = strchr(text, '=');

    if (check_room(to->n, e))
        return err_code(e);
    if (eq == NULL || (eq == text && eq[1] == '\0'))
        return err_set(
            e, RC_USAGE,
            "\"%.80s\" must be OLD=NEW: the prefix of names, and what to put in its place", text);
    to->v[to->n].text = text;
    to->v[to->n].from = str_of((const uint8_t *)text, (size_t)(eq - text));
    to->v[to->n++].to = str_c(eq + 1);
    return RC_OK;
}

enum rc
change_add_db(struct db_map *to, const char *text, struct err *e)
{
    const char *eq = strchr(text, '=');
    uint64_t from, db;

    if (check_room(to->n, e))
        return err_code(e);
    if (eq == NULL || !str_to_u64(str_of((const uint8_t *)text, (size_t)(eq - text)), &from) ||
        !str_to_u64(str_c(eq + 1), &db) || from > INT32_MAX || db > INT32_MAX)
        return err_set(e, RC_USAGE, "\"%.40s\" must be OLD=NEW, two numbers of databases", text);
    for (size_t i = 0; i < to->n; i++)
        if (to->v[i].from == from)
            return err_set(e, RC_USAGE, "database %llu is to become two", (unsigned long long)from);
    to->v[to->n].from = from;
    to->v[to->n++].to = db;
    return RC_OK;
}

enum rc
change_add_mask(struct masks *to, const char *text, struct err *e)
{
    static const char *const hows[] = {
        [MASK_DROP] = "drop", [MASK_HASH] = "hash", [MASK_FIXED] = "fixed"};
    const char *eq = strrchr(text, '='), *arrow = NULL;
    enum mask_how how = MASK_NOT;
    size_t n = to->n;

    if (check_room(n, e))
        return err_code(e);
    for (unsigned i = MASK_DROP; eq != NULL && i < ARRAY_LEN(hows); i++)
        if (strcmp(eq + 1, hows[i]) == 0)
            how = (enum mask_how)i;
    if (how == MASK_NOT || eq == text)
        return err_set(
            e, RC_USAGE,
            "\"%.80s\" must be PATTERN=drop, =hash or =fixed; PATTERN may be KEYS->FIELDS", text);
    for (const char *p = text; (p = strstr(p, "->")) != NULL && p < eq; p += 2)
        arrow = p;
    if (arrow != NULL && how == MASK_DROP)
        return err_set(e, RC_USAGE,
                       "\"%.80s\": fields are masked by hash or fixed; drop leaves out whole keys",
                       text);
    if (n == 0)
        rand_bytes(to->secret, sizeof(to->secret));
    to->v[n].text = text;
    to->v[n].how = how;
    to->v[n].key = str_of((const uint8_t *)text, (size_t)((arrow != NULL ? arrow : eq) - text));
    to->v[n].field = arrow == NULL ? str_of(NULL, 0)
                                   : str_of((const uint8_t *)arrow + 2, (size_t)(eq - arrow - 2));
    to->n++;
    return RC_OK;
}

bool
change_is_none(const struct change *c)
{
    return c == NULL ||
           (c->rename.n == 0 && c->dbs.n == 0 && c->ttl == CHANGE_TTL_KEEP && c->masks.n == 0);
}

uint64_t
change_db(const struct change *c, uint64_t db)
{
    for (size_t i = 0; i < c->dbs.n; i++)
        if (c->dbs.v[i].from == db)
            return c->dbs.v[i].to;
    return db;
}

size_t
change_prefix(const struct change *c, struct str key)
{
    for (size_t i = 0; i < c->rename.n; i++)
        if (key.n >= c->rename.v[i].from.n &&
            (c->rename.v[i].from.n == 0 ||
             memcmp(key.p, c->rename.v[i].from.p, c->rename.v[i].from.n) == 0))
            return i;
    return c->rename.n;
}

size_t
change_mask(const struct change *c, struct str key)
{
    for (size_t i = 0; i < c->masks.n; i++)
        if (glob_match(c->masks.v[i].key, key))
            return i;
    return c->masks.n;
}

bool
change_masks_field(const struct change *c, size_t mask, struct str field)
{
    return c->masks.v[mask].field.p == NULL || glob_match(c->masks.v[mask].field, field);
}

/* Takes `more`. */
static void
add_text(char **all, char *more)
{
    char *before = *all;

    *all = before == NULL ? more : mem_printf("%s %s", before, more);
    if (before == NULL)
        return;
    mem_free(before);
    mem_free(more);
}

char *
change_text(const struct change *c)
{
    char *all = NULL;

    if (change_is_none(c))
        return NULL;
    for (size_t i = 0; i < c->rename.n; i++)
        add_text(&all, mem_printf("--rename-prefix '%s'", c->rename.v[i].text));
    for (size_t i = 0; i < c->dbs.n; i++)
        add_text(&all, mem_printf("--db-map %llu=%llu", (unsigned long long)c->dbs.v[i].from,
                                  (unsigned long long)c->dbs.v[i].to));
    if (c->ttl != CHANGE_TTL_KEEP)
        add_text(&all, mem_printf("--ttl %s", c->ttl == CHANGE_TTL_DROP ? "drop" : "shift"));
    for (size_t i = 0; i < c->masks.n; i++)
        add_text(&all, mem_printf("--mask '%s'", c->masks.v[i].text));
    return all;
}

struct filter
change_filter_after(const struct change *c, const struct filter *f)
{
    struct filter after = FILTER_ALL;

    for (uint32_t i = 0; i < f->dbs.n; i++)
        (void)db_set_add(&after.dbs, c != NULL ? change_db(c, f->dbs.v[i]) : f->dbs.v[i]);
    return after;
}

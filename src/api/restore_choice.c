/* SPDX-License-Identifier: Apache-2.0 */
#include "api/restore_choice.h"

#include "api/shared_internal.h"
#include "base/mem.h"

/* As dump/filter and dump/change have them. */
enum { CHOICE_ITEMS_MAX = 32, CHOICE_TEXT_MAX = 1024 };

static const char *const words_ttl[] = {"keep", "drop", "shift", NULL};
static const char *const words_how[] = {"drop", "hash", "fixed", NULL};
static const char *const words_type[] = {"string", "list",   "set",   "zset", "hash",
                                         "stream", "module", "array", NULL};

static const struct field fields_rename[] = {
    {.name = "from", .type = F_STR, .refused = "\"=\" in it", .doc = "What names begin with"},
    {.name = "to", .type = F_STR, .doc = "What they begin with instead"},
    {.name = NULL},
};
static const struct field fields_db_map[] = {
    {.name = "from", .type = F_INT32, .required = true, .doc = "Database of the snapshot"},
    {.name = "to", .type = F_INT32, .required = true, .doc = "Database of the target"},
    {.name = NULL},
};
static const struct field fields_mask[] = {
    {.name = "keys", .type = F_STR, .required = true, .doc = "Pattern of key names"},
    {.name = "fields",
     .type = F_STR,
     .doc = "Pattern of fields of hashes and streams; all values when empty"},
    {.name = "how", .type = F_STR, .required = true, .words = words_how, .doc = "What to do"},
    {.name = NULL},
};
#define CHOICE_LIST .max_items = CHOICE_ITEMS_MAX
const struct field fields_restore_choice[] = {
    {.name = "match",
     .type = F_STRS,
     CHOICE_LIST,
     .doc = "Only keys whose names match one of these"},
    {.name = "exclude",
     .type = F_STRS,
     CHOICE_LIST,
     .doc = "No keys whose names match one of these"},
    {.name = "types",
     .type = F_STRS,
     CHOICE_LIST,
     .refused = "other words than string, list, set, zset, hash, stream, module and array",
     .doc = "Only keys of these types"},
    {.name = "databases",
     .type = F_INT32S,
     CHOICE_LIST,
     .refused = "less than 0",
     .doc = "Only these databases of the snapshot"},
    {.name = "renamePrefix",
     .type = F_LIST,
     .of = fields_rename,
     CHOICE_LIST,
     .doc = "Other beginnings of names; the first that fits"},
    {.name = "dbMap", .type = F_LIST, .of = fields_db_map, CHOICE_LIST, .doc = "Other databases"},
    {.name = "ttl",
     .type = F_STR,
     .words = words_ttl,
     .doc = "Times to expire: as they were, none, or later by the age of the snapshot"},
    {.name = "mask",
     .type = F_LIST,
     .of = fields_mask,
     CHOICE_LIST,
     .doc = "Keys to leave out, and values to hide; the first that matches"},
    {.name = NULL},
};

struct choosing {
    const struct json *choice;
    const char *path;
    struct json *out;
};

static bool
is_word(const char *const *words, const char *word)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static void
choice_add(struct choosing *c, const char *option, const char *value)
{
    CLEANUP(mem_free_ptr) char *word = mem_printf("%s=%s", option, value);

    if (c->out == NULL)
        c->out = json_new_array();
    json_push_cstr(c->out, word);
}

static enum rc
choice_bad(const struct choosing *c, const char *field, size_t i, const char *what, struct err *e)
{
    return err_set(e, RC_INVALID, "%s.%s[%zu] %s", c->path, field, i, what);
}

/* A text that an option can have. */
static bool
is_value(const char *text)
{
    return text != NULL && strlen(text) <= CHOICE_TEXT_MAX;
}

static enum rc
choice_texts(struct choosing *c, const char *field, const char *option, const char *const *words,
             struct err *e)
{
    const struct json *list = json_field(c->choice, field);

    for (size_t i = 0; i < json_size(list); i++) {
        const char *text = json_text(json_elem(list, i));

        if (!is_value(text) || text[0] == '\0')
            return choice_bad(c, field, i, "must be a text of 1 to 1024 bytes", e);
        if (words != NULL && !is_word(words, text))
            return choice_bad(c, field, i,
                              "must be string, list, set, zset, hash, stream, module or array", e);
        choice_add(c, option, text);
    }
    return RC_OK;
}

static enum rc
choice_databases(struct choosing *c, struct err *e)
{
    const struct json *list = json_field(c->choice, "databases");

    for (size_t i = 0; i < json_size(list); i++) {
        int64_t n = json_int_or(json_elem(list, i), -1);
        char text[24];

        if (n < 0 || n > INT32_MAX)
            return choice_bad(c, "databases", i, "must be the number of a database", e);
        (void)snprintf(text, sizeof(text), "%lld", (long long)n);
        choice_add(c, "--db", text);
    }
    return RC_OK;
}

static enum rc
choice_renames(struct choosing *c, struct err *e)
{
    const struct json *list = json_field(c->choice, "renamePrefix");

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *one = json_elem(list, i);
        const char *from = json_text_or(json_field(one, "from"), ""),
                   *to = json_text_or(json_field(one, "to"), "");
        CLEANUP(mem_free_ptr) char *text = NULL;

        if (!is_value(from) || !is_value(to) || strchr(from, '=') != NULL)
            return choice_bad(c, "renamePrefix", i,
                              "must have prefixes of at most 1024 bytes, and no \"=\" in from", e);
        if (from[0] == '\0' && to[0] == '\0')
            return choice_bad(c, "renamePrefix", i, "must have from, or to, or both", e);
        text = mem_printf("%s=%s", from, to);
        choice_add(c, "--rename-prefix", text);
    }
    return RC_OK;
}

static enum rc
choice_db_map(struct choosing *c, struct err *e)
{
    const struct json *list = json_field(c->choice, "dbMap");

    for (size_t i = 0; i < json_size(list); i++) {
        int64_t from = json_int_or(json_dig(json_elem(list, i), "from"), -1),
                to = json_int_or(json_dig(json_elem(list, i), "to"), -1);
        CLEANUP(mem_free_ptr) char *text = NULL;

        if (from < 0 || from > INT32_MAX || to < 0 || to > INT32_MAX)
            return choice_bad(c, "dbMap", i, "must have two numbers of databases", e);
        for (size_t k = 0; k < i; k++)
            if (json_int_or(json_dig(json_elem(list, k), "from"), -1) == from)
                return choice_bad(c, "dbMap", i, "names a database that has become another one", e);
        text = mem_printf("%lld=%lld", (long long)from, (long long)to);
        choice_add(c, "--db-map", text);
    }
    return RC_OK;
}

static enum rc
choice_masks(struct choosing *c, struct err *e)
{
    const struct json *list = json_field(c->choice, "mask");

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *one = json_elem(list, i);
        const char *keys = json_text_or(json_field(one, "keys"), ""),
                   *fields = json_text_or(json_field(one, "fields"), ""),
                   *how = json_text_or(json_field(one, "how"), "");
        CLEANUP(mem_free_ptr) char *text = NULL;

        if (!is_value(keys) || !is_value(fields) || keys[0] == '\0' || strstr(keys, "->") != NULL ||
            strstr(fields, "->") != NULL)
            return choice_bad(c, "mask", i,
                              "must have keys, a pattern of at most 1024 bytes without \"->\"", e);
        if (!is_word(words_how, how))
            return choice_bad(c, "mask", i, "must have how: drop, hash or fixed", e);
        if (fields[0] != '\0' && strcmp(how, "drop") == 0)
            return choice_bad(c, "mask", i,
                              "hides fields by hash or fixed; drop leaves out whole keys", e);
        text = mem_printf("%s%s%s=%s", keys, fields[0] != '\0' ? "->" : "", fields, how);
        choice_add(c, "--mask", text);
    }
    return RC_OK;
}

static enum rc
choice_take(struct choosing *c, struct err *e)
{
    const char *ttl = json_text_or(json_field(c->choice, "ttl"), "");

    for (struct json_item it = json_first(c->choice); it.key != NULL; it = json_next(c->choice, it))
        if (json_size(it.value) > CHOICE_ITEMS_MAX)
            return err_set(e, RC_INVALID, "%s.%s has more than %d elements", c->path, it.key,
                           CHOICE_ITEMS_MAX);
    if (choice_texts(c, "match", "--match", NULL, e) ||
        choice_texts(c, "exclude", "--exclude", NULL, e) ||
        choice_texts(c, "types", "--type", words_type, e) || choice_databases(c, e) ||
        choice_renames(c, e) || choice_db_map(c, e) || choice_masks(c, e))
        return err_code(e);
    if (ttl[0] == '\0')
        return RC_OK;
    if (!is_word(words_ttl, ttl))
        return err_set(e, RC_INVALID, "%s.ttl must be keep, drop or shift", c->path);
    choice_add(c, "--ttl", ttl);
    return RC_OK;
}

enum rc
restore_choice_options(const struct json *choice, const char *path, struct json **out,
                       struct err *e)
{
    struct choosing c = {.choice = choice, .path = path};

    if (choice_take(&c, e)) {
        json_free(c.out);
        return err_code(e);
    }
    *out = c.out;
    return RC_OK;
}

char *
restore_choice_env(const struct json *choice)
{
    CLEANUP(json_free_ptr) struct json *list = NULL;
    CLEANUP(mem_free_ptr) char *text = NULL;
    struct buf safe = BUF_INIT(SIZE_MAX);
    struct err none = ERR_INIT;

    if (restore_choice_options(choice, "", &list, &none) || list == NULL)
        return NULL;
    text = json_to_text(list, false);
    for (const char *p = text; *p != '\0'; p++) /* a cluster would expand $(NAME), and $$ */
        if (*p == '$')
            buf_must_add(&safe, "\\u0024", 6);
        else
            buf_must_add(&safe, p, 1);
    buf_must_add(&safe, "", 1);
    return (char *)safe.p;
}

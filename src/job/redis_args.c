/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that people put into Task param "args": ours, and those of the tools that Stash calls (a
 * dump tool with Go's flags, redis-cli).
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "job/step_internal.h"

enum { WORDS_MAX = 64, CHOICE_WORDS_MAX = 512 };

/* Expiry times are always kept. */
static enum rc
redis_args_ttl(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    (void)to;
    return text != NULL && strcmp(text, "false") == 0
               ? err_set(e, RC_UNSUPPORTED, "expiry times are always kept")
               : RC_OK;
}

static enum rc
redis_args_output(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    (void)to;
    return text != NULL && strcmp(text, "resp") != 0
               ? err_set(e, RC_UNSUPPORTED, "a dump is always RESP")
               : RC_OK;
}

static const struct opt_type ttl_type = {
    .is_flag = true, .is_ignored = true, .parse = redis_args_ttl};
static const struct opt_type output_type = {
    .value = "resp", .is_ignored = true, .parse = redis_args_output};

static enum rc
redis_args_password(const struct opt *o, const char *text, void *to, struct err *e)
{
    size_t n = text != NULL ? strlen(text) : 0;

    (void)o;
    (void)e;
    if (n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n - 1] == text[0])
        log_warn("the password in \"args\" has quotes around it, which are taken as a part of it");
    memcpy(to, &text, sizeof(text));
    return RC_OK;
}

static const struct opt_type password_type = {
    .value = "PASSWORD", .may_be_quoted = true, .parse = redis_args_password};

static const struct opt opts_args[] = {
    {"user", 0, OPT_TEXT(struct redis_args, user), "NAME", "user of the server"},
    {"tls", 0, OPT_FLAG(struct redis_args, use_tls), NULL, "use TLS"},
    {.name = NULL},
};
/* How those tools read and write; there is one way here. */
static const struct opt opts_args_backup[] = {
    {"filter", 0, OPT_OWN(globs_type, struct redis_args, keys.match, struct globs, NULL), NULL,
     "as --match"},
    {"noscan", 0, OPT_IGNORED_FLAG, NULL, "accepted and ignored"},
    {"batchSize", 0, OPT_IGNORED, NULL, "accepted and ignored"},
    {"n", 0, OPT_IGNORED, NULL, "accepted and ignored"},
    {"ttl", 0, OPT_OWN(ttl_type, struct redis_args, use_tls, bool, NULL), NULL, "always true"},
    {"s", 0, OPT_IGNORED_FLAG, NULL, "accepted and ignored"},
    {"set-total-keys", 0, OPT_IGNORED_FLAG, NULL, "accepted and ignored"},
    {"output", 0, OPT_OWN(output_type, struct redis_args, text, char *, NULL), NULL, "always resp"},
    {.name = NULL},
};
static const struct opt opts_args_restore[] = {
    {"pass", 0, OPT_OWN(password_type, struct redis_args, password, const char *, NULL), NULL,
     "password of the server"},
    {"a", 0, OPT_OWN(password_type, struct redis_args, password, const char *, NULL), NULL,
     "as --pass"},
    {"target", 0, OPT_TEXT(struct redis_args, target), "NAME", "only snapshots of this target"},
    {"pipe-timeout", 0, OPT_MS(struct redis_args, pipe_timeout_ms, NULL), NULL,
     "longest silence of the server"},
    {"n", 0, OPT_IGNORED, NULL, "accepted and ignored"},
    {"pipe", 0, OPT_IGNORED_FLAG, NULL, "accepted and ignored"},
    {"no-auth-warning", 0, OPT_IGNORED_FLAG, NULL, "accepted and ignored"},
    {.name = NULL},
};

#define AT(field) offsetof(struct redis_args, field)
static const struct opt_group groups_backup[] = {
    {opts_keys, AT(keys)},
    {opts_args, 0},
    {opts_tls, AT(tls)},
    {opts_source, AT(source)},
    {opts_compression, AT(compression)},
    {opts_beside, AT(beside)},
    {opts_args_backup, 0},
    {.table = NULL},
};
static const struct opt_group groups_restore[] = {
    {opts_keys, AT(keys)},
    {opts_args, 0},
    {opts_tls, AT(tls)},
    {opts_load, AT(load)},
    {opts_beside_restore, AT(beside_restore)},
    {opts_args_restore, 0},
    {.table = NULL},
};
#undef AT

/* False: there are too many words. */
static bool
redis_args_split(char *text, char *words[static WORDS_MAX], int *n)
{
    for (*n = 0;;) {
        text += strspn(text, " \t\r\n");
        if (*text == '\0')
            return true;
        if (*n == WORDS_MAX)
            return false;
        words[(*n)++] = text;
        text += strcspn(text, " \t\r\n");
        if (*text != '\0')
            *text++ = '\0';
    }
}

enum rc
redis_args_parse(const char *text, enum redis_args_direction direction, struct redis_args *out,
                 struct err *e)
{
    const struct opts_syntax syntax = {
        .groups = direction == REDIS_ARGS_BACKUP ? groups_backup : groups_restore, .go = true};
    struct redis_args a = {.text = NULL};
    char *words[WORDS_MAX], *copy = mem_strdup(text);
    struct opt_list rest = {.n = 0};
    enum rc rc = RC_OK;
    int n;

    if (!redis_args_split(copy, words, &n))
        rc = err_set(e, RC_LIMIT, "more than %d words", WORDS_MAX);
    if (rc == RC_OK)
        rc = opts_parse(&syntax, n, words, &a, &rest, e);
    if (rc == RC_OK && rest.n > 0) /* perhaps the rest of a password with a blank: not shown */
        rc = err_set(e, RC_INVALID,
                     "an argument that belongs to no option: values cannot contain blanks");
    a.text = copy;
    if (rc != RC_OK) {
        redis_args_release(&a);
        e->code = rc == RC_USAGE || rc == RC_NOT_FOUND
                      ? RC_INVALID
                      : rc; /* it is not the command line that is wrong */
        return err_wrap(e, "the Task's param \"args\"");
    }
    if (a.password != NULL)
        log_warn("a password in \"args\" can be seen by whoever may read the Task; use the Secret "
                 "of the AppBinding");
    *out = a;
    return RC_OK;
}

/* What is given of `from`, in place of what there is. */
static void
take_choice(struct redis_args *to, const struct redis_args *from)
{
    const struct change *c = &from->load.change;

    if (from->keys.dbs.n != 0)
        to->keys.dbs = from->keys.dbs;
    if (from->keys.match.n != 0)
        to->keys.match = from->keys.match;
    if (from->keys.exclude.n != 0)
        to->keys.exclude = from->keys.exclude;
    if (from->keys.types != 0)
        to->keys.types = from->keys.types;
    if (c->rename.n != 0)
        to->load.change.rename = c->rename;
    if (c->dbs.n != 0)
        to->load.change.dbs = c->dbs;
    if (c->masks.n != 0)
        to->load.change.masks = c->masks;
}

enum rc
redis_args_choose(const struct json *list, struct redis_args *out, struct err *e)
{
    static const struct opt_group groups[] = {{opts_keys, offsetof(struct redis_args, keys)},
                                              {opts_load, offsetof(struct redis_args, load)},
                                              {.table = NULL}};
    const struct opts_syntax syntax = {.groups = groups};
    struct redis_args chosen = {.text = NULL};
    struct opt_list rest = {.n = 0};
    size_t n = json_size(list);
    char **words;
    bool ttl = false;
    enum rc rc;

    if (n == 0)
        return RC_OK;
    if (n > CHOICE_WORDS_MAX)
        return err_set(e, RC_LIMIT, "spec.cstash says too much");
    words = mem_zero(n, sizeof(*words)); /* NOLINT */
    for (size_t i = 0; i < n; i++) {
        words[i] = mem_strdup(json_text_or(json_elem(list, i), ""));
        ttl = ttl || strncmp(words[i], "--ttl=", 6) == 0;
    }
    rc = opts_parse(&syntax, (int)n, words, &chosen, &rest, e);
    if (rc == RC_OK)
        take_choice(out, &chosen);
    if (rc == RC_OK && ttl)
        out->load.change.ttl = chosen.load.change.ttl;
    out->choice = words;
    out->n_choice = n;
    if (rc == RC_OK)
        return RC_OK;
    e->code = rc == RC_USAGE ? RC_INVALID : rc;
    return err_wrap(e, "spec.cstash");
}

void
redis_args_release(struct redis_args *a)
{
    secret_free_text(a->text);
    for (size_t i = 0; i < a->n_choice; i++)
        mem_free(a->choice[i]);
    mem_free(a->choice);
    memset(a, 0, sizeof(*a));
}

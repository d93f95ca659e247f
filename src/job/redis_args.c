/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that people put into Task param "args": those of the tools that Stash calls (a dump
 * tool with Go's flags, redis-cli), and ours. One table for both directions.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "job/step_internal.h"

enum kind { TEXT, LIST, FLAG, NUMBER, SECONDS, IGNORED_TEXT, IGNORED_FLAG };

static const struct known {
    const char *name; /* one or two dashes in front */
    enum kind kind;
    int directions;
    size_t offset;
} table[] = {
#define AT(field) offsetof(struct redis_args, field)
    {"db", NUMBER, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, AT(db)},
    {"filter", TEXT, REDIS_ARGS_BACKUP, AT(match)},
    {"match", TEXT, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, AT(match)},
    {"user", TEXT, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, AT(user)},
    {"pass", TEXT, REDIS_ARGS_RESTORE, AT(password)},
    {"a", TEXT, REDIS_ARGS_RESTORE, AT(password)},
    {"tls", FLAG, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, AT(tls)},
    {"insecure", FLAG, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, AT(insecure)},
    {"cacert", TEXT, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, AT(cacert)},
    {"cert", TEXT, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, AT(cert)},
    {"key", TEXT, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, AT(key)},
    {"sni", TEXT, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, AT(sni)},
    {"source", TEXT, REDIS_ARGS_BACKUP, AT(source)},
    {"format", TEXT, REDIS_ARGS_BACKUP, AT(format)},
    {"compression", TEXT, REDIS_ARGS_BACKUP, AT(compression)},
    {"psync", TEXT, REDIS_ARGS_BACKUP, AT(psync)},
    {"existing", TEXT, REDIS_ARGS_RESTORE, AT(existing)},
    {"allow-command", LIST, REDIS_ARGS_RESTORE, AT(allow_commands)},
    {"target", TEXT, REDIS_ARGS_RESTORE, AT(target)},
    {"verify", FLAG, REDIS_ARGS_RESTORE, AT(verify)},
    {"dry-run", FLAG, REDIS_ARGS_RESTORE, AT(dry_run)},
    {"pipe-timeout", SECONDS, REDIS_ARGS_RESTORE, AT(pipe_timeout_ms)},
    /* How those tools read and write; there is one way here. */
    {"noscan", IGNORED_FLAG, REDIS_ARGS_BACKUP, 0},
    {"batchSize", IGNORED_TEXT, REDIS_ARGS_BACKUP, 0},
    {"n", IGNORED_TEXT, REDIS_ARGS_BACKUP | REDIS_ARGS_RESTORE, 0},
    {"ttl", IGNORED_FLAG, REDIS_ARGS_BACKUP, 0},
    {"s", IGNORED_FLAG, REDIS_ARGS_BACKUP, 0},
    {"set-total-keys", IGNORED_FLAG, REDIS_ARGS_BACKUP, 0},
    {"output", IGNORED_TEXT, REDIS_ARGS_BACKUP, 0},
    {"pipe", IGNORED_FLAG, REDIS_ARGS_RESTORE, 0},
    {"no-auth-warning", IGNORED_FLAG, REDIS_ARGS_RESTORE, 0},
};

static const struct known *
redis_args_find(const char *name, size_t n, int direction)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0 &&
            (table[i].directions & direction) != 0)
            return &table[i];
    return NULL;
}

static enum rc
redis_args_unknown(const char *word, int direction, struct err *e)
{
    char list[sizeof(e->hint)] = "known:";
    size_t n = strlen(list);

    for (size_t i = 0; i < ARRAY_LEN(table) && n < sizeof(list) - 4; i++)
        if ((table[i].directions & direction) != 0 && table[i].kind < IGNORED_TEXT)
            n += (size_t)snprintf(list + n, sizeof(list) - n, " %s%s",
                                  strlen(table[i].name) > 1 ? "--" : "-", table[i].name);
    if (word[0] == '-')
        (void)err_set(e, RC_INVALID, "unknown option %.*s in the Task's param \"args\"; %s",
                      (int)strcspn(word, "="), word, list);
    else /* perhaps the rest of a password with a blank */
        (void)err_set(e, RC_INVALID, "a word without \"-\" in the Task's param \"args\"; %s", list);
    return err_hint(e, "%s", list);
}

static enum rc
redis_args_put(const struct known *k, const char *value, struct redis_args *a, struct err *e)
{
    char *at = (char *)a + k->offset;
    int64_t v;

    if (value[0] == '\0' && (k->kind == TEXT || k->kind == LIST))
        return err_set(e, RC_INVALID, "--%s in the Task's param \"args\" has an empty value",
                       k->name);
    switch (k->kind) {
    case TEXT:
        memcpy(at, &value, sizeof(value));
        return RC_OK;
    case LIST:
        if (a->allow_commands.n == ARRAY_LEN(a->allow_commands.v))
            return err_set(e, RC_INVALID, "--%s is given more than %zu times", k->name,
                           ARRAY_LEN(a->allow_commands.v));
        a->allow_commands.v[a->allow_commands.n++] = value;
        return RC_OK;
    case FLAG:
        *(bool *)(void *)at = strcmp(value, "true") == 0;
        return RC_OK;
    case NUMBER:
    case SECONDS:
        if (!str_to_i64(str_c(value), &v) || v < -1 || v > INT32_MAX / 1000)
            return err_set(e, RC_INVALID, "--%s %s is not a number that can be used", k->name,
                           value);
        if (k->kind == NUMBER)
            *(int64_t *)(void *)at = v;
        else
            *(int *)(void *)at = (int)v * 1000;
        return RC_OK;
    case IGNORED_TEXT:
    case IGNORED_FLAG:
        break;
    }
    if (strcmp(k->name, "ttl") == 0 && strcmp(value, "false") == 0)
        return err_set(e, RC_UNSUPPORTED, "-ttl=false: expiry times are always kept");
    if (strcmp(k->name, "output") == 0 && strcmp(value, "resp") != 0)
        return err_set(e, RC_UNSUPPORTED, "-output %s: a dump is always RESP", value);
    return RC_OK;
}

/* False: there are too many words. */
static bool
redis_args_split(struct redis_args *a)
{
    char *p = a->text;

    for (;;) {
        p += strspn(p, " \t\r\n");
        if (*p == '\0')
            return true;
        if (a->n == ARRAY_LEN(a->words))
            return false;
        a->words[a->n++] = p;
        p += strcspn(p, " \t\r\n");
        if (*p != '\0')
            *p++ = '\0';
    }
}

enum rc
redis_args_parse(const char *text, int direction, struct redis_args *out, struct err *e)
{
    struct redis_args a = {.text = mem_strdup(text), .db = -1, .pipe_timeout_ms = -1};
    enum rc rc = RC_OK;

    if (!redis_args_split(&a))
        rc = err_set(e, RC_LIMIT, "the Task's param \"args\" has more than %zu words",
                     ARRAY_LEN(a.words));
    for (size_t i = 0; i < a.n && rc == RC_OK; i++) {
        const char *word = a.words[i], *name = word + (word[0] == '-') + (word[1] == '-'),
                   *equals = strchr(name, '=');
        size_t n = equals == NULL ? strlen(name) : (size_t)(equals - name);
        const struct known *k = word[0] == '-' ? redis_args_find(name, n, direction) : NULL;
        const char *value = equals == NULL ? NULL : equals + 1;
        bool flag = k != NULL && (k->kind == FLAG || k->kind == IGNORED_FLAG);

        if (k == NULL) {
            rc = redis_args_unknown(word, direction, e);
            break;
        }
        if (flag && value == NULL)
            value = "true";
        if (value == NULL) {
            if (++i == a.n) {
                rc = err_set(e, RC_INVALID, "%s needs a value", word);
                break;
            }
            value = a.words[i];
        }
        if (k->kind >= IGNORED_TEXT)
            log_debug("%s has no effect here", word);
        rc = redis_args_put(k, value, &a, e);
    }
    if (rc == RC_OK && a.password != NULL)
        log_warn("a password in \"args\" can be seen by whoever may read the Task; use the Secret "
                 "of the AppBinding");
    if (rc == RC_OK)
        *out = a;
    else
        redis_args_release(&a);
    return rc;
}

void
redis_args_release(struct redis_args *a)
{
    secret_free_text(a->text);
    memset(a, 0, sizeof(*a));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl-stash: a line of Stash's said as one of ours. */
#include "base/mem.h"
#include "cli/plugin.h"

/* ---- the options ---- */

enum { FORWARD_ROWS = 128 };

static const struct opt_group *
groups_of(const struct forward *f)
{
    return f->groups != NULL ? f->groups : f->to->groups;
}

/* An option of that name that the command behind has for itself, not to reach a cluster. */
static bool
has_own(const struct forward *f, const struct opt *cluster)
{
    const struct opt_group *groups = groups_of(f);
    struct opts_cursor at = {0};

    for (const struct opt *o; (o = opts_next(groups, &at)) != NULL;)
        if (strcmp(o->name, cluster->name) == 0)
            return groups[at.group].table != opts_repo || cluster->help == NULL;
    return false;
}

/* What says how to reach the cluster. */
static void
cluster_rows(const struct forward *f, struct opt rows[static FORWARD_ROWS])
{
    size_t n = 0;

    for (const struct opt *o = opts_cluster_access; o->name != NULL; o++)
        if (!has_own(f, o))
            rows[n++] = *o;
    rows[n] = (struct opt){.name = NULL};
}

static void
add_row(struct opt rows[static FORWARD_ROWS], size_t *n, struct opt o)
{
    if (*n == FORWARD_ROWS - 1)
        BUG("more options than rows");
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(rows[i].name, o.name) == 0)
            return;
        if (rows[i].letter == o.letter)
            o.letter = 0;
    }
    rows[(*n)++] = o;
    rows[*n] = (struct opt){.name = NULL};
}

/* All that such a verb takes, in the order of the help; the offsets are of nothing. */
static const struct opt_group *
forward_groups(const struct forward *f)
{
    static struct opt rows[FORWARD_ROWS];
    static const struct opt_group all[] = {{rows, 0}, {.table = NULL}};
    struct opts_cursor at = {0};
    size_t n = 0;

    for (const struct forward_option *o = f->options; o != NULL && o->name != NULL; o++)
        add_row(rows, &n,
                (struct opt){.name = o->name,
                             .field.type = o->is_flag ? &opt_flag : &opt_text,
                             .value = o->value,
                             .help = o->help != NULL ? o->help : "accepted and ignored"});
    for (const struct opt *o = opts_cluster_access; o->name != NULL; o++)
        if (!has_own(f, o))
            add_row(rows, &n, *o);
    for (const struct opt *o; (o = opts_next(groups_of(f), &at)) != NULL;)
        if (strcmp(o->name, "repo") != 0) /* a word says it */
            add_row(rows, &n, *o);
    return all;
}

const struct opt_group *
app_command_groups(const struct command *c)
{
    return c->forward == NULL ? c->groups : forward_groups(c->forward);
}

/* ---- the words ---- */

static enum rc
forward_push(struct forwarded *f, char *word, struct err *e)
{
    if (f->argc == FORWARD_MAX - 1)
        return err_set(e, RC_USAGE, "too many arguments");
    f->argv[f->argc++] = word;
    return RC_OK;
}

/* `word` is kept until forward_release. */
static enum rc
forward_made(struct forwarded *f, char *word, struct err *e)
{
    if (forward_push(f, word, e)) {
        mem_free(word);
        return err_code(e);
    }
    f->made[f->n_made++] = word;
    return RC_OK;
}

/* Is `word` the option `name` (or `letter`)? `*value` is behind its equals sign, or NULL. */
static bool
is_option(char *word, const char *name, char letter, char **value)
{
    size_t n = strlen(name);

    *value = NULL;
    if (word[0] == '-' && letter != 0 && word[1] == letter) {
        *value = word[2] == '\0' ? NULL : word + 2 + (word[2] == '=');
        return true;
    }
    if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, n) != 0 ||
        (word[2 + n] != '\0' && word[2 + n] != '='))
        return false;
    *value = word[2 + n] == '=' ? word + 3 + n : NULL;
    return true;
}

/* What of the line is not for the command itself. */
struct forward_line {
    const char *repository;
    char *word;                    /* goes behind the words in front; NULL: none */
    struct opt rows[FORWARD_ROWS]; /* how to reach the cluster, */
    char *cluster[FORWARD_MAX];    /* and what says so */
    int n_cluster;
};

/* An option of Stash's that is called otherwise: true, and `*i` is at its last word. */
static enum rc
forward_option(const struct forward *f, int argc, char **argv, int *i, struct forward_line *line,
               struct forwarded *out, bool *taken, struct err *e)
{
    char *value;

    *taken = true;
    for (const struct forward_option *o = f->options; o != NULL && o->name != NULL; o++) {
        if (!is_option(argv[*i], o->name, 0, &value))
            continue;
        if (value == NULL && !o->is_flag && *i + 1 < argc)
            value = argv[++*i];
        if (o->how == FORWARD_WORD)
            line->word = value;
        if (o->how != FORWARD_AS)
            return RC_OK;
        return forward_made(out, mem_printf("--%s=%s", o->to, value != NULL ? value : ""), e);
    }
    *taken = false;
    return RC_OK;
}

/* Options with their values as they are, the first word as the Repository. */
static enum rc
forward_rest(const struct forward *f, int argc, char **argv, struct forward_line *line,
             struct forwarded *out, struct err *e)
{
    for (int i = 0; i < argc; i++) {
        const struct opt_group cluster[] = {{line->rows, 0}, {.table = NULL}};
        char *ignored;
        bool taken;
        int n;

        if (forward_option(f, argc, argv, &i, line, out, &taken, e))
            return err_code(e);
        if (taken)
            continue;
        if (is_option(argv[i], "repo", 'r', &ignored))
            return err_set(e, RC_USAGE,
                           "--repo is not an option of this: a word names the Repository");
        n = opts_leading(cluster, MIN(argc - i, FORWARD_MAX - line->n_cluster), argv + i);
        if (n > 0) {
            memcpy(line->cluster + line->n_cluster, argv + i, (size_t)n * sizeof(*argv));
            line->n_cluster += n;
            i += n - 1;
            continue;
        }
        n = opts_leading(groups_of(f), argc - i, argv + i);
        if (n == 0 && f->groups != NULL && argv[i][0] == '-')
            return err_set(e, RC_USAGE, "%.100s is not an option of this", argv[i]);
        if (n == 0 && argv[i][0] != '-' && line->repository == NULL) {
            line->repository = argv[i];
            continue;
        }
        for (int k = 0; k < MAX(n, 1); k++)
            if (forward_push(out, argv[i + k], e))
                return err_code(e);
        i += MAX(n, 1) - 1;
    }
    return RC_OK;
}

/* As Stash's objects have it; a few digits might be the end of another Repository's name. */
static bool
is_whole_id(const char *s)
{
    size_t n = strspn(s, "0123456789abcdef");

    return n >= 8 && n <= 64 && s[n] == '\0';
}

/* "kube:NAMESPACE/REPOSITORY" of the word; of a snapshot's name its digits too. */
static enum rc
forward_repository(const struct forward *f, const struct forward_line *line, struct forwarded *out,
                   struct err *e)
{
    const char *name = line->repository, *cut = name != NULL ? strrchr(name, '-') : NULL;
    int n = name == NULL ? 0 : (int)strlen(name);

    if (name == NULL || (f->snapshot && (cut == NULL || !is_whole_id(cut + 1))))
        return err_set(e, RC_USAGE,
                       f->snapshot
                           ? "name the snapshot: REPOSITORY-ID, with eight digits of its ID or more"
                           : "name the Repository");
    if (f->snapshot) {
        n = (int)(cut - name);
        if (forward_made(out, mem_strdup(cut + 1), e))
            return err_code(e);
    }
    return forward_made(out,
                        mem_printf("--repo=" APP_KUBE "%s%s%.*s",
                                   out->cluster.ns != NULL ? out->cluster.ns : "",
                                   out->cluster.ns != NULL ? "/" : "", n, name),
                        e);
}

enum rc
forward_words(const struct forward *f, int argc, char **argv, struct forwarded *out, struct err *e)
{
    struct forward_line line = {.repository = NULL};
    const struct opt_group cluster[] = {{line.rows, 0}, {.table = NULL}};
    const struct opts_syntax syntax = {.groups = cluster};
    struct opt_list none;

    cluster_rows(f, line.rows);
    *out = (struct forwarded){.argc = 0};
    for (size_t i = 0; f->with != NULL && f->with[i] != NULL; i++)
        if (forward_push(out, (char *)(uintptr_t)f->with[i], e))
            return err_code(e);
    if (forward_rest(f, argc, argv, &line, out, e) ||
        opts_parse(&syntax, line.n_cluster, line.cluster, &out->cluster, &none, e) ||
        forward_repository(f, &line, out, e))
        return err_code(e);
    return line.word != NULL ? forward_push(out, line.word, e) : RC_OK;
}

void
forward_release(struct forwarded *f)
{
    for (size_t i = 0; i < f->n_made; i++)
        mem_free(f->made[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The program: find the subcommand, parse, run, turn the outcome into an exit code. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/app.h"
#include "cli/completion.h"
#include "cli/line.h"
#include "cli/plugin.h"
#include "cli/snapshot_opts.h"
#include "node/node.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_VERIFIABLE = 3,
    EXIT_ANSWER_NO = 4,
    EXIT_NO_REPOSITORY = 10,
    EXIT_LOCKED = 11,
    EXIT_WRONG_PASSWORD = 12,
    EXIT_INTERRUPTED = 130
};

/* What people know from redis-cli and restic and is called otherwise here. */
static const struct opt_foreign foreign[] = {
    {"-h", "redis", "use --redis redis://HOST:PORT"},
    {"--hostname", "redis", "use --redis redis://HOST:PORT"},
    {"-p", "redis", "use --redis redis://HOST:PORT"},
    {"--port", "redis", "use --redis redis://HOST:PORT"},
    {"-s", "redis", "use --redis unix:///PATH"},
    {"-u", "redis", "use --redis URL"},
    {"--uri", "redis", "use --redis URL"},
    {"--url", "redis", "use --redis URL"},
    {"--tls", "redis", "use --redis rediss://HOST:PORT"},
    {"--user", "redis", "use --redis redis://USER@HOST:PORT"},
    {"-a", "redis", "use --redis-password-file FILE, or set REDISCLI_AUTH"},
    {"--pass", "redis", "use --redis-password-file FILE, or set REDISCLI_AUTH"},
    {"--password", "redis", "use --redis-password-file FILE, or set REDISCLI_AUTH"},
    {"--askpass", "redis", "use --redis-password-file FILE, or set REDISCLI_AUTH"},
    {"-n", "db", "use --db N"},
    {"--pattern", "match", "use --match GLOB"},
    {"--include", "match", "use --match GLOB"},
    {"--iinclude", "match", "use --match GLOB"},
    {"--overwrite", "existing", "use --existing replace|skip|fail|flush"},
    {"--repository-file", "repo", "use --repo URL, or set RESTIC_REPOSITORY"},
    {"--password-command", "password-file", "use --password-file FILE, or set RESTIC_PASSWORD"},
    {"--stdin-from-command", "stdin", "use a pipe: COMMAND | cstash backup --stdin"},
    {"--rdb", "from-rdb", "use --from-rdb FILE"},
    {"--pipe", "existing", "use cstash load FILE, or cstash load - for standard input"},
    {"--json", "help", "the results of this command are not JSON"},
    {"--cacert-dir", "cacertdir", "use --cacertdir DIR"},
    {.word = NULL},
};

enum { KNOWN_MAX = 4000 };

static struct ctx root; /* here for the signal handler */

const struct program *app_program = &program_cstash;

static void
on_signal(int sig)
{
    (void)sig;
    ctx_cancel(&root);
}

static void
catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a file too large is an error like a full disk */
}

static void
print_usage(void)
{
    (void)printf("cstash backs up and restores Redis, into a restic repository.\n\n"
                 "usage: %s COMMAND [options]\n\n",
                 app_program->name);
    for (size_t i = 0; app_program->commands[i] != NULL; i++)
        (void)printf("  %-20s %s\n", app_program->commands[i]->name,
                     app_program->commands[i]->summary);
    (void)printf("\n\"%s COMMAND --help\" explains one; \"%s version\" says which one this is.\n",
                 app_program->name, app_program->name);
}

/* The arguments of a command, for people; NULL: none. */
static const char *
usage_of(const struct command *c)
{
    if (c->forward == NULL)
        return c->usage;
    return c->forward->snapshot ? "REPOSITORY-ID" : "REPOSITORY";
}

static void
print_help(const struct command *c)
{
    const char *usage = usage_of(c);

    (void)printf("usage: %s %s [options]%s%s\n\n%s\n\n", app_program->name, c->name,
                 usage != NULL ? " " : "", usage != NULL ? usage : "", c->summary);
    opts_print(app_command_groups(c));
}

/* How many of the words name the command, one or two; 0: they do not. */
static int
names_command(const struct command *c, int argc, char **argv)
{
    size_t n = strcspn(c->name, " ");

    if (argc < 1 || strncmp(argv[0], c->name, n) != 0 || argv[0][n] != '\0')
        return 0;
    if (c->name[n] == '\0')
        return 1;
    return argc > 1 && strcmp(argv[1], c->name + n + 1) == 0 ? 2 : 0;
}

static const struct command *
find_command(int argc, char **argv, int *words)
{
    for (size_t i = 0; app_program->commands[i] != NULL; i++) {
        *words = names_command(app_program->commands[i], argc, argv);
        if (*words > 0)
            return app_program->commands[i];
    }
    return NULL;
}

/* "latest", "latest:N", an ID or as much of one as lists show. */
static bool
is_snapshot(const char *word)
{
    size_t n = strlen(word);

    return strcmp(word, "latest") == 0 || strncmp(word, "latest:", 7) == 0 ||
           (n >= 8 && n < ID_TEXT && strspn(word, "0123456789abcdef") == n);
}

/* Which command is meant by a name that two have. */
static const struct command *
command_meant(const struct command *c, int argc, char **argv)
{
    int first;

    if (c->of_snapshots == NULL)
        return c;
    first = opts_leading(c->of_snapshots->groups, argc, argv);
    return first < argc && is_snapshot(argv[first]) ? c->of_snapshots : c;
}

static enum exit_code
exit_code_of(enum rc rc)
{
    switch (rc) {
    case RC_OK:
        return EXIT_DONE;
    case RC_USAGE:
        return EXIT_USAGE;
    case RC_UNVERIFIED:
        return EXIT_NOT_VERIFIABLE;
    case RC_ANSWER_NO:
        return EXIT_ANSWER_NO;
    case RC_NO_REPOSITORY:
        return EXIT_NO_REPOSITORY;
    case RC_LOCKED:
        return EXIT_LOCKED;
    case RC_WRONG_PASSWORD:
        return EXIT_WRONG_PASSWORD;
    case RC_CANCELLED:
        return EXIT_INTERRUPTED;
    default:
        return EXIT_FAILED;
    }
}

/* `e` says what is wrong with the options or the words of `c`, which was called as `named`. */
static enum exit_code
main_refuse(const struct command *c, const struct command *named, const void *args, struct err *e)
{
    char known[1000]; /* all of them: what a line of the log holds */
    bool is_unknown = e->code == RC_NOT_FOUND;

    if (c->refused != NULL && c->refused(args, e) == RC_OK)
        return EXIT_DONE;
    log_err(e);
    if (is_unknown) {
        opts_names(app_command_groups(named), known, sizeof(known));
        log_info("known: %s", known);
    }
    log_info("try \"%s %s --help\"", app_program->name, named->name);
    return EXIT_USAGE;
}

/* Of the plug-in: not by options of ours. */
static void
give_cluster(const struct command *c, void *args, const struct cluster_access *cluster)
{
    for (const struct opt_group *g = c->groups; cluster != NULL && g->table != NULL; g++)
        if (g->table == opts_repo)
            ((struct repo_access *)(void *)((char *)args + g->offset))->cluster = cluster;
}

/* It was called as `named`. `cluster`: where a Repository is; NULL: the options say it. */
static enum exit_code
run_command(const struct command *c, const struct command *named, int argc, char **argv,
            const struct cluster_access *cluster)
{
    const struct opts_syntax syntax = {.groups = c->groups, .foreign = foreign};
    CLEANUP(mem_free_ptr) struct app_opts *app = (struct app_opts *)mem_zero(1, c->size);
    struct err e = ERR_INIT;
    enum rc rc;

    rc = opts_parse(&syntax, argc, argv, app, &app->words, &e);
    give_cluster(c, app, cluster);
    if (rc == RC_OK && app->help) {
        print_help(c);
        return EXIT_DONE;
    }
    if (rc == RC_OK && (app->words.n < c->words_min || app->words.n > c->words_max))
        rc = err_set(&e, RC_USAGE, "wrong number of arguments: usage is %s %s [options]%s%s",
                     app_program->name, named->name, usage_of(named) != NULL ? " " : "",
                     usage_of(named) != NULL ? usage_of(named) : "");
    for (size_t i = 0; rc == RC_OK && c->words_are_snapshots && i < app->words.n; i++)
        rc = app_check_snapshot(app->words.v[i], &e);
    if (rc != RC_OK)
        return main_refuse(c, named, app, &e);
    log_set_level(app->quiet ? LOG_WARN : app->verbose ? LOG_DEBUG : LOG_INFO);
    log_set_json(app->log_format == LOG_AS_JSON);
    rc = c->run(&root, app, &e);
    if (rc != RC_OK && e.msg[0] != '\0') /* without words: all was told already */
        log_err(&e);
    return exit_code_of(rc);
}

/* A command whose words are another one's. */
static enum exit_code
forward_command(const struct command *c, int argc, char **argv)
{
    struct forwarded line;
    struct err e = ERR_INIT;
    enum exit_code code = EXIT_USAGE;

    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(c);
            return EXIT_DONE;
        }
    if (forward_words(c->forward, argc, argv, &line, &e) == RC_OK) {
        code = run_command(c->forward->to, c, line.argc, line.argv, &line.cluster);
    } else {
        log_err(&e);
        log_info("try \"%s %s --help\"", app_program->name, c->name);
    }
    forward_release(&line);
    return code;
}

/*
 * Passwords and keys lie in our memory: no core file, and nobody of the same user looks into it.
 * The leak checker of a sanitizer must look.
 */
static void
hide_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* What was printed must have arrived: a write that failed earlier leaves nothing to flush. */
static int
main_ended(int code)
{
    bool lost = ferror(stdout) != 0;

    if ((fflush(stdout) == 0 && !lost) || code != EXIT_DONE)
        return code;
    log_error("could not write to the standard output");
    return EXIT_FAILED;
}

/* Each line is JSON where that is asked for, also those that say that a word before it is wrong. */
static void
main_log_format(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--log-format=json") == 0 ||
            (strcmp(argv[i], "--log-format") == 0 && i + 1 < argc &&
             strcmp(argv[i + 1], "json") == 0))
            log_set_json(true);
}

static void
add_known(void *arg, const struct command *c, const char *word, size_t n)
{
    struct buf *known = (struct buf *)arg;

    buf_must_printf(known, "%s%.*s", known->n > 0 ? ", " : "", (int)(word + n - c->name), c->name);
}

struct alike {
    const char *given;
    struct buf names;
};

static void
add_alike(void *arg, const struct command *c, const char *word, size_t n)
{
    struct alike *a = arg;
    char name[64];

    (void)snprintf(name, sizeof(name), "%.*s", (int)n, word);
    if (opts_alike(a->given, strlen(a->given), name))
        add_known(&a->names, c, word, n);
}

static void
print_known(void *arg, const struct command *c, const char *word, size_t n)
{
    (void)arg;
    (void)printf("  %-20.*s %s\n", (int)n, word, c->summary);
}

static void
print_half(const struct command *head)
{
    (void)printf("usage: %s %.*s COMMAND [options]\n\n", app_program->name,
                 (int)completion_head(head), head->name);
    completion_each_second(head, print_known, NULL);
}

/* Why there is no such command, where it is known; by its first word too, if that leads nowhere else. */
static const struct app_absent *
find_absent(int argc, char **argv, bool half)
{
    for (const struct app_absent *a = app_program->absent; a != NULL && a->name != NULL; a++) {
        size_t n = strcspn(a->name, " ");

        if (strlen(argv[0]) == n && strncmp(argv[0], a->name, n) == 0 &&
            (half || (argc > 1 && strcmp(argv[1], a->name + n + 1) == 0)))
            return a;
    }
    return NULL;
}

/* What may stand there is told: commands, or the second words of one. */
static enum exit_code
main_unknown(int argc, char **argv)
{
    const struct app_absent *absent = find_absent(argc, argv, line_head(argv[0]) == NULL);
    const struct command *head = line_head(argv[0]);
    CLEANUP(buf_release) struct buf known = BUF_INIT(KNOWN_MAX);
    struct alike like = {.names = BUF_INIT(KNOWN_MAX)};

    if (head != NULL && argc > 1 && line_is_help(argv[argv[1][0] == '-' ? argc - 1 : 1])) {
        print_half(head);
        return EXIT_DONE;
    }
    if (absent != NULL) {
        log_error("there is no command %s: %s", absent->name, absent->why);
        return EXIT_USAGE;
    }
    if (head == NULL) {
        log_error("unknown command %s", argv[0]);
        like.given = argv[0];
        completion_each_head(add_alike, &like);
        completion_each_head(add_known, &known);
    } else if (argc < 2 || argv[1][0] == '-') {
        log_error("%s is half of a command: a word is missing behind it", argv[0]);
        completion_each_second(head, add_known, &known);
    } else {
        log_error("unknown command %s %s", argv[0], argv[1]);
        like.given = argv[1];
        completion_each_second(head, add_alike, &like);
        completion_each_second(head, add_known, &known);
    }
    if (like.names.n > 0)
        log_info("hint: did you mean %s?", buf_c(&like.names));
    buf_release(&like.names);
    log_info("known: %.*s", (int)known.n, (const char *)known.p);
    log_info("hint: \"%s help\" explains them", app_program->name);
    return EXIT_USAGE;
}

/* Commands without options, which no table knows. */
static bool
is_plain_word(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "version") == 0;
}

/* "help", "help COMMAND", "--help COMMAND"; -h HOST is redis-cli's. */
static enum exit_code
main_help(int argc, char **argv)
{
    int words;
    const struct command *c = find_command(argc - 2, argv + 2, &words);

    if (argc == 2) {
        print_usage();
        return EXIT_DONE;
    }
    if (c != NULL) {
        print_help(c);
        return EXIT_DONE;
    }
    if (argc == 3 && is_plain_word(argv[2])) {
        (void)printf("usage: %s %s\n", app_program->name, argv[2]);
        return EXIT_DONE;
    }
    if (argc == 3 && line_head(argv[2]) != NULL) {
        print_half(line_head(argv[2]));
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "-h") != 0)
        return main_unknown(argc - 2, argv + 2);
    log_error("the command comes first: cstash COMMAND --redis redis://HOST:PORT");
    return EXIT_USAGE;
}

static enum exit_code
main_run(int argc, char **argv)
{
    int words;
    const struct command *c = find_command(argc - 1, argv + 1, &words);
    struct err e = ERR_INIT;
    enum exit_code code;

    if (c == NULL && argv[1][0] == '-') {
        log_error("%s stands before the command: write %s COMMAND %s", argv[1], app_program->name,
                  argv[1]);
        return EXIT_USAGE;
    }
    if (c == NULL)
        return main_unknown(argc - 1, argv + 1);
    c = command_meant(c, argc - 1 - words, argv + 1 + words);
    if (ctx_init(&root, &e)) {
        log_err(&e);
        return EXIT_FAILED;
    }
    catch_signals();
    argv += 1 + words;
    argc -= 1 + words;
    if (line_is_of_cluster(c))
        argc = line_drop_levels(argc, argv);
    code =
        c->forward != NULL ? forward_command(c, argc, argv) : run_command(c, c, argc, argv, NULL);
    ctx_release(&root);
    return code;
}

static int
main_start(int argc, char **argv)
{
    main_log_format(argc, argv);
    if (argc > 0 && plugin_is_called(argv[0])) {
        app_program = &program_plugin;
        argc = line_drop_levels(argc, argv);
    }
    if (argc < 2) {
        print_usage();
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "pod-shim") == 0)
        return node_shim_main(argc - 2, argv + 2);
    switch (line_is_help(argv[1]) ? LINE_SORTED : line_sort(argc, argv)) {
    case LINE_SORTED:
        break;
    case LINE_ASKS_HELP:
        print_usage();
        return EXIT_DONE;
    case LINE_NO_COMMAND:
        log_error("there is no command behind %s: \"%s help\" lists them", argv[1],
                  app_program->name);
        return EXIT_USAGE;
    }
    if (line_is_help(argv[1]))
        return (int)main_help(argc, argv);
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        (void)puts("cstash " CSTASH_VERSION);
        return EXIT_DONE;
    }
    return (int)main_run(argc, argv);
}

int
main(int argc, char **argv)
{
    hide_memory();
    mem_return_large();
    return main_ended(main_start(argc, argv));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The program: find the subcommand, parse, run, turn the outcome into an exit code. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/log.h"
#include "cli/app.h"
#include "node/node.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_REPOSITORY = 10,
    EXIT_LOCKED = 11,
    EXIT_WRONG_PASSWORD = 12,
    EXIT_INTERRUPTED = 130
};

static const struct command *const commands[] = {
    /* a Redis and a repository */
    &cmd_init,
    &cmd_backup,
    &cmd_restore,
    &cmd_snapshots,
    &cmd_show,
    &cmd_dump,
    &cmd_load,
    &cmd_digest,
    &cmd_check,
    &cmd_forget,
    &cmd_prune,
    &cmd_copy,
    &cmd_tag,
    &cmd_find,
    &cmd_list,
    &cmd_cat,
    &cmd_stats,
    &cmd_key,
    &cmd_unlock,
    &cmd_repair,
    &cmd_rebuild_index,
    &cmd_migrate,
    /* the control plane */
    &cmd_up,
    &cmd_operator,
    &cmd_crds,
    &cmd_catalog,
    &cmd_apply,
    &cmd_get,
    &cmd_describe,
    &cmd_delete,
    &cmd_logs,
    &cmd_wait,
    /* what Jobs run */
    &cmd_backup_redis,
    &cmd_restore_redis,
    &cmd_update_status,
    &cmd_run_hook,
    &cmd_create_backupsession,
    &cmd_wipe_repository,
};

static struct ctx root; /* here for the signal handler */

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
    (void)puts("cstash backs up and restores Redis, into a restic repository.\n\n"
               "usage: cstash COMMAND [options]\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)printf("  %-20s %s\n", commands[i]->name, commands[i]->summary);
    (void)puts(
        "\n\"cstash COMMAND --help\" explains one; \"cstash version\" says which one this is.");
}

static void
print_help(const struct command *c)
{
    (void)printf("usage: cstash %s [options] %s\n\n%s\n\n", c->name, c->usage, c->summary);
    opts_print(c->tables);
}

static const struct command *
find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static enum exit_code
exit_code_of(enum rc rc)
{
    switch (rc) {
    case RC_OK:
        return EXIT_DONE;
    case RC_USAGE:
        return EXIT_USAGE;
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

static enum exit_code
usage_error(const struct command *c, const struct err *e)
{
    log_err(e);
    log_info("try \"cstash %s --help\"", c->name);
    return EXIT_USAGE;
}

static enum exit_code
run_command(const struct command *c, int argc, char **argv)
{
    struct args a = {0};
    struct err e = ERR_INIT;
    enum rc rc;

    if (opts_parse(c->tables, argc, argv, &a, &e))
        return usage_error(c, &e);
    if (a.help) {
        print_help(c);
        return EXIT_DONE;
    }
    if (a.n_rest < c->rest_min || a.n_rest > c->rest_max) {
        (void)err_set(&e, RC_INVALID, "wrong number of arguments: usage is cstash %s [options] %s",
                      c->name, c->usage);
        return usage_error(c, &e);
    }
    log_set_level(a.quiet ? LOG_WARN : a.verbose ? LOG_DEBUG : LOG_INFO);
    log_set_json(a.log_format != NULL && strcmp(a.log_format, "json") == 0);
    rc = c->run(&root, &a, &e);
    if (rc != RC_OK && e.msg[0] != '\0') /* without words: all was told already */
        log_err(&e);
    return exit_code_of(rc);
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

static int
main_start(int argc, char **argv)
{
    const struct command *c;
    struct err e = ERR_INIT;
    enum exit_code code;

    if (argc > 2 && strcmp(argv[1], "-h") == 0) {
        log_error("the command comes first: cstash COMMAND --redis redis://HOST:PORT");
        return EXIT_USAGE;
    }
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        print_usage();
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        (void)puts("cstash " CSTASH_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "pod-shim") == 0)
        return node_shim_main(argc - 2, argv + 2);
    c = find_command(argv[1]);
    if (c == NULL) {
        log_error("unknown command %s", argv[1]);
        log_info("hint: \"cstash help\" lists them");
        return EXIT_USAGE;
    }
    if (ctx_init(&root, &e)) {
        log_err(&e);
        return EXIT_FAILED;
    }
    catch_signals();
    code = run_command(c, argc - 2, argv + 2);
    ctx_release(&root);
    return (int)code;
}

int
main(int argc, char **argv)
{
    hide_memory();
    return main_ended(main_start(argc, argv));
}

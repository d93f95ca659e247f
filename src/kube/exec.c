/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "kube/object.h"

enum { OUTPUT_MAX = 1024 * 1024, RUN_MS = 60000 };

void
kube_credential_release(struct kube_credential *c)
{
    secret_free_text(c->token);
    secret_free_text(c->cert);
    secret_free_text(c->key);
    memset(c, 0, sizeof(*c));
}

/* A list of strings that ends with NULL, as exec wants it. */
struct words {
    char **v;
    size_t n;
};

static void
words_add(struct words *w, char *take)
{
    w->v = (char **)mem_grow(w->v, w->n + 2, sizeof(*w->v));
    w->v[w->n++] = take;
    w->v[w->n] = NULL;
}

static void
words_release(struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        mem_free(w->v[i]);
    mem_free(w->v);
}

static bool
is_interactive(const struct json *exec)
{
    const char *mode = json_text_or(json_field(exec, "interactiveMode"), "IfAvailable");

    return strcmp(mode, "Never") != 0 && isatty(STDIN_FILENO) == 1;
}

static void
make_env(const struct json *exec, const struct json *cluster, struct words *env)
{
    const struct json *more = json_field(exec, "env");
    struct json *info = json_new_object(), *spec;
    char *text;

    for (char **v = environ; *v != NULL; v++)
        words_add(env, mem_strdup(*v));
    for (size_t i = 0; i < json_size(more); i++) {
        const struct json *one = json_elem(more, i);
        words_add(env, mem_printf("%s=%s", json_text_or(json_field(one, "name"), ""),
                                  json_text_or(json_field(one, "value"), "")));
    }
    json_set(info, "apiVersion", json_clone(json_field(exec, "apiVersion")));
    json_set_cstr(info, "kind", "ExecCredential");
    spec = json_need_object(info, "spec");
    json_set_bool(spec, "interactive", is_interactive(exec));
    if (json_is_true(json_field(exec, "provideClusterInfo")))
        json_set(spec, "cluster", json_clone(cluster));
    text = json_to_text(info, false);
    words_add(env, mem_printf("KUBERNETES_EXEC_INFO=%s", text));
    mem_free(text);
    json_free(info);
}

static void
make_args(const struct json *exec, const char *dir, struct words *args)
{
    const char *command = json_text_or(json_field(exec, "command"), "");
    const struct json *more = json_field(exec, "args");
    bool relative = command[0] != '/' && strchr(command, '/') != NULL;

    words_add(args, relative ? mem_printf("%s/%s", dir, command) : mem_strdup(command));
    for (size_t i = 0; i < json_size(more); i++)
        words_add(args, mem_strdup(json_text_or(json_elem(more, i), "")));
}

/* Read all that comes until the end. */
static enum rc
exec_drain(struct ctx *cx, int fd, struct buf *out, struct err *e)
{
    for (;;) {
        short ready;
        ssize_t n;
        if (ctx_wait(cx, fd, POLLIN, RUN_MS, &ready, e))
            return err_code(e);
        if (ready == 0)
            return err_set(e, RC_UNAVAILABLE, "it does not end");
        if (buf_reserve(out, 4096, e))
            return err_code(e);
        n = read(fd, out->p + out->n, 4096);
        if (n < 0 && errno != EINTR)
            return err_sys(e, errno, "could not read from it");
        if (n == 0)
            return RC_OK;
        out->n += n > 0 ? (size_t)n : 0;
    }
}

static int
exec_spawn(char **args, char **env, int to, bool interactive, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    int err;

    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO);
    if (!interactive)
        (void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    err = posix_spawnp(pid, args[0], &files, NULL, args, env);
    (void)posix_spawn_file_actions_destroy(&files);
    return err;
}

/* Run it and collect what it prints. */
static enum rc
exec_run(struct ctx *cx, char **args, char **env, bool interactive, struct buf *out, struct err *e)
{
    int fds[2], err, status = 0;
    enum rc rc;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(e, errno, "could not make a pipe");
    err = exec_spawn(args, env, fds[1], interactive, &pid);
    (void)close(fds[1]);
    if (err != 0) {
        (void)close(fds[0]);
        return err_sys(e, err, "could not run it");
    }
    rc = exec_drain(cx, fds[0], out, e);
    (void)close(fds[0]);
    if (rc != RC_OK)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (rc == RC_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        return err_set(e, RC_UNAVAILABLE, "it ended with status %d",
                       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return rc;
}

static char *
copy_text(const struct json *j)
{
    return json_text(j) == NULL ? NULL : mem_strdup(json_text(j));
}

static enum rc
read_credential(struct str text, struct kube_credential *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    const struct json *status;

    if (json_parse(text, &j, e))
        return err_set(e, RC_INVALID, "it printed no JSON");
    status = json_field(j, "status");
    if (strcmp(json_text_or(json_field(j, "kind"), ""), "ExecCredential") != 0 ||
        (json_text(json_field(status, "token")) == NULL &&
         json_text(json_field(status, "clientCertificateData")) == NULL))
        return err_set(e, RC_INVALID, "it printed no ExecCredential with a token or certificate");
    out->token = copy_text(json_field(status, "token"));
    out->cert = copy_text(json_field(status, "clientCertificateData"));
    out->key = copy_text(json_field(status, "clientKeyData"));
    out->expires_ms = kube_time_ms(json_field(status, "expirationTimestamp"));
    return RC_OK;
}

enum rc
kube_exec(struct ctx *cx, const struct json *exec, const char *dir, const struct json *cluster,
          struct kube_credential *out, struct err *e)
{
    struct buf text = BUF_INIT(OUTPUT_MAX);
    struct words args = {NULL, 0}, env = {NULL, 0};
    enum rc rc;

    make_args(exec, dir, &args);
    make_env(exec, cluster, &env);
    rc = exec_run(cx, args.v, env.v, is_interactive(exec), &text, e);
    if (rc == RC_OK)
        rc = read_credential(buf_str(&text), out, e);
    if (rc != RC_OK) {
        (void)err_wrap(e, "could not get credentials from %s", args.v[0]);
        if (json_text(json_field(exec, "installHint")) != NULL)
            (void)err_hint(e, "%s", json_text(json_field(exec, "installHint")));
    }
    if (text.n > 0)
        mem_wipe(text.p, text.n);
    buf_release(&text);
    words_release(&args);
    words_release(&env);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A command beside a container's own process: the same environment, folders and user. It ends when who asked for it goes. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <unistd.h>

#include "base/mem.h"
#include "node/node_internal.h"

/* What the child needs, made before there is one: it may not ask for memory. */
struct exec_plan {
    const char *program, *cwd;
    char **argv, **env;
    int64_t uid, gid;
    int null, out, err;
};

static const struct json *
exec_container(const struct json *pod, const char *name)
{
    static const char *const lists[] = {"containers", "initContainers"};

    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        const struct json *all = json_dig(pod, "spec", lists[k]);

        for (size_t i = 0; i < json_size(all); i++)
            if (strcmp(json_text_or(json_field(json_elem(all, i), "name"), ""), name) == 0)
                return json_elem(all, i);
    }
    return NULL;
}

NORETURN static void
exec_child(const struct exec_plan *p)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int sig = 1; sig < SIGSYS; sig++)
        (void)signal(sig, SIG_DFL);
    (void)setsid();
    if (dup2(p->null, STDIN_FILENO) >= 0 && dup2(p->out, STDOUT_FILENO) >= 0 &&
        dup2(p->err, STDERR_FILENO) >= 0 &&
        (p->gid < 0 || (setgroups(0, NULL) == 0 && setgid((gid_t)p->gid) == 0)) &&
        (p->uid < 0 || setuid((uid_t)p->uid) == 0) && chdir(p->cwd) == 0)
        (void)execve(p->program, p->argv, p->env);
    _exit(errno == ENOENT ? SHIM_CANNOT_RUN : SHIM_CANNOT_EXECUTE);
}

static void
close_two(int fds[static 2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

static enum rc
exec_start(struct exec_plan *p, struct plane_exec *out, struct err *e)
{
    int to[2] = {-1, -1}, words[2] = {-1, -1};
    enum rc rc = RC_OK;

    p->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (p->null < 0 || pipe2(to, O_CLOEXEC) != 0 || pipe2(words, O_CLOEXEC) != 0)
        rc = err_sys(e, errno, "could not make a pipe");
    if (rc == RC_OK) {
        p->out = to[1];
        p->err = words[1];
        out->pid = fork();
        if (out->pid < 0)
            rc = err_sys(e, errno, "could not fork");
    }
    if (rc == RC_OK && out->pid == 0)
        exec_child(p);
    if (rc == RC_OK) {
        (void)setpgid(out->pid, out->pid); /* the child does so too, whoever is first */
        out->out = to[0];
        out->err = words[0];
        to[0] = words[0] = -1;
    }
    if (p->null >= 0)
        (void)close(p->null);
    close_two(to);
    close_two(words);
    return rc;
}

static enum rc
exec_run(const struct json *spec, struct plane_exec *out, struct err *e)
{
    struct exec_plan p = {.program = json_text_or(json_field(spec, "program"), ""),
                          .cwd = json_text_or(json_field(spec, "cwd"), "/"),
                          .argv = proc_strings(json_field(spec, "argv")),
                          .env = proc_strings(json_field(spec, "env")),
                          .uid = json_int_or(json_field(spec, "uid"), -1),
                          .gid = json_int_or(json_field(spec, "gid"), -1)};
    enum rc rc = exec_start(&p, out, e);

    mem_free(p.argv);
    mem_free(p.env);
    return rc;
}

enum rc
node_exec(void *arg, struct plane *p, struct ctx *cx, const struct json *pod, const char *container,
          const struct json *argv, struct plane_exec *out, struct err *e)
{
    static const struct node_opts none;
    CLEANUP(json_free_ptr) struct json *c = json_clone(exec_container(pod, container));
    CLEANUP(json_free_ptr) struct json *spec = NULL;
    struct kube_opts how = {.manager = "kubelet"};
    struct node r = {.cx = cx, .plane = p, .opts = arg != NULL ? arg : &none};
    struct pod_trouble why;
    enum rc rc;

    if (c == NULL)
        return err_set(e, RC_NOT_FOUND, "pod %s has no container %s", kube_name(pod), container);
    json_set(c, "command", json_clone(argv));
    json_remove(c, "args");
    r.k = kube_new(plane_transport(p), &how);
    r.kubeconfig = r.opts->kubeconfig != NULL ? r.opts->kubeconfig : plane_kubeconfig(p);
    r.program = node_program();
    rc = container_spec(cx, &r, pod, c, &spec, &why, e);
    if (rc == RC_OK)
        rc = exec_run(spec, out, e);
    kube_free(r.k);
    mem_free(r.program);
    return rc;
}

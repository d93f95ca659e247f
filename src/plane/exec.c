/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods/exec: a command in a container that runs, over a WebSocket as `kubectl exec` has it. Its stdout and stderr come back, and how it
 * ended; what is sent to it is passed over, and it has no terminal.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "httpd/httpd.h"
#include "plane/core.h"

enum { STEP = 16 * 1024, LOOK_MS = 1000, END_LOOK_MS = 20, FRAME_HEAD = 4, SHORT_MAX = 125 };
enum { CHANNEL_OUT = 1, CHANNEL_ERR = 2, CHANNEL_STATUS = 3 };
enum { FRAME_BINARY = 0x82, FRAME_CLOSE = 0x88, EXTENDED = 126, NORMAL_END = 1000 };

struct exec {
    struct plane_stream stream;
    struct ctx *cx;
    int peer;
    struct plane_exec process; /* pid 0: it was waited for */
    struct buf out;            /* frames */
    size_t given;
    bool over;
};

static void
exec_frame(struct exec *x, uint8_t op, const uint8_t *payload, size_t n)
{
    uint8_t head[FRAME_HEAD] = {op, (uint8_t)n};

    if (n > SHORT_MAX) {
        head[1] = EXTENDED;
        head[2] = (uint8_t)(n >> 8);
        head[3] = (uint8_t)n;
    }
    buf_must_add(&x->out, head, n > SHORT_MAX ? FRAME_HEAD : 2);
    buf_must_add(&x->out, payload, n);
}

/* What there is on one of the two; at its end it is closed. */
static void
exec_take(struct exec *x, int *fd, uint8_t channel)
{
    uint8_t message[1 + STEP] = {channel};
    ssize_t n = read(*fd, message + 1, STEP);

    if (n > 0) {
        exec_frame(x, FRAME_BINARY, message, (size_t)n + 1);
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* How it ended, and that this is all. */
static void
exec_end(struct exec *x, int status)
{
    static const uint8_t closing[2] = {NORMAL_END >> 8, NORMAL_END & 0xFF};
    CLEANUP(json_free_ptr) struct json *s = json_new_object();
    CLEANUP(mem_free_ptr) char *text = NULL;
    CLEANUP(mem_free_ptr) char *message = NULL;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

    (void)json_need_object(s, "metadata");
    json_set_cstr(s, "status", code == 0 ? "Success" : "Failure");
    if (code != 0) {
        struct json *cause = json_new_object();

        text = mem_printf("%d", code);
        json_set_cstr(s, "reason", "NonZeroExitCode");
        json_set_cstr(cause, "reason", "ExitCode");
        json_set_cstr(cause, "message", text);
        json_push(json_need_array(json_need_object(s, "details"), "causes"), cause);
        message = mem_printf("command terminated with non-zero exit code: %d", code);
        json_set_cstr(s, "message", message);
        mem_free(TAKE(text));
    }
    text = json_to_text(s, false);
    CLEANUP(mem_free_ptr) char *words = mem_printf("%c%s", CHANNEL_STATUS, text);
    exec_frame(x, FRAME_BINARY, (const uint8_t *)words, strlen(words));
    exec_frame(x, FRAME_CLOSE, closing, sizeof(closing));
    x->over = true;
}

static enum rc
exec_wait(struct exec *x, struct err *e)
{
    int status = 0;

    for (;;) {
        pid_t who = waitpid(x->process.pid, &status, WNOHANG);

        if (who == x->process.pid || (who < 0 && errno == ECHILD)) {
            x->process.pid = 0;
            exec_end(x, status);
            return RC_OK;
        }
        if (ctx_sleep(x->cx, END_LOOK_MS, e))
            return err_code(e);
    }
}

/* Until there is something to give. */
static enum rc
exec_fill(struct exec *x, struct err *e)
{
    while (x->out.n == 0) {
        struct pollfd fds[2] = {{.fd = x->process.out, .events = POLLIN},
                                {.fd = x->process.err, .events = POLLIN}};

        if (x->process.out < 0 && x->process.err < 0)
            return exec_wait(x, e);
        if (ctx_check(x->cx, e))
            return err_code(e);
        if (poll(fds, 2, LOOK_MS) == 0 && httpd_peer_is_gone(x->peer))
            return err_set(e, RC_UNAVAILABLE, "the client hung up");
        if (fds[0].revents != 0)
            exec_take(x, &x->process.out, CHANNEL_OUT);
        if (fds[1].revents != 0)
            exec_take(x, &x->process.err, CHANNEL_ERR);
    }
    return RC_OK;
}

static enum rc
exec_read(struct rd *rd, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct exec *x = CONTAINER_OF(rd, struct exec, stream.pub.rd);

    if (x->given == x->out.n) {
        buf_reset(&x->out);
        x->given = 0;
        if (!x->over && exec_fill(x, e))
            return err_code(e);
    }
    *got = MIN(n, x->out.n - x->given);
    if (*got > 0)
        memcpy(p, x->out.p + x->given, *got);
    x->given += *got;
    return RC_OK;
}

static void
exec_close(struct plane_stream *s)
{
    struct exec *x = CONTAINER_OF(s, struct exec, stream);

    if (x->process.out >= 0)
        (void)close(x->process.out);
    if (x->process.err >= 0)
        (void)close(x->process.err);
    if (x->process.pid > 0) {
        (void)kill(-x->process.pid, SIGKILL);
        (void)waitpid(x->process.pid, NULL, 0);
    }
    buf_release(&x->out);
    mem_free(x);
}

static bool
container_runs(const struct json *pod, const char *name)
{
    static const char *const lists[] = {"containerStatuses", "initContainerStatuses"};

    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        const struct json *all = json_dig(pod, "status", lists[k]);

        for (size_t i = 0; i < json_size(all); i++)
            if (strcmp(json_text_or(json_field(json_elem(all, i), "name"), ""), name) == 0)
                return json_dig(json_elem(all, i), "state", "running") != NULL;
    }
    return false;
}

bool
verb_exec(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *pod = NULL;
    CLEANUP(json_free_ptr) struct json *argv = call_params(c, "command");
    const char *container;
    struct err e = ERR_INIT;
    struct exec *x;

    if (!load_object(c, c->name, &pod, NULL))
        return false;
    container = choose_container(c, pod);
    if (container == NULL)
        return false;
    if (!c->upgrades)
        return answer_error(c, 400, "BadRequest",
                            "commands are run over a WebSocket that speaks v4.channel.k8s.io");
    if (json_size(argv) == 0)
        return answer_error(c, 400, "BadRequest", "you must specify at least 1 command");
    if (!container_runs(pod, container) || c->plane->hooks.exec == NULL)
        return answer_error(c, 400, "BadRequest", "container \"%s\" in pod \"%s\" does not run",
                            container, c->name);
    x = MEM_NEW(struct exec);
    if (c->plane->hooks.exec(c->plane->hooks.arg, c->plane, c->cx, pod, container, argv,
                             &x->process, &e)) {
        mem_free(x);
        return answer_err(c, &e);
    }
    x->stream.pub.rd.read = exec_read;
    x->stream.close = exec_close;
    x->cx = c->cx;
    x->peer = c->peer;
    buf_init(&x->out, (size_t)4 * STEP);
    c->rp->status = 101;
    c->rp->stream = &x->stream;
    return true;
}

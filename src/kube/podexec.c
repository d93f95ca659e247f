/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/podexec.h"

#include "base/log.h"
#include "base/mem.h"
#include "kube/kube_internal.h"
#include "kube/websocket.h"

enum { CHANNEL_IN = 0, CHANNEL_OUT = 1, CHANNEL_ERR = 2, CHANNEL_STATUS = 3 };

#define PROTOCOLS "v5.channel.k8s.io, v4.channel.k8s.io"

/* The last word of the server: how the command ended. */
static enum rc
read_status(struct str text, int *exit_code, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *status = NULL;
    const struct json *causes;
    int64_t code;

    if (json_parse(text, &status, e))
        return err_wrap(e, "could not read how the command ended");
    if (strcmp(json_text_or(json_field(status, "status"), ""), "Success") == 0) {
        *exit_code = 0;
        return RC_OK;
    }
    causes = json_dig(status, "details", "causes");
    for (size_t i = 0; i < json_size(causes); i++) {
        const struct json *c = json_elem(causes, i);
        struct str number = json_text_str(json_field(c, "message"));
        if (strcmp(json_text_or(json_field(c, "reason"), ""), "ExitCode") == 0 &&
            number.p != NULL && str_to_i64(number, &code) && code > 0 && code < 256) {
            *exit_code = (int)code;
            return RC_OK;
        }
    }
    return kube_status_error(e, (int)json_int_or(json_field(status, "code"), 500), 0, status);
}

/* As much of the output as fits. */
static void
podexec_keep(struct buf *to, struct str s)
{
    buf_must_add(to, s.p, MIN(s.n, to->max - to->n));
}

static enum rc
read_all(struct ws *w, struct kube_pod_exec_result *out, struct err *e)
{
    int exit_code = -1;

    for (;;) {
        struct str m = {.p = NULL};
        bool over;
        if (ws_read(w, &m, &over, e))
            return err_wrap(e, "could not read the output of the command");
        if (over)
            break;
        if (m.n < 1)
            continue;
        if (m.p[0] == CHANNEL_OUT || m.p[0] == CHANNEL_ERR) {
            podexec_keep(&out->output, str_of(m.p + 1, m.n - 1));
        } else if (m.p[0] == CHANNEL_STATUS && m.n > 1) {
            struct err ignored = ERR_INIT;
            if (read_status(str_of(m.p + 1, m.n - 1), &exit_code, e))
                return err_code(e);
            if (ws_close(w, &ignored)) /* all is said: it does not matter any more */
                log_debug("%s", ignored.msg);
            break;
        }
    }
    if (exit_code < 0) {
        (void)err_set(e, RC_UNAVAILABLE, "the server did not say how the command ended");
        return err_code(e);
    }
    out->exit_code = exit_code;
    return RC_OK;
}

/* ---- the connection ---- */

/* One that is open: the command runs. */
struct podexec {
    struct kube *k;
    struct kube_duplex *d;
    struct ws ws;
};

static void
podexec_end(struct podexec *x)
{
    ws_release(&x->ws);
    x->k->t->close_duplex(x->d);
}

static enum rc
podexec_greet(struct podexec *x, const char *path, struct err *e)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(WS_BODY_MAX);
    struct ws_request rq = {.host = x->d->host,
                            .path = path,
                            .authorization = x->d->authorization,
                            .headers = x->d->headers,
                            .protocols = PROTOCOLS};
    int status = 0;

    if (ws_open(&x->ws, &rq, &status, &body, e))
        return err_wrap(e, "could not ask for the command");
    if (status != 101) {
        struct kube_response r = {.status = status, .body = body};
        buf_init(&body, 0); /* it is the answer's now */
        return kube_answer_error(&r, e);
    }
    if (strcmp(x->ws.protocol, "v5.channel.k8s.io") != 0 &&
        strcmp(x->ws.protocol, "v4.channel.k8s.io") != 0)
        return err_set(e, RC_UNSUPPORTED, "the server speaks \"%s\", not v4.channel.k8s.io",
                       x->ws.protocol);
    return RC_OK;
}

static enum rc
podexec_path(const struct kube_duplex *d, const char *ns, const char *pod,
             const struct kube_pod_exec_opts *o, bool with_stdin, struct buf *path, struct err *e)
{
    buf_putf(path, "%s", d->prefix);
    kube_path(path, &KUBE_POD, ns, pod, "exec");
    for (const char *const *word = o->argv; *word != NULL; word++)
        kube_query(path, "command", *word);
    kube_query(path, "container", o->container);
    kube_query(path, "stdin", with_stdin ? "true" : NULL);
    kube_query(path, "stdout", "true");
    kube_query(path, "stderr", "true");
    return buf_whole(path, "the address of a request", e);
}

/* podexec_end after RC_OK. */
static enum rc
podexec_begin(struct podexec *x, struct ctx *cx, struct kube *k, const char *ns, const char *pod,
              const struct kube_pod_exec_opts *o, bool with_stdin, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(16 * 1024 * 1024);

    x->k = k;
    if (k->t->upgrade == NULL)
        return err_set(e, RC_UNSUPPORTED, "commands in pod %s/%s cannot be run through this API",
                       ns, pod);
    if (k->t->upgrade(k->t, cx, &x->d, e))
        return err_code(e);
    ws_init(&x->ws, &x->d->rd, &x->d->wr);
    if (podexec_path(x->d, ns, pod, o, with_stdin, &path, e) == RC_OK &&
        podexec_greet(x, buf_c(&path), e) == RC_OK)
        return RC_OK;
    podexec_end(x);
    return err_code(e);
}

enum rc
kube_pod_exec(struct ctx *cx, struct kube *k, const char *ns, const char *pod,
              const struct kube_pod_exec_opts *o, struct kube_pod_exec_result *out, struct err *e)
{
    struct podexec x;
    enum rc rc = podexec_begin(&x, cx, k, ns, pod, o, false, e);

    if (rc == RC_OK) {
        rc = read_all(&x.ws, out, e);
        podexec_end(&x);
    }
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not run a command in pod %s/%s", ns, pod);
}

/* ---- a command to talk with ---- */

enum { TALK_STEP = 32 * 1024, TALK_WORDS = 256 };

struct podexec_talk {
    struct kube_pod_talk talk;
    struct podexec x;
    struct str left; /* of its stdout, what came and was not read; valid until the next message */
    bool over;
};

/* Its last words, should it fail. */
static void
talk_log(struct str words)
{
    while (words.n > 0 && words.p[words.n - 1] == '\n')
        words.n--;
    if (words.n > 0)
        log_warn("the Pod says: %.*s", (int)MIN(words.n, (size_t)TALK_WORDS), words.p);
}

static enum rc
talk_ended(struct podexec_talk *t, struct str status, struct err *e)
{
    int code = 0;

    if (read_status(status, &code, e))
        return err_code(e);
    t->over = true;
    return code == 0 ? RC_OK
                     : err_set(e, RC_UNAVAILABLE, "the command in the Pod ended with %d", code);
}

static enum rc
talk_message(struct podexec_talk *t, struct err *e)
{
    struct str m = {.p = NULL};
    bool over = false;

    if (ws_read(&t->x.ws, &m, &over, e))
        return err_wrap(e, "the connection to the Pod");
    if (over)
        return err_set(e, RC_UNAVAILABLE, "the connection to the Pod ended");
    if (m.n < 2)
        return RC_OK;
    if (m.p[0] == CHANNEL_OUT)
        t->left = str_of(m.p + 1, m.n - 1);
    else if (m.p[0] == CHANNEL_ERR)
        talk_log(str_of(m.p + 1, m.n - 1));
    else if (m.p[0] == CHANNEL_STATUS)
        return talk_ended(t, str_of(m.p + 1, m.n - 1), e);
    return RC_OK;
}

static enum rc
talk_read(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct podexec_talk *t = CONTAINER_OF(r, struct podexec_talk, talk.rd);

    while (t->left.n == 0 && !t->over)
        if (talk_message(t, e))
            return err_code(e);
    *got = MIN(n, t->left.n);
    if (*got > 0)
        memcpy(p, t->left.p, *got);
    t->left = str_of(t->left.p + *got, t->left.n - *got);
    return RC_OK;
}

static enum rc
talk_write(struct wr *w, const uint8_t *p, size_t n, struct err *e)
{
    struct podexec_talk *t = CONTAINER_OF(w, struct podexec_talk, talk.wr);

    while (n > 0) {
        uint8_t message[1 + TALK_STEP] = {CHANNEL_IN};
        size_t step = MIN(n, (size_t)TALK_STEP);

        memcpy(message + 1, p, step);
        if (ws_write(&t->x.ws, str_of(message, 1 + step), e))
            return err_wrap(e, "the connection to the Pod");
        p += step;
        n -= step;
    }
    return RC_OK;
}

enum rc
kube_pod_exec_open(struct ctx *cx, struct kube *k, const char *ns, const char *pod,
                   const struct kube_pod_exec_opts *o, struct kube_pod_talk **out, struct err *e)
{
    struct podexec_talk *t = MEM_NEW(struct podexec_talk);

    if (podexec_begin(&t->x, cx, k, ns, pod, o, true, e)) {
        mem_free(t);
        return err_wrap(e, "could not run a command in pod %s/%s", ns, pod);
    }
    t->talk = (struct kube_pod_talk){.rd = {.read = talk_read}, .wr = {.write = talk_write}};
    *out = &t->talk;
    return RC_OK;
}

void
kube_pod_exec_close(struct kube_pod_talk *talk)
{
    struct podexec_talk *t = CONTAINER_OF(talk, struct podexec_talk, talk);
    struct err ignored = ERR_INIT;

    if (ws_close(&t->x.ws, &ignored))
        log_debug("%s", ignored.msg);
    podexec_end(&t->x);
    mem_free(t);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/podexec.h"

#include "base/log.h"
#include "base/mem.h"
#include "kube/kube_internal.h"
#include "kube/websocket.h"

enum { CHANNEL_OUT = 1, CHANNEL_ERR = 2, CHANNEL_STATUS = 3 };

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

static enum rc
podexec_talk(struct kube_duplex *d, const char *path, struct kube_pod_exec_result *out,
             struct err *e)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(WS_BODY_MAX);
    CLEANUP(ws_release) struct ws w;
    struct ws_request rq = {
        .host = d->host, .path = path, .authorization = d->authorization, .protocols = PROTOCOLS};
    int status = 0;

    ws_init(&w, &d->rd, &d->wr);
    if (ws_open(&w, &rq, &status, &body, e))
        return err_wrap(e, "could not ask for the command");
    if (status != 101) {
        struct kube_response r = {.status = status, .body = body};
        buf_init(&body, 0); /* it is the answer's now */
        return kube_answer_error(&r, e);
    }
    if (strcmp(w.protocol, "v5.channel.k8s.io") != 0 &&
        strcmp(w.protocol, "v4.channel.k8s.io") != 0)
        return err_set(e, RC_UNSUPPORTED, "the server speaks \"%s\", not v4.channel.k8s.io",
                       w.protocol);
    return read_all(&w, out, e);
}

enum rc
kube_pod_exec(struct ctx *cx, struct kube *k, const char *ns, const char *pod,
              const struct kube_pod_exec_opts *o, struct kube_pod_exec_result *out, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(16 * 1024 * 1024);
    struct kube_duplex *d = NULL;
    enum rc rc;

    if (k->t->upgrade == NULL)
        return err_set(e, RC_UNSUPPORTED, "commands in pod %s/%s cannot be run through this API",
                       ns, pod);
    rc = k->t->upgrade(k->t, cx, &d, e);
    if (rc == RC_OK) {
        buf_putf(&path, "%s", d->prefix);
        kube_path(&path, &KUBE_POD, ns, pod, "exec");
        for (const char *const *word = o->argv; *word != NULL; word++)
            kube_query(&path, "command", *word);
        kube_query(&path, "container", o->container);
        kube_query(&path, "stdout", "true");
        kube_query(&path, "stderr", "true");
        rc = buf_whole(&path, "the address of a request", e);
        if (rc == RC_OK)
            rc = podexec_talk(d, buf_c(&path), out, e);
        k->t->close_duplex(d);
    }
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not run a command in pod %s/%s", ns, pod);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "job/hook.h"

#include <ctype.h>
#include <strings.h>

#include "api/kinds.h"
#include "api/template.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/client.h"
#include "job/service_endpoint.h"
#include "kube/podexec.h"
#include "kube/object.h"
#include "net/sock.h"

enum { HEADERS_MAX = 32, ARGV_MAX = 64, SHOWN = 300 };

struct hook {
    struct ctx *cx;
    struct kube *k;
    const struct invoker *inv;
    const struct json *data;
    struct json *pod; /* behind the target's Service; NULL: not looked for yet */
};

static const char *
hook_text(const struct json *obj, const char *field)
{
    return json_text_or(json_field(obj, field), "");
}

/* A template is rendered, anything else stays; mem_free. */
static enum rc
hook_render(struct hook *h, const char *s, char **out, struct err *e)
{
    CLEANUP(buf_release) struct buf to = BUF_INIT(TEMPLATE_MAX);
    size_t from = 0, n;

    if (!template_is_one(s)) {
        *out = mem_strdup(s);
        return RC_OK;
    }
    if (template_render(str_c(s), h->data, &to, e))
        return err_code(e);
    n = to.n;
    while (n > 0 && isspace(to.p[n - 1]))
        n--;
    while (from < n && isspace(to.p[from]))
        from++;
    *out = mem_strndup((const char *)to.p + from, n - from);
    return RC_OK;
}

/* ---- the pod ---- */

static enum rc
find_pod(struct hook *h, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *app = NULL;
    struct service_endpoint behind;
    const struct json *service;

    if (h->pod != NULL)
        return RC_OK;
    if (kube_get(h->cx, h->k, &GVR_APP_BINDING, h->inv->target_ns, h->inv->target_name, &app, e))
        return err_wrap(e, "could not read the AppBinding");
    service = json_dig(app, "spec", "clientConfig", "service");
    if (service == NULL)
        return err_set(e, RC_NOT_FOUND, "no pod found for AppBinding %s/%s: it has no service",
                       h->inv->target_ns, h->inv->target_name);
    if (service_endpoint_find(h->cx, h->k, h->inv->target_ns, hook_text(service, "name"), &behind,
                              e) == RC_OK &&
        behind.pod == NULL)
        (void)err_set(e, RC_NOT_FOUND, "no pod found for AppBinding %s/%s", h->inv->target_ns,
                      h->inv->target_name);
    if (e->code == RC_OK)
        (void)!kube_get(h->cx, h->k, &KUBE_POD, h->inv->target_ns, behind.pod, &h->pod, e);
    service_endpoint_release(&behind);
    return e->code == RC_OK ? RC_OK : err_code(e);
}

static enum rc
host_of(struct hook *h, const struct json *action, const char **out, struct err *e)
{
    *out = json_text(json_field(action, "host"));
    if (*out != NULL && (*out)[0] != '\0')
        return RC_OK;
    if (find_pod(h, e))
        return err_code(e);
    *out = json_text(json_dig(h->pod, "status", "podIP"));
    return *out != NULL ? RC_OK
                        : err_set(e, RC_UNAVAILABLE, "pod %s has no address", kube_name(h->pod));
}

/* A number, or the name of a port of the pod. */
static enum rc
port_of(struct hook *h, const struct json *action, uint16_t *out, struct err *e)
{
    const struct json *port = json_field(action, "port"), *containers;
    int64_t n = json_int_or(port, 0);
    const char *name = json_text(port);

    if (name != NULL && !str_to_i64(str_c(name), &n)) {
        if (find_pod(h, e))
            return err_code(e);
        containers = json_dig(h->pod, "spec", "containers");
        for (size_t i = 0; i < json_size(containers); i++) {
            const struct json *ports = json_field(json_elem(containers, i), "ports");

            for (size_t p = 0; p < json_size(ports); p++)
                if (strcmp(hook_text(json_elem(ports, p), "name"), name) == 0)
                    n = json_int_or(json_field(json_elem(ports, p), "containerPort"), 0);
        }
    }
    if (n < 1 || n > 65535)
        return err_set(e, RC_INVALID, "port %s is not a port", name != NULL ? name : "of the hook");
    *out = (uint16_t)n;
    return RC_OK;
}

/* ---- actions ---- */

static enum rc
run_exec(struct hook *h, const struct json *handler, const struct json *action, struct err *e)
{
    const struct json *command = json_field(action, "command");
    struct kube_pod_exec_opts o = {.container = json_text(json_field(handler, "containerName"))};
    struct kube_pod_exec_result r = {.output = BUF_INIT(10 * 1024)};
    char *argv[ARGV_MAX] = {NULL};
    size_t n = json_size(command);
    enum rc rc = RC_OK;

    if (n == 0 || n >= ARGV_MAX)
        return err_set(e, RC_INVALID, "exec.command of the hook has %zu words; 1 to %d are taken",
                       n, ARGV_MAX - 1);
    if (find_pod(h, e))
        return err_code(e);
    for (size_t i = 0; i < n && rc == RC_OK; i++)
        rc = hook_render(h, json_text_or(json_elem(command, i), ""), &argv[i], e);
    if (rc == RC_OK) {
        o.argv = (const char *const *)argv;
        rc = kube_pod_exec(h->cx, h->k, h->inv->target_ns, kube_name(h->pod), &o, &r, e);
    }
    if (rc == RC_OK && r.output.n > 0)
        log_info("%.*s", (int)r.output.n, (const char *)r.output.p);
    if (rc == RC_OK && r.exit_code != 0)
        rc = err_set(e, RC_INVALID, "the command ended with exit code %d: %.*s", r.exit_code,
                     (int)MIN(r.output.n, (size_t)SHOWN), (const char *)r.output.p);
    for (size_t i = 0; i < n; i++)
        mem_free(argv[i]);
    buf_release(&r.output);
    return rc;
}

static enum rc
run_tcp(struct hook *h, const struct json *action, struct err *e)
{
    struct sock_opts o = {.connect_ms = 10000};
    struct sock s = {.fd = -1};
    const char *host;
    uint16_t port;

    if (port_of(h, action, &port, e) || host_of(h, action, &host, e))
        return err_code(e);
    if (sock_dial(h->cx, host, port, &o, &s, e))
        return err_code(e);
    sock_close(&s);
    return RC_OK;
}

static enum rc
put_form(const struct json *form, struct buf *to, struct err *e)
{
    for (size_t i = 0; i < json_size(form); i++) {
        const struct json *f = json_elem(form, i), *values = json_field(f, "values");

        for (size_t v = 0; v < json_size(values); v++) {
            const char *key = hook_text(f, "key"), *value = json_text_or(json_elem(values, v), "");

            if (to->n + 3 * (strlen(key) + strlen(value)) + 2 > to->max)
                return err_set(e, RC_LIMIT, "the form of the hook is larger than %zu bytes",
                               to->max);
            buf_must_printf(to, "%s", to->n > 0 ? "&" : "");
            http_escape(to, key);
            buf_must_printf(to, "=");
            http_escape(to, value);
        }
    }
    return RC_OK;
}

struct http_parts {
    char *url, *headers[HEADERS_MAX + 1];
    size_t origin; /* how many bytes of the URL are "http://host:port" */
    struct buf body;
};

static enum rc
http_parts(struct hook *h, const struct json *action, bool post, struct http_parts *p,
           struct err *e)
{
    const struct json *list = json_field(action, "httpHeaders"), *form = json_field(action, "form");
    const char *host, *path = hook_text(action, "path");
    bool tls = strcasecmp(hook_text(action, "scheme"), "HTTPS") == 0;
    CLEANUP(mem_free_ptr) char *origin = NULL;
    size_t n = 0;
    uint16_t port;
    char *body;
    enum rc rc;

    if (port_of(h, action, &port, e) || host_of(h, action, &host, e))
        return err_code(e);
    origin =
        mem_printf("%s://%s%s%s:%u", tls ? "https" : "http", strchr(host, ':') != NULL ? "[" : "",
                   host, strchr(host, ':') != NULL ? "]" : "", port);
    p->origin = strlen(origin);
    p->url = mem_printf("%s%s%s", origin, path[0] == '/' ? "" : "/", path);
    if (json_size(list) >= HEADERS_MAX)
        return err_set(e, RC_LIMIT, "a hook takes up to %d headers", HEADERS_MAX - 1);
    for (; n < json_size(list); n++)
        p->headers[n] = mem_printf("%s: %s", hook_text(json_elem(list, n), "name"),
                                   hook_text(json_elem(list, n), "value"));
    if (!post)
        return RC_OK;
    if (json_size(form) > 0) {
        p->headers[n] = mem_strdup("Content-Type: application/x-www-form-urlencoded");
        return put_form(form, &p->body, e);
    }
    if (hook_render(h, hook_text(action, "body"), &body, e))
        return err_code(e);
    rc = buf_add(&p->body, body, strlen(body), e);
    mem_free(body);
    return rc;
}

static enum rc
run_http(struct hook *h, const struct json *action, bool post, struct err *e)
{
    struct http_parts p = {.body = BUF_INIT(16 * TEMPLATE_MAX)};
    struct http_response r = {0};
    struct http_opts opts = {.insecure = false};
    struct http *http = NULL;
    enum rc rc = http_parts(h, action, post, &p, e);

    /* No name stands for a Pod's own address: kubelet's probes do not verify there either, nor did Stash's hooks. */
    opts.insecure = hook_text(action, "host")[0] == '\0' &&
                    strcasecmp(hook_text(action, "scheme"), "HTTPS") == 0;
    if (rc == RC_OK && opts.insecure)
        log_warn("the hook names no host: the certificate of %.*s is not verified", (int)p.origin,
                 p.url);
    if (rc == RC_OK)
        rc = http_new(&opts, &http, e);
    if (rc == RC_OK) {
        struct http_request rq = {.method = post ? "POST" : "GET",
                                  .url = p.url,
                                  .headers = (const char *const *)p.headers,
                                  .body = buf_str(&p.body),
                                  .timeout_ms = HOOK_MS};

        rc = http_call(h->cx, http, &rq, &r, e);
    }
    if (rc == RC_OK && (r.status < 200 || r.status >= 400))
        rc = err_set(e, RC_INVALID, "%.*s answers %d%s%.*s", (int)p.origin, p.url, r.status,
                     r.body.n != 0 ? ": " : "", (int)MIN(r.body.n, (size_t)SHOWN),
                     (const char *)r.body.p);
    http_response_release(&r);
    if (http != NULL)
        http_free(http);
    for (size_t i = 0; p.headers[i] != NULL; i++)
        mem_free(p.headers[i]);
    mem_free(p.url);
    buf_release(&p.body);
    return rc;
}

enum rc
hook_run(struct ctx *cx, struct kube *k, const struct invoker *inv, const struct json *handler,
         const struct json *data, struct err *e)
{
    static const char *const actions[] = {"exec", "httpGet", "httpPost", "tcpSocket"};
    struct hook h = {cx, k, inv, data, NULL};
    const struct json *action = NULL;
    size_t which = 0, n = 0;
    enum rc rc;

    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (json_field(handler, actions[i]) != NULL) {
            action = json_field(handler, actions[i]);
            which = i;
            n++;
        }
    if (n != 1)
        return err_set(e, RC_INVALID,
                       "a hook needs one of exec, httpGet, httpPost and tcpSocket; it has %zu", n);
    rc = which == 0   ? run_exec(&h, handler, action, e)
         : which == 3 ? run_tcp(&h, action, e)
                      : run_http(&h, action, which == 2, e);
    json_free(h.pod);
    return rc == RC_OK ? RC_OK : err_wrap(e, "%s", actions[which]);
}

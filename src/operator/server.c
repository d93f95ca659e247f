/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/server.h"

#include "base/log.h"
#include "base/mem.h"
#include "httpd/httpd.h"
#include "metrics/process.h"
#include "operator/metrics_auth.h"
#include "operator/operator_internal.h"

struct operator_server {
    struct operator* op;
    struct metrics_auth *auth; /* NULL: whoever reaches it */
    struct httpd *httpd;
};

/* ---- controllers ---- */

struct series {
    const char *name, *type, *help;
    double (*value)(const struct controller_stats *s);
};

#define VALUE(fn, expr)                                                                            \
    static double fn(const struct controller_stats *s)                                             \
    {                                                                                              \
        return (double)(expr);                                                                     \
    }
VALUE(depth_of, s->depth)
VALUE(adds_of, s->adds)
VALUE(retries_of, s->retries)
VALUE(active_of, s->active)
VALUE(total_of, s->success + s->errors)
VALUE(errors_of, s->errors)
VALUE(seconds_of, (double)s->nanoseconds / 1e9)

static const struct series all_series[] = {
    {"workqueue_depth", "gauge", "Keys that wait", depth_of},
    {"workqueue_adds_total", "counter", "Keys added", adds_of},
    {"workqueue_retries_total", "counter", "Keys added again after an error", retries_of},
    {"controller_runtime_active_workers", "gauge", "Workers at work", active_of},
    {"controller_runtime_reconcile_total", "counter", "Reconciles", total_of},
    {"controller_runtime_reconcile_errors_total", "counter", "Reconciles that failed", errors_of},
    {"controller_runtime_reconcile_time_seconds_total", "counter", "Time in reconciles",
     seconds_of},
};

static void
put_controllers(struct operator* op, struct metrics *m)
{
    for (size_t i = 0; i < ARRAY_LEN(all_series); i++) {
        struct controller_stats s;

        metrics_begin(m, all_series[i].name, all_series[i].type, all_series[i].help);
        for (size_t c = 0; manager_stats(op->m, c, &s); c++) {
            struct metrics_label l[] = {{"controller", s.name}, {NULL, NULL}};

            metrics_sample(m, l, all_series[i].value(&s));
        }
    }
}

static void
put_caches(struct operator* op, struct metrics *m)
{
    struct cache *c;

    metrics_begin(m, "cstash_cache_objects", "gauge", "Objects held");
    for (size_t i = 0; (c = manager_cache_at(op->m, i)) != NULL; i++) {
        struct metrics_label l[] = {{"kind", cache_kind(c)->kind}, {NULL, NULL}};

        metrics_sample(m, l, (double)cache_count(c, NULL));
    }
    metrics_begin(m, "cstash_cache_lists_total", "counter", "How often all objects were listed");
    for (size_t i = 0; (c = manager_cache_at(op->m, i)) != NULL; i++) {
        struct metrics_label l[] = {{"kind", cache_kind(c)->kind}, {NULL, NULL}};

        metrics_sample(m, l, (double)cache_lists(c));
    }
}

static void
put_requests(struct operator* op, struct metrics *m)
{
    struct kube_stats s = kube_stats(op->k);

    metrics_begin(m, "cstash_api_requests_total", "counter", "Requests to the API server");
    metrics_sample(m, NULL, (double)s.requests);
    metrics_begin(m, "cstash_api_requests_delayed_total", "counter",
                  "Requests that the API server answered with \"later\"");
    metrics_sample(m, NULL, (double)s.delayed);
}

static void
put_all(struct operator* op, struct metrics *m)
{
    bool leading = !atomic_load(&op->standing_by);

    metrics_begin(m, "cstash_operator_leading", "gauge", "Does this one work, or stand by");
    metrics_sample(m, NULL, leading);
    metrics_process(m);
    put_requests(op, m);
    put_controllers(op, m);
    put_caches(op, m);
    if (!leading) /* it knows of no session: zeros would be lies */
        return;
    put_state(op, m);
}

static void
server_say(struct httpd_answer *a, int status, const char *text)
{
    a->status = status;
    buf_must_printf(&a->body, "%s\n", text);
}

static void
answer_metrics(struct operator_server *s, struct ctx *cx, const struct httpd_request *rq,
               struct httpd_answer *a)
{
    struct metrics m = METRICS_INIT;
    int status = s->auth == NULL ? 200 : metrics_auth_check(s->auth, cx, rq->authorization);

    if (status == 401)
        httpd_add_header(a, "WWW-Authenticate", "Bearer");
    if (status != 200) {
        server_say(a, status,
                   status == 401   ? "a bearer token is needed"
                   : status == 403 ? "this token may not get /metrics"
                                   : "nobody could be asked");
        return;
    }
    put_all(s->op, &m);
    if (m.full) {
        server_say(a, 503, "there are more series than fit into one answer");
    } else {
        a->content_type = "text/plain; version=0.0.4";
        buf_must_add(&a->body, m.text.p, m.text.n);
    }
    metrics_release(&m);
}

static void
server_answer(void *arg, struct ctx *cx, const struct httpd_request *rq, struct httpd_answer *a)
{
    struct operator* op =((struct operator_server *)arg)->op;

    if (strcmp(rq->method, "GET") != 0 && strcmp(rq->method, "HEAD") != 0) {
        server_say(a, 405, "only GET");
    } else if (strcmp(rq->uri, "/healthz") == 0) {
        server_say(a, 200, "ok");
    } else if (strcmp(rq->uri, "/readyz") == 0) {
        if (manager_is_ready(op->m))
            server_say(a, 200, "ok");
        else if (atomic_load(&op->standing_by))
            server_say(a, 200, "ok: standing by, another operator leads");
        else
            server_say(a, 503, "not ready");
    } else if (strcmp(rq->uri, "/metrics") == 0) {
        answer_metrics((struct operator_server *)arg, cx, rq, a);
    } else {
        server_say(a, 404, "there are /healthz, /readyz and /metrics");
    }
}

enum rc
operator_server_open(struct operator* op, struct operator_server **out, struct err *e)
{
    struct operator_server *s = MEM_NEW(struct operator_server);
    struct httpd_opts o = {.listen = op->opts->listen, .handler = server_answer, .arg = s};

    s->op = op;
    s->auth = op->opts->metrics_auth ? metrics_auth_new(op->k) : NULL;
    if (httpd_open(&o, &s->httpd, e)) {
        metrics_auth_free(s->auth);
        mem_free(s);
        return err_wrap(e, "could not serve health and metrics");
    }
    log_info("health and metrics at http://%s", op->opts->listen);
    *out = s;
    return RC_OK;
}

void
operator_server_close(struct operator_server *s)
{
    if (s == NULL)
        return;
    httpd_close(s->httpd);
    metrics_auth_free(s->auth);
    mem_free(s);
}

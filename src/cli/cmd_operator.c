/* SPDX-License-Identifier: Apache-2.0 */
/* cstash operator: the controllers against a cluster. */
#include "base/mem.h"
#include "cli/app.h"
#include "kube/config.h"
#include "operator/operator.h"

enum { REQUESTS_MAX = 1000000 };

#define PUSHGATEWAY_URL "http://localhost:56789"

static const struct opt opts_operator[] = {
    {"kubeconfig", 0, OPT_TEXT_OR_NONE, OPT_AT(step.kubeconfig), "FILE",
     "kubeconfig file [$KUBECONFIG, else the pod's account]"},
    {"master", 0, OPT_TEXT_OR_NONE, OPT_AT(step.master), "URL", "API server"},
    {"image", 0, OPT_TEXT, OPT_AT(image), "IMAGE", "our image, for Jobs [" CSTASH_IMAGE "]"},
    {"image-pull-secrets", 0, OPT_TEXT_OR_NONE, OPT_AT(pull_secrets), "A,B",
     "pull Secrets for the pods of Jobs"},
    {"pushgateway-url", 0, OPT_TEXT_OR_NONE, OPT_AT(step.metrics_url), "URL",
     "Pushgateway [" PUSHGATEWAY_URL "]"},
    {"watch-namespace", 0, OPT_TEXT_OR_NONE, OPT_AT(step.ns), "NAMESPACE",
     "watch only this namespace [all]"},
    {"leader-elect-namespace", 0, OPT_TEXT_OR_NONE, OPT_AT(leader_namespace), "NAMESPACE",
     "namespace of the leader election Lease [no election]"},
    {"metrics-listen", 0, OPT_TEXT_OR_NONE, OPT_AT(metrics_listen), "ADDRESS",
     "address to serve health and metrics on [:8080]"},
    {"metrics-auth", 0, OPT_FLAG, OPT_AT(metrics_auth), NULL,
     "require a token that may get /metrics in the cluster"},
    {"qps", 0, OPT_TEXT, OPT_AT(qps), "N",
     "requests per second to the API server; 0: no limit [100]"},
    {"burst", 0, OPT_TEXT, OPT_AT(burst), "N", "burst of requests to the API server [100]"},
    {"deletion-limit", 0, OPT_TEXT, OPT_AT(timeout), "TIME",
     "how long a failing cleanup may hold a deletion [10m]"},
    {.name = NULL},
};
static const struct opt *const tables[] = {opts_operator, opts_global, NULL};

static enum rc
take_number(const char *name, const char *text, unsigned *out, struct err *e)
{
    uint64_t n;

    if (text == NULL)
        return RC_OK;
    if (!str_to_u64(str_c(text), &n) || n > REQUESTS_MAX)
        return err_set(e, RC_USAGE, "--%s wants a number from 0 to %d, not \"%s\"", name,
                       REQUESTS_MAX, text);
    *out = (unsigned)n;
    return RC_OK;
}

static enum rc
operator_main(struct ctx *cx, const struct args *a, struct err *e)
{
    struct kube_config_opts where = {.kubeconfig = a->step.kubeconfig, .server = a->step.master};
    struct kube_opts how = {.manager = "cstash-operator"};
    struct operator_opts o = {
        .image = a->image != NULL ? a->image : CSTASH_IMAGE,
        .pushgateway_url = a->step.metrics_url != NULL ? a->step.metrics_url : PUSHGATEWAY_URL,
        .watch_namespace = a->step.ns,
        .leader_namespace = a->leader_namespace,
        .listen = a->metrics_listen != NULL ? a->metrics_listen : ":8080",
        .metrics_auth = a->metrics_auth,
        .pull_secrets = a->pull_secrets,
    };
    unsigned qps = 100, burst = 100;
    int deletion_limit_ms = OPERATOR_DELETION_LIMIT_MS;
    struct kube *k;
    enum rc rc;

    if (take_number("qps", a->qps, &qps, e) || take_number("burst", a->burst, &burst, e))
        return e->code;
    if (a->timeout != NULL && app_parse_ms(a->timeout, "deletion-limit", &deletion_limit_ms, e))
        return e->code;
    o.deletion_limit_ms = deletion_limit_ms;
    how.qps = qps;
    how.burst = burst;
    mem_share_heaps();
    if (kube_connect(&where, &how, &k, NULL, e))
        return e->code;
    rc = operator_run(cx, k, &o, e);
    kube_free(k);
    return rc;
}

const struct command cmd_operator = {
    "operator", "", "run the controllers against a cluster", tables, 0, 0, operator_main};

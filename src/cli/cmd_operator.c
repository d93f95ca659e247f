/* SPDX-License-Identifier: Apache-2.0 */
/* cstash operator: the controllers against a cluster. */
#include "base/log.h"
#include "base/mem.h"
#include "cli/app.h"
#include "kube/config.h"
#include "operator/operator.h"

enum { REQUESTS_MAX = 1000000 };

struct operator_args {
    struct app_opts app;
    const char *kubeconfig, *master, *image, *pull_secrets, *pushgateway_url, *watch_namespace,
        *leader_namespace, *metrics_listen;
    bool metrics_auth;
    int64_t qps, burst;
    int deletion_limit_ms;
};
static const struct opt opts_operator[] = {
    {"kubeconfig", 0, OPT_FILE_OR_NONE(struct operator_args, kubeconfig), NULL,
     "kubeconfig file [$KUBECONFIG, else the pod's account]"},
    {"master", 0, OPT_TEXT_OR_NONE(struct operator_args, master), "URL", "API server"},
    {"image", 0, OPT_TEXT_PRESET(struct operator_args, image, CSTASH_IMAGE), "IMAGE",
     "our image, for Jobs"},
    {"image-pull-secrets", 0, OPT_TEXT_OR_NONE(struct operator_args, pull_secrets), "A,B",
     "pull Secrets for the pods of Jobs"},
    {"pushgateway-url", 0,
     OPT_TEXT_OR_NONE_PRESET(struct operator_args, pushgateway_url, "http://localhost:56789"),
     "URL", "Pushgateway"},
    {"watch-namespace", 0, OPT_TEXT_OR_NONE(struct operator_args, watch_namespace), "NAMESPACE",
     "watch only this namespace [all]"},
    {"leader-elect-namespace", 0, OPT_TEXT_OR_NONE(struct operator_args, leader_namespace),
     "NAMESPACE", "namespace of the leader election Lease [no election]"},
    {"metrics-listen", 0, OPT_LISTEN(struct operator_args, metrics_listen, ":8080"), "ADDRESS",
     "address to serve health and metrics on"},
    {"metrics-auth", 0, OPT_FLAG(struct operator_args, metrics_auth), NULL,
     "require a token that may get /metrics in the cluster"},
    {"qps", 0, OPT_COUNT(struct operator_args, qps, 0, REQUESTS_MAX, "100"), NULL,
     "requests per second to the API server; 0: no limit"},
    {"burst", 0, OPT_COUNT(struct operator_args, burst, 0, REQUESTS_MAX, "100"), NULL,
     "burst of requests to the API server"},
    {"deletion-limit", 0, OPT_MS(struct operator_args, deletion_limit_ms, "10m"), NULL,
     "how long a failing cleanup may hold a deletion"},
    {.name = NULL},
};
static const struct opt_group groups[] = {{opts_operator, 0}, {opts_app, 0}, {.table = NULL}};

static enum rc
operator_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct operator_args *a = args;
    struct kube_config_opts where = {.kubeconfig = a->kubeconfig, .server = a->master};
    struct kube_opts how = {
        .manager = "cstash-operator", .qps = (unsigned)a->qps, .burst = (unsigned)a->burst};
    struct operator_opts o = {
        .image = a->image,
        .pushgateway_url = a->pushgateway_url,
        .watch_namespace = a->watch_namespace,
        .leader_namespace = a->leader_namespace,
        .listen = a->metrics_listen[0] != '\0' ? a->metrics_listen : NULL,
        .metrics_auth = a->metrics_auth,
        .pull_secrets = a->pull_secrets,
        .deletion_limit_ms = a->deletion_limit_ms,
    };
    struct kube *k;
    enum rc rc;

    mem_share_heaps();
    log_as_service();
    if (kube_connect(&where, &how, &k, NULL, e))
        return err_code(e);
    rc = operator_run(cx, k, &o, e);
    kube_free(k);
    return rc;
}

const struct command cmd_operator = {.name = "operator",
                                     .summary = "run the controllers against a cluster",
                                     .groups = groups,
                                     .size = sizeof(struct operator_args),
                                     .run = operator_main};

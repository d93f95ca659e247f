/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API conformance suite against the server of a kubeconfig.
 * usage: kube_conformance [--kubeconfig FILE] [--context NAME] [CASE]
 */
#include <getopt.h>

#include "base/log.h"
#include "conformance/kube_suite.h"
#include "conformance/lossy.h"
#include "kube/config.h"

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"kubeconfig", required_argument, NULL, 'k'},
                                            {"context", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    struct kube_config_opts where = {.kubeconfig = NULL};
    struct kube_config *config = NULL;
    struct kube_transport *t = NULL;
    struct lossy *net;
    struct kube *k;
    struct err e = ERR_INIT;
    struct ctx cx;
    int o, failed;

    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) { /* NOLINT: one thread */
        if (o == 'k')
            where.kubeconfig = optarg;
        else if (o == 'c')
            where.context = optarg;
        else
            return 2;
    }
    if (ctx_init(&cx, &e) || kube_config_load(&where, &config, &e) ||
        kube_http_new(config, &t, &e)) {
        log_err(&e);
        return 1;
    }
    net = lossy_new(t);
    k = kube_new(&net->t, NULL);
    failed = kube_suite_run(&cx, k, net, optind < argc ? argv[optind] : NULL);
    kube_free(k);
    ctx_release(&cx);
    return failed == 0 ? 0 : 1;
}

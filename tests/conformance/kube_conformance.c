/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API conformance suite against the server of a kubeconfig.
 * usage: kube_conformance [--kubeconfig FILE] [--context NAME] [CASE]
 */
#include "conformance/kube_suite.h"

#include <getopt.h>

#include "base/log.h"
#include "kube/config.h"

int
main(int argc, char **argv)
{
    static const struct option options[] = {{"kubeconfig", required_argument, NULL, 'k'},
                                            {"context", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    struct kube_config_opts where = {.kubeconfig = NULL};
    struct kube *k = NULL;
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
    if (ctx_init(&cx, &e) || kube_connect(&where, NULL, &k, NULL, &e)) {
        log_err(&e);
        return 1;
    }
    failed = kube_suite_run(&cx, k, optind < argc ? argv[optind] : NULL);
    kube_free(k);
    ctx_release(&cx);
    return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* exec_tool KUBECONFIG NAMESPACE POD COMMAND...: the output on stdout, the command's exit code. */
#include "base/log.h"
#include "kube/config.h"
#include "kube/podexec.h"

int
main(int argc, char **argv)
{
    struct kube_pod_exec_result r = {.output = BUF_INIT(1024 * 1024)};
    struct kube_pod_exec_opts o = {.container = NULL};
    struct err e = ERR_INIT;
    struct kube *k;
    struct ctx cx;

    if (argc < 5)
        return 2;
    o.argv = (const char *const *)(argv + 4);
    if (ctx_init(&cx, &e) ||
        kube_connect(&(struct kube_config_opts){.kubeconfig = argv[1]}, NULL, &k, NULL, &e)) {
        log_err(&e);
        return 3;
    }
    if (kube_pod_exec(&cx, k, argv[2], argv[3], &o, &r, &e)) {
        log_err(&e);
        r.exit_code = 4;
    }
    (void)fwrite(r.output.n > 0 ? r.output.p : (const uint8_t *)"", 1, r.output.n, stdout);
    buf_release(&r.output);
    kube_free(k);
    ctx_release(&cx);
    return r.exit_code;
}

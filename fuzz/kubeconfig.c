/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfig files: any text is taken or refused; what is taken has a server. */
#include "kube/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct kube_config *c = NULL;
    struct err e = ERR_INIT;

    if (kube_config_parse(str_of(p, n), "/nowhere", NULL, &c, &e))
        return 0;
    if (kube_config_server(c)[0] != 'h')
        BUG("a server \"%s\"", kube_config_server(c));
    kube_config_free(c);
    return 0;
}

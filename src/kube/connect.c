/* SPDX-License-Identifier: Apache-2.0 */
/* From options to a client. */
#include "base/mem.h"
#include "kube/config.h"
#include "kube/kube.h"

enum rc
kube_connect(const struct kube_config_opts *where, const struct kube_opts *how, struct kube **out,
             char **namespace_out, struct err *e)
{
    struct kube_transport *t = NULL;
    struct kube_config *c = NULL;
    char *ns;

    if (kube_config_load(where, &c, e))
        return err_code(e);
    ns = mem_strdup(kube_config_namespace(c));
    if (kube_http_new(c, &t, e)) {
        mem_free(ns);
        return err_code(e);
    }
    *out = kube_new(t, how);
    if (namespace_out != NULL)
        *namespace_out = ns;
    else
        mem_free(ns);
    return RC_OK;
}

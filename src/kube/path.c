/* SPDX-License-Identifier: Apache-2.0 */
#include "http/client.h"
#include "kube/kube.h"

static void
path_step(struct buf *to, const char *s)
{
    buf_put(to, "/", 1);
    http_escape(to, s);
}

void
kube_path(struct buf *to, const struct kube_gvr *kind, const char *ns, const char *name,
          const char *sub)
{
    buf_putf(to, kind->group[0] == '\0' ? "/api" : "/apis");
    if (kind->group[0] != '\0')
        path_step(to, kind->group);
    path_step(to, kind->version);
    if (kind->namespaced && ns != NULL && ns[0] != '\0') {
        buf_putf(to, "/namespaces");
        path_step(to, ns);
    }
    path_step(to, kind->plural);
    if (name != NULL)
        path_step(to, name);
    if (name != NULL && sub != NULL)
        path_step(to, sub);
}

void
kube_query(struct buf *to, const char *key, const char *value)
{
    if (value == NULL)
        return;
    buf_put(to, memchr(to->p, '?', to->n) == NULL ? "?" : "&", 1);
    http_escape(to, key);
    buf_put(to, "=", 1);
    http_escape(to, value);
}

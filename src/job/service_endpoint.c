/* SPDX-License-Identifier: Apache-2.0 */
#include "job/service_endpoint.h"

#include "base/mem.h"

static void
endpoint_set(struct service_endpoint *to, const char *ip, const struct json *pod, bool ready,
             const struct json *ports)
{
    const char *name = json_text(json_field(pod, "name"));

    to->ip = mem_strdup(ip);
    to->ready = ready;
    if (name != NULL && strcmp(json_text_or(json_field(pod, "kind"), ""), "Pod") == 0)
        to->pod = mem_strdup(name);
    for (size_t i = 0; i < json_size(ports) && to->n_ports < ENDPOINT_PORTS; i++) {
        int64_t port = json_int_or(json_field(json_elem(ports, i), "port"), 0);

        if (port > 0 && port <= UINT16_MAX)
            to->ports[to->n_ports++] = (uint16_t)port;
    }
}

static void
from_slice(const struct json *slice, bool ready, struct service_endpoint *to)
{
    const struct json *all = json_field(slice, "endpoints");

    for (size_t i = 0; i < json_size(all) && to->ip == NULL; i++) {
        const struct json *one = json_elem(all, i), *is = json_dig(one, "conditions", "ready");
        const char *ip = json_text(json_elem(json_field(one, "addresses"), 0));

        /* Without a word on it, it is ready. */
        if (ip != NULL && (json_kind_of(is) != JSON_IS_BOOL || json_is_true(is)) == ready)
            endpoint_set(to, ip, json_field(one, "targetRef"), ready, json_field(slice, "ports"));
    }
}

static void
from_subset(const struct json *subset, bool ready, struct service_endpoint *to)
{
    const struct json *one =
        json_elem(json_field(subset, ready ? "addresses" : "notReadyAddresses"), 0);
    const char *ip = json_text(json_field(one, "ip"));

    if (to->ip == NULL && ip != NULL)
        endpoint_set(to, ip, json_field(one, "targetRef"), ready, json_field(subset, "ports"));
}

/* The first of `list` that is ready, else the first that is not. */
static bool
endpoint_choose(const struct json *list,
                void (*take)(const struct json *from, bool ready, struct service_endpoint *to),
                struct service_endpoint *to)
{
    for (int ready = 1; ready >= 0 && to->ip == NULL; ready--)
        for (size_t i = 0; i < json_size(list); i++)
            take(json_elem(list, i), ready != 0, to);
    return to->ip != NULL;
}

enum rc
service_endpoint_find(struct ctx *cx, struct kube *k, const char *ns, const char *service,
                      struct service_endpoint *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *label = mem_printf("kubernetes.io/service-name=%s", service);
    struct kube_list_opts o = {
        .kind = &KUBE_ENDPOINT_SLICE, .ns = ns, .label_selector = label, .no_managed_fields = true};
    CLEANUP(json_free_ptr) struct json *slices = NULL;
    CLEANUP(json_free_ptr) struct json *endpoints = NULL;
    struct err none = ERR_INIT;

    *out = (struct service_endpoint){.ip = NULL};
    /* An account of before may not list them, and an old server does not know them. */
    if (kube_list(cx, k, &o, &slices, NULL, &none) == RC_OK &&
        endpoint_choose(slices, from_slice, out))
        return RC_OK;
    if (none.code == RC_CANCELLED) {
        *e = none;
        return err_code(e);
    }
    if (kube_get(cx, k, &KUBE_ENDPOINTS, ns, service, &endpoints, e))
        return err_wrap(e, "could not read EndpointSlices or Endpoints of %s/%s", ns, service);
    return endpoint_choose(json_field(endpoints, "subsets"), from_subset, out)
               ? RC_OK
               : err_set(e, RC_NOT_FOUND, "nobody stands behind Service %s/%s", ns, service);
}

void
service_endpoint_release(struct service_endpoint *s)
{
    mem_free(s->ip);
    mem_free(s->pod);
    *s = (struct service_endpoint){.ip = NULL};
}

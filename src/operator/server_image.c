/* SPDX-License-Identifier: Apache-2.0 */
/* Which image runs the Redis of an AppBinding: that of a Pod behind its Service, in the same namespace. */
#include "base/log.h"
#include "base/mem.h"
#include "kube/selector.h"
#include "operator/operator_internal.h"

static bool
is_redis(const char *text)
{
    return text != NULL && (strstr(text, "redis") != NULL || strstr(text, "valkey") != NULL);
}

/* {"image", "command"}: that of a shell or script of somebody's is not taken over, the program of a server is. */
static struct json *
redis_container(const struct json *pod)
{
    const struct json *list = json_dig(pod, "spec", "containers");

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *c = json_elem(list, i);
        const char *image = json_text(json_field(c, "image")),
                   *program = json_text(json_elem(json_field(c, "command"), 0)), *base;
        struct json *found;

        if (!is_redis(image))
            continue;
        found = json_new_object();
        json_set_cstr(found, "image", image);
        base =
            program != NULL && strrchr(program, '/') != NULL ? strrchr(program, '/') + 1 : program;
        if (base != NULL &&
            (strcmp(base, "redis-server") == 0 || strcmp(base, "valkey-server") == 0))
            json_push_cstr(json_need_array(found, "command"), program);
        return found;
    }
    return NULL;
}

static enum rc
service_pods(struct ctx *cx, struct operator* op, const char *ns, const char *service,
             struct json **pods, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    CLEANUP(json_free_ptr) struct json *selector = json_new_object();
    CLEANUP(mem_free_ptr) char *text = NULL;
    struct kube_list_opts o = {.kind = &KUBE_POD, .ns = ns, .no_managed_fields = true};

    if (kube_get(cx, op->k, &KUBE_SERVICE, ns, service, &obj, e))
        return err_code(e);
    if (json_size(json_dig(obj, "spec", "selector")) == 0)
        return err_set(e, RC_NOT_FOUND, "Service %s/%s selects no Pods", ns, service);
    json_set(selector, "matchLabels", json_clone(json_dig(obj, "spec", "selector")));
    if (kube_selector_text(selector, &text, e))
        return err_code(e);
    o.label_selector = text;
    return kube_list(cx, op->k, &o, pods, NULL, e);
}

struct json *
server_image_of(struct ctx *cx, struct operator* op, const struct json *app)
{
    const struct json *service = json_dig(app, "spec", "clientConfig", "service");
    const char *ns = kube_ns(app), *name = json_text_or(json_field(service, "name"), ""),
               *service_ns = json_text_or(json_field(service, "namespace"), ns);
    CLEANUP(json_free_ptr) struct json *pods = NULL;
    struct json *found = NULL;
    struct err why = ERR_INIT;

    if (name[0] == '\0' || strcmp(service_ns, ns) != 0)
        return NULL;
    if (service_pods(cx, op, ns, name, &pods, &why))
        log_info("no image of AppBinding %s/%s: %s", ns, kube_name(app), why.msg);
    for (size_t i = 0; i < json_size(pods) && found == NULL; i++)
        found = redis_container(json_elem(pods, i));
    return found;
}

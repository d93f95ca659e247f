/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/volume_runtime.h"

#include <string.h>

#include "api/invoker.h"
#include "base/mem.h"
#include "kube/object.h"

/* The settings that a Job of ours takes over; NULL: there are none. */
static struct json *
settings_of(const struct json *runtime)
{
    static const char *const parts[] = {"securityContext", "nodeSelector", "nodeName", "affinity",
                                        "tolerations"};
    struct json *out = json_new_object();
    const struct json *sc = json_dig(runtime, "container", "securityContext");

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const struct json *part = json_dig(runtime, "pod", parts[i]);

        if (part != NULL)
            json_set(json_need_object(out, "pod"), parts[i], json_clone(part));
    }
    if (sc != NULL)
        json_set(json_need_object(out, "container"), "securityContext", json_clone(sc));
    if (json_size(out) > 0)
        return out;
    json_free(out);
    return NULL;
}

static bool
is_roots(const struct json *settings)
{
    int64_t of_pod = json_int_or(json_dig(settings, "pod", "securityContext", "runAsUser"), -1);

    return json_int_or(json_dig(settings, "container", "securityContext", "runAsUser"), of_pod) ==
           0;
}

static bool
writes_into(const struct invoker *inv, const struct json *repo)
{
    return strcmp(inv->repo_name, kube_name(repo)) == 0 &&
           strcmp(inv->repo_ns, kube_ns(repo)) == 0 && strcmp(inv->ns, kube_ns(repo)) == 0 &&
           !kube_is_deleting(inv->obj);
}

/* What was chosen so far, and of which invoker. */
struct choice {
    struct json *settings;
    const char *name;
};

static void
choose(struct choice *c, const struct invoker *inv)
{
    struct json *settings = settings_of(inv->runtime);
    bool better;

    if (settings == NULL)
        return;
    better = c->settings == NULL || is_roots(settings) > is_roots(c->settings) ||
             (is_roots(settings) == is_roots(c->settings) && strcmp(inv->name, c->name) < 0);
    if (better) {
        json_free(c->settings);
        *c = (struct choice){.settings = settings, .name = inv->name};
    } else {
        json_free(settings);
    }
}

struct json *
volume_runtime(const struct json *repo, const struct json *writers)
{
    struct choice c = {.settings = NULL};

    if (json_dig(repo, "spec", "backend", "local") == NULL)
        return NULL;
    for (size_t i = 0; i < json_size(writers); i++) {
        struct invoker inv;

        invoker_view(json_elem(writers, i), &inv);
        if (!writes_into(&inv, repo))
            continue;
        for (size_t at = 0; at < inv.n; at++) {
            invoker_member(&inv, at, &inv);
            choose(&c, &inv);
        }
    }
    return c.settings;
}

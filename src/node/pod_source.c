/* SPDX-License-Identifier: Apache-2.0 */
/* Where the values of environments and volumes come from: the Pod itself, Secrets and ConfigMaps. */
#include <stdarg.h>
#include <stdio.h>

#include "base/b64.h"
#include "base/mem.h"
#include "node/node_internal.h"

enum { SECRET_MAX = 4 * 1024 * 1024 };

enum rc
pod_trouble(struct pod_trouble *why, struct err *e, const char *reason, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why->message, sizeof(why->message), fmt, ap);
    va_end(ap);
    why->reason = reason;
    return err_set(e, RC_INVALID, "%s", why->message);
}

static char *
field_entry(const struct json *map, const char *path, const char *prefix)
{
    size_t n = strlen(prefix), len = strlen(path);

    if (strncmp(path, prefix, n) != 0 || len < n + 2 || strcmp(path + len - 2, "']") != 0)
        return NULL;
    CLEANUP(mem_free_ptr) char *key = mem_strndup(path + n, len - n - 2);
    return mem_strdup(json_text_or(json_field(map, key), ""));
}

/* All of them, one line each, as a volume has it. */
static char *
field_entries(const struct json *map)
{
    struct buf out = BUF_INIT(EXPAND_MAX * 4);
    char *text;

    for (struct json_item it = json_first(map); it.key != NULL; it = json_next(map, it))
        buf_must_printf(&out, "%s%s=\"%s\"", out.n > 0 ? "\n" : "", it.key,
                        json_text_or(it.value, ""));
    text = mem_strdup(buf_c(&out));
    buf_release(&out);
    return text;
}

char *
pod_field(struct node *r, const struct json *pod, const char *path)
{
    const struct json *labels = json_dig(pod, "metadata", "labels"),
                      *notes = json_dig(pod, "metadata", "annotations");
    char *text;

    if (strcmp(path, "metadata.name") == 0)
        return mem_strdup(kube_name(pod));
    if (strcmp(path, "metadata.namespace") == 0)
        return mem_strdup(kube_ns(pod));
    if (strcmp(path, "metadata.uid") == 0)
        return mem_strdup(kube_uid(pod));
    if (strcmp(path, "metadata.labels") == 0)
        return field_entries(labels);
    if (strcmp(path, "metadata.annotations") == 0)
        return field_entries(notes);
    if ((text = field_entry(labels, path, "metadata.labels['")) != NULL ||
        (text = field_entry(notes, path, "metadata.annotations['")) != NULL)
        return text;
    if (strcmp(path, "spec.nodeName") == 0)
        return mem_strdup(r->node);
    if (strcmp(path, "spec.serviceAccountName") == 0)
        return mem_strdup(json_text_or(json_dig(pod, "spec", "serviceAccountName"), "default"));
    if (strcmp(path, "status.podIP") == 0 || strcmp(path, "status.hostIP") == 0 ||
        strcmp(path, "status.podIPs") == 0 || strcmp(path, "status.hostIPs") == 0)
        return mem_strdup("127.0.0.1");
    return NULL;
}

struct pod_source
pod_source(const struct json *pod, const struct kube_gvr *kind, const struct json *ref,
           const char *name_key)
{
    return (struct pod_source){.kind = kind,
                               .ns = kube_ns(pod),
                               .name = json_text_or(json_field(ref, name_key), ""),
                               .optional = json_is_true(json_field(ref, "optional"))};
}

enum rc
pod_source_data(struct ctx *cx, struct node *r, struct pod_source from, struct json **out,
                struct pod_trouble *why, struct err *e)
{
    bool secret = from.kind == &KUBE_SECRET;
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    const struct json *coded;
    enum rc rc = kube_get(cx, r->k, from.kind, from.ns, from.name, &obj, e);

    if (rc == RC_NOT_FOUND && from.optional) {
        *out = json_new_object();
        return RC_OK;
    }
    if (rc == RC_NOT_FOUND)
        return pod_trouble(why, e, POD_CONFIG_ERROR, "%s \"%s\" not found",
                           secret ? "secret" : "configmap", from.name);
    if (rc != RC_OK)
        return rc;
    *out = json_new_object();
    if (!secret)
        json_merge_fields(*out, json_field(obj, "data"));
    coded = json_field(obj, secret ? "data" : "binaryData");
    for (struct json_item it = json_first(coded); it.key != NULL; it = json_next(coded, it)) {
        CLEANUP(buf_release) struct buf plain = BUF_INIT(SECRET_MAX);
        struct err bad = ERR_INIT;
        if (b64_decode(json_text_str(it.value), &plain, &bad) == RC_OK)
            json_set(*out, it.key, json_new_str(buf_str(&plain)));
    }
    return RC_OK;
}

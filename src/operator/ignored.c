/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken and not acted on is told: fields of other kinds of targets, kinds that are to come.
 * The tables of the kinds say which fields these are.
 */
#include "base/mem.h"
#include "operator/operator_internal.h"

enum { NAMES_MAX = 4096 };

void
tell_ignored(struct ctx *cx, struct recorder *events, const struct crd_def *kind,
             const struct json *obj, struct json *status)
{
    struct teller to = {cx, events, obj, "Warning"};
    CLEANUP(buf_release) struct buf text = BUF_INIT(NAMES_MAX);

    kind_unused(kind, obj, &text);
    if (text.n == 0) {
        condition_remove(status, COND_FIELDS_IGNORED);
        return;
    }
    buf_must_printf(&text, ": a backup of a Redis does not use them");
    condition_tell(&to, status, COND_FIELDS_IGNORED, COND_TRUE, buf_c(&text));
}

/* ---- kinds that are to come ---- */

static enum rc
tell_kind(struct ctx *cx, struct operator* op, const struct watched *own, const char *phase,
          const char *ns, const char *name, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = cache_get(own->cache, ns, name);
    CLEANUP(json_free_ptr) struct json *now = NULL;
    const struct kube_gvr *kind = cache_kind(own->cache);
    struct teller to = {cx, own->events, obj, "Warning"};
    char text[160];
    enum rc rc;

    if (obj == NULL || kube_is_deleting(obj))
        return RC_OK;
    (void)snprintf(text, sizeof(text), "Nothing acts on a %s yet.", kind->kind);
    now = json_clone(obj);
    condition_tell(&to, json_need_object(now, "status"), COND_NOT_SUPPORTED, COND_FALSE, text);
    json_set_cstr(json_field(now, "status"), "phase", phase);
    rc = write_status(cx, op, own->cache, kind, obj, now, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

#define TELL(kind, phase_)                                                                         \
    static enum rc kind##_tell(struct ctx *cx, void *arg, const char *ns, const char *name,        \
                               struct ctl_result *out, struct err *e)                              \
    {                                                                                              \
        struct operator* op =(struct operator*) arg;                                               \
                                                                                                   \
        (void)out;                                                                                 \
        return tell_kind(cx, op, &op->kind, phase_, ns, name, e);                                  \
    }                                                                                              \
    const struct watched_ops watched_##kind = {.reconcile = kind##_tell,                           \
                                               .component = "Batch Controller"};
TELL(backupbatch, "Invalid")
TELL(restorebatch, "Invalid")

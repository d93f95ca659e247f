/* SPDX-License-Identifier: Apache-2.0 */
/* create-backupsession: what a CronJob runs at each slot. Source: Stash. */
#include "api/kinds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/step_internal.h"
#include "kube/object.h"

static enum rc
create(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
       const struct step_flags *f, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *config = NULL;
    CLEANUP(json_free_ptr) struct json *session = NULL;
    struct invoker inv;

    if (kube_get(cx, k, kind, ns, f->invoker_name, &config, e))
        return err_wrap(e, "could not read %s %s/%s", kind->kind, ns, f->invoker_name);
    invoker_view(config, &inv);
    session =
        invoker_new_session(&inv, clock_real_ms() / 1000,
                            json_int_or(json_dig(config, "spec", "retryConfig", "maxRetry"), 0));
    if (kube_create(cx, k, &GVR_BACKUP_SESSION, ns, session, NULL, NULL, e))
        return err_wrap(e, "could not create BackupSession %s/%s", ns, kube_name(session));
    log_info("BackupSession %s/%s is created", ns, kube_name(session));
    return RC_OK;
}

enum rc
step_create_backupsession(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    const struct kube_gvr *kind = step_backup_invoker(f->invoker_kind, e);
    const char *env = getenv("POD_NAMESPACE");
    struct kube *k = NULL;
    char *ns = NULL;
    enum rc rc;

    if (kind == NULL)
        return err_wrap(e, "--invoker-kind");
    if (step_need(f->invoker_name, "invoker-name", e))
        return err_code(e);
    rc = step_connect(f, &k, &ns, e);
    if (rc == RC_OK)
        rc = create(cx, k, kind, step_text(f->ns, step_text(env, ns)), f, e);
    kube_free(k);
    mem_free(ns);
    return rc;
}

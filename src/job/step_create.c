/* SPDX-License-Identifier: Apache-2.0 */
/* create-backupsession: what a CronJob runs at each slot. Source: Stash. */
#include "api/kinds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/step_internal.h"
#include "kube/object.h"

static enum rc
create(struct ctx *cx, struct kube *k, const char *ns, const struct step_flags *f, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *config = NULL;
    CLEANUP(json_free_ptr) struct json *session = NULL;
    struct invoker inv;

    if (kube_get(cx, k, &GVR_BACKUP_CONFIGURATION, ns, f->invoker_name, &config, e))
        return err_wrap(e, "could not read BackupConfiguration %s/%s", ns, f->invoker_name);
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
    const char *kind = step_text(f->invoker_kind, GVR_BACKUP_CONFIGURATION.kind),
               *env = getenv("POD_NAMESPACE");
    struct kube *k = NULL;
    char *ns = NULL;
    enum rc rc;

    if (step_need(f->invoker_name, "invoker-name", e))
        return err_code(e);
    if (strcmp(kind, GVR_BACKUP_CONFIGURATION.kind) != 0)
        return err_set(e, RC_UNSUPPORTED, "--invoker-kind %s: only %s", kind,
                       GVR_BACKUP_CONFIGURATION.kind);
    rc = step_connect(f, &k, &ns, e);
    if (rc == RC_OK)
        rc = create(cx, k, step_text(f->ns, step_text(env, ns)), f, e);
    kube_free(k);
    mem_free(ns);
    return rc;
}

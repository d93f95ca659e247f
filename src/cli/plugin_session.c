/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl-stash: start a session, pause and resume. */
#include "api/invoker.h"
#include "api/kinds.h"
#include "base/clock.h"
#include "cli/plugin.h"
#include "kube/object.h"

/* ---- trigger ---- */

struct trigger_args {
    struct app_opts app;
    const char *batch;
    struct cluster_access cluster;
};
static const struct opt opts_trigger[] = {
    {"backupbatch", 0, OPT_TEXT(struct trigger_args, batch), "NAME",
     "a BackupBatch, in place of a BackupConfiguration"},
    {.name = NULL},
};
static const struct opt_group trigger_groups[] = {
    {opts_trigger, 0},
    {opts_cluster_access, offsetof(struct trigger_args, cluster)},
    {opts_app, 0},
    {.table = NULL}};

static enum rc
trigger(struct plugin *p, const struct kube_gvr *kind, const char *name, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *config = NULL;
    CLEANUP(json_free_ptr) struct json *session = NULL;
    struct invoker inv;

    if (kube_get(p->cx, p->k, kind, p->ns, name, &config, e))
        return err_wrap(e, "could not read %s %s/%s", kind->kind, p->ns, name);
    invoker_view(config, &inv);
    session = invoker_new_session(&inv, clock_real_ms() / 1000, 0);
    kube_set_label(session, "app", "stash");
    return plugin_create_another(p, &GVR_BACKUP_SESSION, session, inv.name, "", e);
}

static enum rc
trigger_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct trigger_args *a = args;
    struct plugin p;
    enum rc rc;

    if ((a->batch != NULL) == (a->app.words.n > 0))
        return err_set(e, RC_USAGE, "name a BackupConfiguration, or use --backupbatch NAME");
    rc = plugin_open(cx, &a->cluster, &p, e);
    if (rc == RC_OK)
        rc = a->batch != NULL ? trigger(&p, &GVR_BACKUP_BATCH, a->batch, e)
                              : trigger(&p, &GVR_BACKUP_CONFIGURATION, a->app.words.v[0], e);
    plugin_close(&p);
    return rc;
}

const struct command cmd_plugin_trigger = {.name = "trigger",
                                           .usage = "BACKUPCONFIGURATION | --backupbatch NAME",
                                           .summary = "back up now",
                                           .groups = trigger_groups,
                                           .size = sizeof(struct trigger_args),
                                           .words_max = 1,
                                           .run = trigger_main};

/* ---- pause, resume ---- */

struct pause_args {
    struct app_opts app;
    const char *config, *batch;
    struct cluster_access cluster;
};
static const struct opt opts_pause[] = {
    {"backupconfig", 0, OPT_TEXT(struct pause_args, config), "NAME", "BackupConfiguration"},
    {"backupbatch", 0, OPT_TEXT(struct pause_args, batch), "NAME", "BackupBatch"},
    {.name = NULL},
};
static const struct opt_group pause_groups[] = {
    {opts_pause, 0},
    {opts_cluster_access, offsetof(struct pause_args, cluster)},
    {opts_app, 0},
    {.table = NULL}};

static enum rc
set_paused(struct plugin *p, const struct pause_args *a, bool paused, struct err *e)
{
    const struct kube_gvr *kind = a->config != NULL ? &GVR_BACKUP_CONFIGURATION : &GVR_BACKUP_BATCH;
    const char *name = a->config != NULL ? a->config : a->batch;
    CLEANUP(json_free_ptr) struct json *patch = json_new_object();
    CLEANUP(json_free_ptr) struct json *now = NULL;

    json_set_bool(json_need_object(patch, "spec"), "paused", paused);
    if (kube_patch(p->cx, p->k, kind, p->ns, name, KUBE_PATCH_MERGE, patch, NULL, &now, e))
        return err_wrap(e, "could not change %s %s/%s", kind->kind, p->ns, name);
    (void)printf("%s %s/%s is %s\n", kind->kind, p->ns, name, paused ? "paused" : "resumed");
    return RC_OK;
}

static enum rc
pause_both(struct ctx *cx, const struct pause_args *a, bool paused, struct err *e)
{
    struct plugin p;
    enum rc rc;

    if ((a->config != NULL) == (a->batch != NULL))
        return err_set(e, RC_USAGE, "use --backupconfig NAME or --backupbatch NAME");
    rc = plugin_open(cx, &a->cluster, &p, e);
    if (rc == RC_OK)
        rc = set_paused(&p, a, paused, e);
    plugin_close(&p);
    return rc;
}

static enum rc
pause_main(struct ctx *cx, const void *args, struct err *e)
{
    return pause_both(cx, args, true, e);
}

static enum rc
resume_main(struct ctx *cx, const void *args, struct err *e)
{
    return pause_both(cx, args, false, e);
}

const struct command cmd_plugin_pause = {.name = "pause backup",
                                         .summary = "start no sessions by the schedule",
                                         .groups = pause_groups,
                                         .size = sizeof(struct pause_args),
                                         .run = pause_main};
const struct command cmd_plugin_resume = {.name = "resume backup",
                                          .summary = "start sessions by the schedule again",
                                          .groups = pause_groups,
                                          .size = sizeof(struct pause_args),
                                          .run = resume_main};

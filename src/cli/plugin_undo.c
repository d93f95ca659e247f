/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl-stash undo: a RestoreSession that brings back what the target of another one held before. */
#include "api/kinds.h"
#include "api/notes.h"
#include "cli/plugin.h"
#include "kube/object.h"

struct undo_args {
    struct app_opts app;
    struct cluster_access cluster;
};
static const struct opt_group groups[] = {
    {opts_cluster_access, offsetof(struct undo_args, cluster)}, {opts_app, 0}, {.table = NULL}};

/* The copy that it took, as one rule; without one the Job looks for that of a restore which was left unfinished. */
static enum rc
undo_rules(const struct json *session, struct json *target, struct err *e)
{
    const struct json *host = json_elem(json_dig(session, "status", "stats"), 0);
    const char *phase = json_text_or(json_dig(session, "status", "phase"), ""),
               *copy = json_text(json_field(host, "safetyCopy"));
    struct json *rule;

    json_remove(target, "rules");
    if (copy == NULL && strcmp(phase, "Failed") != 0) {
        (void)err_set(e, RC_NOT_FOUND,
                      "RestoreSession %s/%s (%s) has no copy of what its target held before",
                      kube_ns(session), kube_name(session), phase[0] != '\0' ? phase : "not begun");
        return err_hint(e, "none is taken of an empty target, by a dry run, or with the "
                           "annotation " NOTE_SAFETY_COPY ": skip");
    }
    if (copy == NULL)
        return RC_OK;
    rule = json_new_object();
    json_push_cstr(json_need_array(rule, "snapshots"), copy);
    json_push(json_need_array(target, "rules"), rule);
    return RC_OK;
}

/* As that one but for what is restored: the same target, Repository, Task and hooks. json_free. */
static struct json *
undo_session(const struct json *session)
{
    struct json *undo = kube_object_new(&GVR_RESTORE_SESSION, kube_ns(session), NULL),
                *spec = json_clone(json_field(session, "spec")), *notes;

    json_remove(spec, "rules");
    json_remove(spec, "cstash"); /* all of it comes back, as it was */
    json_set(undo, "spec", spec);
    notes = json_need_object(kube_meta(undo), "annotations");
    json_set_cstr(notes, NOTE_UNDO, "true");
    json_set_cstr(notes, NOTE_SAFETY_REPOSITORY,
                  json_text(json_field(json_elem(json_dig(session, "status", "stats"), 0),
                                       "safetyCopyRepository")));
    return undo;
}

static enum rc
undo(struct plugin *p, const char *name, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *session = NULL;
    CLEANUP(json_free_ptr) struct json *made = NULL;

    if (kube_get(p->cx, p->k, &GVR_RESTORE_SESSION, p->ns, name, &session, e))
        return err_wrap(e, "could not read RestoreSession %s/%s", p->ns, name);
    made = undo_session(session);
    if (undo_rules(session, json_need_object(json_field(made, "spec"), "target"), e))
        return err_code(e);
    return plugin_create_another(p, &GVR_RESTORE_SESSION, made, name, "undo-", e);
}

static enum rc
undo_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct undo_args *a = args;
    struct plugin p;
    enum rc rc = plugin_open(cx, &a->cluster, &p, e);

    if (rc == RC_OK)
        rc = undo(&p, a->app.words.v[0], e);
    plugin_close(&p);
    return rc;
}

const struct command cmd_plugin_undo = {.name = "undo",
                                        .usage = "RESTORESESSION",
                                        .summary = "bring back what its target held before it",
                                        .groups = groups,
                                        .size = sizeof(struct undo_args),
                                        .words_min = 1,
                                        .words_max = 1,
                                        .run = undo_main};

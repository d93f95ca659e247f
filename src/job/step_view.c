/* SPDX-License-Identifier: Apache-2.0 */
/* view-snapshot: what a SnapshotView asks for, and the Repository that it asks about. The look itself is a command's (cli/view_job). */
#include "api/kinds.h"
#include "base/mem.h"
#include "job/step_internal.h"

static enum rc
view_read(struct ctx *cx, struct kube *k, const struct step_flags *f, struct step_view *out,
          struct err *e)
{
    struct step_repo v = {.store = NULL};

    if (kube_get(cx, k, &GVR_SNAPSHOT_VIEW, f->ns, f->view, &out->obj, e))
        return err_wrap(e, "could not read SnapshotView %s/%s", f->ns, f->view);
    if (step_repo_reach(cx, k, f, &v, e)) {
        step_repo_close(&v);
        return err_code(e);
    }
    out->store = v.store;
    out->password = v.password;
    mem_free(v.cache);
    return RC_OK;
}

enum rc
step_view_read(struct ctx *cx, const struct step_flags *f, struct step_view *out, struct err *e)
{
    struct kube *k = NULL;
    enum rc rc;

    if (step_need(f->view, "view", e) || step_need(f->view_folder, "view-folder", e) ||
        step_connect(f, &k, NULL, e))
        return err_code(e);
    rc = view_read(cx, k, f, out, e);
    kube_free(k);
    return rc;
}

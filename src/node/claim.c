/* SPDX-License-Identifier: Apache-2.0 */
/* Claims are folders: bound at once, kept until the claim is deleted and no Pod uses it. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "node/node_internal.h"

enum { USED_MS = 3000 };

struct use {
    const char *claim;
    bool found;
};

static void
claim_see_use(void *arg, const struct json *pod)
{
    struct use *u = (struct use *)arg;
    const struct json *list = json_dig(pod, "spec", "volumes");
    const char *phase = json_text_or(json_dig(pod, "status", "phase"), "");

    if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
        return;
    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_dig(json_elem(list, i), "persistentVolumeClaim", "claimName"),
                                ""),
                   u->claim) == 0)
            u->found = true;
}

static struct json *
claim_bound_status(const struct json *claim)
{
    struct json *status = json_new_object();
    const struct json *modes = json_dig(claim, "spec", "accessModes"),
                      *size = json_dig(claim, "spec", "resources", "requests", "storage");

    json_set_cstr(status, "phase", "Bound");
    if (modes != NULL)
        json_set(status, "accessModes", json_clone(modes));
    if (size != NULL)
        json_set(json_need_object(status, "capacity"), "storage", json_clone(size));
    return status;
}

/* The claim is gone: so is what it held, when the last Pod has let go of it. */
static enum rc
claim_remove_folder(struct ctx *cx, struct node *r, const char *ns, const char *name,
                    struct ctl_result *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *dir = claim_dir(r, ns, name);
    struct use u = {.claim = name};
    enum rc rc;

    if (access(dir, F_OK) != 0)
        return RC_OK;
    rc = kube_get(cx, r->k, &KUBE_PERSISTENT_VOLUME_CLAIM, ns, name, NULL, e);
    if (rc != RC_NOT_FOUND)
        return rc; /* it is there after all */
    cache_each(r->pods, ns, claim_see_use, &u);
    if (u.found)
        requeue_by(out, USED_MS);
    else
        proc_remove_tree(dir);
    return RC_OK;
}

enum rc
claim_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name, struct ctl_result *out,
                struct err *e)
{
    struct node *r = (struct node *)arg;
    CLEANUP(json_free_ptr) struct json *claim = cache_get(r->claims, ns, name);

    if (claim == NULL)
        return claim_remove_folder(cx, r, ns, name, out, e);
    if (kube_is_deleting(claim) ||
        strcmp(json_text_or(json_dig(claim, "status", "phase"), ""), "Bound") == 0)
        return RC_OK;
    return node_put_status(cx, r, &KUBE_PERSISTENT_VOLUME_CLAIM, r->claims, claim,
                           claim_bound_status(claim), e);
}

static void
claims_look_in(struct node *r, const char *volumes, const char *ns)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/%s", volumes, ns);
    DIR *d = opendir(path);
    const struct dirent *f;

    while (d != NULL && (f = readdir(d)) != NULL)
        if (f->d_name[0] != '.')
            controller_enqueue(r->claim_ctl, ns, f->d_name);
    if (d != NULL)
        (void)closedir(d);
}

void
claims_begin(struct node *r)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/volumes", plane_dir(r->plane));
    DIR *d = opendir(path);
    const struct dirent *f;

    while (d != NULL && (f = readdir(d)) != NULL)
        if (f->d_name[0] != '.')
            claims_look_in(r, path, f->d_name);
    if (d != NULL)
        (void)closedir(d);
}

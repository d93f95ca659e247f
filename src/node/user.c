/* SPDX-License-Identifier: Apache-2.0 */
/* Containers of a Pod that run as somebody else, when we are root: what is theirs they can reach.
 */
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "node/node_internal.h"

enum { TREE_FDS = 16, CONFIG_MAX = 1024 * 1024, PASS_THROUGH = 0711 };

static int64_t
user_id(const struct json *pod, const struct json *container, const char *field)
{
    const struct json *id = json_dig(container, "securityContext", field);

    if (id == NULL)
        id = json_dig(pod, "spec", "securityContext", field);
    return json_int_or(id, 0);
}

/* nftw has no argument. */
static _Thread_local uid_t new_uid;
static _Thread_local gid_t new_gid;

static int
user_own_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return lchown(path, new_uid, new_gid) == 0 ? 0 : -1;
}

static void
user_own(const char *path, int64_t uid, int64_t gid)
{
    new_uid = uid > 0 ? (uid_t)uid : (uid_t)-1;
    new_gid = gid > 0 ? (gid_t)gid : (gid_t)-1;
    (void)nftw(path, user_own_one, TREE_FDS, FTW_PHYS | FTW_MOUNT);
}

/* Folders of ours on the way may be passed through, not listed. */
static void
user_open_way(struct node *r, const char *path)
{
    size_t n = strlen(plane_dir(r->plane));

    if (strncmp(path, plane_dir(r->plane), n) != 0 || path[n] != '/')
        return;
    for (const char *p = path + n; p != NULL; p = strchr(p + 1, '/')) {
        CLEANUP(mem_free_ptr) char *part = mem_strndup(path, (size_t)(p - path));
        (void)chmod(part, PASS_THROUGH);
    }
}

static enum rc
user_copy_config(struct node *r, const char *dir, int64_t uid, int64_t gid, char **path,
                 struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONFIG_MAX);

    *path = mem_printf("%s/kubeconfig.%lld", dir, (long long)uid);
    if (fs_read_file(r->kubeconfig, &text, e) || fs_write_file(*path, buf_str(&text), 0600, e))
        return err_code(e);
    user_own(*path, uid, gid);
    return RC_OK;
}

enum rc
container_user(struct node *r, const struct json *pod, const struct json *container,
               const struct container_mounts *m, struct json *spec, char **config, struct err *e)
{
    int64_t uid = user_id(pod, container, "runAsUser"), gid = user_id(pod, container, "runAsGroup");
    CLEANUP(mem_free_ptr) char *dir = pod_dir(r, kube_uid(pod));
    CLEANUP(mem_free_ptr) char *inside = mem_printf("%s/", plane_dir(r->plane));

    *config = NULL;
    if (geteuid() != 0 || (uid <= 0 && gid <= 0))
        return RC_OK;
    if (uid > 0)
        json_set_int(spec, "uid", uid);
    if (gid > 0)
        json_set_int(spec, "gid", gid);
    user_open_way(r, dir);
    (void)chmod(dir, PASS_THROUGH);
    for (size_t i = 0; i < m->n; i++)
        if (strncmp(m->all[i].real, inside, strlen(inside)) == 0) {
            user_open_way(r, m->all[i].real);
            user_own(m->all[i].real, uid, gid);
        }
    return user_copy_config(r, dir, uid, gid, config, e);
}

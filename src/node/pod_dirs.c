/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of Pods: those of Pods that are gone, and those of before our start. */
#include <dirent.h>
#include <signal.h>

#include "base/fs.h"
#include "base/mem.h"
#include "node/pod.h"

enum { AGAIN_MS = 200, SOON_MS = 50 };

/* Kill what runs in a Pod's folder and remove it; false: it has not ended yet. */
static bool
pod_dir_clean(const char *dir)
{
    DIR *d = opendir(dir);
    bool quiet = true;
    const struct dirent *f;

    if (d == NULL)
        return true;
    while ((f = readdir(d)) != NULL) {
        size_t n = strlen(f->d_name);
        struct proc_state s;
        if (n <= 5 || strcmp(f->d_name + n - 5, ".lock") != 0)
            continue;
        CLEANUP(mem_free_ptr) char *name = mem_strndup(f->d_name, n - 5);
        proc_look(dir, name, &s);
        if (s.phase == PROC_RUNNING) {
            proc_signal(&s, SIGKILL);
            quiet = false;
        }
        proc_release(&s);
    }
    (void)closedir(d);
    if (quiet)
        proc_remove_tree(dir);
    return quiet;
}

struct seen {
    char *key, *uid;
};

static void
pod_dirs_free(struct seen *s)
{
    if (s == NULL)
        return;
    mem_free(s->key);
    mem_free(s->uid);
    mem_free(s);
}

/* Which Pod of this name had a folder before? The caller frees; NULL: none, or this one. */
static char *
pod_dirs_other(struct node *r, const char *key, const char *uid)
{
    struct seen *s;
    char *other;

    (void)pthread_mutex_lock(&r->lock);
    s = (struct seen *)strmap_get(&r->pods_seen, key);
    other = s != NULL && (uid == NULL || strcmp(s->uid, uid) != 0) ? mem_strdup(s->uid) : NULL;
    (void)pthread_mutex_unlock(&r->lock);
    return other;
}

static void
pod_dirs_set(struct node *r, const char *key, const char *uid)
{
    struct seen *s;

    (void)pthread_mutex_lock(&r->lock);
    s = (struct seen *)strmap_get(&r->pods_seen, key);
    if (uid == NULL || s == NULL || strcmp(s->uid, uid) != 0) {
        pod_dirs_free((struct seen *)(s != NULL ? strmap_remove(&r->pods_seen, key) : NULL));
        if (uid != NULL) {
            s = MEM_NEW(struct seen);
            *s = (struct seen){mem_strdup(key), mem_strdup(uid)};
            strmap_add(&r->pods_seen, s->key, s);
        }
    }
    (void)pthread_mutex_unlock(&r->lock);
}

bool
pod_clean_other(struct node *r, const char *key, const char *uid, struct ctl_result *out)
{
    CLEANUP(mem_free_ptr) char *other = pod_dirs_other(r, key, uid);
    CLEANUP(mem_free_ptr) char *dir = other != NULL ? pod_dir(r, other) : NULL;

    if (dir != NULL && !pod_dir_clean(dir)) {
        requeue_by(out, AGAIN_MS);
        return false;
    }
    pod_dirs_set(r, key, uid);
    return true;
}

/* ---- beginning and end ---- */

/* A folder of before: whose is it? */
static enum rc
pod_dirs_adopt(struct ctx *cx, struct node *r, const char *uid, struct err *e)
{
    CLEANUP(mem_free_ptr) char *dir = pod_dir(r, uid);
    CLEANUP(mem_free_ptr) char *mark = mem_printf("%s/pod", dir);
    CLEANUP(buf_release) struct buf key = BUF_INIT(1024);
    CLEANUP(json_free_ptr) struct json *pod = NULL;
    struct err none = ERR_INIT;
    enum rc rc = RC_NOT_FOUND;

    if (fs_read_file(mark, &key, &none) == RC_OK) {
        CLEANUP(mem_free_ptr) char *copy = mem_strdup(buf_c(&key));
        const char *ns, *name;
        workq_split(copy, &ns, &name);
        rc = kube_get(cx, r->k, &KUBE_POD, ns, name, &pod, e);
    }
    if (rc == RC_OK && strcmp(kube_uid(pod), uid) == 0) {
        pod_dirs_set(r, buf_c(&key), uid);
        return RC_OK;
    }
    if (rc != RC_OK && rc != RC_NOT_FOUND)
        return rc;
    for (int i = 0; i < 50 && !pod_dir_clean(dir); i++)
        if (ctx_sleep(cx, SOON_MS, e))
            return err_code(e);
    return RC_OK;
}

enum rc
pod_dirs_begin(struct ctx *cx, struct node *r, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/pods", plane_dir(r->plane));
    DIR *d = opendir(path);
    const struct dirent *f;
    enum rc rc = RC_OK;

    while (d != NULL && rc == RC_OK && (f = readdir(d)) != NULL)
        if (f->d_name[0] != '.')
            rc = pod_dirs_adopt(cx, r, f->d_name, e);
    if (d != NULL)
        (void)closedir(d);
    return rc;
}

void
pod_dirs_end(struct node *r)
{
    for (size_t i = 0; i < r->pods_seen.cap; i++)
        pod_dirs_free((struct seen *)strmap_at(&r->pods_seen, i));
    strmap_release(&r->pods_seen);
}

static size_t
pod_dir_count_running(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *f;
    size_t n = 0;

    while (d != NULL && (f = readdir(d)) != NULL) {
        size_t len = strlen(f->d_name);
        struct proc_state s;
        if (len <= 5 || strcmp(f->d_name + len - 5, ".lock") != 0)
            continue;
        CLEANUP(mem_free_ptr) char *name = mem_strndup(f->d_name, len - 5);
        proc_look(dir, name, &s);
        n += s.phase == PROC_RUNNING ? 1 : 0;
        proc_release(&s);
    }
    if (d != NULL)
        (void)closedir(d);
    return n;
}

size_t
node_processes(struct plane *p)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/pods", plane_dir(p));
    DIR *d = opendir(path);
    const struct dirent *f;
    size_t n = 0;

    while (d != NULL && (f = readdir(d)) != NULL) {
        CLEANUP(mem_free_ptr) char *dir = mem_printf("%s/%s", path, f->d_name);
        n += f->d_name[0] != '.' ? pod_dir_count_running(dir) : 0;
    }
    if (d != NULL)
        (void)closedir(d);
    return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes as folders of this machine. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "node/node_internal.h"

char *
pod_dir(struct node *r, const char *uid)
{
    return mem_printf("%s/pods/%s", plane_dir(r->plane), uid);
}

char *
claim_dir(struct node *r, const char *ns, const char *name)
{
    return mem_printf("%s/volumes/%s/%s", plane_dir(r->plane), ns, name);
}

/* May this be the name of a file below a volume? */
static bool
volume_is_below(const char *path)
{
    if (path[0] == '\0' || path[0] == '/')
        return false;
    for (const char *p = path;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 2 && strncmp(p, "..", 2) == 0)
            return false;
        p += n;
        if (*p == '\0')
            return true;
    }
}

static enum rc
volume_write_below(const char *dir, const char *path, struct str text, struct pod_trouble *why,
                   struct err *e)
{
    CLEANUP(mem_free_ptr) char *full = mem_printf("%s/%s", dir, path);
    char *slash = strrchr(full, '/');

    if (!volume_is_below(path))
        return pod_trouble(why, e, POD_CONFIG_ERROR, "a volume cannot hold a file named \"%s\"",
                           path);
    *slash = '\0';
    if (fs_make_dirs(full, 0700, e))
        return err_code(e);
    *slash = '/';
    return fs_write_file(full, text, 0600, e);
}

/* What a Secret or ConfigMap holds as files: the keys that `items` names; all where it is NULL. */
static enum rc
volume_write_data(struct ctx *cx, struct node *r, struct pod_source from, const struct json *items,
                  const char *dir, struct pod_trouble *why, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *data = NULL;

    if (pod_source_data(cx, r, from, &data, why, e))
        return err_code(e);
    for (size_t i = 0; i < json_size(items); i++) {
        const char *key = json_text_or(json_field(json_elem(items, i), "key"), "");
        const struct json *value = json_field(data, key);
        if (value == NULL && from.optional)
            continue;
        if (value == NULL)
            return pod_trouble(why, e, POD_CONFIG_ERROR, "references non-existent %s key: %s",
                               from.kind == &KUBE_SECRET ? "secret" : "config", key);
        if (volume_write_below(dir, json_text_or(json_field(json_elem(items, i), "path"), key),
                               json_text_str(value), why, e))
            return err_code(e);
    }
    for (struct json_item it = json_first(data); items == NULL && it.key != NULL;
         it = json_next(data, it))
        if (volume_write_below(dir, it.key, json_text_str(it.value), why, e))
            return err_code(e);
    return RC_OK;
}

static enum rc
volume_write_fields(struct node *r, const struct json *pod, const struct json *source,
                    const char *dir, struct pod_trouble *why, struct err *e)
{
    const struct json *items = json_field(source, "items");

    for (size_t i = 0; i < json_size(items); i++) {
        const struct json *item = json_elem(items, i);
        CLEANUP(mem_free_ptr)
        char *text = pod_field(r, pod, json_text_or(json_dig(item, "fieldRef", "fieldPath"), ""));
        if (text == NULL)
            return pod_trouble(why, e, POD_CONFIG_ERROR, "unsupported fieldPath: %s",
                               json_text_or(json_dig(item, "fieldRef", "fieldPath"), ""));
        if (volume_write_below(dir, json_text_or(json_field(item, "path"), ""), str_c(text), why,
                               e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
volume_write_projected(struct ctx *cx, struct node *r, const struct json *pod,
                       const struct json *source, const char *dir, struct pod_trouble *why,
                       struct err *e)
{
    const struct json *list = json_field(source, "sources"), *part;

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *one = json_elem(list, i);
        enum rc rc = RC_OK;
        if ((part = json_field(one, "secret")) != NULL)
            rc = volume_write_data(cx, r, pod_source(pod, &KUBE_SECRET, part, "name"),
                                   json_field(part, "items"), dir, why, e);
        else if ((part = json_field(one, "configMap")) != NULL)
            rc = volume_write_data(cx, r, pod_source(pod, &KUBE_CONFIG_MAP, part, "name"),
                                   json_field(part, "items"), dir, why, e);
        else if ((part = json_field(one, "downwardAPI")) != NULL)
            rc = volume_write_fields(r, pod, part, dir, why, e);
        else
            return pod_trouble(why, e, POD_CONFIG_ERROR,
                               "the plane has no projected volumes of this source");
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc
volume_make_host_path(const struct json *source, struct pod_trouble *why, struct err *e)
{
    const char *path = json_text_or(json_field(source, "path"), ""),
               *type = json_text_or(json_field(source, "type"), "");
    struct stat st;
    bool there = stat(path, &st) == 0;

    if (path[0] != '/')
        return pod_trouble(why, e, POD_CONFIG_ERROR, "hostPath \"%s\" is not absolute", path);
    if (strcmp(type, "DirectoryOrCreate") == 0 && !there)
        return fs_make_dirs(path, 0755, e);
    if (strcmp(type, "FileOrCreate") == 0 && !there)
        return fs_write_file(path, STR_LIT(""), 0644, e);
    if (type[0] == '\0')
        return RC_OK;
    if ((strncmp(type, "Directory", 9) == 0 && (!there || !S_ISDIR(st.st_mode))) ||
        (strncmp(type, "File", 4) == 0 && (!there || !S_ISREG(st.st_mode))))
        return pod_trouble(why, e, POD_CONFIG_ERROR, "hostPath type check failed: %s is not a %s",
                           path, type[0] == 'D' ? "directory" : "file");
    return RC_OK;
}

static enum rc
volume_make_claim(struct ctx *cx, struct node *r, const struct json *pod, const struct json *source,
                  struct pod_trouble *why, struct err *e)
{
    const char *name = json_text_or(json_field(source, "claimName"), "");
    CLEANUP(mem_free_ptr) char *dir = claim_dir(r, kube_ns(pod), name);
    CLEANUP(json_free_ptr) struct json *claim = NULL;
    enum rc rc = kube_get(cx, r->k, &KUBE_PERSISTENT_VOLUME_CLAIM, kube_ns(pod), name, &claim, e);

    if (rc == RC_NOT_FOUND)
        return pod_trouble(why, e, "Unschedulable", "persistentvolumeclaim \"%s\" not found", name);
    if (rc != RC_OK)
        return rc;
    if (kube_is_deleting(claim))
        return pod_trouble(why, e, "Unschedulable", "persistentvolumeclaim \"%s\" is being deleted",
                           name);
    return fs_make_dirs(dir, 0700, e);
}

/* Folders that the plane makes; NULL: it is elsewhere. The caller frees. */
static char *
volume_dir(struct node *r, const struct json *pod, const struct json *volume)
{
    const char *name = json_text_or(json_field(volume, "name"), "");
    const struct json *host = json_field(volume, "hostPath"),
                      *claim = json_field(volume, "persistentVolumeClaim");

    if (host != NULL)
        return mem_strdup(json_text_or(json_field(host, "path"), ""));
    if (claim != NULL)
        return claim_dir(r, kube_ns(pod), json_text_or(json_field(claim, "claimName"), ""));
    return mem_printf("%s/pods/%s/volumes/%s", plane_dir(r->plane), kube_uid(pod), name);
}

static enum rc
volume_make(struct ctx *cx, struct node *r, const struct json *pod, const struct json *v,
            struct pod_trouble *why, struct err *e)
{
    CLEANUP(mem_free_ptr) char *dir = volume_dir(r, pod, v);
    const char *name = json_text_or(json_field(v, "name"), "");
    const struct json *s;

    if ((s = json_field(v, "hostPath")) != NULL)
        return volume_make_host_path(s, why, e);
    if ((s = json_field(v, "persistentVolumeClaim")) != NULL)
        return volume_make_claim(cx, r, pod, s, why, e);
    if (!volume_is_below(name) || strchr(name, '/') != NULL)
        return pod_trouble(why, e, POD_CONFIG_ERROR, "a volume cannot be named \"%s\"", name);
    if (fs_make_dirs(dir, 0700, e))
        return err_code(e);
    if (json_field(v, "emptyDir") != NULL)
        return RC_OK;
    if ((s = json_field(v, "secret")) != NULL)
        return volume_write_data(cx, r, pod_source(pod, &KUBE_SECRET, s, "secretName"),
                                 json_field(s, "items"), dir, why, e);
    if ((s = json_field(v, "configMap")) != NULL)
        return volume_write_data(cx, r, pod_source(pod, &KUBE_CONFIG_MAP, s, "name"),
                                 json_field(s, "items"), dir, why, e);
    if ((s = json_field(v, "projected")) != NULL)
        return volume_write_projected(cx, r, pod, s, dir, why, e);
    if ((s = json_field(v, "downwardAPI")) != NULL)
        return volume_write_fields(r, pod, s, dir, why, e);
    for (struct json_item it = json_first(v); it.key != NULL; it = json_next(v, it))
        if (strcmp(it.key, "name") != 0)
            return pod_trouble(why, e, POD_CONFIG_ERROR,
                               "the plane has no volumes of type %s (volume \"%s\")", it.key, name);
    return RC_OK; /* nothing said: an emptyDir */
}

enum rc
pod_volumes(struct ctx *cx, struct node *r, const struct json *pod, struct pod_trouble *why,
            struct err *e)
{
    const struct json *list = json_dig(pod, "spec", "volumes");

    for (size_t i = 0; i < json_size(list); i++)
        if (volume_make(cx, r, pod, json_elem(list, i), why, e))
            return err_code(e);
    return RC_OK;
}

static const struct json *
volume_find(const struct json *pod, const char *name)
{
    const struct json *list = json_dig(pod, "spec", "volumes");

    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "name"), ""), name) == 0)
            return json_elem(list, i);
    return NULL;
}

void
container_mounts_release(struct container_mounts *m)
{
    for (size_t i = 0; i < m->n; i++) {
        mem_free(m->all[i].path);
        mem_free(m->all[i].real);
    }
    mem_free(m->all);
    *m = (struct container_mounts){.n = 0};
}

static enum rc
volume_add_mount(struct node *r, const struct json *pod, const struct json *mount,
                 struct container_mounts *m, struct pod_trouble *why, struct err *e)
{
    const char *path = json_text_or(json_field(mount, "mountPath"), ""),
               *name = json_text_or(json_field(mount, "name"), ""),
               *sub = json_text_or(json_field(mount, "subPath"), "");
    const struct json *v = volume_find(pod, name);
    size_t n = strlen(path);
    struct stat st;
    char *real;

    if (v == NULL)
        return pod_trouble(why, e, POD_CONFIG_ERROR, "volumeMounts: no volume is named \"%s\"",
                           name);
    while (n > 1 && path[n - 1] == '/')
        n--;
    real = volume_dir(r, pod, v);
    if (sub[0] != '\0' && volume_is_below(sub)) {
        char *below = mem_printf("%s/%s", real, sub);
        mem_free(real);
        real = below;
    }
    m->all = (struct mount_point *)mem_more(m->all, m->n, sizeof(*m->all));
    m->all[m->n++] = (struct mount_point){mem_strndup(path, n), real};
    if (sub[0] != '\0' && !volume_is_below(sub))
        return pod_trouble(why, e, POD_CONFIG_ERROR, "subPath \"%s\" leaves its volume", sub);
    if (sub[0] != '\0' && stat(real, &st) != 0 && errno == ENOENT)
        return fs_make_dirs(real, 0700, e);
    return RC_OK;
}

enum rc
container_mounts(struct node *r, const struct json *pod, const struct json *container,
                 struct container_mounts *out, struct pod_trouble *why, struct err *e)
{
    const struct json *list = json_field(container, "volumeMounts");

    for (size_t i = 0; i < json_size(list); i++)
        if (volume_add_mount(r, pod, json_elem(list, i), out, why, e))
            return err_code(e); /* the caller releases what is there */
    return RC_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/plane.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/secret.h"
#include "httpd/httpd.h"
#include "plane/core.h"

enum { BOOKMARK_S = 60 };

/* One process per folder: a lock that ends with its holder, with the holder's pid in it. */
static enum rc
plane_lock(struct plane *p, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/lock", p->dir);
    char text[32] = "";
    ssize_t n;

    p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (p->lock_fd < 0)
        return err_sys(e, errno, "could not open %s", path);
    if (flock(p->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        n = pread(p->lock_fd, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        return err_set(e, RC_LOCKED, "%s is in use: already running as pid %s", p->dir,
                       text[0] != '\0' ? text : "unknown");
    }
    n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(p->lock_fd, 0) != 0 || pwrite(p->lock_fd, text, (size_t)n, 0) != n)
        return err_sys(e, errno, "could not write %s", path);
    return RC_OK;
}

static bool
on_crd(void *arg, const struct db_row *row)
{
    struct json *all = (struct json *)arg;
    struct json *crd = NULL;
    struct err e = ERR_INIT;

    if (json_parse(row->text, &crd, &e) == RC_OK)
        json_push(all, crd);
    return true;
}

static enum rc
load_definitions(struct plane *p, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *all = json_new_array();
    struct db_key after = {"customresourcedefinitions.apiextensions.k8s.io", "", ""};
    int64_t rev;

    if (db_list(p->db, after, "", on_crd, all, &rev, e))
        return err_code(e);
    for (size_t i = 0; i < json_size(all); i++)
        registry_put_crd(p->kinds, json_elem(all, i));
    return RC_OK;
}

/* What every cluster has. */
static enum rc
make_namespaces(struct plane *p, struct err *e)
{
    static const char *const names[] = {"default", "kube-system"};
    struct ctx cx = {.fd = -1};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(mem_free_ptr)
        char *body = mem_printf("{\"metadata\":{\"name\":\"%s\"}}", names[i]);
        struct kube_request rq = {.method = "POST",
                                  .path = "/api/v1/namespaces?fieldManager=cstash",
                                  .body = str_c(body)};
        struct reply rp;
        int status;
        reply_init(&rp);
        plane_answer(p, &cx, &rq, -1, &rp);
        status = rp.status;
        reply_release(&rp);
        if (status != 201 && status != 409)
            return err_set(e, RC_IO, "could not make the namespace %s", names[i]);
    }
    return RC_OK;
}

/*
 * What lies in the folder is believed: tokens, keys, objects that name commands. So nobody else may
 * have made it, or may write there.
 */
static enum rc
check_owner(const char *dir, struct err *e)
{
    if (fs_check_own_dir(dir, e))
        return e->code == RC_DENIED
                   ? err_hint(e,
                              "use another folder: --dir; what lies in this one cannot be trusted")
                   : err_code(e);
    return chmod(dir, 0700) == 0
               ? RC_OK
               : err_sys(e, errno, "could not make the state folder %s private", dir);
}

enum rc
plane_open(const char *dir, const struct plane_opts *opts, struct plane **out, struct err *e)
{
    struct plane *p = MEM_NEW(struct plane);
    CLEANUP(mem_free_ptr) char *path = NULL;
    char *real;

    p->lock_fd = -1;
    p->bookmark_s = opts != NULL && opts->bookmark_s > 0 ? opts->bookmark_s : BOOKMARK_S;
    if (fs_make_dirs(dir, 0700, e))
        goto fail;
    real = realpath(dir, NULL);
    p->dir = mem_strdup(real != NULL ? real : dir);
    free(real);
    if (check_owner(p->dir, e))
        goto fail;
    p->kubeconfig = mem_printf("%s/kubeconfig", p->dir);
    path = mem_printf("%s/state.db", p->dir);
    p->kinds = registry_new();
    if (plane_lock(p, e) || db_open(path, opts != NULL ? opts->keep_revisions : 0, &p->db, e) ||
        load_definitions(p, e) || make_namespaces(p, e))
        goto fail;
    *out = p;
    return RC_OK;
fail:
    plane_close(p);
    return err_code(e);
}

void
plane_close(struct plane *p)
{
    if (p == NULL)
        return;
    httpd_close(p->httpd);
    db_close(p->db);
    registry_free(p->kinds);
    if (p->lock_fd >= 0)
        (void)close(p->lock_fd);
    secret_free_text(p->token);
    mem_free(p->dir);
    mem_free(p->kubeconfig);
    mem_free(p);
}

void
plane_set_hooks(struct plane *p, const struct plane_hooks *hooks)
{
    p->hooks = *hooks;
}

const char *
plane_dir(const struct plane *p)
{
    return p->dir;
}

const char *
plane_kubeconfig(const struct plane *p)
{
    return p->kubeconfig;
}

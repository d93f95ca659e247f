/* SPDX-License-Identifier: Apache-2.0 */
/* What runs in the Pod of cli/view_job. */
#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/view_job.h"
#include "job/step.h"
#include "json/node.h"

/* ---- view-snapshot ---- */

/* stdout and stderr, and where they went before. */
struct view_outputs {
    int saved[2], files[2];
};

static enum rc
outputs_open(const char *folder, struct view_outputs *o, struct err *e)
{
    static const char *const names[] = {VIEW_RESULT, VIEW_NOTES};

    for (int i = 0; i < 2; i++)
        o->saved[i] = o->files[i] = -1;
    for (int i = 0; i < 2; i++) {
        CLEANUP(mem_free_ptr) char *path = mem_printf("%s/%s", folder, names[i]);

        o->files[i] = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (o->files[i] < 0)
            return err_sys(e, errno, "could not make %s", path);
        o->saved[i] = fcntl(STDOUT_FILENO + i, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (o->saved[i] < 0 || dup2(o->files[i], STDOUT_FILENO + i) < 0)
            return err_sys(e, errno, "could not write into %s", path);
    }
    return RC_OK;
}

static void
outputs_close(struct view_outputs *o)
{
    for (int i = 0; i < 2; i++) {
        if (o->saved[i] >= 0)
            (void)dup2(o->saved[i], STDOUT_FILENO + i);
        if (o->saved[i] >= 0)
            (void)close(o->saved[i]);
        if (o->files[i] >= 0)
            (void)close(o->files[i]);
    }
}

/* No file of ours grows beyond `bytes`; a write that would fails. */
static enum rc
limit_files(rlim_t bytes, struct err *e)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_FSIZE, &l) != 0)
        return err_sys(e, errno, "could not ask for the limit of files");
    l.rlim_cur = bytes < l.rlim_max ? bytes : l.rlim_max;
    return setrlimit(RLIMIT_FSIZE, &l) == 0 ? RC_OK
                                            : err_sys(e, errno, "could not limit the result");
}

static enum rc
look_at(struct ctx *cx, const struct json *spec, struct step_view *v, struct err *e)
{
    static const struct command *const commands[] = {
        [LOOK_KEYS] = &cmd_keys, [LOOK_GET] = &cmd_get_key, [LOOK_DIFF] = &cmd_diff};
    CLEANUP(buf_release) struct buf key = BUF_INIT(1024 * 1024);
    struct app_repo given = {.store = v->store, .password = v->password};
    struct look_args *a = MEM_NEW(struct look_args);
    enum look which = LOOK_KEYS;
    enum rc rc = view_spec_decode(spec, &which, a, &key, e);

    a->repo.given = &given;
    if (rc == RC_OK) {
        v->store = NULL;
        v->password = (struct secret){.n = 0};
        rc = commands[which]->run(cx, a, e);
        app_repo_close(&given);
    }
    mem_free(a);
    return rc;
}

static bool
is_too_large(const struct view_outputs *o)
{
    struct stat st;

    return fstat(o->files[0], &st) == 0 && st.st_size >= VIEW_RESULT_MAX;
}

/* The look, with all that it says and prints in files. RC_OK also when it failed: its end is written. */
static enum rc
look_apart(struct ctx *cx, const char *folder, struct step_view *v, struct err *e)
{
    struct view_outputs o;
    struct err why = ERR_INIT;
    enum rc rc = outputs_open(folder, &o, e);

    if (rc == RC_OK)
        rc = limit_files(VIEW_RESULT_MAX, e);
    if (rc != RC_OK) {
        outputs_close(&o);
        return rc;
    }
    rc = look_at(cx, json_field(v->obj, "spec"), v, &why);
    if (fflush(stdout) != 0 || is_too_large(&o)) {
        rc = err_set(&why, RC_LIMIT,
                     "the result is larger than %d MiB, which is what a SnapshotView takes",
                     VIEW_RESULT_MAX / 1024 / 1024);
        (void)err_hint(&why, "ask for less: --match, --exclude, --type, --db; of keys --sort size "
                             "--top N; of diff --summary");
    }
    __fpurge(stdout);
    clearerr(stdout);
    outputs_close(&o);
    if (limit_files(RLIM_INFINITY, e))
        return err_code(e);
    return view_write_end(folder, rc, &why, e);
}

enum rc
view_snapshot(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    struct step_view v = {.obj = NULL};
    enum rc rc = step_view_read(cx, f, &v, e);

    if (rc == RC_OK)
        rc = look_apart(cx, f->view_folder, &v, e);
    store_release(v.store);
    secret_release(&v.password);
    json_free(v.obj);
    return rc;
}

/* ---- hold-view, hand-view ---- */

static enum rc
run_hold(struct ctx *cx, const void *args, struct err *e)
{
    const struct app_opts *a = args;

    return view_hold(cx, a->words.v[0], e);
}

static enum rc
run_hand(struct ctx *cx, const void *args, struct err *e)
{
    const struct app_opts *a = args;

    return view_hand(cx, a->words.v[0], e);
}

static const struct opt_group groups[] = {{opts_app, 0}, {.table = NULL}};

const struct command cmd_hold_view = {.name = "hold-view",
                                      .usage = "FOLDER",
                                      .summary = "Job: keep the result of a SnapshotView",
                                      .groups = groups,
                                      .size = sizeof(struct app_opts),
                                      .words_min = 1,
                                      .words_max = 1,
                                      .run = run_hold};
const struct command cmd_hand_view = {.name = "hand-view",
                                      .usage = "FOLDER",
                                      .summary = "Job: hand the result of a SnapshotView over",
                                      .groups = groups,
                                      .size = sizeof(struct app_opts),
                                      .words_min = 1,
                                      .words_max = 1,
                                      .run = run_hand};

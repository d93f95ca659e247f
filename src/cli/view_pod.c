/* SPDX-License-Identifier: Apache-2.0 */
/* The side of cli/view_job that runs in the Pod. In the folder: "result", "notes", "end"; and, as empty files, "taken" and "handed". */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/view_job.h"
#include "json/node.h"

enum {
    HOLD_LOOK_MS = 500,
    HOLD_ALONE_MS = 60 * 1000,
    HOLD_TAKEN_MS = 10 * 60 * 1000,
    END_MAX = 64 * 1024
};

static char *
view_path(const char *folder, const char *name)
{
    return mem_printf("%s/%s", folder, name);
}

static bool
view_has(const char *folder, const char *name)
{
    CLEANUP(mem_free_ptr) char *path = view_path(folder, name);

    return access(path, F_OK) == 0;
}

enum rc
view_write_end(const char *folder, enum rc rc, const struct err *why, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = view_path(folder, "end");
    CLEANUP(mem_free_ptr) char *text = NULL;
    CLEANUP(json_free_ptr) struct json *end = json_new_object();

    if (rc != RC_OK) {
        json_set_cstr(end, "code", rc_name(rc));
        json_set_cstr(end, "message", why->msg);
        json_set_cstr(end, "hint", why->hint);
    }
    text = json_to_text(end, false);
    return fs_write_file(path, str_c(text), 0600, e);
}

enum rc
view_hold(struct ctx *cx, const char *folder, struct err *e)
{
    int64_t began = clock_mono_ms();

    for (;;) {
        int64_t patience = view_has(folder, "taken") ? HOLD_TAKEN_MS : HOLD_ALONE_MS;

        if (view_has(folder, "handed") || clock_mono_ms() - began >= patience)
            return RC_OK;
        if (ctx_sleep(cx, HOLD_LOOK_MS, e))
            return err_code(e);
    }
}

static enum rc
view_mark(const char *folder, const char *name, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = view_path(folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_sys(e, errno, "could not make %s", path);
    (void)close(fd);
    return RC_OK;
}

static enum rc
view_read(const char *folder, const char *name, struct buf *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = view_path(folder, name);

    return fs_read_file(path, out, e);
}

enum rc
view_hand(struct ctx *cx, const char *folder, struct err *e)
{
    CLEANUP(buf_release) struct buf end = BUF_INIT(END_MAX);
    CLEANUP(buf_release) struct buf notes = BUF_INIT(VIEW_NOTES_MAX);
    CLEANUP(buf_release) struct buf result = BUF_INIT(VIEW_RESULT_MAX);
    CLEANUP(json_free_ptr) struct json *head = NULL;
    CLEANUP(mem_free_ptr) char *line = NULL;
    struct wr_fd out;

    if (view_mark(folder, "taken", e))
        return e->code == RC_EXISTS ? err_set(e, RC_EXISTS, "the result was handed over already")
                                    : err_code(e);
    if (view_read(folder, "end", &end, e) || json_parse(buf_str(&end), &head, e) ||
        view_read(folder, VIEW_NOTES, &notes, e))
        return err_code(e);
    if (json_field(head, "code") == NULL && view_read(folder, VIEW_RESULT, &result, e))
        return err_code(e);
    json_set_int(head, "notes", (int64_t)notes.n);
    json_set_int(head, "result", (int64_t)result.n);
    line = json_to_text(head, false);
    wr_fd_init(&out, cx, STDOUT_FILENO, "standard output");
    if (wr_write(&out.wr, (const uint8_t *)line, strlen(line), e) ||
        wr_write(&out.wr, (const uint8_t *)"\n", 1, e) || wr_write(&out.wr, notes.p, notes.n, e) ||
        wr_write(&out.wr, result.p, result.n, e))
        return err_code(e);
    return view_mark(folder, "handed", e);
}

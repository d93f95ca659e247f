/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pod_log.h"

#include "base/mem.h"
#include "kube/object.h"

enum { PATH_BYTES = 16 * 1024 };

static enum rc
copy_lines(struct rd *rd, const char *pod, const char *container, struct err *e)
{
    CLEANUP(mem_free_ptr) char *prefix = mem_printf("[pod/%s/%s] ", pod, container);
    bool at_start = true;

    for (;;) {
        uint8_t some[16 * 1024];
        size_t got = 0, start = 0;
        if (rd_read(rd, some, sizeof(some), &got, e))
            return err_code(e);
        if (got == 0)
            return RC_OK;
        for (size_t i = 0; i < got; i++) {
            if (at_start)
                (void)fputs(prefix, stdout);
            at_start = some[i] == '\n';
            if (at_start || i + 1 == got) {
                (void)fwrite(some + start, 1, i + 1 - start, stdout);
                start = i + 1;
            }
        }
        if (fflush(stdout) != 0)
            return err_set(e, RC_IO, "could not write to the standard output");
    }
}

static enum rc
copy_all(struct rd *rd, struct err *e)
{
    for (;;) {
        uint8_t some[16 * 1024];
        size_t got = 0;
        if (rd_read(rd, some, sizeof(some), &got, e))
            return err_code(e);
        if (got == 0)
            return RC_OK;
        if (fwrite(some, 1, got, stdout) != got || fflush(stdout) != 0)
            return err_set(e, RC_IO, "could not write to the standard output");
    }
}

enum rc
pod_log(struct ctx *cx, struct kube *k, const struct json *pod, const char *container,
        const struct pod_log_opts *o, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(PATH_BYTES);
    struct kube_stream *s = NULL;
    enum rc rc;

    kube_path(&path, &KUBE_POD, kube_ns(pod), kube_name(pod), "log");
    kube_query(&path, "container", container);
    kube_query(&path, "follow", o->follow ? "true" : NULL);
    kube_query(&path, "previous", o->previous ? "true" : NULL);
    kube_query(&path, "timestamps", o->timestamps ? "true" : NULL);
    kube_query(&path, "tailLines", o->tail[0] != '\0' ? o->tail : NULL);
    kube_query(&path, "sinceSeconds", o->since_s[0] != '\0' ? o->since_s : NULL);
    if (buf_whole(&path, "the address of a request", e) || kube_open(cx, k, buf_c(&path), &s, e))
        return err_code(e);
    rc = o->prefix ? copy_lines(&s->rd, kube_name(pod), container, e) : copy_all(&s->rd, e);
    kube_close(k, s);
    return rc;
}

enum rc
pod_log_all(struct ctx *cx, struct kube *k, const struct json *pod, const struct pod_log_opts *o,
            struct err *e)
{
    static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};

    for (size_t n = 0; n < ARRAY_LEN(lists); n++) {
        const struct json *list = json_dig(pod, "spec", lists[n]);

        for (size_t i = 0; i < json_size(list); i++)
            if (pod_log(cx, k, pod, json_text_or(json_field(json_elem(list, i), "name"), ""), o, e))
                return err_code(e);
    }
    return RC_OK;
}

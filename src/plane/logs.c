/* SPDX-License-Identifier: Apache-2.0 */
/* GET pods/x/log: the lines that a container wrote, from the file where its runner puts them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "httpd/httpd.h"
#include "plane/core.h"

enum { LINE_MAX_BYTES = 256 * 1024, POLL_MS = 200, PEER_EVERY_MS = 2000, BLOCK = 16 * 1024 };

struct log {
    struct plane_stream stream;
    struct plane *plane;
    struct ctx *cx;
    int fd; /* -1: not there yet */
    char *path, *ns, *pod, *uid, *container;
    bool follow, times;
    int64_t since;  /* unix ms; 0: all */
    int64_t budget; /* limitBytes; -1: none */
    int peer;
    int64_t looked_ms;
    struct buf in, out; /* read and not cut into lines yet; lines to give */
    size_t given;
};

char *
plane_log_path(struct plane *p, const char *pod_uid, const char *container, bool previous)
{
    CLEANUP(mem_free_ptr) char *pods = mem_printf("%s/pods", p->dir);
    CLEANUP(mem_free_ptr) char *dir = mem_printf("%s/%s", pods, pod_uid);

    (void)mkdir(pods, 0700);
    (void)mkdir(dir, 0700);
    return mem_printf("%s/%s%s.log", dir, container, previous ? ".previous" : "");
}

/* "time text": with or without the time, or not at all when it is too old. */
static void
put_line(struct log *l, const char *p, size_t n)
{
    const char *space = memchr(p, ' ', n);
    struct err e = ERR_INIT;
    struct instant t;

    if (l->since > 0 && space != NULL &&
        instant_parse(str_of(p, (size_t)(space - p)), &t, &e) == RC_OK && instant_ms(t) < l->since)
        return;
    if (!l->times && space != NULL) {
        n -= (size_t)(space + 1 - p);
        p = space + 1;
    }
    buf_putf(&l->out, "%.*s", (int)n, p);
}

static void
cut_lines(struct log *l, bool end)
{
    size_t at = 0;

    for (size_t i = 0; i < l->in.n; i++)
        if (l->in.p[i] == '\n') {
            put_line(l, (const char *)l->in.p + at, i + 1 - at);
            at = i + 1;
        }
    if (end && at < l->in.n) {
        put_line(l, (const char *)l->in.p + at, l->in.n - at);
        at = l->in.n;
    }
    if (at > 0)
        memmove(l->in.p, l->in.p + at, l->in.n - at);
    l->in.n -= at;
}

/* Is the container still to write something? */
static bool
is_running(struct log *l)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(KUBE_BODY_MAX);
    CLEANUP(json_free_ptr) struct json *pod = NULL;
    struct err e = ERR_INIT;
    const struct json *list;
    const char *phase;
    int64_t rev;

    if (db_get(l->plane->db, (struct db_key){"pods", l->ns, l->pod}, &text, &rev, &e) ||
        json_parse(buf_str(&text), &pod, &e) ||
        strcmp(json_text_or(json_dig(pod, "metadata", "uid"), ""), l->uid) != 0)
        return false;
    phase = json_text_or(json_dig(pod, "status", "phase"), "");
    if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
        return false;
    static const char *const lists[] = {"containerStatuses", "initContainerStatuses"};
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        list = json_dig(pod, "status", lists[k]);
        for (size_t i = 0; i < json_size(list); i++)
            if (strcmp(json_text_or(json_field(json_elem(list, i), "name"), ""), l->container) == 0)
                return json_dig(json_elem(list, i), "state", "terminated") == NULL;
    }
    return true;
}

/* Take what the file has. `*got` 0: nothing new. */
static enum rc
take_some(struct log *l, size_t *got, struct err *e)
{
    ssize_t n;

    *got = 0;
    if (l->fd < 0)
        l->fd = open(l->path, O_RDONLY | O_CLOEXEC);
    if (l->fd < 0)
        return RC_OK;
    if (l->in.n >= LINE_MAX_BYTES)
        cut_lines(l, true);
    if (buf_reserve(&l->in, BLOCK, e))
        return err_code(e);
    n = read(l->fd, l->in.p + l->in.n, BLOCK);
    if (n < 0)
        return err_sys(e, errno, "could not read the log");
    l->in.n += (size_t)n;
    *got = (size_t)n;
    cut_lines(l, false);
    return RC_OK;
}

static enum rc
log_read(struct rd *rd, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct log *l = CONTAINER_OF(rd, struct log, stream.pub.rd);
    bool last = false;
    size_t some;

    if (l->given == l->out.n) {
        l->given = 0;
        buf_reset(&l->out);
    }
    while (l->given == l->out.n && !last) {
        bool running = l->follow && is_running(l);
        if (take_some(l, &some, e))
            return err_code(e);
        if (some > 0)
            continue;
        if (!running) {
            cut_lines(l, true);
            break;
        }
        if (ctx_sleep(l->cx, POLL_MS, e))
            return err_code(e);
        if (clock_mono_ms() - l->looked_ms > PEER_EVERY_MS) {
            l->looked_ms = clock_mono_ms();
            last = httpd_peer_is_gone(l->peer);
        }
    }
    some = MIN(n, l->out.n - l->given);
    if (l->budget >= 0)
        some = MIN(some, (size_t)l->budget);
    if (some > 0)
        memcpy(p, l->out.p + l->given, some);
    l->given += some;
    l->budget -= l->budget > 0 ? (int64_t)some : 0;
    *got = some;
    return RC_OK;
}

static void
log_close(struct plane_stream *s)
{
    struct log *l = CONTAINER_OF(s, struct log, stream);

    if (l->fd >= 0)
        (void)close(l->fd);
    mem_free(l->path);
    mem_free(l->ns);
    mem_free(l->pod);
    mem_free(l->uid);
    mem_free(l->container);
    buf_release(&l->in);
    buf_release(&l->out);
    mem_free(l);
}

/* Put the descriptor where the last `lines` lines begin. */
static void
seek_tail(int fd, int64_t lines)
{
    off_t end = lseek(fd, 0, SEEK_END), at = end;
    char block[BLOCK];
    int64_t seen = 0;

    while (at > 0) {
        size_t n = (size_t)MIN(at, BLOCK);
        at -= (off_t)n;
        if (pread(fd, block, n, at) != (ssize_t)n)
            break;
        for (size_t i = n; i-- > 0;) {
            off_t here = at + (off_t)i;
            if (block[i] == '\n' && here != end - 1 && ++seen >= lines) {
                (void)lseek(fd, here + 1, SEEK_SET);
                return;
            }
            if (lines == 0) {
                (void)lseek(fd, end, SEEK_SET);
                return;
            }
        }
    }
    (void)lseek(fd, 0, SEEK_SET);
}

const char *
choose_container(struct call *c, const struct json *pod)
{
    static const char *const lists[] = {"containers", "initContainers"};
    const char *want = call_param(c, "container");
    const struct json *all = json_dig(pod, "spec", "containers");

    if (want == NULL || want[0] == '\0') {
        if (json_size(all) == 1)
            return json_text_or(json_field(json_elem(all, 0), "name"), "");
        (void)answer_error(c, 400, "BadRequest", "a container name must be specified for pod %s",
                           c->name);
        return NULL;
    }
    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        all = json_dig(pod, "spec", lists[k]);
        for (size_t i = 0; i < json_size(all); i++)
            if (strcmp(json_text_or(json_field(json_elem(all, i), "name"), ""), want) == 0)
                return want;
    }
    (void)answer_error(c, 400, "BadRequest", "container %s is not valid for pod %s", want, c->name);
    return NULL;
}

bool
verb_log(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *pod = NULL;
    bool previous = call_flag(c, "previous");
    int64_t tail = call_number(c, "tailLines", -1), seconds = call_number(c, "sinceSeconds", 0);
    const char *since = call_param(c, "sinceTime"), *container, *uid;
    struct err e = ERR_INIT;
    struct instant t;
    struct log *l;

    if (!load_object(c, c->name, &pod, NULL))
        return false;
    container = choose_container(c, pod);
    if (container == NULL)
        return false;
    uid = json_text_or(json_dig(pod, "metadata", "uid"), "");
    CLEANUP(mem_free_ptr) char *path = plane_log_path(c->plane, uid, container, previous);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && previous)
        return answer_error(c, 400, "BadRequest",
                            "previous terminated container \"%s\" in pod \"%s\" not found",
                            container, c->name);
    if (fd < 0 && !call_flag(c, "follow") &&
        strcmp(json_text_or(json_dig(pod, "status", "phase"), ""), "Pending") == 0)
        return answer_error(c, 400, "BadRequest",
                            "container \"%s\" in pod \"%s\" is waiting to start", container,
                            c->name);
    if (fd >= 0 && tail >= 0)
        seek_tail(fd, tail);
    l = MEM_NEW(struct log);
    l->stream.pub.rd.read = log_read;
    l->stream.close = log_close;
    l->plane = c->plane;
    l->cx = c->cx;
    l->fd = fd;
    l->path = TAKE(path);
    l->ns = mem_strdup(c->ns);
    l->pod = mem_strdup(c->name);
    l->uid = mem_strdup(uid);
    l->container = mem_strdup(container);
    l->follow = call_flag(c, "follow") && !previous;
    l->times = call_flag(c, "timestamps");
    l->budget = call_number(c, "limitBytes", -1);
    l->peer = c->peer;
    l->looked_ms = clock_mono_ms();
    if (seconds > 0)
        l->since = clock_real_ms() - seconds * 1000;
    else if (since != NULL && instant_parse(str_c(since), &t, &e) == RC_OK)
        l->since = instant_ms(t);
    buf_init(&l->in, LINE_MAX_BYTES + 2 * BLOCK);
    buf_init(&l->out, 2 * LINE_MAX_BYTES);
    c->rp->type = "text/plain";
    c->rp->stream = &l->stream;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <sys/mman.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

enum { THREAD_NAME = 16 }; /* the kernel's limit, with the NUL */

/* What a thread is begun with; it frees it at its end. */
struct thread_begin {
    void *(*fn)(void *arg);
    void *arg;
    struct log_scope scope; /* a copy: the starter's may be gone before the thread is */
    char *component, *object;
};

static struct thread_begin *
thread_begin_new(void *(*fn)(void *arg), void *arg)
{
    struct thread_begin *b = MEM_NEW(struct thread_begin);
    struct log_scope now = log_scope_now();

    *b = (struct thread_begin){
        .fn = fn,
        .arg = arg,
        .scope.attempt = now.attempt,
        .component = now.component != NULL ? mem_strdup(now.component) : NULL,
        .object = now.object != NULL ? mem_strdup(now.object) : NULL,
    };
    b->scope.component = b->component;
    b->scope.object = b->object;
    return b;
}

static void
thread_begin_free(struct thread_begin *b)
{
    mem_free(b->component);
    mem_free(b->object);
    mem_free(b);
}

static void *
thread_main(void *arg)
{
    struct thread_begin *b = (struct thread_begin *)arg;
    void *result;

    log_scope_enter(&b->scope);
    result = b->fn(b->arg);
    log_scope_leave(&b->scope);
    thread_begin_free(b);
    return result;
}

enum rc
thread_start(pthread_t *out, const char *name, void *(*fn)(void *arg), void *arg, struct err *e)
{
    char shown[THREAD_NAME];
    pthread_t made;
    struct thread_begin *b = thread_begin_new(fn, arg);
    int sys = pthread_create(&made, NULL, thread_main, b);

    if (sys == 0) {
        (void)pthread_setname_np(made, str_cut(str_c(name), shown, sizeof(shown)));
        *out = made;
        return RC_OK;
    }
    thread_begin_free(b);
    (void)err_sys(e, sys, "could not start the thread \"%s\"", name);
    e->code = RC_UNAVAILABLE;
    return err_hint(e,
                    "the machine allows no more: see ulimit -u, the pids limit of the container, "
                    "and its memory");
}

enum rc
map_refused(size_t n, struct err *e)
{
    (void)err_set(e, RC_UNAVAILABLE, "no memory for a buffer of %zu KiB", n / 1024);
    return err_hint(e, "the machine allows no more: see ulimit -v and its memory");
}

enum rc
map_memory(size_t n, void **out, struct err *e)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return map_refused(n, e);
    *out = p;
    return RC_OK;
}

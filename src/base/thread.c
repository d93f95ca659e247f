/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <sys/mman.h>

#include "base/str.h"

enum { THREAD_NAME = 16 }; /* the kernel's limit, with the NUL */

enum rc
thread_start(pthread_t *out, const char *name, void *(*fn)(void *arg), void *arg, struct err *e)
{
    char shown[THREAD_NAME];
    pthread_t made;
    int sys = pthread_create(&made, NULL, fn, arg);

    if (sys == 0) {
        (void)pthread_setname_np(made, str_cut(str_c(name), shown, sizeof(shown)));
        *out = made;
        return RC_OK;
    }
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

/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { SHARED_HEAPS = 2, LARGE_BYTES = 256 * 1024 };

static NORETURN void
out_of_memory(size_t n)
{
    (void)fprintf(stderr, "fatal: out of memory (%zu bytes)\n", n);
    abort();
}

void *
mem_alloc(size_t n)
{
    void *p = malloc(n ? n : 1);

    if (p == NULL)
        out_of_memory(n);
    return p;
}

void *
mem_zero(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (p == NULL)
        out_of_memory(n);
    return p;
}

void *
mem_grow(void *p, size_t n, size_t size)
{
    void *q;

    if (size != 0 && n > SIZE_MAX / size)
        out_of_memory(SIZE_MAX);
    q = realloc(p, MAX(n * size, (size_t)1));
    if (q == NULL)
        out_of_memory(n * size);
    return q;
}

void *
mem_more(void *p, size_t n, size_t size)
{
    if (n > SIZE_MAX / 2)
        out_of_memory(SIZE_MAX);
    return (n & (n - 1)) != 0 ? p : mem_grow(p, n == 0 ? 1 : 2 * n, size);
}

char *
mem_strndup(const char *s, size_t n)
{
    char *p = mem_alloc(n + 1);

    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *
mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *
mem_printf(const char *fmt, ...)
{
    va_list ap;
    char *p;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        out_of_memory(0);
    p = mem_alloc((size_t)n + 1);
    va_start(ap, fmt);
    (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

void
mem_free(void *p)
{
    free(p);
}

void
mem_wipe(void *p, size_t n)
{
    if (n != 0)
        explicit_bzero(p, n);
}

void
mem_free_ptr(void *pp)
{
    void *p;

    memcpy(&p, pp, sizeof(p));
    free(p);
}

void
mem_return_large(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

void
mem_share_heaps(void)
{
    (void)mallopt(M_ARENA_MAX, SHARED_HEAPS);
}

void
mem_trim(void)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

    (void)pthread_mutex_lock(&one);
    (void)malloc_trim(0);
    (void)pthread_mutex_unlock(&one);
}

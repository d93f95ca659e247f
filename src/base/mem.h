/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

/*
 * base/mem -- memory that is there, or the process ends.
 *
 * Why      a small allocation that fails leaves nothing sensible to do; checking it everywhere
 *          hides the code that matters (docs/adr/0002). Sizes that come from outside are checked
 *          against a stated limit by the caller first.
 * Threads  any.
 */
#include <stddef.h>
#include <stdlib.h>

#include "base/compiler.h"

/* `n` bytes, not initialised. The caller frees with mem_free. */
void *mem_alloc(size_t n) __attribute__((malloc, returns_nonnull, alloc_size(1)));
/* `n` objects of `size` bytes, zeroed; ends the process when the product overflows. */
void *mem_zero(size_t n, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
/* As realloc for `n` objects of `size` bytes. `p` may be NULL. */
void *mem_grow(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
/*
 * Room for one object more behind the `n` in `p`, an array that only this call has grown: it moves at powers of two,
 * so that adding stays cheap however many there are.
 */
void *mem_more(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((returns_nonnull));
/* A copy of `n` bytes with a NUL behind them. */
char *mem_strndup(const char *s, size_t n) __attribute__((returns_nonnull));
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((returns_nonnull));
void mem_free(void *p);

/*
 * What is large goes back to the system when it is freed: else glibc, once it has seen such a size freed, keeps others of it
 * in its heaps. Call it before the first thread.
 */
void mem_return_large(void);

/*
 * For processes of many threads that mostly wait: all share a few heaps, instead of one each whose
 * free memory the others cannot use. Call it before the first thread.
 */
void mem_share_heaps(void);

/*
 * Give the pages of freed memory back to the system, after much of it went at once. Any thread. One caller at a time:
 * glibc's malloc_trim sets up the heap at its first call without a lock, which two threads notice wherever another
 * malloc (a sanitizer's) had the heap until then.
 */
void mem_trim(void);

/* Overwrite with zeros in a way that the compiler keeps. */
void mem_wipe(void *p, size_t n);

/* For CLEANUP: frees what a `char *` or `uint8_t *` variable points at. */
void mem_free_ptr(void *pp);

#define MEM_NEW(type) ((type *)mem_zero(1, sizeof(type)))

#endif

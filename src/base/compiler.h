/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

/*
 * base/compiler -- attributes and tiny macros that every file may use.
 *
 * Needs gcc 12 or clang 14: cleanup, statement expressions and typeof.
 */
#include <stddef.h>

#define NODISCARD __attribute__((warn_unused_result))
/* `args` is 0 for a function that takes a va_list. */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Run `fn(&variable)` when the variable leaves its scope. `fn` must accept a zeroed object. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hand a pointer on: yields its value and leaves NULL behind, so that a CLEANUP finds nothing. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) take_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The struct that embeds `member`, from a pointer to that member. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif

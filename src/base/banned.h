/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/*
 * base/banned -- calls that this project does not make. The build includes this file first in every
 * translation unit, so a use does not compile.
 *
 * Why      strcpy, strcat, sprintf: no bound. strtok, gmtime, localtime, ctime, asctime, strerror:
 *          hidden shared state. atoi: errors look like zero. mktemp: a race. Use buf, snprintf,
 *          gmtime_r, strerror_r, strtoull, mkstemp.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With _FORTIFY_SOURCE and clang some are macros, which cannot be poisoned without a warning. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol gmtime localtime mktemp tmpnam
#pragma GCC poison strerror asctime ctime

#endif

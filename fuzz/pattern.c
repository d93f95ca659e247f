/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/pattern -- regular expressions of definitions: a pattern, a line break, a text. */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "validation/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    CLEANUP(mem_free_ptr) char *pattern = mem_strndup((const char *)p, n);
    char *text = strchr(pattern, '\n');

    if (text != NULL)
        *text++ = '\0';
    (void)pattern_match(pattern, text != NULL ? text : "");
    return 0;
}

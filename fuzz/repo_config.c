/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/repo_config -- config and lock files. */
#include "repo/format/config.h"
#include "repo/format/lock_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct config c;
    struct lock_info l;
    struct err e = ERR_INIT;

    if (config_decode(str_of(p, n), &c, &e) == RC_OK && c.version != 1 && c.version != 2)
        BUG("version %u", c.version);
    if (lock_decode(str_of(p, n), &l, &e) == RC_OK && memchr(l.hostname, 0, LOCK_NAME_MAX) == NULL)
        BUG("a name without end");
    return 0;
}

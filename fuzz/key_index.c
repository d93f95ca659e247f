/* SPDX-License-Identifier: Apache-2.0 */
/* A key index of anybody's making: its three kinds of blobs, cut out of the input by its first two bytes. */
#include "base/compiler.h"
#include "base/err.h"
#include "dump/key_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct key_place places[KEY_PLACES];
    struct err e = ERR_INIT;
    struct key_walk w = {0};
    struct key_want want;
    struct key_dir d;
    size_t found = 0, page, blocks;
    uint32_t hash;

    if (n < 2)
        return 0;
    page = MIN((size_t)p[0], n - 2);
    blocks = MIN((size_t)p[1], n - 2 - page);
    p += 2;
    if (key_dir_read(str_of(p + page + blocks, n - 2 - page - blocks), &d, &e))
        return 0;
    hash = key_hash(&d, 0, STR_LIT("a"));
    while (key_dir_next(&d, &w, hash, &want))
        if (key_want_read(&d, str_of(p, page), str_of(p + page, blocks), hash, places, &found, &e))
            return 0;
    for (size_t i = 0; i < found; i++)
        BUG_ON(places[i].at > d.size || places[i].n > d.size - places[i].at);
    return 0;
}

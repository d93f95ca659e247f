/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_SOON_H
#define DUMP_SOON_H

/*
 * dump/soon -- how many of many things are over at a time that is not known yet.
 *
 * Shape    zeroed is empty; soon_add for each, soon_count at the end.
 * Units    unix ms; counted by the second, rounded up. What lasts longer than SOON_MAX_S from the
 *          first one on is not looked at.
 * Memory   4 bytes for each second up to the last one; several share SOON_MAX_S seconds, 4 MiB. What
 *          finds no place any more is only counted.
 * Tests    dump_test.c
 */
#include <stddef.h>
#include <stdint.h>

enum { SOON_MAX_S = 1 << 20 };

struct soon {
    uint32_t *seconds; /* from `from` on; what was over already is in the first */
    size_t n;
    int64_t from;
    uint64_t unplaced; /* nobody knows when they are over */
};

/* `*used`: seconds that all who share have; zero at first. */
void soon_add(struct soon *s, int64_t at_ms, size_t *used);
/* Those over at `now_ms`, without the unplaced. */
uint64_t soon_count(const struct soon *s, int64_t now_ms);
/* Add those of another one. */
void soon_join(struct soon *s, const struct soon *from, size_t *used);
void soon_release(struct soon *s);

#endif

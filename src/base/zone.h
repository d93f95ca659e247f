/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

/*
 * base/zone -- what clocks show in other places, without touching the process' own TZ.
 *
 * Source   RFC 8536 (TZif, version 2 and later), POSIX TZ strings for times after the last change
 *          that the file lists. Files are found below $TZDIR, else /usr/share/zoneinfo.
 * Limits   ZONE_FILE_MAX bytes.
 * Threads  a loaded zone is read-only.
 */
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { ZONE_FILE_MAX = 256 * 1024 };

struct zone;

/* "Europe/Berlin", "UTC". RC_NOT_FOUND: no such zone; RC_CORRUPT: its file. */
NODISCARD enum rc zone_load(const char *name, struct zone **out, struct err *e);
/* From the bytes of a file. */
NODISCARD enum rc zone_parse(struct str file, struct zone **out, struct err *e);
void zone_free(struct zone *z);

/* Seconds east of UTC at that time; NULL: 0. */
int32_t zone_offset(const struct zone *z, int64_t unix_s);

#endif

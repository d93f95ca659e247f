/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_AGE_H
#define API_AGE_H

/* api/age -- how long ago, as kubectl says it: "5s", "3m12s", "2d4h". Source: HumanDuration of apimachinery. */
#include <stdint.h>

enum { AGE_TEXT = 24 };

/* Returns `to`. What lies ahead is "0s". */
const char *age_text(int64_t seconds, char to[static AGE_TEXT]);

#endif

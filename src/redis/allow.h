/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_ALLOW_H
#define REDIS_ALLOW_H

/* redis/allow -- which commands of a dump a load sends. For load.c. */
#include "redis/load.h"

/* RC_DENIED: it writes no data and nobody allowed it, or it cannot be taken apart by keys. */
NODISCARD enum rc allow_check(const struct load_opts *opts, const struct cmd *c,
                              const struct command_class *k, struct err *e);

#endif

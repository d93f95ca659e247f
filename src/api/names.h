/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_NAMES_H
#define API_NAMES_H

/*
 * api/names -- names of the objects that belong to an invoker, cut to what Kubernetes takes.
 *
 * Source   Stash's name helpers: which end is kept when a name is too long is part
 *          of the contract.
 * Ownership  each returns a new string: mem_free. "." becomes "-", as names of Jobs are labels.
 */
#include <stddef.h>

enum { NAME_MAX_LABEL = 63, NAME_MAX_CRONJOB = 52 };

/* "a-b-c", too long: its first half and its last half, without '-' at the ends. */
char *name_join3(const char *a, const char *b, const char *c, size_t max);
/* "a-b", too long: the last `max` characters. */
char *name_keep_end(const char *a, const char *b, size_t max);
/* "a-b", too long: `a` is cut so that "-b" stays whole. */
char *name_keep_suffix(const char *a, const char *b, size_t max);

/* "app" for AppBinding, "deploy" for Deployment, ...; else the kind in lower case. */
char *name_short_kind(const char *kind);
char *name_lower(const char *s);

#endif

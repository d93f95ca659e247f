/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_NAMES_H
#define API_NAMES_H

/*
 * api/names -- names of the objects that belong to an invoker, cut to what Kubernetes takes.
 *
 * Source     Stash's names, as long as they say all. Where Stash loses something ("." becomes "-", for names of Jobs are
 *            labels; a long name is cut) a hash of the whole name stands there as well: two invokers must never share an
 *            object (docs/adr/0027).
 * Ownership  each returns a new string: mem_free.
 */
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    NAME_MAX_LABEL = 63,
    NAME_MAX_CRONJOB = 52,
    NAME_MAX_OBJECT = 253,
    NAME_SNAPSHOT_DIGITS = 8
};

/*
 * "prefix-name-suffix" of at most `max` characters; `prefix` and `suffix` may be NULL and stay whole. A `name` that has
 * dots or is too long becomes "start-of-it-HASH".
 */
char *name_of(size_t max, const char *prefix, const char *name, const char *suffix);

/*
 * The Snapshot of a Repository: its name, then the first `digits` of the ID. Stash's name, whatever the Repository's is,
 * as long as there is room for all digits; else "start-of-it-HASH" stands for it.
 */
char *name_of_snapshot(const char *repository, const char *id_hex, size_t digits);
/* Is it one of the names that this snapshot of all 64 digits may have? */
bool name_is_of_snapshot(const char *name, const char *repository, const char *id_hex);
/*
 * `value` as the value of a label: itself where it is one; else with "-" for what a label does not take, and a hash in
 * place of the end of what is too long.
 */
char *name_label(const char *value);

/* "app" for AppBinding, "deploy" for Deployment, ...; else the kind in lower case. */
char *name_short_kind(const char *kind);
char *name_lower(const char *s);
/* Of any text; not for what somebody could gain by finding another text with the same one. */
uint64_t name_hash(const char *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_CHANGE_H
#define DUMP_CHANGE_H

/*
 * dump/change -- what becomes of the keys of a dump on their way into a server: other names, another database, other
 * times to expire, values that nobody may see.
 *
 * Why      a copy for tests, a second tenant, a move between databases: the same keys, but not as they were.
 * Order    a filter (dump/filter) and masks see names and databases as they stand in the dump; then names and databases change.
 * Rename   the first prefix that a name begins with is replaced. Two keys that would become one are an error (dump/rewrite).
 * Masks    the first that matches decides: drop leaves the key out; hash puts 32 hex digits in place of each value, the same
 *          for equal values of one restore, made with a key that nobody keeps; fixed puts MASK_TEXT. Values are: a string; the
 *          elements of lists and sets; the members of sorted sets, not their scores; of hashes and of entries of streams
 *          what stands in the fields, those that a mask names or all, not their names. Of a set or sorted set that fixed
 *          masks one element remains. What nobody can look into (kv_info.opaque) can only be dropped.
 * Ownership  texts are borrowed from whoever parsed them.
 * Threads  constant once it is made.
 */
#include "dump/filter.h"

enum { CHANGES_MAX = 32, MASK_KEY = 32 };
#define MASK_TEXT "masked"

enum change_ttl { CHANGE_TTL_KEEP, CHANGE_TTL_DROP, CHANGE_TTL_SHIFT };
enum mask_how { MASK_NOT, MASK_DROP, MASK_HASH, MASK_FIXED };

struct renames {
    struct {
        const char *text; /* as it was given: "a:=b:" */
        struct str from, to;
    } v[CHANGES_MAX];
    size_t n;
};

struct db_map {
    struct {
        uint64_t from, to;
    } v[CHANGES_MAX];
    size_t n;
};

struct masks {
    struct {
        const char *text;      /* "user:*->mail=hash" */
        struct str key, field; /* globs; field.p NULL: all of them, and every type */
        enum mask_how how;
    } v[CHANGES_MAX];
    size_t n;
    uint8_t secret[MASK_KEY]; /* random: values cannot be guessed and compared */
};

struct change {
    struct renames rename;
    struct db_map dbs;
    enum change_ttl ttl;
    int64_t shift_ms; /* CHANGE_TTL_SHIFT: so much later */
    struct masks masks;
};

/* Parse one more; RC_USAGE says what was wrong with it. */
NODISCARD enum rc change_add_rename(struct renames *to, const char *text, struct err *e);
NODISCARD enum rc change_add_db(struct db_map *to, const char *text, struct err *e);
NODISCARD enum rc change_add_mask(struct masks *to, const char *text, struct err *e);

/* Is nothing changed? `c` may be NULL. */
bool change_is_none(const struct change *c);
uint64_t change_db(const struct change *c, uint64_t db);
/* The prefix to be replaced, as an index; c->rename.n: none. */
size_t change_prefix(const struct change *c, struct str key);
/* Which mask is for the key, as an index; c->masks.n: none. */
size_t change_mask(const struct change *c, struct str key);
/* Does that mask hide what stands in this field? */
bool change_masks_field(const struct change *c, size_t mask, struct str field);

/* As options: "--rename-prefix 'a:=b:' --ttl drop"; mem_free. NULL: nothing is changed. */
char *change_text(const struct change *c);

/*
 * What is still to be filtered behind dump/rewrite: nothing, but the databases that were chosen are named, as they are called there, which
 * LOAD_FLUSH empties.
 */
struct filter change_filter_after(const struct change *c, const struct filter *f);

#endif

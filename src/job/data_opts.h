/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_DATA_OPTS_H
#define JOB_DATA_OPTS_H

/*
 * job/data_opts -- what may be said of the data: which keys, how to read and to load them, how to
 * reach the server. One table for each group, for commands by hand and for the `args` of a Task.
 *
 * Rule     an option that only a command line may have (a question's answer, a password's file) stands
 *          in the table of that command.
 */
#include "job/source.h"
#include "opts/opts.h"
#include "redis/acl.h"
#include "redis/load.h"
#include "repo/save.h"

extern const struct opt opts_keys[];     /* of struct filter: --db --match --exclude --type */
extern const struct opt_type globs_type; /* struct globs: one more each time */
extern const struct opt opts_tls[];      /* of struct tls_opts: --cacert --cert --key ... */
/* The first of them that was given ("cacert"), or NULL: they mean nothing without TLS. */
const char *tls_opts_given(const struct tls_opts *o);
extern const struct opt
    opts_source[]; /* of struct source_opts: --source --format --prefer --psync */

struct compression_opts {
    enum save_compression level;
};
extern const struct opt opts_compression[];

/* What a backup keeps besides the data. */
struct beside_opts {
    bool users;
};
extern const struct opt opts_beside[];

/* What a restore gives back besides the data. */
struct beside_choice {
    enum acl_how users;
};
extern const struct opt opts_beside_restore[];

/* What a load does with the target. */
struct load_choice {
    enum load_existing existing;
    struct opt_list allow; /* commands */
    struct opt_list node_map;
    struct change change;
    bool verify, dry_run;
};
extern const struct opt opts_load[];

/*
 * A load of the keys of `keys`, with `c` and `keys` borrowed. RC_USAGE: options that contradict each
 * other.
 */
NODISCARD enum rc load_opts_of(const struct load_choice *c, const struct filter *keys,
                               struct load_opts *out, struct err *e);

#endif

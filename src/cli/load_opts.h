/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LOAD_OPTS_H
#define CLI_LOAD_OPTS_H

/*
 * cli/load_opts -- what restore and load have in common: where to, what about keys that exist, and
 * how the outcome is told.
 */
#include "cli/app.h"
#include "cli/out.h"
#include "cli/redis_opts.h"
#include "job/node_map.h"
#include "job/restore.h"

/* Of both. */
struct load_args {
    struct app_opts app;
    struct redis_access redis;
    struct filter keys;
    struct load_choice load;
    bool yes;
};
extern const struct opt opts_consent[];
/* The groups of a struct load_args that begins a command's struct. */
#define GROUPS_LOAD                                                                                \
    {opts_load, offsetof(struct load_args, load)}, {opts_consent, 0},                              \
        GROUPS_REDIS(struct load_args, redis),                                                     \
    {                                                                                              \
        opts_keys, offsetof(struct load_args, keys)                                                \
    }

/* The target and how to load it; app_target_close in any case. */
struct app_target {
    struct redis_addr addr;
    struct conn_opts conn_opts;
    struct node_map map;
    struct masters to; /* empty with --dry-run */
    struct load_opts opts;
    struct change change;
    struct progress progress;
    int64_t started_ms;
};
/* Would app_target_consent ask, of a target that holds `keys` (EV_UNKNOWN: perhaps some)? */
bool app_target_asks(const struct app_target *t, const struct snapshot *s, uint64_t keys);
/* The same without a word to anybody: app_target_consent comes next. */
NODISCARD enum rc app_target_connect(struct ctx *cx, const struct load_args *a,
                                     struct app_target *out, struct err *e);
NODISCARD enum rc app_target_consent(struct ctx *cx, const struct load_args *a,
                                     const struct snapshot *s, const char *from,
                                     struct app_target *t, struct err *e);
/*
 * `from` names what is loaded; `s` is its snapshot, NULL: it is none. Where keys could be lost, a
 * person is asked, or --yes must stand for the answer: RC_INVALID, and nothing was written.
 */
NODISCARD enum rc app_target_open(struct ctx *cx, const struct load_args *a,
                                  const struct snapshot *s, const char *from,
                                  struct app_target *out, struct err *e);
void app_target_close(struct app_target *t);

/* On stdout what was loaded; on stderr the commands that failed. `rc` is the outcome. */
void app_target_report(const struct load_args *a, struct app_target *t, const char *from,
                       const struct restore_result *r, enum rc rc);

#endif

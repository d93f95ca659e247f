/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_LOAD_H
#define REDIS_LOAD_H

/*
 * redis/load -- the sink: send a dump to a server, and know that every command of it worked.
 *
 * Shape    one call. Commands go out in big writes as they are read, at most window_commands and
 *          window_bytes ahead of the replies; replies are matched to their commands by position.
 * Errors   an error reply is kept with its command and key and the load goes on, so that as much as
 *          can be restored is; it fails at the end, or after max_errors. What will not get better
 *          stops it at once: OOM, READONLY, MISCONF, NOPERM, NOAUTH, NOREPLICAS, LOADING, MOVED,
 *          protocol errors, a database that the server does not have. An error of the dump itself
 *          (cut, corrupt) wins. RC_INVALID: commands failed; RC_EXISTS: LOAD_FAIL met a key;
 *          RC_NOT_FOUND: no such database; else the server's word as in conn_fail, and what conn
 *          and undump give. `result` is filled in every case.
 * Verbs    only commands that write data are sent (dump/verbs); another one is RC_DENIED with its
 *          name and place, before it is sent, unless `allow` names it. So is, while keys are
 *          filtered or kept, a command that writes several keys.
 * Answers  each must be of the kind that its command has (dump/verbs), and after the last one the
 *          server must answer a question that only it can: a server that says too much, too little
 *          or something else is RC_CORRUPT.
 * Versions what the server takes is tried first (redis/ability); a command that it knows otherwise goes
 *          out as it knows it (dump/adapt). What it cannot hold is left out and counted; where that is
 *          data, it is an error of the key's.
 * Filter   keys that are not wanted are parsed, not sent. Functions and scripts belong to no key:
 *          they are sent only when the filter wants everything.
 * Existing LOAD_SKIP and LOAD_FAIL ask EXISTS for each key ahead of its commands, a batch at a
 *          time, unless its database was empty when the load reached it. A key that somebody else
 *          creates in between is not seen.
 * Emptying LOAD_FLUSH empties before the first command that writes data, after that command was judged
 *          and the user's rights were asked for (redis/rights).
 *          A stream without one is RC_INVALID, and nothing is emptied, unless it is a whole dump of an
 *          empty server.
 * Cluster  each command goes to the master that owns its key's slot, libraries to every one, and the masters
 *          share the window. A command that is answered MOVED or ASK is sent to where that leads, in order
 *          (redis/pipeline keeps it until it is answered); of a long one, which cannot be kept, it is asked before who
 *          takes it. With LOAD_SKIP and LOAD_FAIL, or when its slot moves while it is sent, it is an error of its key's.
 *          A cluster has one database: keys of others are RC_UNSUPPORTED, but of the one that the filter
 *          wants; so is what is not a command of one key.
 * Parts    with several masters, the parts of a dump (opts->parts) are read in turn, LOAD_LANES at a time, so that all masters
 *          have work: some of one, up to a key's end, then some of the next. What is refused in one stream is refused
 *          so too, at the latest at the end (dump/dump_decode).
 * Resume   opts->placed is told how far the load is, as a struct load_place: one that ended early goes on from there (opts->from). The
 *          dump is read from its beginning all the same, counted, digested and verified; only commands of keys that are there
 *          for good are not sent. What belongs to no key is sent again. A dump that is not ours need not delete a key before it
 *          writes it: its place is told to nobody, and `from` is RC_UNSUPPORTED. RC_CORRUPT: there are fewer keys than `from` says.
 * Memory   below 8 MiB, and 2 MiB for each lane: window of replies, output, look-ahead, and the reader's 1 MiB command; twice
 *          what a command holds that must be whole (rdb/event.h).
 */
#include "dump/adapt.h"
#include "dump/change.h"
#include "dump/filter.h"
#include "dump/dump_decode.h"
#include "redis/masters.h"

enum load_existing {
    LOAD_REPLACE, /* send as it is: our dumps delete a key before they write it */
    LOAD_SKIP,    /* keep what is there */
    LOAD_FAIL,    /* stop before the first key that is there */
    LOAD_FLUSH    /* empty the server (with filter.dbs: those databases), functions too */
};

enum { LOAD_LANES = 4 };

/* A dump of several parts as streams: 0 is what stands before the first, 1 to n the parts, n + 1 what stands behind the last. */
struct load_parts {
    uint32_t n;
    /* LOAD_LANES at a time, in order. */
    enum rc (*open)(struct load_parts *p, uint32_t i, struct rd **out, struct err *e);
    /* Each that was opened, once; also after an error. */
    void (*close)(struct load_parts *p, uint32_t i);
};

/*
 * How far a load is. Streams: 0 is the dump, or what stands around its parts, 1 to parts->n are those.
 */
struct load_place {
    uint64_t *keys;        /* of each stream: so many at its beginning are there for good, */
    uint32_t n;            /* streams */
    bool emptied;          /* as in struct load_result, as are these: */
    uint64_t there;        /* keys_there */
    uint64_t lost_pending; /* at most so many, once more than what was lost behind the place */
};

enum { LOAD_ERRORS_KEPT = 10, LOAD_KEY_SHOWN = 100, LOAD_MAX_ERRORS = 1000 };

struct load_opts {
    enum load_existing existing;
    struct filter filter;
    /* What becomes of the keys, NULL: nothing. A load knows nothing of it, nor of filter.types: whoever gives the stream
     * rewrites it (dump/rewrite) and leaves what is to be filtered still (change_filter_after). */
    const struct change *change;
    bool dry_run; /* parse and verify only */
    /* With dry_run: count what a server that takes this could not hold. NULL: nothing is counted. */
    const struct adapt_target *as_if;
    uint32_t verbs; /* bits of enum verb: what is known already to be in the dump */
    struct load_parts
        *parts; /* instead of a stream; into a cluster, or dry_run. NULL: there is one stream */
    ev_fn *on;  /* may be NULL; gets the events of the whole stream, whatever the filter */
    void *on_arg;
    /* Commands to send although they write no data: "CONFIG", or only "CONFIG|SET". Borrowed. */
    const char *const *allow;
    size_t n_allow;
    uint32_t window_commands;      /* 0: 16384 */
    uint64_t window_bytes;         /* 0: 4 MiB */
    uint64_t max_errors;           /* 0: LOAD_MAX_ERRORS */
    const struct load_place *from; /* NULL: from the beginning; not with dry_run */
    /* May be NULL; called before the first command that writes, then several times a second, and at the end of a load that
     * failed. `now` is borrowed. */
    void (*placed)(void *arg, const struct load_place *now);
    void *placed_arg;
    /* May be NULL; called now and then with the bytes read and the commands sent so far. */
    void (*progress)(void *arg, uint64_t bytes, uint64_t commands);
    void *progress_arg;
};

struct load_error {
    char verb[16];
    char key[LOAD_KEY_SHOWN]; /* for people, "" when the command has none */
    char text[200];           /* the server's words */
};

struct load_result {
    uint64_t bytes;      /* of the stream */
    uint64_t wanted;     /* of them, what the filter wants */
    uint64_t commands;   /* sent */
    uint64_t confirmed;  /* of them, with a good answer */
    uint64_t keys;       /* sent, and there after the dump's commands */
    uint64_t keys_there; /* of them, all commands that were answered with a good answer */
    /* The one whose commands were only answered in part when the load ended; "" if there is none. */
    char key_at_work[LOAD_KEY_SHOWN];
    uint64_t db_at_work;
    bool emptied; /* LOAD_FLUSH: the server was emptied, or may have been */
    uint64_t
        passed_keys; /* by opts->from they are there, and were not sent; `keys` and keys_there count them, too */
    uint64_t skipped_keys; /* LOAD_SKIP: they existed */
    uint64_t filtered_keys;
    uint64_t highest_db; /* of those that the filter wants */
    uint64_t
        lost_pending; /* pending entries of streams whose message was deleted before the backup */
    uint64_t left_out[ADAPT_N];   /* what the server cannot hold */
    struct adapt_refused refused; /* with as_if: what it will refuse, */
    uint32_t wanted_verbs;        /* and bits of enum verb: the commands that would be sent */
    uint64_t n_errors;
    struct load_error errors[LOAD_ERRORS_KEPT]; /* the first of them */
    struct dump_decode_facts facts;
};

/* `to` may be NULL with dry_run, `dump` with opts->parts. `to` is not closed; after an error nothing else should be done with
 * it. */
NODISCARD enum rc load_run(struct ctx *cx, struct masters *to, struct rd *dump,
                           const struct load_opts *opts, struct load_result *result, struct err *e);

#endif

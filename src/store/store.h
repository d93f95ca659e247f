/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

/*
 * store/store -- named, immutable, encrypted objects somewhere: the seam between the repository and
 * where it lives.
 *
 * Why      the repository engine must not know a disk from a bucket, and tests need stores that
 *          fail.
 * Names    a type and, except for STORE_CONFIG, the SHA-256 of the stored bytes. The layout
 *          (folders, prefixes) is the implementation's: restic's default layout.
 * Writing  begin, write as often as wanted, commit under a name. The object exists whole and
 *          durably after commit returned RC_OK, and not at all before (except where a peer cannot
 *          do better and the implementation says so). Sizes are below 4 GiB. Writing the same name
 *          twice is allowed and leaves one whole object.
 * Threads  every operation may be called from several threads at once; one put belongs to one
 *          thread at a time.
 * Blocks   everything but release and abort may block, and obeys cx.
 * Repeats  get, stat, list and del may be repeated. After a failed commit the name holds nothing or
 *          the whole object.
 * Errors   RC_NOT_FOUND: no such object. RC_FULL: no room left. RC_DENIED, RC_IO, RC_UNAVAILABLE,
 *          RC_TIMEOUT, RC_CANCELLED; e->retry says whether the same call may work later. Messages
 *          name the object as `data/3f/3f2a..`, with the place.
 * Tests    every implementation passes tests/conformance/store_suite.
 * Source   restic doc/design.rst "Repository Layout"; the local details in docs/format/restic.md.
 */
#include "base/buf.h"
#include "base/retry.h"
#include "crypto/id.h"

enum store_type { STORE_CONFIG, STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK, STORE_PACK };

struct store_name {
    enum store_type type;
    struct id id;  /* ignored for STORE_CONFIG */
    bool metadata; /* of a pack: what is wanted of it is a tree; only a cache looks at it */
};

struct store;

/* An object being written. Implementations embed it. */
struct store_put {
    struct store *store;
    enum store_type type;
};

/* One entry of a list. A callback's error stops the list and is given back. */
typedef enum rc store_list_fn(void *arg, const struct id *id, uint64_t bytes, struct err *e);

/* What lies below a place, whatever it is. */
struct store_file {
    struct str path; /* "a/b/config": from the place, without a slash in front */
    uint64_t bytes;
    int64_t written_ms; /* unix ms, by the clock of the store */
    bool is_file;       /* false: a link, a socket and so on; folders are not given */
};
typedef enum rc store_walk_fn(void *arg, const struct store_file *f, struct err *e);

/* How old an object is. */
struct store_age {
    int64_t claimed; /* unix ms: when it was written, as it says itself; set by the caller */
    int64_t ms;
    bool by_claim; /* the store tells what time it is, but not when the object was written */
};

/* For a place that may be full: see store_reserve_keep and store_reserve_put. */
struct store_reserve_ops {
    enum rc (*keep)(struct ctx *cx, struct store *s, uint64_t *left, struct err *e);
    enum rc (*put)(struct ctx *cx, struct store *s, const struct store_name *name, struct str bytes,
                   struct err *e);
    /* The repository is deleted. */
    void (*drop)(struct store *s);
};

struct store_ops {
    /* Make what an empty repository needs (folders, bucket). May exist already. */
    enum rc (*create)(struct ctx *cx, struct store *s, struct err *e);
    enum rc (*put_begin)(struct ctx *cx, struct store *s, enum store_type type,
                         struct store_put **out, struct err *e);
    enum rc (*put_write)(struct ctx *cx, struct store_put *put, const uint8_t *p, size_t n,
                         struct err *e);
    /* Ends the put, whatever it returns. */
    enum rc (*put_commit)(struct ctx *cx, struct store_put *put, const struct id *id,
                          struct err *e);
    /* Ends the put; nothing of it stays. NULL is a no-op. */
    void (*put_abort)(struct store_put *put);
    /* Read exactly n bytes from `off`. RC_CORRUPT when the object ends before. */
    enum rc (*get)(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t off,
                   uint8_t *to, size_t n, struct err *e);
    enum rc (*stat)(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t *bytes,
                    struct err *e);
    /* How old the object is by the store's own clock, since that of this machine may be wrong.
     * RC_UNSUPPORTED: the store tells no times. Optional: it never does. */
    enum rc (*age)(struct ctx *cx, struct store *s, const struct store_name *name,
                   struct store_age *age, struct err *e);
    /* The whole object. Optional: where one question is cheaper than stat and get. That of a remote
     * store compares it with its name, and reads it again where it may have been damaged on its way. */
    enum rc (*get_all)(struct ctx *cx, struct store *s, const struct store_name *name,
                       struct buf *out, struct err *e);
    /* Every object of the type, in any order; names that are not 64 hex digits are passed over. A
     * missing folder is an empty list. */
    enum rc (*list)(struct ctx *cx, struct store *s, enum store_type type, store_list_fn *fn,
                    void *arg, struct err *e);
    /* store_walk. Optional: it does not tell. */
    enum rc (*walk)(struct ctx *cx, struct store *s, store_walk_fn *fn, void *arg, int64_t *now,
                    struct err *e);
    /* RC_OK also where the object was gone already. */
    enum rc (*del)(struct ctx *cx, struct store *s, const struct store_name *name, struct err *e);
    /* Something that is not a repository's, where the place is a whole bucket; NULL: there is nothing.
     * mem_free. RC_UNSUPPORTED: nobody can tell. Optional: the place is all ours. */
    enum rc (*foreign_object)(struct ctx *cx, struct store *s, char **name, struct err *e);
    /* Room that is kept for when there is none left. Optional: there is none. */
    const struct store_reserve_ops *reserve;
    /* Remove what writers that died left unfinished, while nobody else writes; count it. Optional:
     * they leave nothing. */
    enum rc (*sweep)(struct ctx *cx, struct store *s, uint64_t *files, uint64_t *bytes,
                     struct err *e);
    void (*release)(struct store *s);
};

struct store {
    const struct store_ops *ops;
    char *place; /* how people name it: the URL without secrets; owned */
    bool
        remote; /* behind a network: bytes may be damaged on their way, answers lost, words false */
    unsigned connections; /* how many operations at once make sense; 0: as many as processors */
};

enum { STORE_CONNECTIONS = 5, STORE_CONNECTIONS_MAX = 64 };

enum { STORE_NO_RETRY = -1 };

/* How to reach a store that is far away. All borrowed until store_open returns. */
struct store_opts {
    /* Credentials by the names of restic's environment variables; NULL: the environment itself. */
    const char *(*env)(void *arg, const char *name);
    void *env_arg;
    const char *const *options;       /* restic's -o: "s3.region=x", ended by NULL; may be NULL */
    unsigned connections;             /* at once; 0: STORE_CONNECTIONS */
    uint64_t send_rate, receive_rate; /* bytes a second; 0: no limit */
    int retry_ms; /* how long one operation is tried again; 0: 15 minutes; STORE_NO_RETRY: never */
    struct str ca, client_cert; /* PEM; the latter with its key. {NULL, 0}: none */
    const char *ca_file;        /* the same as `ca`, as a path */
    bool insecure_tls;
    /*
     * Addresses and credentials come from an object of a cluster, not from whoever started this
     * program: link-local addresses are refused, and a key of Google is a service account's.
     */
    bool guarded;
    /* Only credentials that `env` gives: none of the machine, its instance or its workload. */
    bool no_ambient;
};

/*
 * Open by address, restic's syntax: PATH or local:PATH, s3:..., gs:..., azure:..., swift:...,
 * b2:..., rest:... Other schemes are RC_UNSUPPORTED (a path with a colon in its first part is local:...). `o` may be NULL. Does not touch the place yet.
 * The caller releases with store_release. RC_INVALID: the address, or an option.
 */
NODISCARD enum rc store_open(const char *url, const struct store_opts *o, struct store **out,
                             struct err *e);
void store_release(struct store *s);

/* One of o->env's; NULL: not set, or empty. */
const char *store_env(const struct store_opts *o, const char *name);
/* Copies of the `n` named ones into `out`, NULL for those that are not set; store_env_free wipes.
 */
void store_env_copy(const struct store_opts *o, const char *const *names, size_t n, char **out);
void store_env_free(char **values, size_t n);
/* The value of the option `name`, such as "s3.region"; NULL: not given. */
const char *store_option(const struct store_opts *o, const char *name);

/* Write a whole small object. */
NODISCARD enum rc store_put_all(struct ctx *cx, struct store *s, const struct store_name *name,
                                struct str bytes, struct err *e);
/*
 * Is the object there, whole, as its commit said? A store may say so and keep nothing, or half. One
 * that shows files late is asked again for a while. RC_IO: it is not there; RC_CORRUPT: it has another
 * size.
 */
NODISCARD enum rc store_prove(struct ctx *cx, struct store *s, const struct store_name *name,
                              uint64_t bytes, struct err *e);
/*
 * Are these objects gone, as their removals said? Few are asked for, many are listed first; what shows
 * late is asked for again. RC_IO: some are still there, and are named; `*stayed` counts them. Of a store
 * that is not remote nothing is asked.
 */
NODISCARD enum rc store_prove_gone(struct ctx *cx, struct store *s, enum store_type type,
                                   const struct id *ids, size_t n, size_t *stayed, struct err *e);
/*
 * Set room aside, as far as there is any, in which locks and the index of a prune are written when
 * the place is full (docs/adr/0024). False: there is not all of it yet. `*left`: bytes that are
 * free besides; UINT64_MAX: not known.
 */
bool store_reserve_keep(struct ctx *cx, struct store *s, uint64_t *left);
/* Write a whole small object into that room. RC_FULL: nothing that is large enough is left of it.
 */
NODISCARD enum rc store_reserve_put(struct ctx *cx, struct store *s, const struct store_name *name,
                                    struct str bytes, struct err *e);
/* What was damaged on its way from or to a remote store, or said by somebody in between, is asked
 * for so often in all: were every tenth exchange such, three would not do for long. */
enum { STORE_TRIES = 5 };
/* Of what only the caller can check: STORE_TRIES attempts, without a pause; one where it is not remote. */
struct retry store_retry_damaged(const struct store *s);
/* Of what a remote store may show late: as many within a second. */
struct retry store_retry_late(const struct store *s);
/*
 * Append a whole object to `out`, with the hash that is its name (config: as it is). RC_LIMIT when it
 * does not fit under the ceiling, RC_CORRUPT: it has another hash, however often it was read.
 */
NODISCARD enum rc store_get_all(struct ctx *cx, struct store *s, const struct store_name *name,
                                struct buf *out, struct err *e);
/* More objects of a type than any repository has: a list that is longer does not end. */
uint64_t store_list_max(enum store_type type);
/* store_ops.age; RC_UNSUPPORTED where there is none. */
NODISCARD enum rc store_age(struct ctx *cx, struct store *s, const struct store_name *name,
                            struct store_age *age, struct err *e);
/*
 * Every file below the place, of this repository, of others and of none, in any order; `*now`: what time it was there
 * (unix ms) when the list began. Links are given, not followed. What cannot be read is an error: a list that was given
 * to its end is whole. A callback's error stops it and is given back. RC_NOT_FOUND: no such place, where a store knows
 * places without objects. RC_UNSUPPORTED: it does not tell what lies below it, or when that was written.
 */
NODISCARD enum rc store_walk(struct ctx *cx, struct store *s, store_walk_fn *fn, void *arg,
                             int64_t *now, struct err *e);
/* RC_CORRUPT: the bytes are not those of the name; that of config says nothing. */
NODISCARD enum rc store_check_hash(const struct store_name *name, struct str bytes, struct err *e);
/* RC_LIMIT, in words: for get_all. */
enum rc store_too_large(const struct store_name *name, uint64_t bytes, struct err *e);

/*
 * Delete the repository, readable or not: every object of the types above, config last, and nothing
 * else. `*removed` counts them, also when it fails; it may be called again. RC_DENIED: the place is
 * a whole bucket in which there is something else.
 */
NODISCARD enum rc store_wipe(struct ctx *cx, struct store *s, uint64_t *removed, struct err *e);

/*
 * "data/3f/3f2a90c1..." with all digits: restic's relative name, as shown in messages. Returns
 * `to`.
 */
enum { STORE_NAME_TEXT = 96 };
const char *store_name_text(const struct store_name *name, char to[static STORE_NAME_TEXT]);

#endif

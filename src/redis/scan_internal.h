/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_SCAN_INTERNAL_H
#define REDIS_SCAN_INTERNAL_H

/* What the scan_*.c files share. */
#include "rdb/payload.h"
#include "redis/scan.h"

enum { SCAN_TRIES = 5, SCAN_SMALL_ITEMS = 1000, SCAN_STEP_BYTES = 1024 * 1024, CURSOR_TEXT = 24 };

struct scan {
    struct ctx *cx;
    struct conn *c;
    const struct scan_opts *opts;
    struct filtered by_type; /* in front of `on` where types are chosen, which no SCAN tells */
    ev_fn *on;
    void *arg;
    struct scan_result *result;
    struct payload_decoder *decoder;
    uint64_t big_bytes, batch_bytes;
    uint64_t count; /* of the next SCAN */
    uint64_t pages; /* of this database */
    char kept_cursor[CURSOR_TEXT];
    bool dumped;    /* a payload was read well: DUMP is what we think it is */
    bool no_memory; /* MEMORY USAGE is not to be had */
    bool has_expiretime;
    bool has_field_ttl; /* the server knows HPEXPIRETIME */
    const char *access; /* "FREQ", "IDLETIME" or NULL */
    struct ev db;       /* the database at work */
    bool db_due;        /* and it was not told of yet */
    int64_t now_ms;     /* the server's clock when the flight at work was sent */
    struct buf copy;    /* names that must outlive a reply */
};

/* A key of a page. */
struct scan_key {
    struct str name;
    uint64_t bytes; /* estimate; 0: it is gone */
    enum kv_type type;
    bool
        type_known; /* the server's word for the type was asked for; else KV_MODULE, read by DUMP */
    uint64_t items; /* where it was asked */
};

/* scan_emit.c */
NODISCARD enum rc scan_emit(struct scan *s, const struct ev *ev, struct err *e);
/* A value that DUMP gave, an EV_PAYLOAD, as it is wanted. */
NODISCARD enum rc scan_payload(struct scan *s, const struct ev *ev, struct err *e);
NODISCARD enum rc scan_begin(struct scan *s, const struct ev_key *key, struct err *e);
NODISCARD enum rc scan_end(struct scan *s, const struct ev_key *key, struct err *e);
/* The replies of whole or window reads as events. */
NODISCARD enum rc scan_items(struct scan *s, enum kv_type type, const struct reply *r,
                             struct err *e);

/* scan_reply.c */
/* Add the command that asks for a key's expiry to the pipeline; and turn its answer into unix ms.
 */
void scan_ask_expiry(struct scan *s, struct str key);
NODISCARD enum rc scan_take_expiry(struct scan *s, const struct scan_key *k, struct ev_key *to,
                                   struct err *e);
/* The server's clock: ask in a pipeline, and take. */
void scan_ask_time(struct scan *s);
NODISCARD enum rc scan_take_time(struct scan *s, struct err *e);
/* An error reply for a key becomes an error that names it. */
enum rc scan_key_failed(struct scan *s, struct str key, const struct reply *r, struct err *e);
enum rc scan_wrap_key(struct str key, struct err *e);
/* A key was replaced when a part of it had been emitted already. */
enum rc scan_changed(const struct ev_key *k, struct err *e);
/* A reply of the wrong shape. */
enum rc scan_odd(struct scan *s, const char *verb, struct err *e);
/* What TYPE says; false for what only DUMP can read. */
bool scan_type(const struct reply *r, enum kv_type *out);

/* scan_page.c: all keys of the selected database. */
NODISCARD enum rc scan_db(struct scan *s, struct err *e);
/* Keys by name. */
NODISCARD enum rc scan_names(struct scan *s, const struct str *names, size_t n, struct err *e);

/* scan_plain.c: small keys by whole reads, in one flight. */
NODISCARD enum rc scan_plain(struct scan *s, struct scan_key *keys, size_t n, struct err *e);

/* scan_key.c: one key, element by element. Copies `name` itself. */
NODISCARD enum rc scan_one(struct scan *s, struct str name, struct err *e);

/* scan_stream.c: the value of a stream; *gone: it is not there any more, nothing was emitted. */
NODISCARD enum rc scan_stream(struct scan *s, const struct ev_key *key, bool *gone, bool *changed,
                              struct err *e);

#endif

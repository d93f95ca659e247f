/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RDB_PAYLOAD_H
#define RDB_PAYLOAD_H

/*
 * rdb/payload -- the argument of RESTORE and the answer of DUMP.
 *
 * Shape    [KEY_META block] type byte, value, RDB version (2 bytes LE), CRC-64 (8 bytes LE).
 * Source   reference redis-dump section 10. The version is only a gate, so we stamp the smallest
 *          one that knows the type, and a payload loads on the oldest server that can.
 */
#include "base/buf.h"
#include "rdb/event.h"

enum { PAYLOAD_FOOTER = 10 };

/*
 * The smallest RDB version of a server that has RESTORE and knows a value type; 0 for types no release
 * writes.
 */
uint16_t rdb_min_version(uint8_t rdb_type, bool valkey);

/* The logical type of a value type; false when it is not known. */
bool rdb_kv_type(uint8_t rdb_type, enum kv_type *out);

/* Is it a type of hashes whose fields expire? Redict takes its RDB version, but not the type. */
bool rdb_expires_fields(uint8_t rdb_type);

/* The version that a whole payload is stamped with. */
uint16_t payload_stamp(struct str raw);

/* Is it a stream of Redis 5 or 6, without the counters that Redis 7 added? */
bool payload_is_old_stream(const struct ev *payload);

/*
 * The name of the module type whose value it is: nine characters, "" where it cannot be told. Returns
 * `to`.
 */
enum { PAYLOAD_MODULE_TEXT = 10 };
const char *payload_module(const struct ev *payload, char to[static PAYLOAD_MODULE_TEXT]);

/* Compute the footer for an EV_PAYLOAD. The whole payload is meta, rdb_type, value, footer. */
void payload_footer(const struct ev *ev, uint8_t footer[static PAYLOAD_FOOTER]);

/*
 * Check version and checksum of a whole payload and split it: *out becomes an EV_PAYLOAD that
 * points into `raw`. An all-zero checksum is taken as not given (Redis 8.6). RC_CORRUPT,
 * RC_UNSUPPORTED.
 */
NODISCARD enum rc payload_split(struct str raw, struct ev *out, struct err *e);

/* Turns payloads into events; keeps its memory between calls. */
struct payload_decoder;
struct payload_decoder *payload_decoder_new(void);
void payload_decoder_free(struct payload_decoder *d);
/*
 * The value of `payload` (an EV_PAYLOAD) as events, without EV_KEY and EV_KEY_END. Opaque types
 * give the EV_PAYLOAD itself.
 */
NODISCARD enum rc payload_decode(struct payload_decoder *d, const struct ev *payload, ev_fn *on,
                                 void *arg, struct err *e);

#endif

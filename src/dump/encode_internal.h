/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_ENCODE_INTERNAL_H
#define DUMP_ENCODE_INTERNAL_H

/* dump/encode_internal -- the encoder's state, and what its files call of each other. */
#include <xxhash.h>

#include "dump/encode.h"
#include "rdb/payload.h"

enum { OUT_BYTES = 256 * 1024, NUMBER_TEXT = 32, ARG_FRAME = NUMBER_TEXT + 2 };

/* A field in the batch that expires: where its encoded argument stands. */
struct expiry {
    int64_t at;
    size_t off, n;
};

struct encoder {
    struct wr *to;
    enum dump_format format;
    struct part part;
    unsigned rdb_version; /* of the source; 0: not known */
    uint8_t *out;         /* bytes not passed on yet */
    size_t n;
    XXH3_state_t *hash;
    struct encoder_facts facts;
    unsigned warnings;
    struct payload_decoder *decoder; /* NULL until it is needed */
    /* the key in progress */
    struct buf name;
    struct ev_key key;
    bool warned, deleted, written;
    const char *verb; /* of the batch */
    struct buf batch; /* encoded arguments */
    uint32_t batch_args, batch_items;
    struct expiry expiries[ENC_BATCH_ARGS];
    size_t n_expiries;
    /* a stream in progress */
    struct stream_id last_entry; /* the last one added, deleted ones too */
    uint64_t n_entries;
    bool deleted_first; /* entries were added in front of all others, to be trimmed in the end */
    struct buf gone;    /* encoded IDs of those between others, to be deleted */
    uint64_t n_gone;
    struct ev stream; /* its EV_STREAM, where deleted entries were added */
    /* pending entries with equal owner, time and count are claimed together */
    struct buf claim_owner; /* encoded group and consumer */
    int64_t claim_at;
    uint64_t claim_count;
};

/* resp_writer.c: bytes out. Arguments are laid out in `out` and passed on when it is full. */
NODISCARD enum rc put(struct encoder *x, const void *p, size_t n, struct err *e);
NODISCARD enum rc resp_write_flush(struct encoder *x, struct err *e);
NODISCARD enum rc resp_write_frame(struct encoder *x, uint8_t lead, uint64_t v, struct err *e);
/* The frame of an argument of n bytes, which must follow. */
NODISCARD enum rc resp_write_length(struct encoder *x, uint64_t n, struct err *e);
/* The frame of a command of `args` arguments, which must follow. */
NODISCARD enum rc resp_write_command(struct encoder *x, uint64_t args, struct err *e);
NODISCARD enum rc resp_write_arg(struct encoder *x, struct str s, struct err *e);
NODISCARD enum rc resp_write_word(struct encoder *x, const char *word, struct err *e);
NODISCARD enum rc resp_write_int(struct encoder *x, int64_t v, struct err *e);
NODISCARD enum rc resp_write_id(struct encoder *x, struct stream_id id, struct err *e);
/* A piece of an argument that comes in pieces: frame before the first, CR LF behind the last. */
NODISCARD enum rc resp_write_piece(struct encoder *x, const struct ev_piece *p, struct err *e);
/* The key's name as an argument. */
NODISCARD enum rc resp_write_key(struct encoder *x, struct err *e);
/* A command that is a verb and the key; `more` arguments follow. */
NODISCARD enum rc resp_write_verb(struct encoder *x, const char *verb, uint64_t more,
                                  struct err *e);
/* An argument at `to`, which has room for it and ARG_FRAME bytes more; how long it became. */
size_t resp_write_lay(uint8_t *to, struct str s);
/* "1-2" at `to`. */
enum { ID_CHARS = 2 * STR_INT_MAX };
size_t resp_write_id_text(struct stream_id id, uint8_t to[static ID_CHARS]);

/* encode_batch.c: one warning for each key, and the same counted as a loss. */
void encode_warn(struct encoder *x, const char *what);
void encode_warn_loss(struct encoder *x, const char *what);
/* Start an item of about `bytes` in the batch of `verb`; it is added argument by argument. */
NODISCARD enum rc encode_batch_item(struct encoder *x, const char *verb, size_t bytes,
                                    struct err *e);
void encode_batch_add(struct encoder *x, struct str s);
/* The batch as a command, and the expiries of its fields. */
NODISCARD enum rc encode_batch_flush(struct encoder *x, struct err *e);

/*
 * encode_stream.c: events of streams, EV_ENTRY to EV_IDMP. encode_stream_end when nothing follows for a
 * consumer, encode_stream_close before EV_KEY_END.
 */
NODISCARD enum rc encode_stream(struct encoder *x, const struct ev *ev, struct err *e);
NODISCARD enum rc encode_stream_end(struct encoder *x, struct err *e);
NODISCARD enum rc encode_stream_close(struct encoder *x, struct err *e);

#endif

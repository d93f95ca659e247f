/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "base/hex.h"
#include "base/mem.h"
#include "dump/soon.h"
#include "dump/dataset_digest.h"
#include "rdb/payload.h"

/*
 * Sums and products mod 2^128. Sets add up; sequences multiply by an odd constant between elements.
 */
__extension__ typedef unsigned __int128 sum128;

#define STEP (((sum128)UINT64_C(0x9e3779b97f4a7c15) << 64) | UINT64_C(0xf39cc0605cedc835))

/* What distinguishes the parts that are added up inside one value. */
enum part { PART_FIELD_EXPIRY = 1, PART_STREAM, PART_GROUP, PART_CONSUMER, PART_PENDING };

struct dataset_digest {
    struct dataset_digest_db *dbs;
    size_t n_dbs, cap_dbs, now; /* now: the current one, valid when n_dbs > 0 */
    uint64_t functions, keys;
    sum128 functions_sum;
    struct payload_decoder *decoder;
    XXH3_state_t *pieces; /* of a string that comes in pieces */
    /* the key in progress */
    enum kv_type type;
    sum128 name, acc;
    uint64_t elements;
    bool in_pieces;
    uint64_t entries; /* of a stream */
    uint64_t expiring_fields;
    int64_t last_field;          /* when the last of them expires */
    size_t soon_used;            /* by all databases together */
    dataset_digest_key_fn *each; /* NULL: nobody wants them */
    void *each_arg;
    /* leaving out what expires; fields are remembered until their expiry is told */
    int64_t cut;
    unsigned without; /* bits of enum dataset_digest_part */
    uint64_t left_out;
    struct recent {
        sum128 name, term;
    } * recent; /* NULL: nothing is left out */
    size_t at;  /* of the next one */
};

/* A batch of the encoder: the expiry of its fields follows at once. */
enum { RECENT_FIELDS = 1024 };

static inline sum128
hash_bytes(const void *p, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(p, n);
    return (sum128)h.high64 << 64 | h.low64;
}

static inline sum128
hash_str(struct str s)
{
    return hash_bytes(s.p, s.n);
}

/*
 * A hash of numbers; every caller has its own count or a part number, so that no two meanings meet.
 */
#define HASH_WORDS(...)                                                                            \
    hash_words((const uint64_t[]){__VA_ARGS__}, ARRAY_LEN(((const uint64_t[]){__VA_ARGS__})))
static inline sum128
hash_words(const uint64_t *w, size_t n)
{
    return hash_bytes(w, n * sizeof(*w));
}
#define WORDS_OF(s) (uint64_t)(s), (uint64_t)((s) >> 64)

struct dataset_digest *
dataset_digest_new(void)
{
    struct dataset_digest *t = MEM_NEW(struct dataset_digest);

    t->decoder = payload_decoder_new();
    t->pieces = XXH3_createState();
    BUG_ON(t->pieces == NULL);
    return t;
}

void
dataset_digest_free(struct dataset_digest *t)
{
    if (t == NULL)
        return;
    payload_decoder_free(t->decoder);
    (void)XXH3_freeState(t->pieces);
    for (size_t i = 0; i < t->n_dbs; i++)
        soon_release(&t->dbs[i].soon);
    mem_free(t->dbs);
    mem_free(t->recent);
    mem_free(t);
}

/* Find or add the record of database `n`, kept in order. */
static enum rc
enter_db(struct dataset_digest *t, uint64_t n, struct err *e)
{
    size_t i = 0;

    while (i < t->n_dbs && t->dbs[i].n < n)
        i++;
    t->now = i;
    if (i < t->n_dbs && t->dbs[i].n == n)
        return RC_OK;
    if (t->n_dbs == TALLY_DBS_MAX)
        return err_set(e, RC_LIMIT, "more than %d databases", TALLY_DBS_MAX);
    if (t->n_dbs == t->cap_dbs) {
        t->cap_dbs = t->cap_dbs ? 2 * t->cap_dbs : 16;
        t->dbs = mem_grow(t->dbs, t->cap_dbs, sizeof(*t->dbs));
    }
    memmove(&t->dbs[i + 1], &t->dbs[i], (t->n_dbs - i) * sizeof(*t->dbs));
    t->dbs[i] =
        (struct dataset_digest_db){.n = n, .said_keys = EV_UNKNOWN, .said_expires = EV_UNKNOWN};
    t->n_dbs++;
    return RC_OK;
}

static enum rc
on_db(struct dataset_digest *t, const struct ev *ev, struct err *e)
{
    if (enter_db(t, ev->u.db.n, e))
        return err_code(e);
    if (ev->u.db.keys != EV_UNKNOWN) {
        t->dbs[t->now].said_keys = ev->u.db.keys;
        t->dbs[t->now].said_expires = ev->u.db.expires;
    }
    return RC_OK;
}

static enum rc
on_key(struct dataset_digest *t, const struct ev_key *key, struct err *e)
{
    if (t->n_dbs == 0 && enter_db(t, 0, e))
        return err_code(e);
    t->type = key->type;
    t->name = hash_str(key->name);
    t->acc = 0;
    t->elements = t->entries = t->expiring_fields = 0;
    t->last_field = 0;
    t->in_pieces = false;

    return RC_OK;
}

/* The hash of an item that may come in pieces; true when it is complete. */
static bool
whole_hash(struct dataset_digest *t, const struct ev_piece *x, sum128 *out)
{
    XXH128_hash_t h;

    if (ev_is_first(x) && ev_is_last(x)) {
        *out = hash_str(x->p);
        return true;
    }
    if (ev_is_first(x))
        (void)XXH3_128bits_reset(t->pieces);
    (void)XXH3_128bits_update(t->pieces, x->p.p, x->p.n);
    if (!ev_is_last(x))
        return false;
    h = XXH3_128bits_digest(t->pieces);
    *out = (sum128)h.high64 << 64 | h.low64;
    return true;
}

/*
 * A string may go on after its last piece (SET, then APPEND), so its hash is taken at the key's
 * end.
 */
static void
on_string(struct dataset_digest *t, const struct ev_piece *x)
{
    t->elements = 1;
    if (ev_is_first(x) && ev_is_last(x)) {
        t->acc = hash_str(x->p);
        return;
    }
    if (ev_is_first(x))
        (void)XXH3_128bits_reset(t->pieces);
    t->in_pieces = true;
    (void)XXH3_128bits_update(t->pieces, x->p.p, x->p.n);
}

static void
on_elem(struct dataset_digest *t, const struct ev_piece *x)
{
    sum128 h;

    if (!whole_hash(t, x, &h))
        return;
    t->elements++;
    t->acc = kv_info[t->type].ordered ? t->acc * STEP + h : t->acc + h;
}

static void
on_zelem(struct dataset_digest *t, const struct ev *ev)
{
    double score = ev->u.zelem.score == 0 ? 0 : ev->u.zelem.score; /* -0 is 0 */
    uint64_t bits;

    memcpy(&bits, &score, sizeof(bits));
    t->elements++;
    t->acc += HASH_WORDS(WORDS_OF(hash_str(ev->u.zelem.member)), bits);
}

void
dataset_digest_leave_out(struct dataset_digest *t, int64_t cut_ms)
{
    t->cut = cut_ms;
    t->recent = mem_zero(RECENT_FIELDS, sizeof(*t->recent));
}

void
dataset_digest_leave_out_parts(struct dataset_digest *t, unsigned parts)
{
    t->without = parts;
}

uint64_t
dataset_digest_left_out(const struct dataset_digest *t)
{
    return t->left_out;
}

static bool
is_left_out(const struct dataset_digest *t, int64_t at)
{
    return t->recent != NULL && at != EV_NO_EXPIRY && at <= t->cut;
}

/* The field was counted before its expiry was known. */
static enum rc
take_field_back(struct dataset_digest *t, struct str name, struct err *e)
{
    sum128 h = hash_str(name);

    for (size_t i = 0; i < RECENT_FIELDS; i++) {
        struct recent *r = &t->recent[(t->at + 2 * (size_t)RECENT_FIELDS - 1 - i) % RECENT_FIELDS];

        if (r->name != h)
            continue;
        t->acc -= r->term;
        t->elements--;
        t->left_out++;
        *r = (struct recent){.name = 0};
        return RC_OK;
    }
    return err_set(e, RC_UNSUPPORTED,
                   "the dump says that a field expires long after it says its value");
}

static void
add_field_expiry(struct dataset_digest *t, struct str name, int64_t at)
{
    if (at == EV_NO_EXPIRY)
        return;
    t->acc += HASH_WORDS(PART_FIELD_EXPIRY, WORDS_OF(hash_str(name)), (uint64_t)at);
    t->expiring_fields++;
    t->last_field = MAX(t->last_field, at);
}

static void
on_field(struct dataset_digest *t, const struct ev *ev)
{
    sum128 name, value, term;

    if (!whole_hash(t, &ev->u.field.value, &value))
        return;
    if (is_left_out(t, ev->u.field.expires_at)) {
        t->left_out++;
        return;
    }
    name = hash_str(ev->u.field.name);
    term = HASH_WORDS(WORDS_OF(name), WORDS_OF(value));
    t->elements++;
    t->acc += term;
    if (t->recent != NULL)
        t->recent[t->at++ % RECENT_FIELDS] = (struct recent){.name = name, .term = term};
    add_field_expiry(t, ev->u.field.name, ev->u.field.expires_at);
}

/*
 * Entries are a sequence, kept in `acc`; what follows them is a set, so it goes into the name's
 * place.
 */
static void
on_entry(struct dataset_digest *t, const struct ev *ev)
{
    sum128 h = HASH_WORDS(ev->u.entry.id.ms, ev->u.entry.id.seq, ev->u.entry.n);

    for (size_t i = 0; i < 2 * ev->u.entry.n; i++)
        h = h * STEP + hash_str(ev->u.entry.pairs[i]);
    t->acc = t->acc * STEP + h;
    t->elements++;
    t->entries++;
}

/* A stream from before Redis 7 stands for what Redis 7 makes of it. */
static void
on_stream(struct dataset_digest *t, const struct ev *ev)
{
    bool modern = ev->u.stream.modern && (t->without & TALLY_COUNTERS) == 0;

    t->name += HASH_WORDS(PART_STREAM, ev->u.stream.last.ms, ev->u.stream.last.seq,
                          modern ? ev->u.stream.max_deleted.ms : 0,
                          modern ? ev->u.stream.max_deleted.seq : 0,
                          modern ? ev->u.stream.added : t->entries);
}

static void
on_group(struct dataset_digest *t, const struct ev *ev)
{
    bool modern = ev->u.group.modern && (t->without & TALLY_COUNTERS) == 0;
    int64_t read = modern ? ev->u.group.entries_read : -1;

    t->name += HASH_WORDS(PART_GROUP, WORDS_OF(hash_str(ev->u.group.name)), ev->u.group.last.ms,
                          ev->u.group.last.seq, (uint64_t)read);
}

static void
on_consumer(struct dataset_digest *t, const struct ev *ev)
{
    t->name += HASH_WORDS(PART_CONSUMER, WORDS_OF(hash_str(ev->u.consumer.group)),
                          WORDS_OF(hash_str(ev->u.consumer.name)));
}

static void
on_pending(struct dataset_digest *t, const struct ev *ev)
{
    if (ev->u.pending.consumer.p == NULL) /* nobody's: no command can say it */
        return;
    t->name +=
        HASH_WORDS(PART_PENDING, WORDS_OF(hash_str(ev->u.pending.group)),
                   WORDS_OF(hash_str(ev->u.pending.consumer)), ev->u.pending.id.ms,
                   ev->u.pending.id.seq, (uint64_t)ev->u.pending.delivered_at, ev->u.pending.count);
}

static enum rc
on_payload(struct dataset_digest *t, const struct ev *ev, struct err *e)
{
    if (kv_info[t->type].opaque == NULL)
        return payload_decode(t->decoder, ev, dataset_digest_on, t, e);
    t->elements = 1;
    if (t->type != KV_MODULE || (t->without & TALLY_MODULES) == 0)
        t->acc = hash_str(ev->u.payload.value);
    return RC_OK;
}

/* Note when a key goes: at its time, or with the last of its fields. */
static void
note_expiry(struct dataset_digest *t, int64_t at)
{
    bool by_fields = t->type == KV_HASH && t->expiring_fields == t->elements;

    if (by_fields && (at == EV_NO_EXPIRY || t->last_field < at))
        at = t->last_field;
    if (at != EV_NO_EXPIRY && (t->without & TALLY_TERMS) == 0)
        soon_add(&t->dbs[t->now].soon, at, &t->soon_used);
}

static enum rc
on_key_end(struct dataset_digest *t, const struct ev_key *key, struct err *e)
{
    struct dataset_digest_db *db = &t->dbs[t->now];
    bool expires = key->expires_at != EV_NO_EXPIRY;
    sum128 sum = (sum128)db->digest.hi << 64 | db->digest.lo;
    XXH128_hash_t h;

    if (t->elements == 0 && t->type != KV_STREAM) /* an empty collection is not a key to a server */
        return RC_OK;
    if (is_left_out(t, key->expires_at)) {
        t->left_out++;
        return RC_OK;
    }
    note_expiry(t, key->expires_at);
    if (t->in_pieces) {
        h = XXH3_128bits_digest(t->pieces);
        t->acc = (sum128)h.high64 << 64 | h.low64;
    }
    sum += HASH_WORDS(WORDS_OF(t->name), WORDS_OF(t->acc), (uint64_t)t->type, t->elements,
                      (uint64_t)key->expires_at);
    db->digest = (struct dataset_digest_sum){.lo = (uint64_t)sum, .hi = (uint64_t)(sum >> 64)};
    db->types[t->type].keys++;
    db->types[t->type].expiring += expires;
    db->types[t->type].elements += t->elements;
    t->keys++;
    if (t->each == NULL)
        return RC_OK;
    return t->each(
        t->each_arg,
        &(struct dataset_digest_key){
            .db = db->n,
            .name = key->name,
            .type = t->type,
            .value = (uint64_t)HASH_WORDS(WORDS_OF(t->acc), (uint64_t)t->type, t->elements),
            .expires_at = key->expires_at},
        e);
}

void
dataset_digest_each(struct dataset_digest *t, dataset_digest_key_fn *fn, void *arg)
{
    t->each = fn;
    t->each_arg = arg;
}

void
dataset_digest_each_as(struct dataset_digest *t, const struct dataset_digest *from)
{
    dataset_digest_each(t, from->each, from->each_arg);
}

enum rc
dataset_digest_on(void *arg, const struct ev *ev, struct err *e)
{
    struct dataset_digest *t = arg;

    switch (ev->kind) {
    case EV_DB:
        return on_db(t, ev, e);
    case EV_FUNCTION:
    case EV_SCRIPT:
        t->functions++;
        t->functions_sum += hash_str(ev->u.code);
        break;
    case EV_KEY:
        return on_key(t, &ev->u.key, e);
    case EV_STRING:
        on_string(t, &ev->u.piece);
        break;
    case EV_ELEM:
        on_elem(t, &ev->u.piece);
        break;
    case EV_ZELEM:
        on_zelem(t, ev);
        break;
    case EV_FIELD:
        on_field(t, ev);
        break;
    case EV_FIELD_EXPIRY:
        if (is_left_out(t, ev->u.field.expires_at))
            return take_field_back(t, ev->u.field.name, e);
        add_field_expiry(t, ev->u.field.name, ev->u.field.expires_at);
        break;
    case EV_ENTRY:
        on_entry(t, ev);
        break;
    case EV_STREAM:
        on_stream(t, ev);
        break;
    case EV_GROUP:
        on_group(t, ev);
        break;
    case EV_CONSUMER:
        on_consumer(t, ev);
        break;
    case EV_PENDING:
        on_pending(t, ev);
        break;
    case EV_DELETED:
    case EV_IDMP:
        break;
    case EV_PAYLOAD:
        return on_payload(t, ev, e);
    case EV_KEY_END:
        return on_key_end(t, &ev->u.key, e);
    }
    return RC_OK;
}

static uint64_t
add_said(uint64_t a, uint64_t b)
{
    return a == EV_UNKNOWN || b == EV_UNKNOWN ? EV_UNKNOWN : a + b;
}

static void
add_db(struct dataset_digest *t, struct dataset_digest_db *to, const struct dataset_digest_db *from,
       bool fresh)
{
    sum128 sum = ((sum128)to->digest.hi << 64 | to->digest.lo) +
                 ((sum128)from->digest.hi << 64 | from->digest.lo);

    to->digest = (struct dataset_digest_sum){.lo = (uint64_t)sum, .hi = (uint64_t)(sum >> 64)};
    to->said_keys = fresh ? from->said_keys : add_said(to->said_keys, from->said_keys);
    to->said_expires = fresh ? from->said_expires : add_said(to->said_expires, from->said_expires);
    for (size_t k = 0; k < KV_N_TYPES; k++) {
        to->types[k].keys += from->types[k].keys;
        to->types[k].expiring += from->types[k].expiring;
        to->types[k].elements += from->types[k].elements;
    }
    soon_join(&to->soon, &from->soon, &t->soon_used);
}

enum rc
dataset_digest_add(struct dataset_digest *t, const struct dataset_digest *from, bool keyless,
                   struct err *e)
{
    if (keyless) {
        t->functions += from->functions;
        t->functions_sum += from->functions_sum;
    }
    for (size_t i = 0; i < from->n_dbs; i++) {
        size_t before = t->n_dbs;

        if (enter_db(t, from->dbs[i].n, e))
            return err_code(e);
        add_db(t, &t->dbs[t->now], &from->dbs[i], t->n_dbs != before);
    }
    t->keys += from->keys;
    t->left_out += from->left_out;
    return RC_OK;
}

const struct dataset_digest_db *
dataset_digest_dbs(const struct dataset_digest *t, size_t *n)
{
    *n = t->n_dbs;
    return t->dbs;
}

uint64_t
dataset_digest_functions(const struct dataset_digest *t, struct dataset_digest_sum *digest)
{
    *digest = (struct dataset_digest_sum){.lo = (uint64_t)t->functions_sum,
                                          .hi = (uint64_t)(t->functions_sum >> 64)};
    return t->functions;
}

uint64_t
dataset_digest_keys(const struct dataset_digest *t)
{
    return t->keys;
}

struct dataset_digest_type
dataset_digest_db_total(const struct dataset_digest_db *db)
{
    struct dataset_digest_type sum = {0};

    for (size_t i = 0; i < KV_N_TYPES; i++) {
        sum.keys += db->types[i].keys;
        sum.expiring += db->types[i].expiring;
        sum.elements += db->types[i].elements;
    }
    return sum;
}

const char *
dataset_digest_sum_text(struct dataset_digest_sum s, char to[static TALLY_DIGEST_TEXT])
{
    (void)snprintf(to, TALLY_DIGEST_TEXT, "%016llx%016llx", (unsigned long long)s.hi,
                   (unsigned long long)s.lo);
    return to;
}

struct dataset_digest_sum
dataset_digest_whole(const struct dataset_digest *t)
{
    sum128 sum = HASH_WORDS(WORDS_OF(t->functions_sum), t->functions);

    for (size_t i = 0; i < t->n_dbs; i++)
        if (dataset_digest_db_total(&t->dbs[i]).keys != 0)
            sum += HASH_WORDS(t->dbs[i].n, t->dbs[i].digest.hi, t->dbs[i].digest.lo);
    return (struct dataset_digest_sum){.lo = (uint64_t)sum, .hi = (uint64_t)(sum >> 64)};
}

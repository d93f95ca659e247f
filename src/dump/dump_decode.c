/* SPDX-License-Identifier: Apache-2.0 */
/* A dump's commands: what kind each is, whose key it writes, and whether the stream is whole. */
#define XXH_STATIC_LINKING_ONLY
#include "base/mem.h"
#include "dump/dump_decode_internal.h"

struct dump_decode *
dump_decode_new(ev_fn *on, void *arg)
{
    struct dump_decode *u = MEM_NEW(struct dump_decode);

    u->on = on;
    u->arg = arg;
    u->facts.exact = true;
    u->hash = XXH3_createState();
    u->parts_hash = XXH3_createState();
    BUG_ON(u->hash == NULL || u->parts_hash == NULL);
    (void)XXH3_128bits_reset(u->hash);
    (void)XXH3_128bits_reset(u->parts_hash);
    buf_init(&u->name, EV_HELD_MAX);
    buf_init(&u->held, EV_OPAQUE_MAX);
    return u;
}

void
dump_decode_free(struct dump_decode *u)
{
    if (u == NULL)
        return;
    (void)XXH3_freeState(u->hash);
    (void)XXH3_freeState(u->parts_hash);
    buf_release(&u->name);
    buf_release(&u->held);
    mem_free(u->held_ends);
    mem_free(u);
}

struct dump_decode_facts
dump_decode_facts(const struct dump_decode *u)
{
    return u->facts;
}

static enum rc
on_select(struct dump_decode *u, const struct cmd *c, struct command_class *out, struct err *e)
{
    struct ev ev = {.kind = EV_DB};

    if (dump_decode_end_key(u, e))
        return err_code(e);
    if (c->n < 2 || !str_to_u64(c->argv[1], &u->db))
        return err_set(e, RC_CORRUPT, "SELECT without a number at byte %llu",
                       (unsigned long long)c->at);
    u->db_said = true;
    ev.u.db.n = out->db = u->db;
    ev.u.db.keys = ev.u.db.expires = EV_UNKNOWN;
    out->kind = CMD_SELECT;
    return dump_decode_emit(u, &ev, e);
}

/* ---- headers and trailers ---- */

/* `counts` names what the first number counts. */
static enum rc
check_trailer(const struct trailer *said, const struct trailer *is, const char *counts,
              struct err *e)
{
    if (said->commands != is->commands || said->bytes != is->bytes || said->keys != is->keys)
        return err_set(e, RC_CORRUPT,
                       "the dump is not what was written: its trailer says %llu keys in %llu %s "
                       "and %llu bytes, there are %llu keys in %llu %s and %llu bytes",
                       (unsigned long long)said->keys, (unsigned long long)said->commands, counts,
                       (unsigned long long)said->bytes, (unsigned long long)is->keys,
                       (unsigned long long)is->commands, counts, (unsigned long long)is->bytes);
    if (memcmp(said->hash, is->hash, sizeof(said->hash)) != 0)
        return err_set(e, RC_CORRUPT,
                       "the dump is not what was written: its checksum does not match");
    return RC_OK;
}

static void
take_hash(const XXH3_state_t *hash, struct trailer *t)
{
    XXH128_canonical_t sum;

    XXH128_canonicalFromHash(&sum, XXH3_128bits_digest(hash));
    memcpy(t->hash, sum.digest, sizeof(t->hash));
}

/* A part is whole. */
static void
take_part(struct dump_decode *u, const struct trailer *t)
{
    u->last = *t;
    u->parts_seen++;
    u->parts_bytes += t->bytes;
    u->parts_keys += t->keys;
    (void)XXH3_128bits_update(u->parts_hash, t->hash, sizeof(t->hash));
}

/* Of the whole dump, of a part, or of all parts. */
static enum rc
on_trailer(struct dump_decode *u, enum trailer_kind kind, const struct trailer *said,
           const struct cmd *c, struct err *e)
{
    struct trailer is = {.commands = u->commands, .bytes = u->bytes, .keys = u->keys};

    if ((kind != TRAILER_DUMP) != u->parts || (kind == TRAILER_PART) != u->in_part ||
        (kind == TRAILER_END && u->only != 0))
        return err_set(e, RC_CORRUPT, "a trailer where none belongs, at byte %llu",
                       (unsigned long long)c->at);
    if (kind == TRAILER_END)
        is = (struct trailer){
            .commands = u->parts_seen, .bytes = u->parts_bytes, .keys = u->parts_keys};
    take_hash(kind == TRAILER_END ? u->parts_hash : u->hash, &is);
    if (check_trailer(said, &is, kind == TRAILER_END ? "parts" : "commands", e))
        return err_code(e);
    u->trailer_seen = kind != TRAILER_PART;
    if (kind == TRAILER_END && u->parts_seen != u->n_parts)
        return err_set(e, RC_CORRUPT, "the dump has %u of its %u parts", u->parts_seen, u->n_parts);
    if (kind != TRAILER_PART)
        return RC_OK;
    u->in_part = false;
    take_part(u, &is);
    return RC_OK;
}

/* The two that contradict each other, at the very beginning: parts follow. */
static bool
are_parts(const struct dump_decode *u, enum dump_format format)
{
    return u->facts.ours && !u->parts && u->facts.commands == 1 && format == DUMP_RESTORE &&
           u->header == DUMP_COMMANDS;
}

static enum rc
on_header(struct dump_decode *u, enum dump_format format, struct part part, const struct cmd *c,
          struct err *e)
{
    if (part.n == 0 && u->facts.commands == 0) {
        u->facts.ours = true;
        u->header = format;
        return RC_OK;
    }
    if (part.n == 0 && are_parts(u, format)) {
        u->parts = true;
        return RC_OK;
    }
    if (!u->parts || u->in_part || part.n == 0)
        return err_set(e, RC_CORRUPT, "a second dump starts at byte %llu",
                       (unsigned long long)c->at);
    if (u->only != 0 && part.i != u->only)
        return err_set(e, RC_CORRUPT, "part %u of %u stands where part %u of %u should", part.i,
                       part.n, u->only, u->n_parts);
    if (part.i != u->parts_seen + 1 || (u->n_parts != 0 && part.n != u->n_parts))
        return err_set(e, RC_CORRUPT, "part %u of %u follows part %u of %u, at byte %llu", part.i,
                       part.n, u->parts_seen, u->n_parts, (unsigned long long)c->at);
    u->n_parts = u->facts.parts = part.n;
    u->in_part = true;
    u->bytes = u->keys = u->commands = 0;
    (void)XXH3_128bits_reset(u->hash);
    return RC_OK;
}

static enum rc
on_echo(struct dump_decode *u, const struct cmd *c, struct command_class *out, struct err *e)
{
    enum dump_format format;
    enum trailer_kind kind;
    struct trailer t;
    struct part part;

    if (dump_decode_end_key(u, e))
        return err_code(e);
    out->kind = CMD_META;
    if (c->n < 2) /* longer than ours ever are */
        return RC_OK;
    if (header_parse(c->argv[1], &format, &part))
        return on_header(u, format, part, c, e);
    if (u->facts.ours && trailer_parse(c->argv[1], &kind, &t))
        return on_trailer(u, kind, &t, c, e);
    return RC_OK;
}

static bool
is_marker(struct dump_decode *u, const struct cmd *c)
{
    if (u->verb != V_SET || !str_eq(c->argv[1], STR_LIT("__redisdump_total_keys")) ||
        u->facts.ours || c->n < 3 || !str_to_u64(c->argv[2], &u->facts.marker_keys))
        return false;
    u->facts.has_marker = true;
    return true;
}

/* Keep an argument, or a piece of it, of a long command until all of it is there. */
static enum rc
dump_decode_hold(struct dump_decode *u, const struct ev_piece *p, struct err *e)
{
    if (u->held.n + p->p.n > (u->verb == V_RESTORE ? EV_OPAQUE_MAX : EV_HELD_MAX))
        return err_set(e, RC_LIMIT, "a command for one key of more than %zu bytes", EV_HELD_MAX);
    if (buf_add_str(&u->held, p->p, e))
        return err_code(e);
    if (!ev_is_last(p))
        return RC_OK;
    if (u->n_held == u->held_cap) {
        u->held_cap = MAX(2 * u->held_cap, (size_t)16);
        u->held_ends = mem_grow(u->held_ends, u->held_cap, sizeof(*u->held_ends));
    }
    u->held_ends[u->n_held++] = u->held.n;
    return RC_OK;
}

/* Code that belongs to no key: the last argument of FUNCTION LOAD and SCRIPT LOAD. */
static enum rc
say_code(struct dump_decode *u, struct str code, struct err *e)
{
    struct ev ev = {.kind = u->verb == V_SCRIPT ? EV_SCRIPT : EV_FUNCTION};

    ev.u.code = code;
    return dump_decode_emit(u, &ev, e);
}

/* The long command is complete: now it can be read as a whole one. */
static enum rc
on_held(struct dump_decode *u, struct err *e)
{
    struct str *v = mem_zero(u->n_held, sizeof(*v));
    size_t start = 0;
    enum rc rc;

    for (size_t i = 0; i < u->n_held; i++) {
        v[i] = str_of(u->held.p + start, u->held_ends[i] - start);
        start = u->held_ends[i];
    }
    rc = u->verb > V_OTHER ? say_code(u, v[u->n_held - 1], e)
                           : dump_decode_key_command(u, v, (uint32_t)u->n_held, e);
    mem_free(v);
    buf_reset(&u->held);
    u->n_held = 0;
    return rc;
}

static enum rc
begin_long(struct dump_decode *u, const struct cmd *c, struct err *e)
{
    buf_reset(&u->held);
    u->n_held = 0;
    for (uint32_t i = u->verb < V_STREAMING ? 2 : 0; i < c->n && u->verb != V_OTHER; i++) {
        bool key = u->verb > V_STREAMING && u->verb < V_OTHER && i == u->key; /* is in u->name */
        struct ev_piece p = ev_whole(key ? str_of(NULL, 0) : c->argv[i]);
        if (u->verb < V_STREAMING ? dump_decode_streaming_arg(u, i, &p, e)
                                  : dump_decode_hold(u, &p, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
on_global(struct dump_decode *u, const struct cmd *c, struct command_class *out, struct err *e)
{
    if (dump_decode_end_key(u, e))
        return err_code(e);
    out->kind = CMD_GLOBAL;
    return c->whole ? say_code(u, c->argv[c->n - 1], e) : begin_long(u, c, e);
}

/*
 * Is this command the first of its key? If not ours, a key may come up again: then nothing is
 * exact.
 */
static enum rc
enter_key(struct dump_decode *u, struct str name, struct command_class *out, struct err *e)
{
    bool again = u->named && str_eq(buf_str(&u->name), name);
    bool replaces = u->verb == V_DEL || u->verb == V_RESTORE || u->verb == V_SET;

    out->starts_key = !again;
    if (again && !(replaces && u->open))
        return RC_OK;
    if (again && u->verb == V_DEL) { /* what was said of it holds no more */
        u->facts.removes = true;
        dump_decode_not_exact(u);
    }
    if (!replaces)
        dump_decode_not_exact(u);
    return dump_decode_start_key(u, name, e);
}

static enum rc
on_key_verb(struct dump_decode *u, const struct verb_info *v, const struct cmd *c,
            struct command_class *out, struct err *e)
{
    enum kv_type type = v->type;

    if (c->n <= v->key)
        return err_set(e, RC_LIMIT, "a key name of more than %d bytes at byte %llu", CMD_WHOLE_MAX,
                       (unsigned long long)c->at);
    if (is_marker(u, c)) {
        out->kind = CMD_MARKER;
        return dump_decode_end_key(u, e);
    }
    u->key = v->key;
    out->kind = CMD_KEY;
    out->key = c->argv[v->key];
    out->makes_key = !v->changes;
    out->ends_key = u->verb == V_DEL;
    if (enter_key(u, out->key, out, e))
        return err_code(e);
    if (u->verb == V_OTHER) {
        u->facts.removes = u->facts.removes || v->changes;
        dump_decode_not_exact(u);
        return RC_OK;
    }
    if ((u->verb == V_PEXPIREAT || u->verb == V_EXPIREAT) && !u->open)
        dump_decode_not_exact(u);
    if (type != KV_N_TYPES && dump_decode_open_key(u, type, e))
        return err_code(e);
    if (c->argc % 2 != 0 && (u->verb == V_HSET || (u->verb == V_ZADD && u->facts.ours)))
        return dump_decode_bad_argument(u, v->word, e);
    if (!c->whole)
        return begin_long(u, c, e);
    if (u->verb > V_STREAMING)
        return dump_decode_key_command(u, c->argv, c->n, e);
    for (uint32_t i = 2; i < c->n && u->verb < V_STREAMING; i++) {
        struct ev_piece p = ev_whole(c->argv[i]);
        if (dump_decode_streaming_arg(u, i, &p, e))
            return err_code(e);
    }
    return RC_OK;
}

static void
note_length(struct dump_decode *u, uint64_t n)
{
    if (n > u->facts.longest)
        u->facts.longest = n;
}

static void
add_bytes(struct dump_decode *u, struct str raw)
{
    if (!u->facts.ours)
        return;
    (void)XXH3_128bits_update(u->hash, raw.p, raw.n);
    u->bytes += raw.n;
}

/* What is to be known of a command; NULL: nothing. */
static const struct verb_info *
verb_of(const struct cmd *c)
{
    const struct verb_info *v =
        c->n == 0 ? NULL : verb_find(c->argv[0], c->n > 1 ? c->argv[1] : str_of(NULL, 0));

    return v == NULL || c->argc < v->least ? NULL : v;
}

static enum rc
on_command(struct dump_decode *u, const struct cmd *c, struct command_class *out, struct err *e)
{
    const struct verb_info *v = verb_of(c);

    u->verb = v == NULL ? V_MANY : v->verb == V_DEL && c->argc > 2 ? V_MANY : v->verb;
    u->facts.verbs |= UINT32_C(1) << u->verb;
    u->argc = c->argc;
    out->answer = v == NULL ? ANSWER_ANY : v->answer;
    switch (u->verb) {
    case V_SELECT:
        return on_select(u, c, out, e);
    case V_ECHO:
        return on_echo(u, c, out, e);
    case V_FUNCTION:
    case V_SCRIPT:
        return on_global(u, c, out, e);
    case V_NOTHING:
        if (str_is_word(c->argv[0], "MULTI")) {
            u->in_multi = true;
            u->multi_at = c->at;
        } else if (str_is_word(c->argv[0], "EXEC")) {
            u->in_multi = false;
        }
        out->kind = CMD_META;
        return RC_OK;
    case V_MANY:
        out->kind = v == NULL ? CMD_FOREIGN : CMD_MANY;
        u->facts.removes = true;
        dump_decode_not_exact(u);
        return dump_decode_end_key(u, e);
    default:
        return on_key_verb(u, v, c, out, e);
    }
}

/* Between parts stand headers and trailers only. */
static enum rc
check_place(const struct dump_decode *u, const struct cmd *c, struct err *e)
{
    if (!u->parts || u->in_part || u->verb == V_ECHO)
        return RC_OK;
    return err_set(e, RC_CORRUPT, "a command that belongs to no part of the dump, at byte %llu",
                   (unsigned long long)c->at);
}

enum rc
dump_decode_cmd(struct dump_decode *u, const struct cmd *c, struct command_class *out,
                struct err *e)
{
    if (u->trailer_seen)
        return err_set(e, RC_CORRUPT, "commands follow the end of the dump at byte %llu",
                       (unsigned long long)c->at);
    *out = (struct command_class){.db = u->db};
    if (on_command(u, c, out, e) || check_place(u, c, e))
        return err_code(e);
    for (uint32_t i = 0; i < c->n && c->raw.n > u->facts.longest; i++)
        note_length(u, c->argv[i].n);
    add_bytes(u, c->raw);
    u->facts.commands++;
    u->commands++;
    return RC_OK;
}

enum rc
dump_decode_piece(struct dump_decode *u, const struct resp_reader_piece *p, struct err *e)
{
    struct ev_piece piece = {.p = p->bytes, .off = p->off, .total = p->total};

    note_length(u, MAX(p->total, u->string_bytes));
    add_bytes(u, p->raw);
    if (u->verb >= V_OTHER && u->verb != V_FUNCTION && u->verb != V_SCRIPT)
        return RC_OK;
    if (p->arg >= 0 &&
        (u->verb < V_STREAMING ? dump_decode_streaming_arg(u, (uint32_t)p->arg, &piece, e)
                               : dump_decode_hold(u, &piece, e)))
        return err_code(e);
    return p->last && u->verb > V_STREAMING ? on_held(u, e) : RC_OK;
}

/* No more commands. */
static enum rc
end_keys(struct dump_decode *u, struct err *e)
{
    if (dump_decode_end_key(u, e))
        return err_code(e);
    if (!u->in_multi)
        return RC_OK;
    (void)err_set(e, RC_CORRUPT, "the dump is cut: the MULTI at byte %llu has no EXEC",
                  (unsigned long long)u->multi_at);
    return err_hint(e, "what was there is loaded, but the end of the dump is missing");
}

enum rc
dump_decode_end(struct dump_decode *u, struct err *e)
{
    if (end_keys(u, e))
        return err_code(e);
    if (u->facts.ours && !u->trailer_seen) {
        (void)err_set(e, RC_CORRUPT, "the dump is cut: its end is missing");
        return err_hint(e, "what was there is loaded, but keys are missing; use another snapshot");
    }
    return RC_OK;
}

/* ---- parts side by side ---- */

enum {
    PARTS_BEGIN = 2,       /* commands in front of the first part */
    PAUSED_MAX = 64 * 1024 /* bytes that one which waits keeps of each kind */
};

enum rc
dump_decode_part(const struct dump_decode *whole, struct part part, struct dump_decode **out,
                 struct err *e)
{
    struct dump_decode *u;

    BUG_ON(part.i == 0 || part.i > part.n);
    if (!whole->parts || whole->facts.commands != PARTS_BEGIN)
        return err_set(e, RC_CORRUPT, "the dump does not begin as one of several parts does");
    u = dump_decode_new(whole->on, whole->arg);
    u->facts.ours = u->parts = true;
    u->facts.commands = PARTS_BEGIN;
    u->header = whole->header;
    u->only = part.i;
    u->parts_seen = part.i - 1;
    u->n_parts = part.n;
    *out = u;
    return RC_OK;
}

enum rc
dump_decode_part_end(struct dump_decode *u, struct dump_part *out, struct err *e)
{
    if (end_keys(u, e))
        return err_code(e);
    if (u->in_part || u->parts_seen != u->only)
        return err_set(e, RC_CORRUPT, "the dump is cut: the end of part %u of %u is missing",
                       u->only, u->n_parts);
    *out = (struct dump_part){
        .part = {.i = u->only, .n = u->n_parts}, .trailer = u->last, .facts = u->facts};
    out->facts.commands -= PARTS_BEGIN;
    return RC_OK;
}

enum rc
dump_decode_join(struct dump_decode *u, const struct dump_part *p, struct err *e)
{
    struct dump_decode_facts *f = &u->facts;

    if (!u->parts || u->in_part || u->trailer_seen || p->part.i != u->parts_seen + 1 ||
        (u->n_parts != 0 && p->part.n != u->n_parts))
        return err_set(e, RC_CORRUPT, "part %u of %u follows part %u of %u", p->part.i, p->part.n,
                       u->parts_seen, u->n_parts);
    u->n_parts = f->parts = p->part.n;
    take_part(u, &p->trailer);
    f->exact = f->exact && p->facts.exact;
    f->removes = f->removes || p->facts.removes;
    f->uncounted = f->uncounted || p->facts.uncounted;
    f->commands += p->facts.commands;
    f->verbs |= p->facts.verbs;
    note_length(u, p->facts.longest);
    return RC_OK;
}

/* What a long key took; others may need as much meanwhile. */
static void
give_back(struct buf *b)
{
    if (b->cap > PAUSED_MAX) {
        buf_release(b);
        buf_init(b, b->max);
    }
}

enum rc
dump_decode_pause(struct dump_decode *u, const struct cmd *next, bool *paused, struct err *e)
{
    const struct verb_info *v = verb_of(next);

    *paused = false;
    if (u->in_multi || next->raw.n > CMD_WHOLE_MAX)
        return RC_OK;
    if (u->named && v != NULL && v->key != 0 && v->key < next->n &&
        str_eq(buf_str(&u->name), next->argv[v->key]))
        return RC_OK;
    if (dump_decode_end_key(u, e))
        return err_code(e);
    u->db_said = false; /* others say theirs */
    give_back(&u->name);
    give_back(&u->held);
    *paused = true;
    return RC_OK;
}

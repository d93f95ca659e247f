/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/rewrite.h"

#include "base/log.h"
#include "base/mem.h"
#include "dump/rewrite_internal.h"

static const struct change nothing = {.ttl = CHANGE_TTL_KEEP};
static const struct filter everything = FILTER_ALL;

bool
rewrite_masks(const struct rewrite *r)
{
    return r->mask < r->change->masks.n;
}

/* An event of the dump as it was. */
static enum rc
rewrite_on(void *arg, const struct ev *ev, struct err *e)
{
    struct rewrite *r = arg;

    if (ev->kind == EV_KEY) {
        r->opened = true;
        r->type = ev->u.key.type;
    }
    return r->on == NULL ? RC_OK : r->on(r->arg, ev, e);
}

/* Two keys that become one would be one loss that nobody is told of. */
static enum rc
check_twice(struct rewrite *r, struct err *e)
{
    struct str name = buf_str(&r->enc->name);
    char shown[100];

    if (r->change->rename.n == 0 && r->change->dbs.n == 0)
        return RC_OK;
    if (name_set_add(&r->names, r->db, name))
        return RC_OK;
    if (!r->names.full)
        return err_set(e, RC_EXISTS, "two keys of the dump would become \"%s\" of database %llu",
                       str_show(name, shown, sizeof(shown)), (unsigned long long)r->db);
    if (!r->names_full)
        log_warn("more than %d keys: of the others it is not known whether two become one",
                 (int)NAME_SET_MAX);
    r->names_full = true;
    return RC_OK;
}

/* Once the key is known to be there. */
static enum rc
count_key(struct rewrite *r, struct err *e)
{
    if (!r->opened || r->counted)
        return RC_OK;
    r->counted = true;
    r->enc->facts.keys++;
    return dump_decode_facts(r->undump).ours ? check_twice(r, e) : RC_OK;
}

static enum rc
say_db(struct rewrite *r, struct err *e)
{
    if (r->db_said && r->db_out == r->db)
        return RC_OK;
    r->db_said = true;
    r->db_out = r->db;
    return resp_write_command(r->enc, 2, e) || resp_write_word(r->enc, "SELECT", e)
               ? err_code(e)
               : resp_write_int(r->enc, (int64_t)r->db, e);
}

/* Another key begins: is it wanted, and what will it be called? */
static void
begin_key(struct rewrite *r, const struct command_class *k)
{
    const struct change *c = r->change;
    size_t prefix = change_prefix(c, k->key);
    struct buf *name = &r->enc->name;
    struct str rest = k->key;

    r->mask = change_mask(c, k->key);
    r->want = filter_wants(r->filter, k->db, k->key) &&
              !(rewrite_masks(r) && c->masks.v[r->mask].how == MASK_DROP);
    r->filtered += !r->want;
    r->typed = r->held_del = r->one_said = r->counted = false;
    r->db = change_db(c, k->db);
    r->moved = r->db != k->db || prefix < c->rename.n;
    buf_reset(name);
    if (prefix < c->rename.n) {
        buf_must_add(name, c->rename.v[prefix].to.p, c->rename.v[prefix].to.n);
        rest = str_of(k->key.p + c->rename.v[prefix].from.n, k->key.n - c->rename.v[prefix].from.n);
    }
    buf_must_add(name, rest.p, rest.n);
}

/* A command of a key, all that is to be known of it. */
static enum rc
take_value(struct rewrite *r, const struct cmd *c, struct err *e)
{
    if (!r->typed && r->opened && !filter_wants_type(r->filter, r->type)) {
        r->want = false;
        r->filtered++;
        r->rest = REST_SKIP;
        return RC_OK;
    }
    r->typed = true;
    if (count_key(r, e) || say_db(r, e) || (r->held_del && resp_write_verb(r->enc, "DEL", 0, e)))
        return err_code(e);
    r->held_del = false;
    return rewrite_command(r, c, e);
}

/* All of a long command, or of its beginning. */
static void
rewrite_hold(struct rewrite *r, struct str bytes, bool last)
{
    buf_must_add(&r->held, bytes.p, bytes.n);
    if (!last)
        return;
    if (r->n_held == r->held_cap) {
        r->held_cap = MAX(2 * r->held_cap, (size_t)8);
        r->held_ends = mem_grow(r->held_ends, r->held_cap, sizeof(*r->held_ends));
    }
    r->held_ends[r->n_held++] = r->held.n;
}

static enum rc
take_key(struct rewrite *r, const struct cmd *c, const struct command_class *k, struct err *e)
{
    if (k->starts_key)
        begin_key(r, k);
    r->verb = verb_find(c->argv[0], c->argv[1]);
    r->argc = c->argc;
    r->value_at = c->at;
    r->rest = REST_SKIP;
    if (!r->want)
        return RC_OK;
    if (r->verb->verb == V_DEL && r->filter->types != 0 && !r->typed) {
        r->held_del = true;
        return RC_OK;
    }
    if (!c->whole && rewrite_needs_whole(r, r->verb)) {
        r->rest = REST_HOLD;
        buf_reset(&r->held);
        r->n_held = 0;
        for (uint32_t i = 0; i < c->n; i++)
            rewrite_hold(r, c->argv[i], true);
        return RC_OK;
    }
    if (r->filter->types != 0 && !r->typed && !r->opened)
        return err_set(e, RC_UNSUPPORTED,
                       "%s at byte %llu does not tell the type of its key, and --type needs it",
                       r->verb->word, (unsigned long long)c->at);
    return take_value(r, c, e);
}

/* The last piece of a command that had to be whole came. */
static enum rc
held_end(struct rewrite *r, struct err *e)
{
    struct str *v = mem_zero(r->n_held, sizeof(*v));
    struct cmd c = {
        .at = r->value_at, .argc = r->argc, .n = (uint32_t)r->n_held, .argv = v, .whole = true};
    size_t start = 0;
    enum rc rc;

    for (size_t i = 0; i < r->n_held; i++) {
        v[i] = str_of(r->held.p + start, r->held_ends[i] - start);
        start = r->held_ends[i];
    }
    rc = take_value(r, &c, e);
    mem_free(v);
    buf_release(&r->held);
    buf_init(&r->held, EV_OPAQUE_MAX);
    return rc;
}

static enum rc
pass_raw(struct rewrite *r, const struct cmd *c, struct err *e)
{
    r->rest = REST_PASS;
    r->enc->facts.commands++;
    return put(r->enc, c->raw.p, c->raw.n, e);
}

static enum rc
rewrite_refuse(const struct cmd *c, struct err *e)
{
    char verb[40];

    (void)err_set(
        e, RC_UNSUPPORTED,
        "%s at byte %llu is not a command of one key: which keys it would touch cannot be "
        "chosen or changed",
        c->n == 0 ? "what stands" : str_show(c->argv[0], verb, sizeof(verb)),
        (unsigned long long)c->at);
    return err_hint(e, "load all of it, as it is");
}

static enum rc
rewrite_take(struct rewrite *r, const struct cmd *c, const struct command_class *k, struct err *e)
{
    bool first = !r->begun;

    r->begun = true;
    r->rest = REST_SKIP;
    if (r->string_due &&
        (k->kind != CMD_KEY || k->starts_key || !str_is_word(c->argv[0], "APPEND")) &&
        rewrite_string_end(r, e))
        return err_code(e);
    switch (k->kind) {
    case CMD_META:
        return first && dump_decode_facts(r->undump).ours ? encoder_begin(r->enc, PART_WHOLE, e)
                                                          : RC_OK;
    case CMD_SELECT: /* said again with the first key that is wanted */
        return RC_OK;
    case CMD_MARKER:
        return pass_raw(r, c, e);
    case CMD_GLOBAL:
        return filter_wants_keyless(r->filter) ? pass_raw(r, c, e) : RC_OK;
    case CMD_KEY:
        return take_key(r, c, k, e);
    default:
        return rewrite_refuse(c, e);
    }
}

static enum rc
step_piece(struct rewrite *r, struct err *e)
{
    struct resp_reader_piece p;

    if (resp_reader_more(&r->in, &p, e) || dump_decode_piece(r->undump, &p, e))
        return err_code(e);
    r->in_pieces = !p.last;
    if (p.last && (r->rest == REST_PASS || r->rest == REST_WRITE) && count_key(r, e))
        return err_code(e); /* of a payload, it is known only now that it makes a key */
    switch (r->rest) {
    case REST_PASS:
        return put(r->enc, p.raw.p, p.raw.n, e);
    case REST_WRITE:
        return rewrite_piece(r, &p, e);
    case REST_HOLD:
        if (p.arg >= 0) {
            if (r->held.n + p.bytes.n > EV_OPAQUE_MAX)
                return err_set(e, RC_LIMIT, "a command of more than %zu bytes", EV_OPAQUE_MAX);
            rewrite_hold(r, p.bytes, p.off + p.bytes.n == p.total);
        }
        return p.last ? held_end(r, e) : RC_OK;
    default:
        return RC_OK;
    }
}

static enum rc
step_end(struct rewrite *r, struct err *e)
{
    r->over = true;
    if (dump_decode_end(r->undump, e) || (r->string_due && rewrite_string_end(r, e)))
        return err_code(e);
    return dump_decode_facts(r->undump).ours ? encoder_end(r->enc, NULL, e)
                                             : encoder_flush(r->enc, e);
}

/* Some of the dump: a command, or a piece of a long one. */
static enum rc
rewrite_step(struct rewrite *r, struct err *e)
{
    struct command_class k;
    struct cmd c;
    bool over;

    if (r->in_pieces)
        return step_piece(r, e);
    r->opened = false;
    if (resp_reader_next(&r->in, &c, &over, e))
        return err_code(e);
    if (over)
        return step_end(r, e);
    if (dump_decode_cmd(r->undump, &c, &k, e) || rewrite_take(r, &c, &k, e))
        return err_code(e);
    r->in_pieces = !c.whole;
    return RC_OK;
}

static enum rc
rewrite_read(struct rd *base, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct rewrite *r = CONTAINER_OF(base, struct rewrite, rd);

    if (r->at == r->out.n) {
        buf_reset(&r->out);
        r->at = 0;
    }
    while (r->out.n == 0 && !r->over)
        if (rewrite_step(r, e))
            return err_code(e);
    *got = MIN(n, r->out.n - r->at);
    if (*got != 0)
        memcpy(p, r->out.p + r->at, *got);
    r->at += *got;
    return RC_OK;
}

struct rewrite *
rewrite_new(struct rd *in, const struct rewrite_opts *o)
{
    struct rewrite *r = MEM_NEW(struct rewrite);

    r->rd.read = rewrite_read;
    r->change = o->change != NULL ? o->change : &nothing;
    r->filter = o->filter != NULL ? o->filter : &everything;
    r->on = o->on;
    r->arg = o->arg;
    resp_reader_init(&r->in, in);
    r->undump = dump_decode_new(rewrite_on, r);
    buf_init(&r->out, SIZE_MAX / 2);
    wr_buf_init(&r->to, &r->out);
    r->enc = encoder_new(&r->to.wr, DUMP_COMMANDS);
    name_set_init(&r->names);
    buf_init(&r->field, EV_HELD_MAX);
    buf_init(&r->held, EV_OPAQUE_MAX);
    return r;
}

void
rewrite_free(struct rewrite *r)
{
    if (r == NULL)
        return;
    resp_reader_release(&r->in);
    dump_decode_free(r->undump);
    encoder_free(r->enc);
    name_set_release(&r->names);
    buf_release(&r->out);
    buf_release(&r->field);
    buf_release(&r->held);
    mem_free(r->held_ends);
    mem_free(r);
}

struct rd *
rewrite_rd(struct rewrite *r)
{
    return &r->rd;
}

uint64_t
rewrite_filtered(const struct rewrite *r)
{
    return r->filtered;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of a key that is wanted, under its new name: times to expire moved, values masked. */
#include "base/mem.h"
#include "crypto/digest.h"
#include "dump/rewrite_internal.h"

enum { KEEP_ARG, FIELD_ARG, VALUE_ARG };

static enum mask_how
how_of(const struct rewrite *r)
{
    return rewrite_masks(r) ? r->change->masks.v[r->mask].how : MASK_NOT;
}

bool
rewrite_needs_whole(const struct rewrite *r, const struct verb_info *v)
{
    return v->verb == V_RESTORE && (how_of(r) != MASK_NOT || (r->filter->types != 0 && !r->typed) ||
                                    r->change->ttl == CHANGE_TTL_SHIFT);
}

static enum rc
rewrite_cannot(const struct rewrite *r, const char *what, struct err *e)
{
    char shown[100];

    return err_set(e, RC_UNSUPPORTED, "key \"%s\", byte %llu: %s",
                   str_show(buf_str(&r->enc->name), shown, sizeof(shown)),
                   (unsigned long long)r->value_at, what);
}

/* ---- values ---- */

static void
hash_begin(struct rewrite *r)
{
    sha256_init(&r->hash);
    sha256_add(&r->hash, r->change->masks.secret, MASK_KEY);
}

/* What stands in place of the value that was hashed, or of any. */
static struct str
masked_text(struct rewrite *r, char to[static MASKED_TEXT])
{
    uint8_t mac[HMAC_SHA256];
    struct id inner;

    if (how_of(r) == MASK_FIXED)
        return str_c(MASK_TEXT);
    sha256_end(&r->hash, &inner);
    hmac_sha256(str_of(r->change->masks.secret, MASK_KEY), str_of(inner.b, sizeof(inner.b)), mac);
    for (size_t i = 0; i < (MASKED_TEXT - 1) / 2; i++)
        (void)snprintf(to + 2 * i, 3, "%02x", mac[i]);
    return str_of((const uint8_t *)to, MASKED_TEXT - 1);
}

static enum rc
write_masked(struct rewrite *r, struct str value, struct err *e)
{
    char text[MASKED_TEXT];

    hash_begin(r);
    sha256_add(&r->hash, value.p, value.n);
    return resp_write_arg(r->enc, masked_text(r, text), e);
}

enum rc
rewrite_string_end(struct rewrite *r, struct err *e)
{
    char text[MASKED_TEXT];

    r->string_due = false;
    return resp_write_verb(r->enc, "SET", 1, e) ? err_code(e)
                                                : resp_write_arg(r->enc, masked_text(r, text), e);
}

/* What argument i of a command is that writes values. */
static int
role_of(const struct rewrite *r, uint32_t i)
{
    bool odd;

    if (i < r->values_at)
        return KEEP_ARG;
    odd = (i - r->values_at) % 2 != 0;
    switch (r->verb->verb) {
    case V_RPUSH:
    case V_SADD:
        return VALUE_ARG;
    case V_ZADD:
        return odd ? VALUE_ARG : KEEP_ARG;
    case V_HSET:
    case V_XADD:
        return odd ? VALUE_ARG : FIELD_ARG;
    default:
        return KEEP_ARG;
    }
}

/* Argument i, whole. */
static enum rc
write_arg(struct rewrite *r, uint32_t i, struct str arg, struct err *e)
{
    int role = role_of(r, i);

    if (i == r->verb->key)
        return resp_write_key(r->enc, e);
    if (role == FIELD_ARG) {
        buf_reset(&r->field);
        buf_must_add(&r->field, arg.p, arg.n);
    }
    if (role != VALUE_ARG || !change_masks_field(r->change, r->mask, buf_str(&r->field)))
        return resp_write_arg(r->enc, arg, e);
    return write_masked(r, arg, e);
}

/* Of a set that is masked by one text, one element remains. */
static enum rc
write_one(struct rewrite *r, const struct cmd *c, struct err *e)
{
    bool scored = r->verb->verb == V_ZADD;

    r->rest = REST_SKIP;
    if (r->one_said)
        return RC_OK;
    r->one_said = true;
    if (resp_write_verb(r->enc, r->verb->word, scored ? 2 : 1, e) ||
        (scored && resp_write_arg(r->enc, c->n > 2 ? c->argv[2] : STR_LIT("0"), e)))
        return err_code(e);
    return resp_write_word(r->enc, MASK_TEXT, e);
}

static enum rc
mask_string(struct rewrite *r, const struct cmd *c, struct err *e)
{
    if (c->argc != 3)
        return rewrite_cannot(r, "a SET with options cannot be masked", e);
    if (r->verb->verb == V_SET)
        hash_begin(r);
    else if (!r->string_due)
        return rewrite_cannot(r, "an APPEND without the string's beginning cannot be masked", e);
    r->string_due = true;
    if (c->n > 2)
        sha256_add(&r->hash, c->argv[2].p, c->argv[2].n);
    return RC_OK;
}

/* One of the commands that a payload became. */
static enum rc
mask_of_payload(struct rewrite *r, struct resp_reader *in, const struct cmd *c, struct err *e)
{
    struct resp_reader_piece p = {.last = c->whole};

    if (r->string_due && !str_is_word(c->argv[0], "APPEND") && rewrite_string_end(r, e))
        return err_code(e);
    r->verb = verb_find(c->argv[0], c->argv[1]);
    if (rewrite_command(r, c, e))
        return err_code(e);
    while (!p.last) {
        if (resp_reader_more(in, &p, e))
            return err_code(e);
        if (r->rest == REST_WRITE ? rewrite_piece(r, &p, e)
                                  : r->rest == REST_PASS && put(r->enc, p.raw.p, p.raw.n, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
mask_commands(struct rewrite *r, struct str bytes, struct err *e)
{
    struct resp_reader in;
    struct rd_mem from;
    struct cmd c;
    bool over = false;
    enum rc rc;

    rd_mem_init(&from, bytes, 0);
    resp_reader_init(&in, &from.rd);
    do {
        rc = resp_reader_next(&in, &c, &over, e);
        if (rc == RC_OK && !over)
            rc = mask_of_payload(r, &in, &c, e);
    } while (rc == RC_OK && !over);
    resp_reader_release(&in);
    return rc;
}

static enum rc
unpack_payload(struct rewrite *r, const struct cmd *c, struct wr *to, struct err *e)
{
    struct payload_decoder *values = payload_decoder_new();
    struct encoder *enc = encoder_new(to, DUMP_COMMANDS);
    struct ev payload, key = {.kind = EV_KEY};
    int64_t ttl;
    enum rc rc = payload_split(c->argv[3], &payload, e);

    key.u.key = (struct ev_key){.name = buf_str(&r->enc->name),
                                .type = r->type,
                                .expires_at = EV_NO_EXPIRY,
                                .idle_s = -1,
                                .freq = -1};
    if (rc == RC_OK && str_to_i64(c->argv[2], &ttl) && ttl != 0)
        key.u.key.expires_at = ttl;
    if (rc == RC_OK && kv_info[r->type].opaque != NULL)
        rc = rewrite_cannot(r, "nobody can look into its value: --mask can only drop it", e);
    if (rc == RC_OK)
        rc = encoder_on(enc, &key, e);
    if (rc == RC_OK)
        rc = payload_decode(values, &payload, encoder_on, enc, e);
    key.kind = EV_KEY_END;
    if (rc == RC_OK)
        rc = encoder_on(enc, &key, e);
    if (rc == RC_OK)
        rc = encoder_flush(enc, e);
    encoder_free(enc);
    payload_decoder_free(values);
    return rc;
}

static enum rc
mask_payload(struct rewrite *r, const struct cmd *c, struct err *e)
{
    struct buf commands = BUF_INIT(EV_OPAQUE_MAX);
    struct wr_buf to;
    enum rc rc;

    wr_buf_init(&to, &commands);
    rc = unpack_payload(r, c, &to.wr, e);
    if (rc == RC_OK)
        rc = mask_commands(r, buf_str(&commands), e);
    if (rc == RC_OK && r->string_due)
        rc = rewrite_string_end(r, e);
    buf_release(&commands);
    r->rest = REST_SKIP;
    return rc;
}

/* Where the values of a command begin; 0: it has none. */
static uint32_t
values_at(const struct verb_info *v, const struct cmd *c)
{
    switch (v->verb) {
    case V_RPUSH:
    case V_SADD:
    case V_ZADD:
    case V_HSET:
        return 2;
    case V_XADD: /* XADD key id ..., and ours for deleted entries: XADD key MAXLEN n id ... */
        return c->n > 2 && str_is_word(c->argv[2], "MAXLEN") ? 5 : 3;
    default:
        return 0;
    }
}

/* The command with its key's new name, masked where r->values_at says so, `verb` as its verb and `text` as its argument `at`. */
static enum rc
write_with(struct rewrite *r, const struct cmd *c, struct str verb, uint32_t at, struct str text,
           struct err *e)
{
    if (resp_write_command(r->enc, c->argc, e) || resp_write_arg(r->enc, verb, e))
        return err_code(e);
    for (uint32_t i = 1; i < c->n; i++)
        if (i == at ? resp_write_arg(r->enc, text, e) : write_arg(r, i, c->argv[i], e))
            return err_code(e);
    return RC_OK;
}

static enum rc
write_command(struct rewrite *r, const struct cmd *c, struct err *e)
{
    return write_with(r, c, c->argv[0], UINT32_MAX, str_of(NULL, 0), e);
}

static enum rc
mask_command(struct rewrite *r, const struct cmd *c, struct err *e)
{
    bool pairs = r->verb->verb != V_RPUSH && r->verb->verb != V_SADD;

    if (r->verb->verb == V_OTHER)
        return rewrite_cannot(
            r, "what this command does to its value is not known: --mask can only drop it", e);
    if (r->verb->verb == V_SET || r->verb->verb == V_APPEND)
        return r->change->masks.v[r->mask].field.p == NULL ? mask_string(r, c, e)
                                                           : write_command(r, c, e);
    r->values_at = values_at(r->verb, c);
    if (r->values_at != 0 && pairs && (c->argc - r->values_at) % 2 != 0)
        return rewrite_cannot(r, "a command with options cannot be masked", e);
    if (r->values_at == 0 || (r->change->masks.v[r->mask].field.p != NULL &&
                              r->verb->verb != V_HSET && r->verb->verb != V_XADD))
        r->values_at = UINT32_MAX;
    if (r->values_at != UINT32_MAX && how_of(r) == MASK_FIXED &&
        (r->verb->verb == V_SADD || r->verb->verb == V_ZADD))
        return write_one(r, c, e);
    return write_command(r, c, e);
}

/* ---- times ---- */

/* The time at argv[2], in units of so many milliseconds, is another one. */
static enum rc
write_time(struct rewrite *r, const struct cmd *c, int64_t unit, struct err *e)
{
    uint8_t text[STR_INT_MAX];
    int64_t t;

    /* An argument so long that it is not there is not a time. */
    if (c->n < 3 || !str_to_i64(c->argv[2], &t) || __builtin_mul_overflow(t, unit, &t) ||
        __builtin_add_overflow(t, r->change->shift_ms, &t))
        return rewrite_cannot(r, "its time to expire cannot be moved", e);
    return write_with(r, c, unit == 1 ? c->argv[0] : STR_LIT("PEXPIREAT"), 2,
                      str_of(text, str_put_i64(MAX(t, 1), text)), e);
}

static enum rc
restore_time(struct rewrite *r, const struct cmd *c, struct err *e)
{
    bool absolute = false;

    if (r->change->ttl == CHANGE_TTL_DROP)
        return write_with(r, c, c->argv[0], 2, STR_LIT("0"), e);
    for (uint32_t i = 4; i < c->n; i++)
        absolute = absolute || str_is_word(c->argv[i], "ABSTTL");
    return absolute && !str_eq(c->argv[2], STR_LIT("0")) ? write_time(r, c, 1, e)
                                                         : write_command(r, c, e);
}

/* Commands that say when a key or a field expires; `*done`: it was one. */
static enum rc
change_time(struct rewrite *r, const struct cmd *c, bool *done, struct err *e)
{
    bool drop = r->change->ttl == CHANGE_TTL_DROP;

    *done = true;
    switch (r->verb->verb) {
    case V_PEXPIREAT:
    case V_HPEXPIREAT:
    case V_EXPIREAT:
        if (drop)
            r->rest = REST_SKIP;
        return drop ? RC_OK : write_time(r, c, r->verb->verb == V_EXPIREAT ? 1000 : 1, e);
    case V_RESTORE:
        return restore_time(r, c, e);
    case V_SET:
        if (c->argc > 3)
            return rewrite_cannot(r, "a SET with options: its time to expire cannot be changed", e);
        break;
    case V_OTHER:
        return rewrite_cannot(r, "whether this command makes the key expire is not known", e);
    default:
        break;
    }
    *done = false;
    return RC_OK;
}

enum rc
rewrite_command(struct rewrite *r, const struct cmd *c, struct err *e)
{
    bool done = false;

    r->rest = REST_WRITE;
    r->argc = c->argc;
    r->values_at = UINT32_MAX; /* nothing of it is a value that is masked */
    if (how_of(r) != MASK_NOT && r->verb->verb == V_RESTORE)
        return mask_payload(r, c, e); /* its times come as commands */
    if (r->change->ttl != CHANGE_TTL_KEEP && change_time(r, c, &done, e))
        return err_code(e);
    if (done)
        return RC_OK;
    if (how_of(r) != MASK_NOT)
        return mask_command(r, c, e);
    if (r->moved || c->raw.n == 0)
        return write_command(r, c, e);
    r->rest = REST_PASS;
    r->enc->facts.commands++;
    return put(r->enc, c->raw.p, c->raw.n, e);
}

/* A piece of a long command that is written anew. */
enum rc
rewrite_piece(struct rewrite *r, const struct resp_reader_piece *p, struct err *e)
{
    struct ev_piece piece = {.p = p->bytes, .off = p->off, .total = p->total};
    bool string = r->string_due;
    int role = string ? VALUE_ARG : role_of(r, (uint32_t)p->arg);
    char text[MASKED_TEXT];

    if (p->arg < 0)
        return RC_OK;
    if (role == FIELD_ARG) {
        if (ev_is_first(&piece))
            buf_reset(&r->field);
        if (buf_add_str(&r->field, p->bytes, e))
            return err_code(e);
    }
    if (!string &&
        (role != VALUE_ARG || !change_masks_field(r->change, r->mask, buf_str(&r->field))))
        return resp_write_piece(r->enc, &piece, e);
    if (!string && ev_is_first(&piece))
        hash_begin(r);
    sha256_add(&r->hash, p->bytes.p, p->bytes.n);
    return string || !ev_is_last(&piece) ? RC_OK : resp_write_arg(r->enc, masked_text(r, text), e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/adapt.h"

#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "dump/encode.h"
#include "dump/verbs.h"
#include "rdb/payload.h"

struct adapt {
    const struct adapt_target *t;
    struct payload_decoder *decoder;
    struct buf out, plain; /* plain: the commands of a payload, to be adapted in their turn */
    uint64_t left_out[ADAPT_N];
    struct adapt_refused refused;
};

struct adapt_target
adapt_anything(void)
{
    struct adapt_target t;

    memset(&t, 0, sizeof(t));
    t.replace = t.absttl = t.streams = t.create_consumer = t.stream_counts = true;
    t.functions = t.field_expiry = t.survives_modules = true;
    for (size_t i = 0; i < ADAPT_RDB_SLOTS; i++)
        t.rdb[i] = true;
    return t;
}

bool
adapt_takes_all(const struct adapt_target *t)
{
    for (size_t i = 0; i < ADAPT_RDB_SLOTS; i++)
        if (!t->rdb[i])
            return false;
    return t->replace && t->absttl && t->streams && t->create_consumer && t->stream_counts &&
           t->functions && t->field_expiry && t->survives_modules;
}

const char *
adapt_left_text(enum adapt_left what)
{
    static const char *const texts[ADAPT_N] = {[ADAPT_COUNTS] = "counters of streams",
                                               [ADAPT_USE] = "access times or frequencies of keys",
                                               [ADAPT_FIELD_EXPIRY] = "expiries of hash fields",
                                               [ADAPT_FUNCTIONS] = "function libraries",
                                               [ADAPT_STREAMS] = "commands that fill streams",
                                               [ADAPT_MODULES] = "values of modules"};
    return texts[what];
}

const char *
adapt_left_name(enum adapt_left what)
{
    static const char *const names[ADAPT_N] = {
        [ADAPT_COUNTS] = "stream_counters",      [ADAPT_USE] = "key_use",
        [ADAPT_FIELD_EXPIRY] = "field_expiries", [ADAPT_FUNCTIONS] = "functions",
        [ADAPT_STREAMS] = "stream_commands",     [ADAPT_MODULES] = "module_values"};
    return names[what];
}

void
adapt_target_meet(struct adapt_target *t, const struct adapt_target *other)
{
    t->replace &= other->replace;
    t->absttl &= other->absttl;
    t->streams &= other->streams;
    t->create_consumer &= other->create_consumer;
    t->stream_counts &= other->stream_counts;
    t->functions &= other->functions;
    t->field_expiry &= other->field_expiry;
    t->survives_modules &= other->survives_modules;
    t->modules_told &= other->modules_told;
    for (size_t i = 0; i < ADAPT_RDB_SLOTS; i++)
        t->rdb[i] &= other->rdb[i];
    if (strlen(other->modules) <
        strlen(t->modules)) /* nodes of a cluster have the same, or lack some */
        memcpy(t->modules, other->modules, sizeof(t->modules));
}

struct adapt *
adapt_new(const struct adapt_target *t)
{
    struct adapt *a = MEM_NEW(struct adapt);

    a->t = t;
    a->decoder = payload_decoder_new();
    buf_init(&a->out, EV_OPAQUE_MAX);
    buf_init(&a->plain, EV_OPAQUE_MAX);
    return a;
}

void
adapt_free(struct adapt *a)
{
    if (a == NULL)
        return;
    payload_decoder_free(a->decoder);
    buf_release(&a->out);
    buf_release(&a->plain);
    mem_free(a);
}

struct adapt_refused
adapt_refused(const struct adapt *a)
{
    return a->refused;
}

const uint64_t *
adapt_left_out(const struct adapt *a)
{
    return a->left_out;
}

/* --- commands of our own ---------------------------------------------------------------------- */

static enum rc
adapt_put_head(struct adapt *a, uint64_t args, struct err *e)
{
    return buf_printf(&a->out, e, "*%llu\r\n", (unsigned long long)args);
}

static enum rc
adapt_put(struct adapt *a, struct str arg, struct err *e)
{
    if (buf_printf(&a->out, e, "$%zu\r\n", arg.n) || buf_add_str(&a->out, arg, e))
        return err_code(e);
    return buf_add(&a->out, "\r\n", 2, e);
}

/* A command of `n` arguments, in place of what `out` holds. */
static enum rc
adapt_set(struct adapt *a, const struct str *v, uint32_t n, struct err *e)
{
    buf_reset(&a->out);
    if (adapt_put_head(a, n, e))
        return err_code(e);
    for (uint32_t i = 0; i < n; i++)
        if (adapt_put(a, v[i], e))
            return err_code(e);
    return RC_OK;
}

/* The same command, or the beginning of it, under another name. */
static enum rc
adapt_rename(struct adapt *a, const struct cmd *c, const char *verb, struct err *e)
{
    const uint8_t *rest = c->argv[0].p + c->argv[0].n, *end = c->raw.p + c->raw.n;

    buf_reset(&a->out);
    if (adapt_put_head(a, c->argc, e) || buf_printf(&a->out, e, "$%zu\r\n%s", strlen(verb), verb))
        return err_code(e);
    return buf_add(&a->out, rest, (size_t)(end - rest), e);
}

/* --- RESTORE ---------------------------------------------------------------------------------- */

static bool
adapt_takes_version(const struct adapt_target *t, uint16_t version)
{
    if (version >= ADAPT_RDB_VALKEY)
        return t->rdb[ADAPT_RDB_SLOTS - 1];
    return version > ADAPT_RDB_NEWEST || t->rdb[version];
}

/* Modules whose types are called otherwise than they. */
static const struct adapt_module {
    const char *type, *module;
} adapt_modules[] = {{"MBbloom--", " bf "},     {"MBbloomCF", " bf "},
                     {"CMSk-TYPE", " bf "},     {"TopK-TYPE", " bf "},
                     {"TDIS-TYPE", " bf "},     {"TSDB-TYPE", " timeseries "},
                     {"ft_index0", " search "}, {"trietype0", " search "}};

static const struct adapt_module *
adapt_find_module(const char *type)
{
    for (size_t i = 0; i < ARRAY_LEN(adapt_modules); i++)
        if (strcmp(adapt_modules[i].type, type) == 0)
            return &adapt_modules[i];
    return NULL;
}

/* Is it known by which name its module is listed? */
static bool
adapt_knows_module(const char *type)
{
    return adapt_find_module(type) != NULL || strcmp(type, "ReJSON-RL") == 0 ||
           strcmp(type, "graphdata") == 0 || strcmp(type, "vectorset") == 0;
}

static bool
adapt_has_module(const struct adapt_target *t, const char *type)
{
    const struct adapt_module *known = adapt_find_module(type);
    const char *at = t->modules;

    if (known != NULL)
        return strstr(t->modules, known->module) != NULL;
    while (*at != '\0') { /* ReJSON-RL of ReJSON, graphdata of graph */
        size_t n;

        at += strspn(at, " ");
        n = strcspn(at, " ");
        if (n != 0 && strncasecmp(at, type, n) == 0)
            return true;
        at += n;
    }
    return false;
}

/* RESTORE key ttl payload REPLACE ABSTTL IDLETIME s FREQ n */
enum { ADAPT_RESTORE_WORDS = 10 };

/* What RESTORE says beside the value. */
struct adapt_restore {
    int64_t ttl;
    bool absolute, replace, use;
};

static bool
adapt_restore_options(const struct cmd *c, struct adapt_restore *r)
{
    memset(r, 0, sizeof(*r));
    if (!str_to_i64(c->argv[2], &r->ttl) || c->n > ADAPT_RESTORE_WORDS)
        return false;
    for (uint32_t i = 4; i < c->n; i++) {
        r->absolute = r->absolute || str_is_word(c->argv[i], "ABSTTL");
        r->replace = r->replace || str_is_word(c->argv[i], "REPLACE");
        r->use = r->use || str_is_word(c->argv[i], "IDLETIME") || str_is_word(c->argv[i], "FREQ");
    }
    return true;
}

static int64_t
adapt_now(const struct adapt *a)
{
    return clock_real_ms() + a->t->ahead_ms;
}

/* The payload as plain commands. */
static enum rc
adapt_to_commands(struct adapt *a, const struct cmd *c, const struct adapt_restore *r,
                  const struct ev *payload, enum kv_type type, struct err *e)
{
    struct ev ev = {.kind = EV_KEY};
    struct wr_buf to;
    struct encoder *x;
    enum rc rc;

    ev.u.key = (struct ev_key){
        .name = c->argv[1], .type = type, .expires_at = EV_NO_EXPIRY, .idle_s = -1, .freq = -1};
    if (r->ttl != 0)
        ev.u.key.expires_at = r->absolute ? r->ttl : adapt_now(a) + r->ttl;
    buf_reset(&a->plain);
    wr_buf_init(&to, &a->plain);
    x = encoder_new(&to.wr, DUMP_COMMANDS);
    rc = encoder_on(x, &ev, e);
    if (rc == RC_OK)
        rc = payload_decode(a->decoder, payload, encoder_on, x, e);
    ev.kind = EV_KEY_END;
    if (rc == RC_OK)
        rc = encoder_on(x, &ev, e);
    if (rc == RC_OK)
        rc = encoder_flush(x, e);
    encoder_free(x);
    return rc;
}

/* RESTORE with the options that the target knows; `empty`: into an empty place, by a DEL in front. */
static enum rc
adapt_restore_again(struct adapt *a, const struct cmd *c, const struct adapt_restore *r, bool empty,
                    struct err *e)
{
    const struct str del[] = {STR_LIT("DEL"), c->argv[1]};
    struct str v[ADAPT_RESTORE_WORDS] = {c->argv[0], c->argv[1], c->argv[2], c->argv[3]};
    uint8_t text[STR_INT_MAX];
    uint32_t n = 4;

    buf_reset(&a->out);
    if (r->replace && empty && adapt_set(a, del, ARRAY_LEN(del), e))
        return err_code(e);
    if (r->absolute && r->ttl != 0 && !a->t->absttl)
        /* of a key that is over already a millisecond is left */
        v[2] = str_of(text, str_put_i64(MAX(r->ttl - adapt_now(a), INT64_C(1)), text));
    a->left_out[ADAPT_USE] += r->use && !a->t->absttl;
    for (uint32_t i = 4; i < c->n; i++)
        if (str_is_word(c->argv[i], "REPLACE") ? !empty : a->t->absttl)
            v[n++] = c->argv[i];
    if (adapt_put_head(a, n, e))
        return err_code(e);
    for (uint32_t i = 0; i < n; i++)
        if (adapt_put(a, v[i], e))
            return err_code(e);
    return RC_OK;
}

/* What the server will say of a value that nobody looks into, as far as that is known. */
static void
adapt_foresee(struct adapt *a, const struct cmd *c, enum kv_type type, const char *module,
              bool has_module)
{
    if (kv_info[type].opaque == NULL)
        return;
    if (type == KV_MODULE && !has_module) {
        bool sure = a->t->modules_told && (a->t->modules[0] == '\0' || adapt_knows_module(module));

        a->refused.modules += sure;
        a->refused.unsure += !sure;
        if (a->refused.module[0] == '\0')
            (void)snprintf(a->refused.module, sizeof(a->refused.module), "%s", module);
    } else if (!adapt_takes_version(a->t, payload_stamp(c->argv[3]))) {
        a->refused.newer++;
    }
}

static enum rc
adapt_payload(struct adapt *a, const struct cmd *c, enum adapt_verdict *verdict, struct str *out,
              enum adapt_left *why, struct err *e)
{
    struct err ignored = ERR_INIT;
    struct adapt_restore r;
    enum kv_type type;
    char module[PAYLOAD_MODULE_TEXT] = "";
    bool has_module = false;
    struct ev ev;

    if (!adapt_restore_options(c, &r) || payload_split(c->argv[3], &ev, &ignored) ||
        !rdb_kv_type(ev.u.payload.rdb_type, &type))
        return RC_OK; /* what it is, the server will say */
    if (type == KV_MODULE)
        has_module = adapt_has_module(a->t, payload_module(&ev, module));
    if (type == KV_MODULE && !has_module && !a->t->survives_modules) {
        *verdict = ADAPT_LEFT_OUT;
        *why = ADAPT_MODULES;
        a->left_out[ADAPT_MODULES]++;
        return RC_OK;
    }
    adapt_foresee(a, c, type, module, has_module);
    if (kv_info[type].opaque == NULL &&
        (!adapt_takes_version(a->t, payload_stamp(c->argv[3])) ||
         (!a->t->field_expiry && rdb_expires_fields(ev.u.payload.rdb_type)))) {
        *verdict = ADAPT_PLAIN;
        if (adapt_to_commands(a, c, &r, &ev, type, e))
            return err_code(e);
        *out = buf_str(&a->plain);
        return RC_OK;
    }
    if ((a->t->absttl || (!r.absolute && !r.use)) && ((a->t->replace && !has_module) || !r.replace))
        return RC_OK;
    *verdict = ADAPT_CHANGED;
    if (adapt_restore_again(a, c, &r, !a->t->replace || has_module, e))
        return err_code(e);
    *out = buf_str(&a->out);
    return RC_OK;
}

/* --- the others ------------------------------------------------------------------------------- */

/* The command without its arguments from `n` on. */
static enum rc
adapt_shorten(struct adapt *a, const struct cmd *c, uint32_t n, enum adapt_verdict *verdict,
              struct str *out, struct err *e)
{
    a->left_out[ADAPT_COUNTS]++;
    *verdict = ADAPT_CHANGED;
    if (adapt_set(a, c->argv, n, e))
        return err_code(e);
    *out = buf_str(&a->out);
    return RC_OK;
}

static enum rc
adapt_xgroup(struct adapt *a, const struct cmd *c, enum adapt_verdict *verdict, struct str *out,
             struct err *e)
{
    if (str_is_word(c->argv[1], "CREATECONSUMER") && c->n == 5 && !a->t->create_consumer) {
        const struct str v[] = {STR_LIT("XREADGROUP"), STR_LIT("GROUP"), c->argv[3],  c->argv[4],
                                STR_LIT("STREAMS"),    c->argv[2],       STR_LIT("0")};
        *verdict = ADAPT_CHANGED;
        if (adapt_set(a, v, ARRAY_LEN(v), e))
            return err_code(e);
        *out = buf_str(&a->out);
        return RC_OK;
    }
    if (!a->t->stream_counts && c->n == 7 && str_is_word(c->argv[5], "ENTRIESREAD"))
        return adapt_shorten(a, c, 5, verdict, out, e);
    return RC_OK;
}

static enum rc
adapt_leave(struct adapt *a, enum adapt_left what, uint64_t n, enum adapt_verdict *verdict,
            enum adapt_left *why)
{
    a->left_out[what] += n;
    *verdict = ADAPT_LEFT_OUT;
    *why = what;
    return RC_OK;
}

static const struct verb_info *
adapt_verb(const struct cmd *c)
{
    const struct verb_info *v =
        c->n == 0 ? NULL : verb_find(c->argv[0], c->n > 1 ? c->argv[1] : str_of(NULL, 0));

    return v == NULL || c->argc < v->least ? NULL : v;
}

bool
adapt_wants_whole(const struct adapt *a, const struct cmd *c)
{
    const struct verb_info *v = adapt_verb(c);

    if (v == NULL)
        return false;
    return v->verb == V_RESTORE || (a->t->streams && (v->verb == V_XGROUP || v->verb == V_XSETID));
}

enum rc
adapt_command(struct adapt *a, const struct cmd *c, enum adapt_verdict *verdict, struct str *out,
              enum adapt_left *why, struct err *e)
{
    const struct adapt_target *t = a->t;
    const struct verb_info *v = adapt_verb(c);
    const char *older = NULL;

    *verdict = ADAPT_SAME;
    *out = c->raw;
    if (v == NULL)
        return RC_OK;
    if (!t->streams && v->word[0] == 'X')
        return adapt_leave(a, ADAPT_STREAMS, 1, verdict, why);
    if (!t->functions && str_is_word(c->argv[0], "FUNCTION"))
        return adapt_leave(a, ADAPT_FUNCTIONS, 1, verdict, why);
    if (!t->field_expiry && v->verb == V_HPEXPIREAT)
        return adapt_leave(a, ADAPT_FIELD_EXPIRY, MAX(c->argc, 6U) - 5, verdict, why);
    switch (v->verb) {
    case V_RESTORE:
        return adapt_payload(a, c, verdict, out, why, e);
    case V_XGROUP:
        return adapt_xgroup(a, c, verdict, out, e);
    case V_XSETID:
        return t->stream_counts || c->argc == 3 ? RC_OK : adapt_shorten(a, c, 3, verdict, out, e);
    case V_HSET:
        older = c->argc > 4 && str_is_word(c->argv[0], "HSET") ? "HMSET" : NULL;
        break;
    case V_DEL:
        older = str_is_word(c->argv[0], "UNLINK") ? "DEL" : NULL;
        break;
    default:
        break;
    }
    if (older == NULL || t->absttl) /* both are of Redis 4.0; what has ABSTTL is newer */
        return RC_OK;
    *verdict = ADAPT_CHANGED;
    if (adapt_rename(a, c, older, e))
        return err_code(e);
    *out = buf_str(&a->out);
    return RC_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_STATIC_LINKING_ONLY
#include <inttypes.h>
#include <xxhash.h>

#include "base/compiler.h"
#include "base/hex.h"
#include "base/mem.h"
#include "dump/trailer.h"

static const char *const formats[] = {[DUMP_COMMANDS] = "commands", [DUMP_RESTORE] = "restore"};

/* How each begins, and what it calls its first number. */
static const struct {
    const char *words, *count;
} kinds[] = {
    [TRAILER_DUMP] = {"cstash-end 1", " commands="},
    [TRAILER_PART] = {"cstash-part 2", " commands="},
    [TRAILER_END] = {"cstash-end 2", " parts="},
};

const char *
dump_format_name(enum dump_format f)
{
    return formats[f];
}

const char *
header_text(enum dump_format f, struct part part, char to[static TRAILER_TEXT])
{
    if (part.n == 0)
        (void)snprintf(to, TRAILER_TEXT, "cstash-dump 1 %s", formats[f]);
    else
        (void)snprintf(to, TRAILER_TEXT, "cstash-dump 2 %s shard=%" PRIu32 "/%" PRIu32, formats[f],
                       part.i, part.n);
    return to;
}

static bool
take_words(struct str *s, const char *words)
{
    size_t n = strlen(words);

    if (s->n < n || memcmp(s->p, words, n) != 0)
        return false;
    *s = str_of(s->p + n, s->n - n);
    return true;
}

/* Up to `end` or the end of the text. */
static struct str
take_value(struct str *s, char end)
{
    struct str value = *s;
    const uint8_t *at = s->n == 0 ? NULL : memchr(s->p, end, s->n);

    if (at != NULL)
        value.n = (size_t)(at - s->p);
    *s = str_of(s->p + value.n, s->n - value.n);
    return value;
}

static bool
take_number(struct str *s, const char *words, char end, uint64_t *out)
{
    return take_words(s, words) && str_to_u64(take_value(s, end), out);
}

bool
header_parse(struct str s, enum dump_format *out, struct part *part)
{
    bool two = take_words(&s, "cstash-dump 2 ");
    uint64_t i = 0, n = 0;
    struct str format;

    if (!two && !take_words(&s, "cstash-dump 1 "))
        return false;
    format = take_value(&s, ' ');
    if (two && (!take_number(&s, " shard=", '/', &i) || !take_number(&s, "/", ' ', &n) || i == 0 ||
                i > n || n > PARTS_MAX))
        return false;
    *part = (struct part){.i = (uint32_t)i, .n = (uint32_t)n};
    for (size_t f = 0; s.n == 0 && f < ARRAY_LEN(formats); f++)
        if (str_eq(format, str_c(formats[f]))) {
            *out = (enum dump_format)f;
            return true;
        }
    return false;
}

const char *
trailer_text(enum trailer_kind kind, const struct trailer *t, char to[static TRAILER_TEXT])
{
    char hex[2 * TRAILER_HASH + 1];

    hex_encode(t->hash, sizeof(t->hash), hex);
    (void)snprintf(to, TRAILER_TEXT, "%s%s%" PRIu64 " bytes=%" PRIu64 " keys=%" PRIu64 " xxh3=%s",
                   kinds[kind].words, kinds[kind].count, t->commands, t->bytes, t->keys, hex);
    return to;
}

bool
trailer_parse(struct str s, enum trailer_kind *kind, struct trailer *t)
{
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct str rest = s;

        if (!take_words(&rest, kinds[k].words))
            continue;
        *kind = (enum trailer_kind)k;
        return take_number(&rest, kinds[k].count, ' ', &t->commands) &&
               take_number(&rest, " bytes=", ' ', &t->bytes) &&
               take_number(&rest, " keys=", ' ', &t->keys) && take_words(&rest, " xxh3=") &&
               hex_decode(rest, t->hash, sizeof(t->hash));
    }
    return false;
}

/* ---- around several parts ---- */

static enum rc
parts_echo(struct wr *out, const char *text, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *command = mem_printf("*2\r\n$4\r\nECHO\r\n$%zu\r\n%s\r\n", strlen(text), text);

    return wr_write(out, command, strlen(command), e);
}

enum rc
parts_begin(struct wr *out, struct err *e)
{
    static const enum dump_format both[] = {DUMP_COMMANDS, DUMP_RESTORE};
    char text[TRAILER_TEXT];

    for (size_t i = 0; i < ARRAY_LEN(both); i++)
        if (parts_echo(out, header_text(both[i], PART_WHOLE, text), e))
            return err_code(e);
    return RC_OK;
}

enum rc
parts_end(struct wr *out, const struct trailer *parts, size_t n, struct err *e)
{
    XXH3_state_t *hash = XXH3_createState();
    struct trailer all = {.commands = n};
    XXH128_canonical_t sum;
    char text[TRAILER_TEXT];

    BUG_ON(hash == NULL);
    (void)XXH3_128bits_reset(hash);
    for (size_t i = 0; i < n; i++) {
        all.bytes += parts[i].bytes;
        all.keys += parts[i].keys;
        (void)XXH3_128bits_update(hash, parts[i].hash, TRAILER_HASH);
    }
    XXH128_canonicalFromHash(&sum, XXH3_128bits_digest(hash));
    (void)XXH3_freeState(hash);
    memcpy(all.hash, sum.digest, TRAILER_HASH);
    return parts_echo(out, trailer_text(TRAILER_END, &all, text), e);
}

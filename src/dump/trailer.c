/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/compiler.h"
#include "base/hex.h"
#include "dump/trailer.h"

static const char *const headers[] = {
    [DUMP_COMMANDS] = "cstash-dump 1 commands",
    [DUMP_RESTORE] = "cstash-dump 1 restore",
};

const char *
dump_format_name(enum dump_format f)
{
    return f == DUMP_COMMANDS ? "commands" : "restore";
}

const char *
header_text(enum dump_format f)
{
    return headers[f];
}

bool
header_parse(struct str arg, enum dump_format *out)
{
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        if (str_eq(arg, str_c(headers[i]))) {
            *out = (enum dump_format)i;
            return true;
        }
    return false;
}

const char *
trailer_text(const struct trailer *t, char to[static TRAILER_TEXT])
{
    char hex[33];

    hex_encode(t->hash, sizeof(t->hash), hex);
    (void)snprintf(to, TRAILER_TEXT,
                   "cstash-end 1 commands=%" PRIu64 " bytes=%" PRIu64 " keys=%" PRIu64 " xxh3=%s",
                   t->commands, t->bytes, t->keys, hex);
    return to;
}

static bool
take_field(struct str *s, const char *prefix, struct str *value)
{
    size_t n = strlen(prefix), end;

    if (s->n < n || memcmp(s->p, prefix, n) != 0)
        return false;
    for (end = n; end < s->n && s->p[end] != ' '; end++)
        ;
    *value = str_of(s->p + n, end - n);
    *s = str_of(s->p + end, s->n - end);
    return true;
}

bool
trailer_parse(struct str s, struct trailer *t)
{
    struct str commands, bytes, keys, hash, none;

    return take_field(&s, "cstash-end", &none) && take_field(&s, " 1", &none) && none.n == 0 &&
           take_field(&s, " commands=", &commands) && take_field(&s, " bytes=", &bytes) &&
           take_field(&s, " keys=", &keys) && take_field(&s, " xxh3=", &hash) && s.n == 0 &&
           str_to_u64(commands, &t->commands) && str_to_u64(bytes, &t->bytes) &&
           str_to_u64(keys, &t->keys) && hex_decode(hash, t->hash, sizeof(t->hash));
}

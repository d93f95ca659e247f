/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore amounts to, for people. */
#include "job/restore.h"

/* What the target has no place for. */
static void
add_left_out(const struct restore_result *r, char to[static RESTORE_WORDS])
{
    const char *sep = " but for what its version cannot hold: ";
    char n[STR_GROUPED_MAX];

    for (unsigned i = 0; i < ADAPT_N; i++) {
        size_t used = strlen(to);

        if (r->load.left_out[i] == 0)
            continue;
        (void)snprintf(to + used, RESTORE_WORDS - used, "%s%s (%s)", sep,
                       adapt_left_text((enum adapt_left)i), str_grouped(r->load.left_out[i], n));
        sep = ", ";
    }
}

/* Only a module can tell whether two of its values are the same. */
static void
add_modules(const struct restore_result *r, char to[static RESTORE_WORDS])
{
    size_t used = strlen(to);
    char n[STR_GROUPED_MAX];

    if (r->read_back && r->verified.modules != 0)
        (void)snprintf(to + used, RESTORE_WORDS - used,
                       "; %s values of modules are there, and were not compared",
                       str_grouped(r->verified.modules, n));
}

/* What was read back says more than counts do. */
static void
words_of_reading(const struct restore_result *r, const char *target, char to[static RESTORE_WORDS])
{
    char keys[STR_GROUPED_MAX], out[STR_GROUPED_MAX];

    (void)snprintf(to, RESTORE_WORDS, "read back from %s: %s %s, digest %s, as restored", target,
                   str_grouped(r->verified.keys, keys), str_plural(r->verified.keys, "key", "keys"),
                   r->verified.digest);
    add_left_out(r, to);
    add_modules(r, to);
    if (r->verified.left_out != 0)
        (void)snprintf(to + strlen(to), RESTORE_WORDS - strlen(to),
                       "; %s keys and fields that expire within minutes left out",
                       str_grouped(r->verified.left_out, out));
}

/* Not all of the dump: kept or filtered keys, or what a repair left of it. */
static bool
is_some(const struct restore_result *r)
{
    return r->repaired || r->load.skipped_keys != 0 || r->wanted != r->keys;
}

static void add_part(char to[static RESTORE_WORDS], const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
add_part(char to[static RESTORE_WORDS], const char *fmt, ...)
{
    size_t used = strlen(to);
    va_list ap;

    if (used != 0)
        (void)snprintf(to + used, RESTORE_WORDS - used, "; ");
    used = strlen(to);
    va_start(ap, fmt);
    (void)vsnprintf(to + used, RESTORE_WORDS - used, fmt, ap);
    va_end(ap);
}

const char *
restore_part(const struct restore_result *r, char to[static RESTORE_WORDS])
{
    const char *keys = str_plural(r->keys, "key", "keys");
    char all[STR_GROUPED_MAX];

    to[0] = '\0';
    (void)str_grouped(r->keys, all);
    if (r->repaired)
        add_part(to, "the backup was damaged, and these %s %s are what a repair left of it", all,
                 keys);
    if (r->part != NULL)
        add_part(to, "the backup is of %s alone", r->part);
    if (r->wanted != r->keys || r->load.skipped_keys != 0)
        add_part(to, "of the %s %s of the dump%s%s%s", all, keys,
                 r->wanted != r->keys ? " some were filtered out" : "",
                 r->wanted != r->keys && r->load.skipped_keys != 0 ? ", and" : "",
                 r->load.skipped_keys != 0 ? " some were there already and kept as they were" : "");
    if (r->changed[0] != '\0')
        add_part(to, "changed on the way by %s", r->changed);
    return to[0] != '\0' ? to : NULL;
}

const char *
restore_words(const struct restore_result *r, const char *target, char to[static RESTORE_WORDS])
{
    const struct outcome *o = &r->outcome;
    char after[STR_GROUPED_MAX], before[STR_GROUPED_MAX], all[STR_GROUPED_MAX],
        expired[STR_GROUPED_MAX], part[RESTORE_WORDS];

    (void)str_grouped(o->after, after);
    if (r->read_back && !r->equal)
        words_of_reading(r, target, to);
    else if (r->equal) {
        (void)snprintf(to, RESTORE_WORDS,
                       "counts and digest %s are those of the backup; %s holds its %s %s%s%s%s",
                       r->digest, target, after, str_plural(o->after, "key", "keys"),
                       o->expired != 0 ? ", expired since: " : "",
                       o->expired != 0 ? str_grouped(o->expired, expired) : "",
                       r->read_back ? ", read back and compared" : "");
        add_modules(r, to);
    } else if (is_some(r)) {
        (void)snprintf(to, RESTORE_WORDS, "a partial restore: %s", restore_part(r, part));
        return to;
    } else if (!o->told)
        (void)snprintf(to, RESTORE_WORDS,
                       "not proven: %s did not say how many keys it holds (the user needs +dbsize, "
                       "or +info and +scan)",
                       target);
    else if (o->before != 0)
        (void)snprintf(to, RESTORE_WORDS,
                       "not proven by counts: %s held %s %s before, and holds %s now", target,
                       str_grouped(o->before, before), str_plural(o->before, "key", "keys"), after);
    else if (o->proven && restore_left_anything(&r->load)) {
        (void)snprintf(to, RESTORE_WORDS, "%s holds the backup", target);
        add_left_out(r, to);
    } else if (o->proven)
        (void)snprintf(to, RESTORE_WORDS, "digest %s; %s holds its %s %s", r->digest, target, after,
                       str_plural(o->after, "key", "keys"));
    else
        (void)snprintf(to, RESTORE_WORDS, "not proven by counts: %s %s sent, and %s holds %s",
                       str_grouped(r->load.keys, all),
                       str_plural(r->load.keys, "key was", "keys were"), target, after);
    if (restore_part(r, part) != NULL)
        add_part(to, "%s%s", r->part != NULL || is_some(r) ? "partial: " : "", part);
    return to;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "base/str.h"
#include "opts/opts.h"

enum { SHOWN = 60 /* of a value, in messages */ };

static enum rc
type_text(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    (void)e;
    memcpy(to, &text, sizeof(text));
    return RC_OK;
}

static enum rc
type_list(const struct opt *o, const char *text, void *to, struct err *e)
{
    struct opt_list *list = to;

    (void)o;
    if (text == NULL) {
        list->n = 0;
        return RC_OK;
    }
    if (list->n == OPT_LIST_MAX)
        return err_set(e, RC_USAGE, "given more than %d times", OPT_LIST_MAX);
    list->v[list->n++] = text;
    return RC_OK;
}

static enum rc
type_bool(const struct opt *o, const char *text, void *to, struct err *e)
{
    bool yes = text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
    char shown[SHOWN];

    (void)o;
    if (!yes && text != NULL && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return err_set(e, RC_USAGE, "\"%s\" must be true or false",
                       str_show(str_c(text), shown, sizeof(shown)));
    *(bool *)to = yes;
    return RC_OK;
}

static enum rc
type_count(const struct opt *o, const char *text, void *to, struct err *e)
{
    int64_t v = o->field.min < 0 ? o->field.min - 1 : OPT_UNSET;
    char shown[SHOWN];

    if (text != NULL && text[0] == '\0')
        text = o->field.preset;
    if (text != NULL && (!str_to_i64(str_c(text), &v) || v < o->field.min || v > o->field.max)) {
        (void)str_show(str_c(text), shown, sizeof(shown));
        if (o->field.max == INT64_MAX)
            return err_set(e, RC_USAGE, "\"%s\" is not a number of at least %lld", shown,
                           (long long)o->field.min);
        return err_set(e, RC_USAGE, "\"%s\" is not a number from %lld to %lld", shown,
                       (long long)o->field.min, (long long)o->field.max);
    }
    *(int64_t *)to = v;
    return RC_OK;
}

static enum rc
type_size(const struct opt *o, const char *text, void *to, struct err *e)
{
    uint64_t v = 0;
    char shown[SHOWN];

    (void)o;
    if (text != NULL && !str_to_size(str_c(text), &v))
        return err_set(e, RC_USAGE, "\"%s\" is not a size such as 500K, 200M or 1G",
                       str_show(str_c(text), shown, sizeof(shown)));
    *(int64_t *)to = text != NULL ? (int64_t)v : OPT_UNSET;
    return RC_OK;
}

static enum rc
type_rate(const struct opt *o, const char *text, void *to, struct err *e)
{
    uint64_t kib = 0;
    char shown[SHOWN];

    (void)o;
    if (text != NULL && (!str_to_u64(str_c(text), &kib) || kib > UINT32_MAX))
        return err_set(e, RC_USAGE, "\"%s\" is not a number of KiB per second",
                       str_show(str_c(text), shown, sizeof(shown)));
    *(int64_t *)to = text != NULL ? (int64_t)kib * 1024 : OPT_UNSET;
    return RC_OK;
}

/* One number with its unit, as Go has it. `alone`: it is all there is, and needs none. False: it is not one. */
static bool
type_ms_step(const char **at, bool alone, double *sum)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"\xc2\xb5s", 1e-3}, {"\xce\xbcs", 1e-3},
                 {"ms", 1},    {"s", 1e3},   {"m", 60e3},         {"h", 3600e3}};
    enum { DIGITS_MAX = 12 };
    size_t whole = strspn(*at, "0123456789"), part = 0, letters;
    const char *unit = *at + whole;
    double v = 0, place = 1;

    if (*unit == '.')
        part = strspn(unit + 1, "0123456789");
    if (whole > DIGITS_MAX || part > DIGITS_MAX || whole + part == 0)
        return false;
    for (size_t i = 0; i < whole; i++)
        v = v * 10 + ((*at)[i] - '0');
    for (size_t i = 0; i < part; i++)
        v += (unit[1 + i] - '0') * (place /= 10);
    unit += *unit == '.' ? 1 + part : 0;
    letters = strcspn(unit, ".0123456789");
    if (letters == 0) {
        bool plain = unit == *at + whole;

        *at = unit;
        *sum += v * 1e3;
        return alone && plain;
    }
    *at = unit + letters;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (str_eq(str_of(unit, letters), str_c(units[i].unit))) {
            *sum += v * units[i].ms;
            return true;
        }
    return false;
}

static enum rc
type_ms(const struct opt *o, const char *text, void *to, struct err *e)
{
    enum { LIMIT = 1000000000 };
    const char *at = text;
    double sum = 0;
    char shown[SHOWN];

    if (text != NULL && text[0] == '\0')
        at = text = o->field.preset;
    if (text == NULL) {
        *(int *)to = OPT_UNSET;
        return RC_OK;
    }
    while (type_ms_step(&at, at == text, &sum) && sum <= LIMIT)
        if (at[0] == '\0') {
            *(int *)to = sum > 0 && sum < 1 ? 1 : (int)(sum + 0.5);
            return RC_OK;
        }
    return err_set(e, RC_USAGE, "\"%s\" is not a time such as 30s, 5m or 1h",
                   str_show(str_c(text), shown, sizeof(shown)));
}

/* "a, b or c". */
static void
type_join(const char *const *words, char *to, size_t size)
{
    size_t n = 0;

    to[0] = '\0';
    for (size_t i = 0; words[i] != NULL && n < size; i++)
        n += (size_t)snprintf(to + n, size - n, "%s%s",
                              i == 0                 ? ""
                              : words[i + 1] == NULL ? " or "
                                                     : ", ",
                              words[i]);
}

static enum rc
type_enum(const struct opt *o, const char *text, void *to, struct err *e)
{
    char all[160], shown[SHOWN];
    int i = 0;

    for (; text != NULL && o->field.words[i] != NULL && strcmp(text, o->field.words[i]) != 0; i++)
        ;
    if (text != NULL && o->field.words[i] == NULL) {
        type_join(o->field.words, all, sizeof(all));
        return err_set(e, RC_USAGE, "\"%s\" must be %s",
                       str_show(str_c(text), shown, sizeof(shown)), all);
    }
    memcpy(to, &i, sizeof(i));
    return RC_OK;
}

/* As restic's --time: what clocks show here, or with an offset, as tables show it. A day that does not exist is refused. */
static enum rc
type_time(const struct opt *o, const char *text, void *to, struct err *e)
{
    struct tm tm = {.tm_isdst = -1};
    const char *end;
    struct err none = ERR_INIT;
    struct instant at;
    char shown[SHOWN];
    time_t t;
    int day;

    (void)o;
    if (text == NULL) {
        *(struct opt_time *)to = (struct opt_time){.given = false};
        return RC_OK;
    }
    if (instant_parse(str_c(text), &at, &none) == RC_OK) {
        *(struct opt_time *)to = (struct opt_time){.given = true, .at = at};
        return RC_OK;
    }
    end = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
    day = tm.tm_mday;
    t = end != NULL && *end == '\0' ? mktime(&tm) : -1;
    if (t == -1 || tm.tm_mday != day)
        return err_set(e, RC_USAGE, "\"%s\" is not a time such as '2012-11-01 22:08:41'",
                       str_show(str_c(text), shown, sizeof(shown)));
    *(struct opt_time *)to =
        (struct opt_time){.given = true, .at = {.sec = t, .zone = (int32_t)tm.tm_gmtoff}};
    return RC_OK;
}

static enum rc
type_ignored(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    (void)text;
    (void)to;
    (void)e;
    return RC_OK;
}

static const char *const booleans[] = {"true", "false", NULL};

const struct opt_type opt_text = {.value = "TEXT", .parse = type_text};
const struct opt_type opt_file = {.value = "FILE", .is_path = true, .parse = type_text};
const struct opt_type opt_folder = {.value = "DIR", .is_path = true, .parse = type_text};
const struct opt_type opt_glob = {.value = "GLOB", .parse = type_text};
const struct opt_type opt_text_or_none = {
    .value = "TEXT", .may_be_empty = true, .parse = type_text};
const struct opt_type opt_file_or_none = {
    .value = "FILE", .may_be_empty = true, .is_path = true, .parse = type_text};
const struct opt_type opt_list = {.value = "TEXT", .is_list = true, .parse = type_list};
const struct opt_type opt_files = {
    .value = "FILE", .is_path = true, .is_list = true, .parse = type_list};
const struct opt_type opt_list_or_none = {
    .value = "TEXT", .may_be_empty = true, .is_list = true, .parse = type_list};
const struct opt_type opt_flag = {.is_flag = true, .parse = type_bool};
const struct opt_type opt_bool = {.is_flag = true, .words = booleans, .parse = type_bool};
const struct opt_type opt_count = {.value = "N", .parse = type_count};
const struct opt_type opt_count_or_none = {.value = "N", .may_be_empty = true, .parse = type_count};
const struct opt_type opt_size = {.value = "SIZE", .parse = type_size};
const struct opt_type opt_rate = {.value = "KIB", .parse = type_rate};
const struct opt_type opt_ms = {.value = "TIME", .parse = type_ms};
const struct opt_type opt_ms_or_none = {.value = "TIME", .may_be_empty = true, .parse = type_ms};
const struct opt_type opt_enum = {.value = "WORD", .parse = type_enum};
const struct opt_type opt_time = {.value = "TIME", .parse = type_time};
const struct opt_type opt_ignored = {
    .value = "TEXT", .may_be_empty = true, .is_ignored = true, .parse = type_ignored};
const struct opt_type opt_ignored_flag = {
    .is_flag = true, .words = booleans, .is_ignored = true, .parse = type_ignored};

/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/rand.h"
#include "maintain/check_internal.h"

enum { PARTS_MAX = 256, TEXT_MAX = 64 };

static bool
parse_part(const char *text, struct check_subset *out)
{
    const char *slash = strchr(text, '/');
    uint64_t n, t;

    if (slash == NULL || !str_to_u64(str_of(text, (size_t)(slash - text)), &n) ||
        !str_to_u64(str_c(slash + 1), &t) || n == 0 || n > t || t > PARTS_MAX)
        return false;
    out->part = (unsigned)n;
    out->parts = (unsigned)t;
    return true;
}

/* The number at the front; what is behind it. NULL: none, or one of another kind than "12.5". */
static const char *
parse_number(const char *text, double *out)
{
    const char *end = text + strspn(text, "0123456789.");
    char *stop;

    *out = strtod(text, &stop);
    return stop == text || stop != end || !isfinite(*out) || *out <= 0 ? NULL : end;
}

static bool
parse_size(double v, const char *unit, struct check_subset *out)
{
    static const char letters[] = "kmgt";
    const char *letter = unit[0] != '\0' ? strchr(letters, unit[0] | 0x20) : NULL;

    if (unit[0] != '\0' && (letter == NULL || unit[1] != '\0'))
        return false;
    if (letter != NULL)
        v = ldexp(v, 10 * (int)(letter - letters + 1));
    if (v < 1 || v >= 0x1p63)
        return false;
    out->bytes = (uint64_t)v;
    return true;
}

static bool
parse_random(const char *text, struct check_subset *out)
{
    double v;
    const char *unit = parse_number(text, &v);

    if (unit == NULL || strcmp(unit, "%") != 0)
        return unit != NULL && parse_size(v, unit, out);
    out->percent = v;
    return v <= 100;
}

enum rc
check_subset_parse(const char *text, struct check_subset *out, struct err *e)
{
    struct check_subset s = {.parts = 0};
    char shown[TEXT_MAX];

    if (strchr(text, '/') != NULL ? !parse_part(text, &s) : !parse_random(text, &s))
        return err_set(e, RC_USAGE,
                       "\"%s\" is not a part such as 1/10 (of at most %d), 5%% or 500M",
                       str_show(str_c(text), shown, sizeof(shown)), PARTS_MAX);
    *out = s;
    return RC_OK;
}

/* How many packs of all are to be read. */
static size_t
count_of(const struct checker *c, const struct check_subset *s)
{
    double share = s->percent / 100, sum = 0;

    for (size_t i = 0; i < c->n_packs; i++)
        sum += (double)c->packs[i].bytes;
    if (s->bytes != 0)
        share = (double)s->bytes / sum;
    return share >= 1 ? c->n_packs : MAX((size_t)((double)c->n_packs * share), (size_t)1);
}

void
check_subset_choose(struct checker *c, const struct check_subset *s)
{
    size_t left;

    if (s->parts != 0 || (s->percent <= 0 && s->bytes == 0)) {
        for (uint32_t i = 0; i < c->n_packs; i++)
            c->packs[i].chosen =
                s->parts == 0 || index_pack(c->index, i)->b[0] % s->parts == s->part - 1;
        return;
    }
    left = count_of(c, s);
    for (size_t i = 0; i < c->n_packs; i++) { /* each of those that follow as likely as this one */
        c->packs[i].chosen = rand_below(c->n_packs - i) < left;
        left -= c->packs[i].chosen;
    }
}

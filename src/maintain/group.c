/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/group.h"

#include "base/str.h"

enum rc
group_parse(const char *text, unsigned *by, struct err *e)
{
    static const struct {
        const char *word;
        unsigned bit;
    } known[] = {{"host", GROUP_HOST},  {"paths", GROUP_PATHS}, {"path", GROUP_PATHS},
                 {"hosts", GROUP_HOST}, {"tags", GROUP_TAGS},   {"tag", GROUP_TAGS}};

    *by = 0;
    for (const char *at = text; *at != '\0'; at += *at == ',') {
        struct str word = str_of(at, strcspn(at, ","));
        unsigned bit = 0;
        char shown[32];

        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            bit |= str_eq(word, str_c(known[i].word)) ? known[i].bit : 0;
        if (bit == 0)
            return err_set(e, RC_INVALID, "cannot group by \"%s\"; known: host paths tags",
                           str_show(word, shown, sizeof(shown)));
        *by |= bit;
        at += word.n;
    }
    return RC_OK;
}

static int
by_text(const void *a, const void *b)
{
    const char *const *x = (const char *const *)a, *const *y = (const char *const *)b;

    return strcmp(*x, *y);
}

static int
compare_lists(char *const *a, size_t n_a, char *const *b, size_t n_b)
{
    for (size_t i = 0; i < n_a && i < n_b; i++) {
        int c = strcmp(a[i], b[i]);
        if (c != 0)
            return c;
    }
    return (n_a > n_b) - (n_a < n_b);
}

static int
compare_keys(const struct snapshot *a, const struct snapshot *b, unsigned by)
{
    int c = 0;

    if (by & GROUP_HOST)
        c = strcmp(a->hostname != NULL ? a->hostname : "", b->hostname != NULL ? b->hostname : "");
    if (c == 0 && (by & GROUP_PATHS))
        c = compare_lists(a->paths, a->n_paths, b->paths, b->n_paths);
    if (c == 0 && (by & GROUP_TAGS))
        c = compare_lists(a->tags, a->n_tags, b->tags, b->n_tags);
    if (c == 0 && (by & GROUP_OWNER))
        c = (a->owner > b->owner) - (a->owner < b->owner);
    if (c == 0 && (by & GROUP_OWNER)) /* of no owner too: what is whole stands apart */
        c = strcmp(a->part != NULL ? a->part : "", b->part != NULL ? b->part : "");
    return c;
}

static int
group_compare(const void *a, const void *b, void *by)
{
    const struct snapshot *x = (const struct snapshot *)a, *y = (const struct snapshot *)b;
    int c = compare_keys(x, y, *(const unsigned *)by);

    if (c == 0)
        c = instant_cmp(y->time, x->time);
    return c != 0 ? c : memcmp(x->id.b, y->id.b, sizeof(x->id.b));
}

void
group_sort(struct snapshot *list, size_t n, unsigned by)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].n_paths > 1)
            qsort(list[i].paths, list[i].n_paths, sizeof(char *), by_text);
        if (list[i].n_tags > 1)
            qsort(list[i].tags, list[i].n_tags, sizeof(char *), by_text);
    }
    if (n > 1)
        qsort_r(list, n, sizeof(*list), group_compare, &by);
}

size_t
group_length(const struct snapshot *list, size_t n, unsigned by)
{
    size_t i = 0;

    while (i < n && compare_keys(&list[0], &list[i], by) == 0)
        i++;
    return i;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Cells that several resources have. */
#include "api/age.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "plane/builtin.h"

/* Unix seconds of a time as text; 0: none. */
int64_t
time_seconds(const struct json *time)
{
    struct err e = ERR_INIT;
    struct instant t;

    if (json_text(time) == NULL || instant_parse(json_text_str(time), &t, &e))
        return 0;
    return t.sec;
}

void
cell_age(struct json *cells, const struct json *time)
{
    int64_t at = time_seconds(time);
    char age[24];

    json_push_cstr(cells, at == 0 ? "<unknown>" : age_text(clock_real_ms() / 1000 - at, age));
}

void
cell_created(struct json *cells, const struct json *obj)
{
    cell_age(cells, json_dig(obj, "metadata", "creationTimestamp"));
}

void
cell_text(struct json *cells, const struct json *value, const char *otherwise)
{
    json_push_cstr(cells, json_text_or(value, otherwise));
}

void
cell_word(struct buf *b, const char *w)
{

    buf_putf(b, "%s%s", b->n > 0 ? "," : "", w);
}

void
cell_words(struct json *cells, struct buf *b, const char *otherwise)
{
    json_push_cstr(cells, b->n > 0 ? buf_c(b) : otherwise);
}

void
cell_labels(struct json *cells, const struct json *labels)
{
    CLEANUP(buf_release) struct buf b = BUF_INIT(4096);

    for (struct json_item it = json_first(labels); it.key != NULL; it = json_next(labels, it)) {
        CLEANUP(mem_free_ptr)
        char *pair = mem_printf("%s=%s", it.key, json_text_or(it.value, ""));
        cell_word(&b, pair);
    }
    cell_words(cells, &b, "<none>");
}

void
cells_created_at(const struct json *obj, struct json *cells)
{
    cell_text(cells, json_dig(obj, "metadata", "creationTimestamp"), "");
}

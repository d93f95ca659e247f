/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/print.h"

#include "api/age.h"
#include "base/clock.h"
#include "base/mem.h"
#include "json/yaml.h"
#include "kube/object.h"

enum { TABLE_PADDING = 3, TABLE_MIN = 6 };

static void
print_add(struct buf *out, struct str s)
{
    buf_must_add(out, s.p, s.n);
}

static void
print_blanks(struct buf *out, size_t n)
{
    buf_must_printf(out, "%*s", (int)n, "");
}

/* What is shown of a cell, which somebody else may have written: one line, that changes no terminal. Escapes as kubectl. */
static char *
cell_safe(struct str s)
{
    struct buf b = BUF_INIT(PRINT_MAX);
    char *to;

    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];

        if (c == 0x1b || c == '\r')
            buf_must_add(&b, c == '\r' ? "\\r" : "^[", 2);
        else
            buf_must_add(&b, &c, 1);
    }
    to = mem_strndup(buf_c(&b), b.n);
    buf_release(&b);
    return str_one_line(to);
}

/* The lines of a text, cut into cells. */
struct tab_line {
    char **cells;
    size_t n;
};

static struct tab_line
cut_line(struct str s)
{
    struct tab_line l = {.cells = NULL};
    size_t start = 0;

    for (size_t i = 0; i <= s.n; i++)
        if (i == s.n || s.p[i] == '\t') {
            l.cells = (char **)mem_more(l.cells, l.n, sizeof(char *));
            l.cells[l.n++] = cell_safe(str_of(s.p + start, i - start));
            start = i + 1;
        }
    return l;
}

/* The width of column `c` in the run of lines around `at` that have it. */
static size_t
column_width(const struct tab_line *lines, size_t n, size_t at, size_t c)
{
    size_t from = at, width = 0;

    while (from > 0 && lines[from - 1].n > c + 1)
        from--;
    for (size_t i = from; i < n && lines[i].n > c + 1; i++)
        width = MAX(width, str_chars(str_c(lines[i].cells[c])));
    return width;
}

void
print_tabs(struct str text, size_t padding, struct buf *out)
{
    struct tab_line *lines = NULL;
    size_t n = 0, start = 0;

    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\n') {
            lines = (struct tab_line *)mem_more(lines, n, sizeof(*lines));
            lines[n++] = cut_line(str_of(text.p + start, i - start));
            start = i + 1;
        }
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < lines[i].n; c++) {
            struct str cell = str_c(lines[i].cells[c]);
            print_add(out, cell);
            if (c + 1 < lines[i].n)
                print_blanks(out, column_width(lines, n, i, c) + padding - str_chars(cell));
        }
        buf_must_add(out, "\n", 1);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < lines[i].n; c++)
            mem_free(lines[i].cells[c]);
        mem_free(lines[i].cells);
    }
    mem_free(lines);
}

static char *
cell_text(const struct json *cell)
{
    char *s, *cut;

    if (cell == NULL || json_kind_of(cell) == JSON_IS_NULL)
        return mem_strdup("");
    if (json_text(cell) == NULL)
        return json_to_text(cell, false);
    s = mem_strdup(json_text(cell));
    cut = strpbrk(s, "\f\n\r");
    if (cut != NULL) { /* as kubectl: only the first line */
        char *shorter;
        *cut = '\0';
        shorter = mem_printf("%s...", s);
        mem_free(s);
        s = shorter;
    }
    return s;
}

/* Cells of all lines, line after line. */
struct grid {
    char **cells;
    size_t n, columns;
};

static void
grid_add(struct grid *g, char *take)
{
    g->cells = (char **)mem_more(g->cells, g->n, sizeof(char *));
    g->cells[g->n++] = cell_safe(str_c(take));
    mem_free(take);
}

static char *
print_upper(const char *s)
{
    char *to = mem_strdup(s);

    for (char *c = to; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 32);
    return to;
}

static char *
labels_text(const struct json *obj)
{
    const struct json *labels = json_dig(obj, "metadata", "labels");
    CLEANUP(buf_release) struct buf b = BUF_INIT(PRINT_MAX);

    for (struct json_item it = json_first(labels); it.key != NULL; it = json_next(labels, it))
        buf_must_printf(&b, "%s%s=%s", b.n > 0 ? "," : "", it.key, json_text_or(it.value, ""));
    return mem_strdup(b.n > 0 ? buf_c(&b) : "<none>");
}

static bool
is_shown(const struct print_table *t, const struct json *column)
{
    return t->wide || json_int_or(json_field(column, "priority"), 0) == 0;
}

static void
grid_header(struct grid *g, const struct print_table *t, const struct json *columns)
{
    if (t->with_namespace)
        grid_add(g, mem_strdup("NAMESPACE"));
    for (size_t c = 0; c < json_size(columns); c++)
        if (is_shown(t, json_elem(columns, c)))
            grid_add(g, print_upper(json_text_or(json_field(json_elem(columns, c), "name"), "")));
    if (t->show_labels)
        grid_add(g, mem_strdup("LABELS"));
}

static void
grid_row(struct grid *g, const struct print_table *t, const struct json *columns,
         const struct json *row, const char *prefix)
{
    const struct json *cells = json_field(row, "cells"), *obj = json_field(row, "object");

    if (t->with_namespace)
        grid_add(g, mem_strdup(kube_ns(obj) != NULL ? kube_ns(obj) : ""));
    for (size_t c = 0; c < json_size(columns); c++) {
        const struct json *column = json_elem(columns, c);
        char *text;
        if (!is_shown(t, column))
            continue;
        text = cell_text(json_elem(cells, c));
        if (prefix != NULL && strcmp(json_text_or(json_field(column, "format"), ""), "name") == 0) {
            char *named = mem_printf("%s/%s", prefix, text);
            mem_free(text);
            text = named;
        }
        grid_add(g, text);
    }
    if (t->show_labels)
        grid_add(g, labels_text(obj));
}

static void
grid_print(struct grid *g, struct print_table *t, struct buf *out)
{
    for (size_t i = 0; i < g->n; i++) {
        size_t c = MIN(i % g->columns, PRINT_COLUMNS_MAX - 1);
        size_t w = str_chars(str_c(g->cells[i])) + TABLE_PADDING;
        t->width[c] = MAX(MAX(t->width[c], w), TABLE_MIN);
    }
    for (size_t i = 0; i < g->n; i++) {
        size_t c = MIN(i % g->columns, PRINT_COLUMNS_MAX - 1);
        print_add(out, str_c(g->cells[i]));
        if ((i + 1) % g->columns == 0)
            buf_must_add(out, "\n", 1);
        else
            print_blanks(out, t->width[c] - str_chars(str_c(g->cells[i])));
        mem_free(g->cells[i]);
    }
    mem_free(g->cells);
}

/* A server that knows no tables answers with objects. */
static struct json *
table_of(const struct json *obj)
{
    struct json *t = json_new_object(), *columns = json_need_array(t, "columnDefinitions");
    struct json *row = json_new_object(), *column = json_new_object();
    char age[24];

    json_set_cstr(column, "name", "Name");
    json_set_cstr(column, "format", "name");
    json_push(columns, column);
    column = json_new_object();
    json_set_cstr(column, "name", "Age");
    json_push(columns, column);
    json_push_cstr(json_need_array(row, "cells"), kube_name(obj) != NULL ? kube_name(obj) : "");
    json_push_cstr(json_need_array(row, "cells"),
                   age_text((clock_real_ms() - kube_created_ms(obj)) / 1000, age));
    json_set(row, "object", json_clone(obj));
    json_push(json_need_array(t, "rows"), row);
    return t;
}

size_t
print_table(struct print_table *t, const struct json *table, const char *prefix, struct buf *out)
{
    CLEANUP(json_free_ptr) struct json *made = NULL;
    const struct json *columns, *rows;
    struct grid g = {.cells = NULL};

    if (json_field(table, "rows") == NULL && json_field(table, "columnDefinitions") == NULL) {
        const struct json *items = json_field(table, "items");
        size_t n = 0;
        if (items == NULL) {
            made = table_of(table);
            table = made;
        }
        for (size_t i = 0; i < json_size(items); i++)
            n += print_table(t, json_elem(items, i), prefix, out);
        if (items != NULL)
            return n;
    }
    columns = json_field(table, "columnDefinitions");
    rows = json_field(table, "rows");
    if (json_size(rows) == 0)
        return 0;
    grid_header(&g, t, columns);
    g.columns = MAX(g.n, 1);
    if (t->headed || t->no_headers) {
        for (size_t i = 0; i < g.n; i++)
            mem_free(g.cells[i]);
        g.n = 0;
    }
    for (size_t i = 0; i < json_size(rows); i++)
        grid_row(&g, t, columns, json_elem(rows, i), prefix);
    t->headed = true;
    grid_print(&g, t, out);
    return json_size(rows);
}

/* A copy with sorted keys and without what people do not read. */
static struct json *
for_people(const struct json *obj, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *copy = json_clone(obj);
    CLEANUP(mem_free_ptr) char *text = NULL;
    const struct json *items = json_field(copy, "items");
    struct json *sorted = NULL;

    if (json_field(json_field(copy, "metadata"), "managedFields") != NULL)
        json_remove(json_field(copy, "metadata"), "managedFields");
    for (size_t i = 0; i < json_size(items); i++)
        if (json_dig(json_elem(items, i), "metadata", "managedFields") != NULL)
            json_remove(json_field(json_elem(items, i), "metadata"), "managedFields");
    text = json_to_text(copy, true);
    if (json_parse(str_c(text), &sorted, e))
        return NULL;
    return sorted;
}

enum rc
print_json(const struct json *obj, struct buf *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = for_people(obj, e);
    CLEANUP(buf_release) struct buf text = BUF_INIT(PRINT_MAX);
    bool indent = true;

    if (j == NULL || json_print_pretty(j, &text, e))
        return err_code(e);
    for (size_t i = 0; i < text.n; i++) { /* four blanks a level, not two */
        buf_must_add(out, text.p + i, 1);
        if (indent && text.p[i] == ' ')
            buf_must_add(out, " ", 1);
        indent = text.p[i] == '\n' || (indent && text.p[i] == ' ');
    }
    if (out->n > 0 && out->p[out->n - 1] != '\n')
        buf_must_add(out, "\n", 1);
    return RC_OK;
}

enum rc
print_yaml(const struct json *obj, struct buf *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = for_people(obj, e);

    return j == NULL ? err_code(e) : json_to_yaml(j, out, e);
}

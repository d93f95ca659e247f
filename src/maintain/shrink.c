/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/shrink.h"

#include "base/mem.h"
#include "json/json.h"
#include "json/node.h"
#include "json/write.h"

enum { PERCENT = 100, DAY_S = 24 * 60 * 60 };

/* ---- as JSON ---- */

void
shrink_write(struct jw *w, const struct shrink *s)
{
    char hex[ID_TEXT];

    jw_key(w, "shrink");
    jw_open_object(w);
    jw_key(w, "points");
    jw_open_array(w);
    for (size_t i = 0; i < s->n_points; i++) {
        jw_open_array(w);
        jw_u64(w, s->points[i].number);
        jw_u64(w, (uint64_t)s->points[i].time);
        jw_u64(w, s->points[i].keys);
        jw_close_array(w);
    }
    jw_close_array(w);
    if (s->peak > 0)
        jw_field_u64(w, "peak", s->peak);
    if (s->pinned) {
        jw_field_cstr(w, "pinned", id_hex(&s->pin, hex));
        jw_field_u64(w, "pinned_keys", s->pin_keys);
    }
    jw_close_object(w);
}

static bool
point_read(const struct json *j, struct shrink_point *out)
{
    int64_t number = json_int_or(json_elem(j, 0), -1), time = json_int_or(json_elem(j, 1), -1),
            keys = json_int_or(json_elem(j, 2), -1);

    *out = (struct shrink_point){(uint64_t)number, time, (uint64_t)keys};
    return number > 0 && number < INT64_MAX && time >= 0 && keys >= 0;
}

static bool
shrink_decode(const struct json *j, struct shrink *out)
{
    const struct json *points = json_field(j, "points");

    *out = (struct shrink){.n_points = 0};
    if (json_size(points) == 0 || json_size(points) > SHRINK_POINTS)
        return false;
    for (size_t i = 0; i < json_size(points); i++)
        if (!point_read(json_elem(points, i), &out->points[out->n_points++]))
            return false;
    out->peak = (uint64_t)MAX((int64_t)0, json_int_or(json_field(j, "peak"), 0));
    out->pin_keys = (uint64_t)MAX((int64_t)0, json_int_or(json_field(j, "pinned_keys"), 0));
    out->pinned = id_from_hex(json_text_str(json_field(j, "pinned")), &out->pin);
    return true;
}

bool
shrink_read(const char *brief, struct shrink *out)
{
    struct json *j = NULL;
    struct err none = ERR_INIT;
    bool ok;

    if (brief == NULL || json_parse(str_c(brief), &j, &none))
        return false;
    ok = shrink_decode(json_field(j, "shrink"), out);
    json_free(j);
    return ok;
}

/* ---- the next one ---- */

static uint64_t
shrink_number(const struct shrink *s)
{
    return s->n_points == 0 ? 0 : s->points[s->n_points - 1].number;
}

/* Leave out the point that its successor tells best. */
static void
points_thin(struct shrink *s)
{
    size_t drop = 1;

    for (size_t i = 1; i + 1 < s->n_points; i++)
        if (s->points[i].keys - s->points[i + 1].keys <
            s->points[drop].keys - s->points[drop + 1].keys)
            drop = i;
    memmove(&s->points[drop], &s->points[drop + 1],
            (s->n_points - drop - 1) * sizeof(s->points[0]));
    s->n_points--;
}

/* What is too long ago does not count any longer. */
static void
points_drop_old(struct shrink *s, uint64_t number, int64_t now)
{
    size_t old = 0;

    while (old < s->n_points && number - s->points[old].number > SHRINK_LAST &&
           now - s->points[old].time > (int64_t)SHRINK_DAYS * DAY_S)
        old++;
    memmove(s->points, s->points + old, (s->n_points - old) * sizeof(s->points[0]));
    s->n_points -= old;
}

/* The newest, behind those that are larger. */
static void
points_add(struct shrink *s, uint64_t number, int64_t now, uint64_t keys)
{
    while (s->n_points > 0 && s->points[s->n_points - 1].keys <= keys)
        s->n_points--;
    if (s->n_points == SHRINK_POINTS)
        points_thin(s);
    s->points[s->n_points++] = (struct shrink_point){number, MAX(now, (int64_t)0), keys};
}

static bool
snapshot_is(const struct snapshot *s, const struct id *id)
{
    return id_eq(&s->id, id) || (s->has_original && id_eq(&s->original, id));
}

static const struct snapshot *
snapshot_of(const struct snapshot *list, size_t n, const struct id *id)
{
    for (size_t i = 0; i < n; i++)
        if (snapshot_is(&list[i], id))
            return &list[i];
    return NULL;
}

/* The whole snapshots that come before the one that is to be made. */
struct line {
    const struct snapshot *list;
    size_t n;
    const struct target *target;
    unsigned owner; /* of the target; 0: it has none */
    bool namesakes; /* then those of its name count */
};

static bool
line_has(const struct line *l, const struct snapshot *s)
{
    if (!snapshot_is_backup(s) || !s->counted)
        return false;
    if (l->namesakes)
        return s->target != NULL && strcmp(s->target, l->target->name) == 0;
    return l->owner != 0 && s->owner == l->owner;
}

bool
shrink_is_namesake(const struct snapshot *list, size_t n, const struct target *t)
{
    bool namesake = false;

    for (size_t i = 0; i < n; i++) {
        if (list[i].safety)
            continue;
        if (target_is(t, &list[i]))
            return false;
        namesake = namesake || (list[i].target != NULL && strcmp(list[i].target, t->name) == 0);
    }
    return namesake;
}

static struct line
line_of(const struct snapshot *list, size_t n, const struct target *t)
{
    struct line l = {.list = list, .n = n, .target = t};

    for (size_t i = 0; i < n && l.owner == 0; i++)
        if (target_is(t, &list[i]) && snapshot_is_backup(&list[i]))
            l.owner = list[i].owner;
    l.namesakes = shrink_is_namesake(list, n, t);
    return l;
}

/* What the newest of the line knows; without such a word, what the line itself shows. */
static void
line_history(const struct line *l, struct shrink *out)
{
    struct shrink s;
    uint64_t number = 0;

    *out = (struct shrink){.n_points = 0};
    for (size_t i = 0; i < l->n; i++)
        if (line_has(l, &l->list[i]) && shrink_read(l->list[i].brief, &s) &&
            shrink_number(&s) > shrink_number(out))
            *out = s;
    for (size_t i = 0; i < l->n && out->n_points == 0; i++)
        number += line_has(l, &l->list[i]);
    if (out->n_points > 0 || number == 0)
        return;
    number = 0;
    for (size_t i = 0; i < l->n; i++)
        if (line_has(l, &l->list[i]))
            points_add(out, ++number, l->list[i].time.sec, l->list[i].keys);
}

/* Is `keys` less than `percent` of `whole`? */
static bool
is_below(uint64_t keys, unsigned percent, uint64_t whole)
{
    return (double)keys * PERCENT < (double)whole * percent;
}

static void
pin_newest(const struct line *l, unsigned below, struct shrink *s)
{
    for (size_t i = l->n; i > 0; i--) {
        const struct snapshot *c = &l->list[i - 1];

        if (!line_has(l, c) || is_below(c->keys, below, s->peak))
            continue;
        s->pinned = true;
        s->pin = c->id;
        s->pin_keys = c->keys;
        return;
    }
}

void
shrink_next(const struct snapshot *list, size_t n, const struct shrink_opts *o, struct instant now,
            uint64_t keys, struct shrink *out)
{
    struct line l = line_of(list, n, &o->target);
    struct shrink s;
    uint64_t number;

    line_history(&l, &s);
    number = shrink_number(&s) + 1;
    if (s.pinned && snapshot_of(list, n, &s.pin) == NULL) { /* removed by hand: accepted */
        s.pinned = false;
        s.points[0] = s.points[s.n_points - 1];
        s.n_points = 1;
    }
    if (o->accept || o->below == 0)
        s.pinned = false;
    if (o->accept)
        s.n_points = 0;
    points_drop_old(&s, number, now.sec);
    s.peak = s.n_points > 0 ? s.points[0].keys : 0;
    if (s.pinned && !is_below(keys, SHRINK_BACK, s.pin_keys))
        s.pinned = false;
    if (!s.pinned && o->below != 0 && is_below(keys, o->below, s.peak))
        pin_newest(&l, o->below, &s);
    points_add(&s, number, now.sec, keys);
    *out = s;
}

/* ---- what retention keeps ---- */

void
shrink_pins(struct snapshot *list, size_t n)
{
    struct shrink *newest = (struct shrink *)mem_zero(n + 1, sizeof(*newest)); /* by owner */
    struct shrink s;

    for (size_t i = 0; i < n; i++) {
        list[i].pinned = false;
        if (list[i].owner != 0 && snapshot_is_backup(&list[i]) && shrink_read(list[i].brief, &s) &&
            shrink_number(&s) > shrink_number(&newest[list[i].owner]))
            newest[list[i].owner] = s;
    }
    for (unsigned owner = 1; owner <= n; owner++)
        for (size_t i = 0; i < n && newest[owner].pinned; i++)
            list[i].pinned = list[i].pinned || snapshot_is(&list[i], &newest[owner].pin);
    mem_free(newest);
}

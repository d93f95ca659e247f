/* SPDX-License-Identifier: Apache-2.0 */
#include <yaml.h>

#include "base/mem.h"
#include "json/yaml_internal.h"

/* A node that was named, to be copied where it is meant again. */
struct anchor {
    char *name;
    struct json *value; /* a share */
};

struct reader {
    yaml_parser_t lib;
    yaml_event_t ev; /* the current one */
    size_t nodes, repeated;
    struct anchor *anchors;
    size_t n_anchors;
};

enum { NODE_TEXT = 64 };

static enum rc read_node(struct reader *r, unsigned depth, struct json **out, struct err *e);

static size_t
yaml_line(const struct reader *r)
{
    return r->ev.start_mark.line + 1;
}

static enum rc
yaml_next(struct reader *r, struct err *e)
{
    yaml_event_delete(&r->ev);
    if (yaml_parser_parse(&r->lib, &r->ev))
        return RC_OK;
    memset(&r->ev, 0, sizeof(r->ev));
    return err_set(e, RC_INVALID, "bad YAML in line %zu: %s", r->lib.problem_mark.line + 1,
                   r->lib.problem != NULL ? r->lib.problem : "not understood");
}

static enum rc
yaml_count(struct reader *r, size_t more, struct err *e)
{
    if (more > YAML_NODES_MAX - r->nodes)
        return err_set(e, RC_LIMIT, "the YAML has more than %d nodes at line %zu", YAML_NODES_MAX,
                       yaml_line(r));
    r->nodes += more;
    return RC_OK;
}

/* Its nodes; a long text counts as many. */
static size_t
size_of(const struct json *j)
{
    size_t n = 1 + json_text_str(j).n / NODE_TEXT;

    for (struct json_item it = json_first(j); it.key != NULL; it = json_next(j, it))
        n += size_of(it.value) + strlen(it.key) / NODE_TEXT;
    if (json_kind_of(j) == JSON_IS_ARRAY)
        for (size_t i = 0; i < json_size(j); i++)
            n += size_of(json_elem(j, i));
    return n;
}

/* It is there once more: kept for an anchor, or where an alias stands. */
static enum rc
yaml_repeat(struct reader *r, const struct json *j, struct err *e)
{
    r->repeated += size_of(j);
    if (r->repeated > YAML_REPEATED_MAX)
        return err_set(e, RC_LIMIT, "the YAML repeats more than %d nodes by anchors at line %zu",
                       YAML_REPEATED_MAX, yaml_line(r));
    return RC_OK;
}

static void
forget_anchors(struct reader *r)
{
    for (size_t i = 0; i < r->n_anchors; i++) {
        mem_free(r->anchors[i].name);
        json_free(r->anchors[i].value);
    }
    mem_free(r->anchors);
    r->anchors = NULL;
    r->n_anchors = 0;
}

/* A later anchor of the same name hides the earlier one. */
static void
keep_anchor(struct reader *r, char *name, const struct json *value)
{
    r->anchors = (struct anchor *)mem_more(r->anchors, r->n_anchors, sizeof(*r->anchors));
    r->anchors[r->n_anchors].name = name;
    r->anchors[r->n_anchors++].value = json_clone(value);
}

static enum rc
read_alias(struct reader *r, struct json **out, struct err *e)
{
    const char *name = (const char *)r->ev.data.alias.anchor;

    for (size_t i = r->n_anchors; i-- > 0;) {
        if (strcmp(r->anchors[i].name, name) != 0)
            continue;
        if (yaml_repeat(r, r->anchors[i].value, e))
            return err_code(e);
        *out = json_clone(r->anchors[i].value);
        return RC_OK;
    }
    return err_set(e, RC_INVALID, "bad YAML in line %zu: nothing is called \"%s\"", yaml_line(r),
                   name);
}

static struct str
scalar_text(const struct reader *r)
{
    return str_of(r->ev.data.scalar.value, r->ev.data.scalar.length);
}

static struct json *
read_scalar(const struct reader *r)
{
    const char *tag = (const char *)r->ev.data.scalar.tag;
    bool plain = r->ev.data.scalar.plain_implicit;
    struct json *typed;

    if (tag != NULL && strcmp(tag, "!") != 0)
        plain = strcmp(tag, YAML_INT_TAG) == 0 || strcmp(tag, YAML_BOOL_TAG) == 0 ||
                strcmp(tag, YAML_FLOAT_TAG) == 0 || strcmp(tag, YAML_NULL_TAG) == 0;
    else if (r->ev.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        plain = false;
    typed = plain ? yaml_plain_value(scalar_text(r)) : NULL;
    return typed != NULL ? typed : json_new_str(scalar_text(r));
}

/* "<<": fields of an object, or of each object of an array, that are not there yet. */
static enum rc
yaml_merge(struct reader *r, struct json *into, const struct json *from, struct err *e)
{
    if (json_kind_of(from) == JSON_IS_ARRAY) {
        for (size_t i = 0; i < json_size(from); i++) {
            if (json_kind_of(json_elem(from, i)) != JSON_IS_OBJECT)
                break;
            if (yaml_merge(r, into, json_elem(from, i), e))
                return err_code(e);
        }
        return RC_OK;
    }
    if (json_kind_of(from) != JSON_IS_OBJECT)
        return err_set(e, RC_INVALID, "bad YAML in line %zu: only a mapping can be merged",
                       yaml_line(r));
    for (struct json_item it = json_first(from); it.key != NULL; it = json_next(from, it))
        if (json_field(into, it.key) == NULL)
            json_set(into, it.key, json_clone(it.value));
    return RC_OK;
}

static enum rc
read_key(struct reader *r, char **key, bool *merges, struct err *e)
{
    struct str s = scalar_text(r);

    if (r->ev.type == YAML_ALIAS_EVENT) {
        struct json *j = NULL;
        if (read_alias(r, &j, e))
            return err_code(e);
        s = json_text_str(j);
        if (s.p != NULL && memchr(s.p, 0, s.n) == NULL)
            *key = mem_strndup((const char *)s.p, s.n);
        json_free(j);
        *merges = false;
    } else if (r->ev.type == YAML_SCALAR_EVENT && (s.n == 0 || memchr(s.p, 0, s.n) == NULL)) {
        *key = mem_strndup((const char *)s.p, s.n);
        *merges = r->ev.data.scalar.plain_implicit && strcmp(*key, "<<") == 0;
        if (r->ev.data.scalar.anchor != NULL) {
            struct json *j = json_new_cstr(*key);
            keep_anchor(r, mem_strdup((const char *)r->ev.data.scalar.anchor), j);
            json_free(j);
        }
    }
    if (*key == NULL)
        return err_set(e, RC_INVALID, "bad YAML in line %zu: a key must be text", yaml_line(r));
    return RC_OK;
}

/* One "key: value"; the current event is the key's. */
static enum rc
read_field(struct reader *r, unsigned depth, struct json *obj, struct json *merged, struct err *e)
{
    CLEANUP(mem_free_ptr) char *key = NULL;
    struct json *value = NULL;
    bool merges = false;

    if (yaml_count(r, 1, e) || read_key(r, &key, &merges, e))
        return err_code(e);
    if (!merges && json_field(obj, key) != NULL)
        return err_set(e, RC_INVALID, "bad YAML in line %zu: the key \"%.100s\" is there twice",
                       yaml_line(r), key);
    if (yaml_next(r, e) || read_node(r, depth, &value, e))
        return err_code(e);
    if (merges)
        json_push(merged, value);
    else
        json_set(obj, key, value);
    return RC_OK;
}

static enum rc
read_mapping(struct reader *r, unsigned depth, struct json **out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = json_new_object();
    CLEANUP(json_free_ptr) struct json *merged = json_new_array();

    for (;;) {
        if (yaml_next(r, e))
            return err_code(e);
        if (r->ev.type == YAML_MAPPING_END_EVENT)
            break;
        if (read_field(r, depth, obj, merged, e))
            return err_code(e);
    }
    for (size_t i = 0; i < json_size(merged); i++)
        if (yaml_repeat(r, json_elem(merged, i), e) || yaml_merge(r, obj, json_elem(merged, i), e))
            return err_code(e);
    *out = TAKE(obj);
    return RC_OK;
}

static enum rc
read_sequence(struct reader *r, unsigned depth, struct json **out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *arr = json_new_array();

    for (;;) {
        struct json *value = NULL;
        if (yaml_next(r, e))
            return err_code(e);
        if (r->ev.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (read_node(r, depth, &value, e))
            return err_code(e);
        json_push(arr, value);
    }
    *out = TAKE(arr);
    return RC_OK;
}

/* The node that the current event begins; its last event is the current one afterwards. */
static enum rc
read_node(struct reader *r, unsigned depth, struct json **out, struct err *e)
{
    const yaml_char_t *name = NULL;
    CLEANUP(mem_free_ptr) char *anchor = NULL;

    if (depth >= YAML_DEPTH_MAX)
        return err_set(e, RC_LIMIT, "the YAML is nested too deep in line %zu", yaml_line(r));
    if (r->ev.type == YAML_ALIAS_EVENT)
        return read_alias(r, out, e);
    if (yaml_count(r, 1, e))
        return err_code(e);
    if (r->ev.type == YAML_SCALAR_EVENT)
        name = r->ev.data.scalar.anchor;
    else if (r->ev.type == YAML_MAPPING_START_EVENT)
        name = r->ev.data.mapping_start.anchor;
    else
        name = r->ev.data.sequence_start.anchor;
    anchor = name == NULL ? NULL : mem_strdup((const char *)name);
    if (r->ev.type == YAML_SCALAR_EVENT)
        *out = read_scalar(r);
    else if (r->ev.type == YAML_MAPPING_START_EVENT ? read_mapping(r, depth + 1, out, e)
                                                    : read_sequence(r, depth + 1, out, e))
        return err_code(e);
    if (anchor != NULL) {
        if (yaml_repeat(r, *out, e)) {
            json_free(TAKE(*out));
            return err_code(e);
        }
        keep_anchor(r, TAKE(anchor), *out);
    }
    return RC_OK;
}

static enum rc
read_all(struct reader *r, struct json *docs, struct err *e)
{
    do {
        if (yaml_next(r, e))
            return err_code(e);
        if (r->ev.type == YAML_DOCUMENT_START_EVENT) {
            struct json *doc = NULL;
            if (yaml_next(r, e) || read_node(r, 0, &doc, e))
                return err_code(e);
            forget_anchors(r);
            if (json_kind_of(doc) == JSON_IS_NULL)
                json_free(doc);
            else
                json_push(docs, doc);
        }
    } while (r->ev.type != YAML_STREAM_END_EVENT);
    return RC_OK;
}

enum rc
yaml_to_json(struct str text, struct json **docs, struct err *e)
{
    struct reader r = {.nodes = 0};
    struct json *all;
    enum rc rc;

    if (text.n > YAML_TEXT_MAX)
        return err_set(e, RC_LIMIT, "%zu bytes of YAML are too many", text.n);
    if (!yaml_parser_initialize(&r.lib))
        BUG("the YAML library is out of memory");
    yaml_parser_set_input_string(&r.lib, text.n == 0 ? (const uint8_t *)"" : text.p, text.n);
    all = json_new_array();
    rc = read_all(&r, all, e);
    yaml_event_delete(&r.ev);
    yaml_parser_delete(&r.lib);
    forget_anchors(&r);
    if (rc)
        json_free(all);
    else
        *docs = all;
    return rc;
}

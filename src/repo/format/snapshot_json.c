/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "json/json.h"
#include "json/node.h"
#include "json/write.h"
#include "repo/format/snapshot_json.h"
#include "repo/verdict.h"

enum { LIST_MAX = 100000, SNAPSHOT_TARGET_MAX = 1024 };

struct count_field {
    const char *name;
    size_t offset;
};

#define COUNT(field)                                                                               \
    {                                                                                              \
#field, offsetof(struct snapshot_summary, field)                                           \
    }

static const struct count_field counts[] = {
    COUNT(files_new),
    COUNT(files_changed),
    COUNT(files_unmodified),
    COUNT(dirs_new),
    COUNT(dirs_changed),
    COUNT(dirs_unmodified),
    COUNT(data_blobs),
    COUNT(tree_blobs),
    COUNT(data_added),
    COUNT(data_added_packed),
    COUNT(total_files_processed),
    COUNT(total_bytes_processed),
};

static void
write_time(struct jw *w, const char *key, struct instant t)
{
    char text[INSTANT_TEXT];

    jw_key(w, key);
    jw_cstr(w, instant_format(t, text));
}

static void
write_id(struct jw *w, const char *key, const struct id *id)
{
    char hex[ID_TEXT];

    jw_key(w, key);
    jw_cstr(w, id_hex(id, hex));
}

static void
write_text(struct jw *w, const char *key, const char *s)
{
    if (s == NULL || s[0] == '\0')
        return;
    jw_key(w, key);
    jw_cstr(w, s);
}

static void
write_list(struct jw *w, const char *key, char *const *list, size_t n)
{
    jw_key(w, key);
    jw_open_array(w);
    for (size_t i = 0; i < n; i++)
        jw_cstr(w, list[i]);
    jw_close_array(w);
}

static void
write_summary(struct jw *w, const struct snapshot_summary *s)
{
    jw_key(w, "summary");
    jw_open_object(w);
    write_time(w, "backup_start", s->backup_start);
    write_time(w, "backup_end", s->backup_end);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        uint64_t v;
        memcpy(&v, (const char *)s + counts[i].offset, sizeof(v));
        jw_key(w, counts[i].name);
        jw_u64(w, v);
    }
    jw_close_object(w);
}

void
snapshot_write_fields(struct jw *w, const struct snapshot *s)
{
    write_time(w, "time", s->time);
    if (s->has_parent)
        write_id(w, "parent", &s->parent);
    write_id(w, "tree", &s->tree);
    write_list(w, "paths", s->paths, s->n_paths);
    write_text(w, "hostname", s->hostname);
    write_text(w, "username", s->username);
    if (s->uid != 0) {
        jw_key(w, "uid");
        jw_u64(w, s->uid);
    }
    if (s->gid != 0) {
        jw_key(w, "gid");
        jw_u64(w, s->gid);
    }
    if (s->n_excludes != 0)
        write_list(w, "excludes", s->excludes, s->n_excludes);
    if (s->n_tags != 0)
        write_list(w, "tags", s->tags, s->n_tags);
    if (s->has_original)
        write_id(w, "original", &s->original);
    write_text(w, "program_version", s->program_version);
    if (s->has_summary)
        write_summary(w, &s->summary);
    if (s->brief != NULL) {
        jw_key(w, "cstash");
        jw_raw(w, str_c(s->brief));
    }
}

static enum rc
read_time(const struct json *j, const char *key, struct instant *out, struct err *e)
{
    struct str s = {0};

    if (json_get_str(j, key, &s, e))
        return err_code(e);
    if (instant_parse(s, out, e)) {
        e->code = RC_CORRUPT;
        return err_wrap(e, "the field \"%s\"", key);
    }
    return RC_OK;
}

static enum rc
read_id(const struct json *j, const char *key, struct id *out, struct err *e)
{
    struct str s = {0};

    if (json_get_str(j, key, &s, e))
        return err_code(e);
    if (!id_from_hex(s, out))
        return err_set(e, RC_CORRUPT, "the field \"%s\" is not an ID", key);
    return RC_OK;
}

/* A string without NUL inside, copied. */
static enum rc
copy_text(struct str s, char **out, struct err *e)
{
    if (s.n != 0 && memchr(s.p, '\0', s.n) != NULL)
        return err_set(e, RC_CORRUPT, "a text has a NUL inside");
    *out = mem_strndup(s.n == 0 ? "" : (const char *)s.p, s.n);
    return RC_OK;
}

static enum rc
read_text(const struct json *j, const char *key, char **out, struct err *e)
{
    struct str s = {0};

    if (json_opt_str(j, key, &s, e))
        return err_code(e);
    return s.p == NULL ? RC_OK : copy_text(s, out, e);
}

static enum rc
read_list(const struct json *j, const char *key, char ***out, size_t *n, struct err *e)
{
    const struct json *arr = NULL;
    struct str s = {0};

    if (json_opt_array(j, key, &arr, e))
        return err_code(e);
    if (json_len(arr) > LIST_MAX)
        return err_set(e, RC_LIMIT, "the field \"%s\" has too many entries", key);
    *out = mem_zero(json_len(arr), sizeof(**out));
    for (size_t i = 0; i < json_len(arr); i++) {
        if (json_at_str(arr, i, &s, e) || copy_text(s, &(*out)[i], e))
            return err_wrap(e, "the field \"%s\"", key);
        *n = i + 1;
    }
    return RC_OK;
}

static enum rc
read_summary(const struct json *root, struct snapshot *s, struct err *e)
{
    const struct json *j = NULL;

    if (json_opt_object(root, "summary", &j, e))
        return err_code(e);
    if (j == NULL)
        return RC_OK;
    s->has_summary = true;
    if ((json_has(j, "backup_start") &&
         read_time(j, "backup_start", &s->summary.backup_start, e)) ||
        (json_has(j, "backup_end") && read_time(j, "backup_end", &s->summary.backup_end, e)))
        return err_code(e);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        uint64_t v = 0;
        if (json_opt_u64(j, counts[i].name, &v, e))
            return err_code(e);
        memcpy((char *)&s->summary + counts[i].offset, &v, sizeof(v));
    }
    return RC_OK;
}

static char *
brief_text(const struct json *j)
{
    const char *text = json_text(j);

    return text == NULL || text[0] == '\0' ? NULL
                                           : mem_strndup(text, strnlen(text, SNAPSHOT_TARGET_MAX));
}

static void
part_add(char **part, const char *name, const struct json *value)
{
    const char *text = json_text(value), *quote = text != NULL ? "'" : "";
    CLEANUP(mem_free_ptr) char *before = *part;
    CLEANUP(mem_free_ptr) char *number = mem_printf("%lld", (long long)json_int_or(value, -1));

    *part = mem_printf("%s%s--%s %s%s%s", before != NULL ? before : "", before != NULL ? " " : "",
                       name, quote, text != NULL ? text : number, quote);
}

/* What was chosen of the data, as the options that choose it: "--db 3 --match 'x*'"; a list is an option given several times. */
static char *
brief_part(const struct json *filter)
{
    char *part = NULL;

    for (struct json_item it = json_first(filter); it.key != NULL; it = json_next(filter, it)) {
        if (json_kind_of(it.value) != JSON_IS_ARRAY)
            part_add(&part, it.key, it.value);
        for (size_t i = 0; i < json_size(it.value) && json_kind_of(it.value) == JSON_IS_ARRAY; i++)
            part_add(&part, it.key, json_elem(it.value, i));
    }
    return part;
}

/* Lenient: a brief of which nothing can be made is like none. */
static void
brief_facts(const struct json *brief, struct snapshot *s)
{
    const struct json *keys = json_field(brief, "keys");

    s->target = brief_text(json_dig(brief, "target", "name"));
    s->scope = brief_text(json_dig(brief, "target", "scope"));
    s->part = brief_part(json_field(brief, "filter"));
    s->repaired = json_is_true(json_field(brief, "repaired"));
    s->counted = json_int_or(keys, -1) >= 0;
    s->keys = s->counted ? (uint64_t)json_int_or(keys, 0) : 0;
    for (size_t i = 0; i < s->n_tags && s->verdict == NULL; i++)
        if (strcmp(s->tags[i], VERDICT_TAG) == 0)
            s->verdict = verdict_read(brief);
    s->record = s->verdict != NULL;
}

/* Whoever reads the brief warns of one that is broken; the snapshot is there without it. */
static void
read_brief(const struct json *root, struct snapshot *s)
{
    const struct json *j = json_has(root, "cstash") ? json_field(root, "cstash") : NULL;

    if (j == NULL)
        return;
    s->brief = json_to_text(j, false);
    brief_facts(j, s);
}

/* By its brief or its tag: what is left is a part, of which no count holds. */
static void
note_repaired(struct snapshot *s)
{
    char *chosen = s->part;

    for (size_t i = 0; i < s->n_tags; i++)
        s->repaired = s->repaired || strcmp(s->tags[i], REPAIRED_TAG) == 0;
    if (!s->repaired)
        return;
    s->part = chosen != NULL ? mem_printf("%s, " REPAIRED_PART, chosen) : mem_strdup(REPAIRED_PART);
    s->counted = false;
    mem_free(chosen);
}

/* What names no target is nobody's copy, whatever its tags. */
static void
note_safety(struct snapshot *s)
{
    for (size_t i = 0; i < s->n_tags && s->target != NULL; i++)
        s->safety = s->safety || strcmp(s->tags[i], SAFETY_TAG) == 0;
}

static enum rc
read_fields(const struct json *j, struct snapshot *s, struct err *e)
{
    s->has_parent = json_has(j, "parent");
    s->has_original = json_has(j, "original");
    if (read_time(j, "time", &s->time, e) || read_id(j, "tree", &s->tree, e) ||
        (s->has_parent && read_id(j, "parent", &s->parent, e)) ||
        (s->has_original && read_id(j, "original", &s->original, e)) ||
        read_list(j, "paths", &s->paths, &s->n_paths, e) ||
        read_list(j, "tags", &s->tags, &s->n_tags, e) ||
        read_list(j, "excludes", &s->excludes, &s->n_excludes, e) ||
        read_text(j, "hostname", &s->hostname, e) || read_text(j, "username", &s->username, e) ||
        read_text(j, "program_version", &s->program_version, e) ||
        json_opt_u64(j, "uid", &s->uid, e) || json_opt_u64(j, "gid", &s->gid, e))
        return err_code(e);
    read_brief(j, s);
    note_repaired(s);
    note_safety(s);
    return read_summary(j, s, e);
}

static enum rc
read_snapshot(const struct json *root, struct snapshot *out, struct err *e)
{
    struct snapshot s = {.uid = 0};

    if (read_fields(root, &s, e)) {
        snapshot_release(&s);
        return err_code(e);
    }
    *out = s;
    return RC_OK;
}

enum rc
snapshot_decode(struct str json, struct snapshot *out, struct err *e)
{
    struct json *root = NULL;
    enum rc rc = json_parse_lenient(json, &root, e);

    if (rc == RC_OK)
        rc = read_snapshot(root, out, e);
    json_free(root);
    return rc;
}

/* What is saved must be read by any reader, not only a lenient one. */
static enum rc
read_again(struct str json, struct err *e)
{
    struct json *root = NULL;
    struct snapshot s = {.uid = 0};
    enum rc rc = json_parse(json, &root, e);

    if (rc == RC_OK)
        rc = read_snapshot(root, &s, e);
    snapshot_release(&s);
    json_free(root);
    return rc == RC_OK ? RC_OK : err_wrap(e, "not saved: the snapshot could not be read again");
}

enum rc
snapshot_encode(const struct snapshot *s, struct buf *out, struct err *e)
{
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    snapshot_write_fields(&w, s);
    jw_close_object(&w);
    return jw_end(&w, e) ? err_code(e) : read_again(buf_str(out), e);
}

static void
free_list(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mem_free(list[i]);
    mem_free(list);
}

void
snapshot_release(struct snapshot *s)
{
    free_list(s->paths, s->n_paths);
    free_list(s->tags, s->n_tags);
    free_list(s->excludes, s->n_excludes);
    mem_free(s->hostname);
    mem_free(s->username);
    mem_free(s->program_version);
    mem_free(s->brief);
    mem_free(s->target);
    mem_free(s->scope);
    mem_free(s->part);
    mem_free(s->verdict);
    *s = (struct snapshot){.uid = 0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "job/manifest.h"

#include "base/mem.h"
#include "dump/trailer.h"
#include "dump/verbs.h"
#include "json/json.h"
#include "json/write.h"

/* The second says that the dump has parts: a program that knows only the first cannot load it either. */
enum { MANIFEST_VERSION = 1, MANIFEST_OF_PARTS = 2 };

static void
field_text(struct jw *w, const char *key, const char *v)
{
    if (v[0] == '\0')
        return;
    jw_key(w, key);
    jw_cstr(w, v);
}

static void
field_counts(struct jw *w, const struct dataset_digest_type *c)
{
    jw_field_u64(w, "keys", c->keys);
    jw_field_u64(w, "expiring", c->expiring);
    jw_field_u64(w, "elements", c->elements);
}

static void
field_db(struct jw *w, const struct dataset_digest_db *db)
{
    struct dataset_digest_type total = dataset_digest_db_total(db);
    char text[TALLY_DIGEST_TEXT];

    jw_open_object(w);
    jw_field_u64(w, "db", db->n);
    field_counts(w, &total);
    field_text(w, "digest", dataset_digest_sum_text(db->digest, text));
    jw_key(w, "types");
    jw_open_object(w);
    for (int k = 0; k < KV_N_TYPES; k++) {
        if (db->types[k].keys == 0)
            continue;
        jw_key(w, kv_info[k].name);
        jw_open_object(w);
        field_counts(w, &db->types[k]);
        jw_close_object(w);
    }
    jw_close_object(w);
    jw_close_object(w);
}

void
manifest_tally(struct jw *w, const struct dataset_digest *t)
{
    struct dataset_digest_sum functions;
    char text[TALLY_DIGEST_TEXT];
    uint64_t n_functions = dataset_digest_functions(t, &functions);
    const struct dataset_digest_db *dbs;
    size_t n;

    dbs = dataset_digest_dbs(t, &n);
    jw_field_u64(w, "keys", dataset_digest_keys(t));
    field_text(w, "digest", dataset_digest_sum_text(dataset_digest_whole(t), text));
    jw_key(w, "functions");
    jw_open_object(w);
    jw_field_u64(w, "count", n_functions);
    field_text(w, "digest", dataset_digest_sum_text(functions, text));
    jw_close_object(w);
    jw_key(w, "databases");
    jw_open_array(w);
    for (size_t i = 0; i < n; i++)
        if (dataset_digest_db_total(&dbs[i]).keys != 0)
            field_db(w, &dbs[i]);
    jw_close_array(w);
}

enum { MEMORY_PER_BYTE = 20, MEMORY_PER_KEY = 200 };

/*
 * used_memory_dataset is all that is not overhead of the server, so also its clients' subscriptions
 * and the texts of its ACL. What a dump of this size and so many keys can take is a bound: a key
 * costs about 100 bytes beside its value, and the dearest element (a short member of a sorted set, or
 * a number in a hash table, which have 7 to 16 bytes in a dump) 60 to 110. Payloads of RESTORE may
 * be compressed more than that: then the bound is too low, and only foresees less.
 */
static uint64_t
manifest_memory(uint64_t told, uint64_t bytes, uint64_t keys)
{
    if (bytes >= UINT64_MAX / 2 / MEMORY_PER_BYTE || keys >= UINT64_MAX / 2 / MEMORY_PER_KEY)
        return told;
    return MIN(told, bytes * MEMORY_PER_BYTE + keys * MEMORY_PER_KEY);
}

/* Which moment of which server. */
static void
field_point(struct jw *w, const struct source_facts *f)
{
    field_text(w, "run_id", f->run_id);
    field_text(w, "replication_id", f->replid);
    if (f->replid[0] != '\0')
        jw_field_u64(w, "replication_offset", f->offset);
}

/* What is true of all shards. */
static void
field_cluster(struct jw *w, const struct source_facts *f)
{
    if (f->n_shards == 0)
        return;
    jw_field_u64(w, "shards", f->n_shards);
    if (f->point_in_time)
        jw_field_u64(w, "skew_ms", source_skew_ms(f));
    if (f->foreign != 0)
        jw_field_u64(w, "foreign_keys", f->foreign);
    if (f->moves_unknown)
        jw_field_bool(w, "moves_unknown", true);
    if (f->functions_differ)
        jw_field_bool(w, "functions_differ", true);
    field_text(w, "nodes", f->nodes != NULL ? f->nodes : "");
}

static void
field_slots(struct jw *w, const uint8_t slots[static SLOTS / 8])
{
    jw_key(w, "slots");
    jw_open_array(w);
    for (size_t i = 0, first; i < SLOTS; i++) {
        if ((slots[i / 8] >> i % 8 & 1) == 0)
            continue;
        for (first = i; i + 1 < SLOTS && (slots[(i + 1) / 8] >> (i + 1) % 8 & 1) != 0;)
            i++;
        jw_open_array(w);
        jw_u64(w, first);
        jw_u64(w, i);
        jw_close_array(w);
    }
    jw_close_array(w);
}

static void
field_shard(struct jw *w, const struct source_shard *s)
{
    const struct source_facts *f = &s->facts;
    char when[INSTANT_TEXT];

    jw_open_object(w);
    field_slots(w, s->slots);
    field_text(w, "node", f->node);
    field_text(w, "node_id", s->id);
    field_text(w, "role", f->role);
    if (f->lag != 0)
        jw_field_u64(w, "lag_bytes", f->lag);
    field_text(w, "kind", source_kind_name(f->kind));
    field_text(w, "time", instant_format(f->point, when));
    field_text(w, "server_version", f->version);
    field_point(w, f);
    jw_field_bool(w, "counts_checked", f->announced);
    jw_field_u64(w, "bytes", f->enc.bytes);
    if (s->blobs != 0)
        jw_field_u64(w, "blobs", s->blobs);
    jw_field_u64(w, "keys", s->keys);
    if (f->foreign != 0)
        jw_field_u64(w, "foreign_keys", f->foreign);
    field_text(w, "digest", s->digest);
    jw_close_object(w);
}

static void
field_shards(struct jw *w, const struct source_facts *f)
{
    if (f->n_shards == 0)
        return;
    jw_key(w, "shards");
    jw_open_array(w);
    for (size_t i = 0; i < f->n_shards; i++)
        field_shard(w, &f->shards[i]);
    jw_close_array(w);
}

static void
field_source(struct jw *w, const struct source_opts *o, const struct source_facts *f, uint64_t keys)
{
    uint64_t memory =
        filter_is_all(&o->filter) ? manifest_memory(f->memory, f->enc.bytes, keys) : 0;

    jw_key(w, "source");
    jw_open_object(w);
    field_text(w, "kind", source_kind_name(f->kind));
    jw_field_bool(w, "point_in_time", f->point_in_time);
    jw_field_bool(w, "counts_checked", f->announced);
    field_text(w, "server", f->server);
    field_text(w, "server_version", f->version);
    field_text(w, "mode", f->mode);
    field_text(w, "role", f->role);
    field_text(w, "node", f->node);
    if (f->lag != 0)
        jw_field_u64(w, "lag_bytes", f->lag);
    if (memory != 0)
        jw_field_u64(w, "dataset_memory", memory);
    if (f->link_down)
        jw_field_u64(w, "master_link_down_seconds", f->link_down_s);
    if (f->functions_denied)
        jw_field_bool(w, "functions_denied", true);
    field_point(w, f);
    field_cluster(w, f);
    if (f->rdb_version != 0)
        jw_field_u64(w, "rdb_version", f->rdb_version);
    if (f->kind == SOURCE_SCAN)
        jw_field_u64(w, "vanished_keys", f->vanished);
    jw_close_object(w);
}

static void
filter_field(void *arg, const char *name, const char *text, int64_t number)
{
    if (text != NULL)
        field_text(arg, name, text);
    else
        jw_field_u64(arg, name, (uint64_t)number);
}

static void
field_filter(struct jw *w, const struct filter *f)
{
    if (filter_is_all(f))
        return;
    jw_key(w, "filter");
    jw_open_object(w);
    filter_parts(f, filter_field, w);
    jw_close_object(w);
}

/* What our own reader would refuse must not be stored: nobody could restore it. */
static enum rc
manifest_end(struct jw *w, const struct buf *out, struct err *e)
{
    struct json *again = NULL;

    if (jw_end(w, e))
        return err_code(e);
    if (json_parse(buf_str(out), &again, e))
        return err_wrap(e, "not saved: the manifest could not be read again");
    json_free(again);
    return RC_OK;
}

enum rc
manifest_write(const struct source_opts *o, const struct source_facts *f,
               const struct dataset_digest *t, struct buf *out, struct err *e)
{
    char when[INSTANT_TEXT];
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    jw_field_u64(&w, "version", f->n_shards > 1 ? MANIFEST_OF_PARTS : MANIFEST_VERSION);
    field_text(&w, "program", "cstash " CSTASH_VERSION);
    field_text(&w, "format", dump_format_name(o->format));
    field_text(&w, "started", instant_format(f->started, when));
    field_text(&w, "ended", instant_format(f->ended, when));
    jw_field_u64(&w, "bytes", f->enc.bytes);
    jw_field_u64(&w, "commands", f->enc.commands);
    jw_field_u64(&w, "opaque_keys", f->enc.opaque);
    jw_field_u64(&w, "lossy_keys", f->enc.lossy + f->member_expiries);
    jw_field_u64(&w, "longest", f->enc.longest);
    field_source(&w, o, f, dataset_digest_keys(t));
    field_filter(&w, &o->filter);
    manifest_tally(&w, t);
    field_shards(&w, f);
    jw_close_object(&w);
    return manifest_end(&w, out, e);
}

static void
field_target(struct jw *w, const struct target *t)
{
    if (t->name == NULL)
        return;
    jw_key(w, "target");
    jw_open_object(w);
    field_text(w, "name", t->name);
    field_text(w, "scope", t->scope != NULL ? t->scope : "");
    jw_close_object(w);
}

enum rc
manifest_brief_write(const struct source_opts *o, const struct source_facts *f,
                     const struct dataset_digest *t, const struct target *target,
                     const struct shrink *shrink, struct buf *out, struct err *e)
{
    char text[TALLY_DIGEST_TEXT];
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    jw_field_u64(&w, "version", MANIFEST_VERSION);
    jw_field_u64(&w, "bytes", f->enc.bytes);
    field_target(&w, target);
    field_source(&w, o, f, dataset_digest_keys(t));
    field_filter(&w, &o->filter);
    jw_field_u64(&w, "keys", dataset_digest_keys(t));
    field_text(&w, "digest", dataset_digest_sum_text(dataset_digest_whole(t), text));
    if (shrink != NULL)
        shrink_write(&w, shrink);
    jw_close_object(&w);
    return manifest_end(&w, out, e);
}

static enum rc
manifest_parse(struct str json, struct json **out, struct err *e)
{
    uint64_t version;

    if (json_parse_lenient(json, out, e))
        return err_wrap(e, "could not read the manifest");
    if (json_get_u64(*out, "version", &version, e))
        return err_wrap(e, "could not read the manifest");
    if (version != MANIFEST_VERSION && version != MANIFEST_OF_PARTS)
        return err_set(e, RC_UNSUPPORTED, "manifest version %llu is not known here",
                       (unsigned long long)version);
    return RC_OK;
}

static const struct dataset_digest_db *
find_db(const struct dataset_digest *t, uint64_t n)
{
    size_t n_dbs;
    const struct dataset_digest_db *dbs = dataset_digest_dbs(t, &n_dbs);

    for (size_t i = 0; i < n_dbs; i++)
        if (dbs[i].n == n)
            return &dbs[i];
    return NULL;
}

/* Counts of one type (or, with `type` NULL, of all) of a database. */
static enum rc
compare_counts(const struct json *j, const struct dataset_digest_type *have, uint64_t db,
               const char *type, struct err *e)
{
    struct dataset_digest_type said = {0};

    if (json_get_u64(j, "keys", &said.keys, e) || json_get_u64(j, "expiring", &said.expiring, e) ||
        json_get_u64(j, "elements", &said.elements, e))
        return err_code(e);
    if (said.keys == have->keys && said.expiring == have->expiring &&
        said.elements == have->elements)
        return RC_OK;
    return err_set(
        e, RC_CORRUPT,
        "database %llu: the manifest says %llu %s keys (%llu expiring, %llu elements), there "
        "are %llu (%llu, %llu)",
        (unsigned long long)db, (unsigned long long)said.keys, type,
        (unsigned long long)said.expiring, (unsigned long long)said.elements,
        (unsigned long long)have->keys, (unsigned long long)have->expiring,
        (unsigned long long)have->elements);
}

static enum rc
compare_db(const struct json *j, const struct dataset_digest *t, struct err *e)
{
    static const struct dataset_digest_db none = {0};
    const struct dataset_digest_db *have;
    const struct json *types, *one;
    char text[TALLY_DIGEST_TEXT];
    struct dataset_digest_type total;
    struct str digest;
    uint64_t n;

    if (json_get_u64(j, "db", &n, e) || json_get_object(j, "types", &types, e) ||
        json_get_str(j, "digest", &digest, e))
        return err_code(e);
    have = find_db(t, n);
    if (have == NULL)
        have = &none;
    for (int k = 0; k < KV_N_TYPES; k++) {
        const char *type = kv_info[k].name;
        one = NULL;
        if (json_opt_object(types, type, &one, e) ||
            (one != NULL && compare_counts(one, &have->types[k], n, type, e)))
            return err_code(e);
    }
    total = dataset_digest_db_total(have);
    if (compare_counts(j, &total, n, "", e))
        return err_code(e);
    if (!str_eq(digest, str_c(dataset_digest_sum_text(have->digest, text))))
        return err_set(e, RC_CORRUPT,
                       "database %llu: the counts agree with the manifest, the digest does not",
                       (unsigned long long)n);
    return RC_OK;
}

static enum rc
compare_all(const struct json *j, const struct dataset_digest *t, struct err *e)
{
    const struct json *dbs;
    char text[TALLY_DIGEST_TEXT];
    struct str digest;
    uint64_t keys;

    if (json_get_u64(j, "keys", &keys, e) || json_get_str(j, "digest", &digest, e) ||
        json_get_array(j, "databases", &dbs, e))
        return err_code(e);
    for (size_t i = 0; i < json_len(dbs); i++)
        if (compare_db(json_at(dbs, i), t, e))
            return err_code(e);
    if (keys != dataset_digest_keys(t))
        return err_set(e, RC_CORRUPT, "the manifest says %llu keys, there are %llu",
                       (unsigned long long)keys, (unsigned long long)dataset_digest_keys(t));
    if (!str_eq(digest, str_c(dataset_digest_sum_text(dataset_digest_whole(t), text))))
        return err_set(e, RC_CORRUPT, "the functions are not those of the manifest");
    return RC_OK;
}

enum rc
manifest_compare(struct str json, const struct dataset_digest *t, struct err *e)
{
    struct json *j = NULL;
    enum rc rc = manifest_parse(json, &j, e);

    if (rc == RC_OK)
        rc = compare_all(j, t, e);
    json_free(j);
    return rc;
}

static void
copy_str(char *to, size_t n, struct str s)
{
    (void)snprintf(to, n, "%.*s", (int)MIN(s.n, n - 1), (const char *)s.p);
}

/* Which commands make the keys that the manifest counts. */
static enum rc
read_verbs(const struct json *types, bool payloads, uint32_t *verbs, struct err *e)
{
    for (size_t k = 0; k < KV_N_TYPES; k++) {
        const struct json *one = NULL;
        uint64_t keys = 0;

        if (kv_info[k].makes == NULL)
            continue;
        if (json_opt_object(types, kv_info[k].name, &one, e) ||
            (one != NULL && json_get_u64(one, "keys", &keys, e)))
            return err_code(e);
        if (keys != 0)
            *verbs |= UINT32_C(1) << (payloads ? V_RESTORE : verb_making((enum kv_type)k));
    }
    return RC_OK;
}

static enum rc
read_databases(const struct json *j, struct manifest_brief *out, struct err *e)
{
    const struct json *dbs = NULL, *types;
    struct str format = STR_LIT("");

    if (json_opt_array(j, "databases", &dbs, e) || json_opt_str(j, "format", &format, e))
        return err_code(e);
    for (size_t i = 0; dbs != NULL && i < json_len(dbs); i++) {
        uint64_t n;

        if (json_get_u64(json_at(dbs, i), "db", &n, e) ||
            json_get_object(json_at(dbs, i), "types", &types, e) ||
            read_verbs(types, str_eq(format, STR_LIT("restore")), &out->verbs, e))
            return err_code(e);
        out->highest_db = MAX(out->highest_db, n);
    }
    return RC_OK;
}

static enum rc
read_brief(const struct json *j, struct manifest_brief *out, struct err *e)
{
    struct str digest, kind, server = STR_LIT(""), version = STR_LIT("");
    const struct json *source;
    uint64_t lost = UINT64_MAX;

    out->skew_ms = UINT64_MAX;
    if (json_get_u64(j, "keys", &out->keys, e) || json_get_u64(j, "bytes", &out->bytes, e) ||
        json_get_str(j, "digest", &digest, e) || json_get_object(j, "source", &source, e) ||
        json_get_str(source, "kind", &kind, e) ||
        json_get_bool(source, "point_in_time", &out->point_in_time, e) ||
        json_opt_bool(source, "functions_denied", &out->lacks_functions, e) ||
        json_opt_u64(source, "master_link_down_seconds", &lost, e) ||
        json_opt_u64(source, "shards", &out->shards, e) ||
        json_opt_u64(source, "skew_ms", &out->skew_ms, e) ||
        json_opt_u64(j, "longest", &out->longest, e) ||
        json_opt_u64(source, "dataset_memory", &out->memory, e) ||
        json_opt_str(source, "server", &server, e) ||
        json_opt_str(source, "server_version", &version, e) || read_databases(j, out, e))
        return err_code(e);
    /* Older manifests have the figure of the whole server, whatever they are of. */
    out->memory = json_has(j, "filter") ? 0 : manifest_memory(out->memory, out->bytes, out->keys);
    out->lost_master = lost != UINT64_MAX;
    out->lost_for_s = out->lost_master ? lost : 0;
    copy_str(out->digest, sizeof(out->digest), digest);
    copy_str(out->source, sizeof(out->source), kind);
    (void)snprintf(out->server, sizeof(out->server), "%.*s %.*s", (int)MIN(server.n, (size_t)16),
                   (const char *)server.p, (int)MIN(version.n, (size_t)40),
                   (const char *)version.p);
    return RC_OK;
}

enum rc
manifest_brief(struct str json, struct manifest_brief *out, struct err *e)
{
    struct json *j = NULL;
    enum rc rc = manifest_parse(json, &j, e);

    memset(out, 0, sizeof(*out));
    if (rc == RC_OK)
        rc = read_brief(j, out, e);
    json_free(j);
    return rc;
}

static enum rc
read_parts(const struct json *j, size_t **blobs, size_t *n, struct err *e)
{
    const struct json *shards = NULL;

    if (json_opt_array(j, "shards", &shards, e))
        return err_code(e);
    for (size_t i = 0; shards != NULL && i < json_len(shards); i++) {
        uint64_t one = 0;

        if (json_opt_u64(json_at(shards, i), "blobs", &one, e))
            return err_code(e);
        if (one == 0 || one > SIZE_MAX) {
            *n = 0;
            return RC_OK;
        }
        *blobs = mem_more(*blobs, *n, sizeof(**blobs));
        (*blobs)[(*n)++] = (size_t)one;
    }
    return RC_OK;
}

enum rc
manifest_parts(struct str json, size_t **blobs, size_t *n, struct err *e)
{
    struct json *j = NULL;
    enum rc rc = manifest_parse(json, &j, e);

    *blobs = NULL;
    *n = 0;
    if (rc == RC_OK)
        rc = read_parts(j, blobs, n, e);
    json_free(j);
    return rc;
}

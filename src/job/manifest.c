/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest and the brief, written; manifest_read.c reads them. */
#include "job/manifest_internal.h"

#include "dump/trailer.h"
#include "json/json.h"
#include "json/write.h"

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

uint64_t
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

/* One is a text or a number, several are a list. */
static void
filter_field(void *arg, const struct filter_part *p)
{
    struct jw *w = arg;

    if (p->i == 0)
        jw_key(w, p->name);
    if (p->i == 0 && p->n > 1)
        jw_open_array(w);
    if (p->text != NULL)
        jw_cstr(w, p->text);
    else
        jw_u64(w, (uint64_t)p->number);
    if (p->i + 1 == p->n && p->n > 1)
        jw_close_array(w);
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

static void
field_before(struct jw *w, const struct before_restore *b)
{
    char id[ID_TEXT];

    if (b == NULL)
        return;
    jw_key(w, "before_restore");
    jw_open_object(w);
    field_text(w, "snapshot", id_hex(&b->snapshot, id));
    if (b->repeats)
        field_text(w, "first", id_hex(&b->first, id));
    jw_close_object(w);
}

enum rc
manifest_write(const struct source_opts *o, const struct source_facts *f,
               const struct dataset_digest *t, const struct before_restore *before, struct buf *out,
               struct err *e)
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
    field_before(&w, before);
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
                     const struct dataset_digest *t, const struct manifest_about *about,
                     struct buf *out, struct err *e)
{
    char text[TALLY_DIGEST_TEXT];
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    jw_field_u64(&w, "version", MANIFEST_VERSION);
    jw_field_u64(&w, "bytes", f->enc.bytes);
    field_target(&w, &about->target);
    field_source(&w, o, f, dataset_digest_keys(t));
    field_filter(&w, &o->filter);
    jw_field_u64(&w, "keys", dataset_digest_keys(t));
    field_text(&w, "digest", dataset_digest_sum_text(dataset_digest_whole(t), text));
    field_before(&w, about->before);
    if (about->shrink != NULL)
        shrink_write(&w, about->shrink);
    jw_close_object(&w);
    return manifest_end(&w, out, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Manifest and brief, read: of a restore that compares, and of lists. */
#include "job/manifest_internal.h"

#include "base/mem.h"
#include "dump/verbs.h"
#include "json/json.h"

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
        uint64_t keys = 0, expiring = 0;

        if (kv_info[k].makes == NULL)
            continue;
        if (json_opt_object(types, kv_info[k].name, &one, e) ||
            (one != NULL &&
             (json_get_u64(one, "keys", &keys, e) || json_get_u64(one, "expiring", &expiring, e))))
            return err_code(e);
        if (keys != 0)
            *verbs |= UINT32_C(1) << (payloads ? V_RESTORE : verb_making((enum kv_type)k));
        if (keys != 0 && k != KV_STRING && !payloads) /* what the key held is removed first */
            *verbs |= UINT32_C(1) << V_DEL;
        if (expiring != 0 && !payloads)
            *verbs |= UINT32_C(1) << V_PEXPIREAT;
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
    const struct json *source, *functions = NULL;
    uint64_t lost = UINT64_MAX, libraries = 0;

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
        json_opt_str(source, "server_version", &version, e) || read_databases(j, out, e) ||
        json_opt_object(j, "functions", &functions, e) ||
        (functions != NULL && json_opt_u64(functions, "count", &libraries, e)))
        return err_code(e);
    if (libraries != 0 && version.n > 1 && (version.p[0] >= '7' || version.p[1] != '.'))
        out->verbs |= UINT32_C(1) << V_FUNCTION; /* older ones had scripts */
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

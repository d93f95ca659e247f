/* SPDX-License-Identifier: Apache-2.0 */
#include "job/data_opts.h"

#include "job/node_map.h"
#include "job/restore.h"

/* In the order of the enums. */
static const char *const sources[] = {"auto", "replication", "scan", NULL};
static const char *const formats[] = {"commands", "restore", NULL};
static const char *const levels[] = {"auto", "off", "max", NULL};
static const char *const existing[] = {"replace", "skip", "fail", "flush", NULL};

/* One more each time. */
static enum rc
take_glob(const struct opt *o, const char *text, void *to, struct err *e)
{
    struct globs *g = to;

    if (text == NULL) {
        g->n = 0;
        return RC_OK;
    }
    if (g->n == FILTER_GLOBS_MAX)
        return err_set(e, RC_USAGE, "more than %d of them", FILTER_GLOBS_MAX);
    if (opt_glob.parse(o, text, &g->v[g->n], e))
        return err_code(e);
    g->n++;
    return RC_OK;
}
const struct opt_type globs_type = {.value = "GLOB", .is_list = true, .parse = take_glob};

/* One or several more each time. */
static enum rc
take_dbs(const struct opt *o, const char *text, void *to, struct err *e)
{
    struct db_set *dbs = to;
    struct str rest = str_c(text != NULL ? text : ""), one;

    (void)o;
    if (text == NULL)
        dbs->n = 0;
    while (text != NULL) {
        const uint8_t *comma = rest.n != 0 ? memchr(rest.p, ',', rest.n) : NULL;
        uint64_t n;

        one = str_of(rest.p, comma != NULL ? (size_t)(comma - rest.p) : rest.n);
        if (!str_to_u64(one, &n) || n > DB_NUMBER_MAX)
            return err_set(e, RC_USAGE, "\"%.*s\" is not a number from 0 to %d",
                           (int)MIN(one.n, (size_t)40), (const char *)one.p, DB_NUMBER_MAX);
        if (!db_set_add(dbs, n))
            return err_set(e, RC_USAGE, "more than %d of them", DB_SET_MAX);
        if (comma == NULL)
            break;
        rest = str_of(comma + 1, rest.n - one.n - 1);
    }
    return RC_OK;
}
static const struct opt_type db_set_type = {.value = "N", .is_list = true, .parse = take_dbs};

static const char *const types[] = {"string", "list",   "set",   "zset", "hash",
                                    "stream", "module", "array", NULL};
_Static_assert(ARRAY_LEN(types) == KV_N_TYPES + 1, "a word for each enum kv_type, in its order");

/* One more each time. */
static enum rc
take_type(const struct opt *o, const char *text, void *to, struct err *e)
{
    uint32_t *bits = to;

    (void)o;
    if (text == NULL) {
        *bits = 0;
        return RC_OK;
    }
    for (unsigned t = 0; types[t] != NULL; t++)
        if (strcmp(text, types[t]) == 0) {
            *bits |= UINT32_C(1) << t;
            return RC_OK;
        }
    return err_set(e, RC_USAGE,
                   "\"%.40s\" must be string, list, set, zset, hash, stream, module or array",
                   text);
}
static const struct opt_type kv_type_type = {
    .value = "TYPE", .words = types, .is_list = true, .parse = take_type};

const struct opt opts_keys[] = {
    {"db", 0, OPT_OWN(db_set_type, struct filter, dbs, struct db_set, NULL), NULL,
     "only this database, or these: N,N (repeatable)"},
    {"match", 0, OPT_OWN(globs_type, struct filter, match, struct globs, NULL), NULL,
     "only keys whose names match (repeatable: any of them)"},
    {"exclude", 0, OPT_OWN(globs_type, struct filter, exclude, struct globs, NULL), NULL,
     "no keys whose names match (repeatable)"},
    {"type", 0, OPT_OWN(kv_type_type, struct filter, types, uint32_t, NULL), NULL,
     "only keys of this type (repeatable)"},
    {.name = NULL},
};

const struct opt opts_tls[] = {
    {"cacert", 0, OPT_FILE(struct tls_opts, cacert), NULL,
     "CA certificates to verify the server with"},
    {"cacertdir", 0, OPT_FOLDER(struct tls_opts, cacert_dir), NULL,
     "directory with CA certificates"},
    {"cert", 0, OPT_FILE(struct tls_opts, cert), NULL, "client certificate"},
    {"key", 0, OPT_FILE(struct tls_opts, key), NULL, "private key of the client certificate"},
    {"sni", 0, OPT_TEXT(struct tls_opts, sni), "NAME", "server name for SNI and verification"},
    {"insecure", 0, OPT_FLAG(struct tls_opts, insecure), NULL,
     "do not verify the server's certificate"},
    {.name = NULL},
};

const char *
tls_opts_given(const struct tls_opts *o)
{
    return o->cacert != NULL       ? "cacert"
           : o->cacert_dir != NULL ? "cacertdir"
           : o->cert != NULL       ? "cert"
           : o->key != NULL        ? "key"
           : o->sni != NULL        ? "sni"
           : o->insecure           ? "insecure"
                                   : NULL;
}

const struct opt opts_source[] = {
    {"source", 0, OPT_ENUM(struct source_opts, kind, sources, "auto"), NULL,
     "how to read the server; auto: by replication, else by SCAN"},
    {"format", 0, OPT_ENUM(struct source_opts, format, formats, "commands"), NULL,
     "plain commands, or RESTORE payloads for the same or newer servers"},
    {"prefer", 0, OPT_ENUM(struct source_opts, prefer, node_prefer_words, "auto"), NULL,
     "behind Sentinels and of each shard of a cluster: which node is read; auto: a replica that "
     "has "
     "its link and is up to date, else the master"},
    {"node", 0, OPT_FLAG(struct source_opts, node), NULL,
     "of a cluster only this node; the result is marked as a part"},
    {"node-map", 0, OPT_OWN(node_map_type, struct source_opts, node_map, struct opt_list, NULL),
     NULL,
     "address by which a node of a cluster is reached, in place of what it announces: "
     "HOST:PORT=HOST:PORT or HOST=HOST (repeatable)"},
    {"psync", 0, OPT_TEXT(struct source_opts, psync), "NAME", "name of a renamed PSYNC command"},
    {.name = NULL},
};

const struct opt opts_compression[] = {
    {"compression", 0, OPT_ENUM(struct compression_opts, level, levels, "auto"), NULL,
     "compression level"},
    {.name = NULL},
};

const struct opt opts_beside[] = {
    {"acl", 0, OPT_FLAG(struct beside_opts, users), NULL,
     "keep the server's ACL users, too (passwords as the hashes that it shows)"},
    {.name = NULL},
};

static const char *const users[] = {"none", "add", "replace", NULL};

const struct opt opts_beside_restore[] = {
    {"acl", 0, OPT_ENUM(struct beside_choice, users, users, "none"), NULL,
     "ACL users of the snapshot: none, those that the target does not have, or all"},
    {.name = NULL},
};

static const char *const ttls[] = {"keep", "drop", "shift", NULL};

static enum rc
take_rename(const struct opt *o, const char *text, void *to, struct err *e)
{
    struct renames *all = to;

    (void)o;
    if (text == NULL)
        all->n = 0;
    return text == NULL ? RC_OK : change_add_rename(all, text, e);
}

static enum rc
take_db(const struct opt *o, const char *text, void *to, struct err *e)
{
    struct db_map *all = to;

    (void)o;
    if (text == NULL)
        all->n = 0;
    return text == NULL ? RC_OK : change_add_db(all, text, e);
}

static enum rc
take_mask(const struct opt *o, const char *text, void *to, struct err *e)
{
    struct masks *all = to;

    (void)o;
    if (text == NULL)
        all->n = 0;
    return text == NULL ? RC_OK : change_add_mask(all, text, e);
}

static const struct opt_type rename_type = {
    .value = "OLD=NEW", .is_list = true, .parse = take_rename};
static const struct opt_type db_map_type = {.value = "OLD=NEW", .is_list = true, .parse = take_db};
static const struct opt_type mask_type = {
    .value = "PATTERN=HOW", .is_list = true, .parse = take_mask};

const struct opt opts_load[] = {
    {"existing", 0, OPT_ENUM(struct load_choice, existing, existing, "replace"), NULL,
     "how to treat existing keys; flush empties the server first"},
    {"allow-command", 0, OPT_LIST(struct load_choice, allow), "NAME",
     "also allow this command in the dump, although it writes no data (repeatable)"},
    {"node-map", 0, OPT_OWN(node_map_type, struct load_choice, node_map, struct opt_list, NULL),
     NULL,
     "address by which a node of a cluster is reached, in place of what it announces: "
     "HOST:PORT=HOST:PORT or HOST=HOST (repeatable)"},
    {"rename-prefix", 0,
     OPT_OWN(rename_type, struct load_choice, change.rename, struct renames, NULL), NULL,
     "names that begin with OLD begin with NEW instead (repeatable: the first that fits)"},
    {"db-map", 0, OPT_OWN(db_map_type, struct load_choice, change.dbs, struct db_map, NULL), NULL,
     "keys of database OLD go into database NEW (repeatable)"},
    {"ttl", 0, OPT_ENUM(struct load_choice, change.ttl, ttls, "keep"), NULL,
     "times to expire: as they were, none, or later by the age of the snapshot"},
    {"mask", 0, OPT_OWN(mask_type, struct load_choice, change.masks, struct masks, NULL), NULL,
     "of keys that match: drop leaves them out, hash and fixed hide their values; KEYS->FIELDS "
     "hides some fields of hashes and streams (repeatable: the first that matches)"},
    {"verify", 0, OPT_FLAG(struct load_choice, verify), NULL,
     "read the restored data back from the server and compare"},
    {"dry-run", 'n', OPT_FLAG(struct load_choice, dry_run), NULL,
     "read and verify everything, but write nothing"},
    {.name = NULL},
};

enum rc
load_opts_of(const struct load_choice *c, const struct filter *keys, struct load_opts *out,
             struct err *e)
{
    if (c->verify && c->existing == LOAD_SKIP)
        return err_set(e, RC_USAGE,
                       "--verify cannot say what the keys should be that --existing skip keeps");
    *out = (struct load_opts){.existing = c->existing,
                              .filter = *keys,
                              .change = change_is_none(&c->change) ? NULL : &c->change,
                              .dry_run = c->dry_run,
                              .allow = c->allow.v,
                              .n_allow = c->allow.n};
    return restore_check_flush(out, e);
}

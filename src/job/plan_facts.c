/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore would write: as the manifest says it, or as a pass over the dump finds it. */
#include "base/clock.h"
#include "base/mem.h"
#include "job/plan_internal.h"
#include "json/json.h"
#include "json/node.h"

static struct plan_db *
plan_db_at(struct plan *p, uint64_t n)
{
    for (size_t i = 0; i < p->n_dbs; i++)
        if (p->dbs[i].n == n)
            return &p->dbs[i];
    p->dbs = mem_more(p->dbs, p->n_dbs, sizeof(*p->dbs));
    p->dbs[p->n_dbs] = (struct plan_db){.n = n};
    return &p->dbs[p->n_dbs++];
}

static uint64_t
number_of(const struct json *j, const char *field)
{
    return (uint64_t)MAX(json_int_or(json_field(j, field), 0), INT64_C(0));
}

static void
read_database(const struct json *j, struct plan *p)
{
    struct plan_db *db = plan_db_at(p, number_of(j, "db"));

    db->keys = number_of(j, "keys");
    db->expiring = number_of(j, "expiring");
    for (int k = 0; k < KV_N_TYPES; k++) {
        const struct json *type = json_dig(j, "types", kv_info[k].name);

        db->types[k] = number_of(type, "keys");
        db->elements += k != KV_STRING ? number_of(type, "elements") : 0;
    }
}

/* "7.0.15" -> 70015, as conn_info has it. */
static uint32_t
version_of(const char *text)
{
    unsigned part[3] = {0, 0, 0};

    for (size_t i = 0; i < 3 && *text >= '0' && *text <= '9'; i++) {
        for (; *text >= '0' && *text <= '9'; text++)
            part[i] = MIN(part[i] * 10 + (unsigned)(*text - '0'), 99U);
        text += *text == '.';
    }
    return part[0] * 10000 + part[1] * 100 + part[2];
}

static int64_t
time_between(const struct json *j)
{
    struct instant from, to;
    struct err none = ERR_INIT;

    if (instant_parse(json_text_str(json_field(j, "started")), &from, &none) ||
        instant_parse(json_text_str(json_field(j, "ended")), &to, &none))
        return 0;
    return MAX(instant_ms(to) - instant_ms(from), INT64_C(0));
}

enum rc
plan_read_manifest(struct str manifest, struct plan *p, struct plan_source *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    const struct json *dbs, *source;

    *out = (struct plan_source){.told = false};
    if (manifest.n == 0)
        return RC_OK;
    if (json_parse_lenient(manifest, &j, e))
        return err_wrap(e, "could not read the manifest");
    source = json_field(j, "source");
    *out = (struct plan_source){
        .told = true,
        .payloads = strcmp(json_text_or(json_field(j, "format"), ""), "commands") != 0 ||
                    number_of(j, "opaque_keys") != 0,
        .bytes = number_of(j, "bytes"),
        .commands = number_of(j, "commands"),
        .memory = number_of(source, "dataset_memory"),
        .version = version_of(json_text_or(json_field(source, "server_version"), "")),
        .valkey = strcmp(json_text_or(json_field(source, "server"), ""), "valkey") == 0,
        .took_ms = time_between(j)};
    dbs = json_field(j, "databases");
    for (size_t i = 0; i < json_size(dbs); i++)
        read_database(json_elem(dbs, i), p);
    p->functions = number_of(json_field(j, "functions"), "count");
    p->keys = number_of(j, "keys");
    p->keys_known = true;
    p->bytes = out->bytes;
    return RC_OK;
}

/* Does an element of a collection begin with it? */
static bool
is_element(const struct ev *ev)
{
    return ev->kind == EV_ZELEM || ev->kind == EV_ENTRY ||
           (ev->kind == EV_ELEM && ev_is_first(&ev->u.piece)) ||
           (ev->kind == EV_FIELD && ev_is_first(&ev->u.field.value));
}

enum rc
plan_count_on(void *arg, const struct ev *ev, struct err *e)
{
    struct plan_counts *c = arg;

    if (ev->kind == EV_DB)
        c->db = (size_t)(plan_db_at(c->p, ev->u.db.n) - c->p->dbs);
    else if (ev->kind == EV_FUNCTION || ev->kind == EV_SCRIPT)
        c->p->functions++;
    if (ev->kind == EV_KEY || ev->kind == EV_KEY_END) {
        struct plan_db *db;

        if (c->p->n_dbs == 0)
            c->db = (size_t)(plan_db_at(c->p, 0) - c->p->dbs);
        db = &c->p->dbs[c->db];
        if (ev->kind == EV_KEY_END) {
            db->keys++;
            db->types[ev->u.key.type]++;
            db->expiring += ev->u.key.expires_at != EV_NO_EXPIRY;
        }
    }
    if (is_element(ev) && c->p->n_dbs != 0)
        c->p->dbs[c->db].elements++;
    return conflicts_on(c->conflicts, ev, e);
}

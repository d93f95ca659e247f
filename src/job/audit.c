/* SPDX-License-Identifier: Apache-2.0 */
#include "job/audit.h"

#include "base/mem.h"
#include "job/backup.h"
#include "job/look.h"
#include "job/manifest.h"
#include "dump/name_set.h"

struct audit_pass {
    struct dataset_digest *digest; /* NULL: not of this pass */
    struct name_set names;
    uint64_t db, named; /* named: more often than there are names, where commands interleave */
    uint64_t types[KV_N_TYPES];
    struct load_result load;
    bool is_rdb;
};

static enum rc
audit_on(void *arg, const struct ev *ev, struct err *e)
{
    struct audit_pass *p = arg;

    if (ev->kind == EV_DB)
        p->db = ev->u.db.n;
    if (ev->kind == EV_KEY) {
        p->named++;
        if (name_set_add(&p->names, p->db, ev->u.key.name))
            p->types[ev->u.key.type]++;
    }
    return p->digest == NULL ? RC_OK : dataset_digest_on(p->digest, ev, e);
}

static enum rc
audit_read(struct ctx *cx, const struct snapshot_source *from, struct audit_pass *p, struct err *e)
{
    p->named = p->db = 0;
    return look_events(cx, from, audit_on, p, &p->load, &p->is_rdb, e);
}

/* Names beyond what the set takes: a share of them in each pass. */
static enum rc
audit_count(struct ctx *cx, const struct snapshot_source *from, struct audit_pass *p,
            struct audit_row *row, struct err *e)
{
    uint32_t shares = p->names.full ? (uint32_t)(p->named / (NAME_SET_MAX / 2) + 1) : 0;

    row->found = p->names.full ? 0 : p->names.n;
    if (p->names.full)
        memset(p->types, 0, sizeof(p->types));
    p->digest = NULL;
    for (uint32_t i = 0; i < shares; i++) {
        name_set_share(&p->names, i, shares);
        if (audit_read(cx, from, p, e))
            return err_code(e);
        row->found += p->names.n;
    }
    memcpy(row->types, p->types, sizeof(row->types));
    return RC_OK;
}

static void audit_incomplete(struct audit_row *row, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
audit_incomplete(struct audit_row *row, const char *fmt, ...)
{
    va_list ap;

    row->state = AUDIT_INCOMPLETE;
    va_start(ap, fmt);
    (void)vsnprintf(row->why, sizeof(row->why), fmt, ap);
    va_end(ap);
}

/* Who made it, and what he said. It was read to its end. */
static void
audit_maker(struct str manifest, const struct audit_pass *p, struct audit_row *row)
{
    const struct dump_decode_facts *f = &p->load.facts;
    struct manifest_brief brief = {0};
    struct err why = ERR_INIT;

    row->maker = p->is_rdb       ? AUDIT_RDB
                 : f->ours       ? AUDIT_OURS
                 : f->has_marker ? AUDIT_STASH
                                 : AUDIT_NOBODY;
    row->told = row->maker == AUDIT_STASH || manifest.n != 0;
    if (row->maker == AUDIT_STASH)
        row->said = f->marker_keys - (f->marker_keys != 0);
    else if (manifest.n != 0 && manifest_brief(manifest, &brief, &why) == RC_OK)
        row->said = brief.keys;
    if (why.code == RC_OK && manifest.n != 0 && f->exact)
        (void)!manifest_compare(manifest, p->digest, &why);
    if (why.code != RC_OK)
        audit_incomplete(row, "%s", why.msg);
}

static void
audit_judge(const struct snapshot *snap, struct audit_row *row)
{
    if (snap->repaired)
        audit_incomplete(row, "it is what a repair left of a damaged one");
    else if (row->state == AUDIT_COMPLETE && row->maker == AUDIT_NOBODY)
        audit_incomplete(row, "it has no end, as a dump that was cut");
    else if (row->state == AUDIT_COMPLETE && row->told && row->found < row->said)
        audit_incomplete(row, "%llu %s missing%s", (unsigned long long)(row->said - row->found),
                         str_plural(row->said - row->found, "key is", "keys are"),
                         row->maker == AUDIT_STASH
                             ? "; Stash's tool writes no streams and no values of modules, and "
                               "leaves out what comes after them"
                             : "");
}

static enum rc
audit_source(struct ctx *cx, struct snapshot_source *from, struct audit_row *row, struct err *e)
{
    struct dataset_digest *digest = dataset_digest_new();
    struct audit_pass p = {.digest = digest};
    enum rc rc;

    name_set_init(&p.names);
    rc = audit_read(cx, from, &p, e);
    if (rc == RC_OK)
        audit_maker(buf_str(&from->manifest), &p, row);
    if (rc == RC_OK)
        rc = audit_count(cx, from, &p, row, e);
    if (rc == RC_OK)
        audit_judge(&from->snap, row);
    name_set_release(&p.names);
    dataset_digest_free(digest);
    return rc;
}

enum rc
audit_snapshot(struct ctx *cx, struct repo *r, const struct snapshot *snap, struct audit_row *out,
               struct err *e)
{
    struct snapshot_source from = {.repo = NULL};
    struct err why = ERR_INIT;
    char id[ID_TEXT];
    enum rc rc = snapshot_open(cx, r, id_hex(&snap->id, id), NULL, DUMP_NAME, &from, &why);

    *out = (struct audit_row){.maker = AUDIT_NOBODY};
    if (rc == RC_OK)
        rc = snapshot_manifest(cx, r, snap, &from.manifest, &why);
    if (rc == RC_OK)
        rc = audit_source(cx, &from, out, &why);
    snapshot_close(&from);
    if (rc == RC_OK)
        return RC_OK;
    /* RC_INVALID: not by its first bytes (job/dump_reader). */
    if (rc == RC_INVALID || rc == RC_NOT_FOUND)
        out->state = AUDIT_NO_DUMP;
    else if (rc == RC_CORRUPT || rc == RC_DENIED || rc == RC_LIMIT || rc == RC_UNSUPPORTED)
        out->state = AUDIT_INCOMPLETE;
    else {
        *e = why;
        return rc;
    }
    (void)snprintf(out->why, sizeof(out->why), "%s", why.msg);
    return RC_OK;
}

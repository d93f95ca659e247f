/* SPDX-License-Identifier: Apache-2.0 */
#include "job/backup.h"

#include "job/manifest.h"

static struct save_meta
meta_of(const struct backup_opts *o, const char *path)
{
    return (struct save_meta){.hostname = o->host != NULL ? o->host : DUMP_HOST,
                              .tags = o->tags,
                              .n_tags = o->n_tags,
                              .path = path,
                              .time = o->time != NULL ? *o->time : instant_now()};
}

static enum rc
store_manifest(struct save *s, const struct source_opts *source, const struct source_facts *f,
               const struct tally *t, struct err *e)
{
    struct buf json = BUF_INIT(MANIFEST_MAX);
    enum rc rc = manifest_write(source, f, t, &json, e);

    if (rc == RC_OK)
        rc = wr_write(save_file(s), json.p, json.n, e);
    if (rc == RC_OK)
        rc = save_file_end(s, MANIFEST_NAME, e);
    buf_release(&json);
    return rc;
}

static enum rc
store_dump(struct ctx *cx, struct save *s, const struct source_opts *source, struct tally *t,
           struct source_facts *f, struct err *e)
{
    if (source_dump(cx, source, save_file(s), t, f, e) || save_file_end(s, DUMP_NAME, e))
        return e->code;
    return store_manifest(s, source, f, t, e);
}

enum rc
backup_redis(struct ctx *cx, struct repo *r, const struct source_opts *source,
             const struct backup_opts *opts, struct backup_result *out, struct err *e)
{
    struct save_opts save_opts = {.compression = opts->compression};
    struct save_meta meta = meta_of(opts, "/" DUMP_NAME);
    struct buf brief = BUF_INIT(MANIFEST_MAX);
    struct tally *t;
    struct save *s;
    enum rc rc;

    memset(out, 0, sizeof(*out));
    if (save_open(cx, r, &save_opts, &s, e))
        return e->code;
    t = tally_new();
    rc = store_dump(cx, s, source, t, &out->source, e);
    if (rc == RC_OK)
        rc = manifest_brief_write(&out->source, t, &brief, e);
    if (rc == RC_OK) {
        meta.brief = buf_c(&brief);
        rc = save_commit(s, &meta, &out->snapshot, &out->save, e);
    } else {
        save_abort(s);
    }
    buf_release(&brief);
    out->keys = tally_keys(t);
    (void)tally_sum_text(tally_whole(t), out->digest);
    tally_free(t);
    return rc;
}

enum rc
backup_stream(struct ctx *cx, struct repo *r, struct rd *in, const char *name,
              const struct backup_opts *opts, struct backup_result *out, struct err *e)
{
    struct save_opts save_opts = {.compression = opts->compression};
    char path[4096];
    struct save_meta meta = meta_of(opts, path);
    uint64_t total;
    struct save *s;
    enum rc rc;

    memset(out, 0, sizeof(*out));
    if ((size_t)snprintf(path, sizeof(path), "/%s", name[0] == '/' ? name + 1 : name) >=
        sizeof(path))
        return err_set(e, RC_INVALID, "the name of the file is too long");
    if (save_open(cx, r, &save_opts, &s, e))
        return e->code;
    rc = stream_copy(in, save_file(s), &total, e);
    if (rc == RC_OK && total == 0)
        rc = err_set(e, RC_INVALID, "there is nothing to store: the input is empty");
    if (rc == RC_OK)
        rc = save_file_end(s, path + 1, e);
    if (rc != RC_OK) {
        save_abort(s);
        return rc;
    }
    return save_commit(s, &meta, &out->snapshot, &out->save, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/save_internal.h"

struct tree_maker {
    struct save *save;
    struct instant time;
};

static int
by_name(const void *a, const void *b)
{
    const struct save_file_info *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int
by_node_name(const void *a, const void *b)
{
    const struct tree_node *x = a, *y = b;
    int c = memcmp(x->name.p, y->name.p, MIN(x->name.n, y->name.n));

    return c != 0 ? c : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static enum rc
store_tree(struct save *s, const struct tree_node *nodes, size_t n, struct id *id, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(TREE_MAX);
    size_t plain;

    /* Room for the seal on both sides: it may be written in place. */
    if (buf_add(&text, (const uint8_t[SEAL_IV]){0}, SEAL_IV, e) || tree_encode(nodes, n, &text, e))
        return err_code(e);
    plain = text.n - SEAL_IV;
    if (buf_reserve(&text, SEAL_MAC, e))
        return err_code(e);
    sha256_of(str_of(text.p + SEAL_IV, plain), id);
    return save_blob(s, &s->makers[WORKERS_MAX], BLOB_TREE, id, text.p + SEAL_IV, plain, e);
}

/* The files share the first `skip` bytes of their names, which end with a slash (or are none). */
static enum rc
make_tree(struct tree_maker *m, struct save_file_info **files, size_t n, size_t skip, struct id *id,
          struct err *e)
{
    struct tree_node *nodes = mem_zero(n, sizeof(*nodes));
    size_t count = 0, next;
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < n; i = next) {
        const char *name = files[i]->name + skip;
        size_t len = strcspn(name, "/");
        struct tree_node *node = &nodes[count++];
        *node = (struct tree_node){.name = str_of(name, len),
                                   .type = NODE_FILE,
                                   .mode = NODE_MODE_FILE,
                                   .time = m->time,
                                   .uid = geteuid(),
                                   .gid = getegid()};
        next = i + 1;
        if (name[len] == '\0') {
            node->size = files[i]->bytes;
            node->content = files[i]->content;
            node->n_content = files[i]->n;
            continue;
        }
        while (next < n && strncmp(files[next]->name + skip, name, len + 1) == 0)
            next++;
        node->type = NODE_DIR;
        node->mode = NODE_MODE_DIR;
        rc = make_tree(m, files + i, next - i, skip + len + 1, &node->subtree, e);
    }
    qsort(nodes, count, sizeof(*nodes), by_node_name);
    for (size_t i = 1; rc == RC_OK && i < count; i++) {
        if (by_node_name(&nodes[i - 1], &nodes[i]) == 0)
            rc = err_set(e, RC_INVALID, "\"%.*s\" is both a file and a folder",
                         (int)nodes[i].name.n, (const char *)nodes[i].name.p);
    }
    if (rc == RC_OK)
        rc = store_tree(m->save, nodes, count, id, e);
    mem_free(nodes);
    return rc;
}

/* All chunks are stored: their IDs are known. */
void
save_join_parts(struct save *s)
{
    for (size_t i = 0; i < s->n_files; i++) {
        struct save_file_info *f = &s->files[i];

        for (size_t k = 0; k < f->n_parts; k++)
            f->cap += s->files[f->parts[k]].n;
        if (f->n_parts > 0)
            f->content = mem_zero(f->cap, sizeof(*f->content));
        for (size_t k = 0; k < f->n_parts; k++) {
            const struct save_file_info *part = &s->files[f->parts[k]];

            if (part->n > 0)
                memcpy(f->content + f->n, part->content, part->n * sizeof(*f->content));
            f->n += part->n;
        }
    }
}

enum rc
save_trees(struct save *s, struct instant time, struct id *root, struct err *e)
{
    struct tree_maker m = {.save = s, .time = time};
    struct save_file_info **files = mem_zero(s->n_files, sizeof(struct save_file_info *));
    size_t n = 0;
    enum rc rc;

    for (size_t i = 0; i < s->n_files; i++) {
        if (s->files[i].name != NULL)
            files[n++] = &s->files[i];
    }
    qsort(files, n, sizeof(*files), by_name); /* NOLINT(bugprone-sizeof-expression): of pointers */
    rc = make_tree(&m, files, n, 0, root, e);
    mem_free(files);
    return rc;
}

static char **
copy_list(const char *const *list, size_t n)
{
    char **out = mem_zero(n, sizeof(*out));

    for (size_t i = 0; i < n; i++)
        out[i] = mem_strdup(list[i]);
    return out;
}

static void
fill_summary(struct save *s, struct snapshot *out)
{
    struct snapshot_summary *sum = &out->summary;
    size_t files = 0;

    for (size_t i = 0; i < s->n_files; i++)
        files += s->files[i].name != NULL;
    out->has_summary = true;
    *sum = (struct snapshot_summary){.backup_start = s->started,
                                     .backup_end = instant_now(),
                                     .files_new = files,
                                     .data_blobs = s->stats.data_blobs,
                                     .tree_blobs = s->stats.tree_blobs,
                                     .data_added = s->stats.data_added,
                                     .data_added_packed = s->stats.data_added_packed,
                                     .total_files_processed = files,
                                     .total_bytes_processed = s->stats.bytes_processed};
}

enum rc
save_snapshot(struct save *s, const struct save_meta *meta, const struct id *root, struct id *id,
              struct err *e)
{
    struct snapshot out = {.tree = *root, .time = meta->time, .uid = geteuid(), .gid = getegid()};
    char host[LOCK_NAME_MAX], user[LOCK_NAME_MAX];
    enum rc rc;

    /* No parent, as restic writes none for a stream: nothing was taken over from an earlier one. */
    whoami(host, user);
    out.hostname = mem_strdup(meta->hostname);
    out.username = mem_strdup(user);
    out.paths = copy_list(&meta->path, 1);
    out.n_paths = 1;
    out.tags = copy_list(meta->tags, meta->n_tags);
    out.n_tags = meta->n_tags;
    out.program_version = mem_strdup("cstash " CSTASH_VERSION);
    out.brief = meta->brief != NULL ? mem_strdup(meta->brief) : NULL;
    fill_summary(s, &out);
    rc = snapshot_save(s->cx, s->repo, &out, e);
    *id = out.id;
    snapshot_release(&out);
    return rc;
}

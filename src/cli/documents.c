/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/documents.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/ctx.h"
#include "base/mem.h"
#include "base/stream.h"
#include "json/yaml.h"

enum { FOLDER_MAX = 10000 };

static void
documents_push(struct documents *d, const struct json *obj, const char *from)
{
    const struct json *items = json_field(obj, "items");
    const char *kind = json_text_or(json_field(obj, "kind"), "");
    size_t n = strlen(kind);

    if (n >= 4 && strcmp(kind + n - 4, "List") == 0 && json_kind_of(items) == JSON_IS_ARRAY) {
        for (size_t i = 0; i < json_size(items); i++)
            documents_push(d, json_elem(items, i), from);
        return;
    }
    d->v = (struct document *)mem_more(d->v, d->n, sizeof(*d->v));
    d->v[d->n++] = (struct document){json_clone(obj), mem_strdup(from)};
}

static enum rc
read_file(const char *path, struct documents *out, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(YAML_TEXT_MAX);
    CLEANUP(json_free_ptr) struct json *docs = NULL;
    bool in = strcmp(path, "-") == 0;
    struct wr_buf to;
    struct rd_fd from;
    enum rc rc;

    if (in) {
        static struct ctx never = {.fd = -1};
        rd_fd_init(&from, &never, STDIN_FILENO, "the standard input");
        wr_buf_init(&to, &text);
        rc = stream_copy(&from.rd, &to.wr, NULL, e);
    } else {
        rc = fs_read_file(path, &text, e);
    }
    if (rc != RC_OK)
        return rc;
    if (yaml_to_json(buf_str(&text), &docs, e))
        return err_wrap(e, "error parsing %s", in ? "STDIN" : path);
    for (size_t i = 0; i < json_size(docs); i++) {
        const struct json *doc = json_elem(docs, i);
        if (json_kind_of(doc) != JSON_IS_OBJECT)
            return err_set(e, RC_INVALID, "error parsing %s: document %zu is not an object",
                           in ? "STDIN" : path, i + 1);
        documents_push(out, doc, in ? "STDIN" : path);
    }
    return RC_OK;
}

static int
is_manifest(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');

    return dot != NULL &&
           (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

static enum rc
read_folder(const char *path, struct documents *out, struct err *e)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, is_manifest, alphasort);
    enum rc rc = RC_OK;

    if (n < 0)
        return err_sys(e, errno, "could not read the folder %s", path);
    if (n > FOLDER_MAX)
        rc = err_set(e, RC_LIMIT, "%s has more than %d files", path, FOLDER_MAX);
    for (int i = 0; i < n; i++) {
        CLEANUP(mem_free_ptr) char *file = mem_printf("%s/%s", path, names[i]->d_name);
        if (rc == RC_OK)
            rc = read_file(file, out, e);
        free(names[i]);
    }
    free(names);
    return rc;
}

enum rc
documents_read(const struct opt_list *files, struct documents *out, struct err *e)
{
    for (size_t i = 0; i < files->n; i++) {
        const char *path = files->v[i];
        struct stat st;
        bool folder = strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
        if (folder ? read_folder(path, out, e) : read_file(path, out, e))
            return err_code(e);
    }
    return out->n > 0 ? RC_OK : err_set(e, RC_INVALID, "no objects passed to apply or delete");
}

void
documents_release(struct documents *d)
{
    for (size_t i = 0; i < d->n; i++) {
        json_free(d->v[i].obj);
        mem_free(d->v[i].from);
    }
    mem_free(d->v);
    *d = (struct documents){.v = NULL};
}

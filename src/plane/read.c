/* SPDX-License-Identifier: Apache-2.0 */
/* GET: one object, and lists in pages. */
#include "base/b64.h"
#include "base/mem.h"
#include "plane/core.h"
#include "plane/select.h"
#include "plane/table.h"

enum { TOKEN_MAX = 4096 };

bool
verb_get(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;

    return load_object(c, c->name, &obj, NULL) && answer_object(c, 200, obj);
}

/* A list while it is read. */
struct list {
    struct call *c;
    struct selection selection;
    struct buf *out; /* the answer, JSON texts with commas */
    struct json *table;
    int64_t limit; /* 0: none */
    size_t n;
    bool as_stored; /* the stored text is what the client gets */
    bool more;
    char *ns, *name; /* of the last one, for the token */
    struct err err;
};

static bool
add_tree(struct list *l, struct json *obj)
{
    struct call *c = l->c;

    show_version(c, obj);
    if (l->table != NULL) {
        table_add(l->table, c->kind, obj, c->include);
        return true;
    }
    CLEANUP(json_free_ptr)
    struct json *shown = c->output == OUT_META ? table_partial(obj) : json_ref(obj);
    return json_print(shown, l->out, &l->err) == RC_OK;
}

static bool
on_row(void *arg, const struct db_row *row)
{
    struct list *l = (struct list *)arg;
    CLEANUP(json_free_ptr) struct json *obj = NULL;

    if (l->limit > 0 && (int64_t)l->n == l->limit) {
        l->more = true;
        return false;
    }
    if (!selection_match(&l->selection, row->text))
        return true;
    if (!l->as_stored && json_parse(row->text, &obj, &l->err))
        return false;
    if (l->n > 0 && l->table == NULL && buf_add_str(l->out, STR_LIT(","), &l->err))
        return false;
    if (l->as_stored ? buf_add_str(l->out, row->text, &l->err) != RC_OK : !add_tree(l, obj))
        return false;
    l->n++;
    if ((int64_t)l->n == l->limit) {
        l->ns = mem_strdup(row->ns);
        l->name = mem_strdup(row->name);
    }
    return true;
}

/* "revision/namespace/name" in base64. */
static char *
token_new(int64_t rev, const char *ns, const char *name)
{
    CLEANUP(mem_free_ptr) char *plain = mem_printf("%lld/%s/%s", (long long)rev, ns, name);
    CLEANUP(buf_release) struct buf coded = BUF_INIT(TOKEN_MAX);
    struct err e = ERR_INIT;

    if (b64_encode(str_c(plain), &coded, &e))
        return mem_strdup("");
    return mem_strdup(buf_c(&coded));
}

/* `text` keeps what `after` borrows. */
static bool
token_read(struct call *c, const char *token, struct buf *text, int64_t *rev, struct db_key *after)
{
    struct err e = ERR_INIT;
    char *ns, *name;

    if (b64_decode(str_c(token), text, &e) == RC_OK && buf_c(text) != NULL &&
        (ns = strchr((char *)text->p, '/')) != NULL && (name = strchr(ns + 1, '/')) != NULL) {
        *ns++ = '\0';
        *name++ = '\0';
        after->ns = ns;
        after->name = name;
        if (str_to_i64(str_c((char *)text->p), rev))
            return true;
    }
    return answer_error(c, 400, "BadRequest", "continue key is not valid");
}

/* What is before the items; the metadata comes behind them, when the revision is known. */
static void
begin_list(struct list *l)
{
    struct call *c = l->c;
    bool meta = c->output == OUT_META;

    buf_must_printf(l->out, "{\"kind\":\"%sList\",\"apiVersion\":\"%s\",\"items\":[",
                    meta ? "PartialObjectMetadata" : c->kind->kind,
                    meta ? "meta.k8s.io/v1" : c->kind->api_version);
}

static bool
end_list(struct list *l, int64_t rev)
{
    CLEANUP(mem_free_ptr) char *token = l->more ? token_new(rev, l->ns, l->name) : NULL;
    const char *end = token != NULL ? "\"}}" : "}}";

    return buf_printf(l->out, &l->err, "],\"metadata\":{\"resourceVersion\":\"%lld\"%s%s%s",
                      (long long)rev, token != NULL ? ",\"continue\":\"" : "",
                      token != NULL ? token : "", end) == RC_OK;
}

static void
print_table(struct list *l, int64_t rev)
{
    struct json *meta = json_need_object(l->table, "metadata");
    char decimal[24];

    (void)snprintf(decimal, sizeof(decimal), "%lld", (long long)rev);
    json_set_cstr(meta, "resourceVersion", decimal);
    if (l->more) {
        CLEANUP(mem_free_ptr) char *token = token_new(rev, l->ns, l->name);
        json_set_cstr(meta, "continue", token);
    }
    reply_json(l->c->rp, 200, l->table);
}

bool
verb_list(struct call *c)
{
    CLEANUP(buf_release) struct buf token = BUF_INIT(TOKEN_MAX);
    struct list l = {.c = c, .out = &c->rp->body, .limit = call_number(c, "limit", 0)};
    struct db_key after = {c->kind->store, "", ""};
    const char *from = call_param(c, "continue");
    struct err e = ERR_INIT;
    int64_t rev = 0, first = 0;
    enum rc rc;

    if (from != NULL && from[0] != '\0' && !token_read(c, from, &token, &first, &after))
        return false;
    if (!selection_init(&l.selection, c))
        return false;
    l.as_stored = c->output == OUT_OBJECT && (!c->kind->custom || c->kind->storage);
    if (c->output == OUT_TABLE)
        l.table = table_new(c->kind);
    else
        begin_list(&l);
    rc = db_list(c->plane->db, after, c->ns, on_row, &l, &rev, &e);
    if (first > 0)
        rev = first;
    if (rc == RC_OK && l.table == NULL)
        (void)end_list(&l, rev);
    if (rc == RC_OK && l.err.code != RC_OK) {
        rc = l.err.code;
        e = l.err;
    }
    if (rc != RC_OK)
        (void)answer_err(c, &e);
    else if (l.table != NULL)
        print_table(&l, rev);
    json_free(l.table);
    mem_free(l.ns);
    mem_free(l.name);
    selection_release(&l.selection);
    return rc == RC_OK;
}

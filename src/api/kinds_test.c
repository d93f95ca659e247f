/* SPDX-License-Identifier: Apache-2.0 */
/* What comes of each field, and its table in docs/kinds.md: `test_api_kinds --print` writes it. */
#include "api/kinds.h"
#include "harness/doc_table.h"

enum { TEXT_MAX = 1024 * 1024, PATH_TEXT = 512 };

static void
test_fields_that_nothing_acts_on_are_named_once(void **state)
{
    static const char text[] =
        "{\"spec\":{\"target\":{\"paths\":[\"/"
        "a\"],\"exclude\":[],\"replicas\":null,\"args\":[\"x\"],"
        "\"rules\":[{\"exclude\":[\"a\"]},{\"exclude\":[\"b\"],\"snapshots\":[\"latest\"]}]}},"
        "\"status\":{}}";
    struct buf backup = BUF_INIT(TEXT_MAX), restore = BUF_INIT(TEXT_MAX);
    struct json *obj = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(json_parse(str_c(text), &obj, &e));
    kind_unused(&kind_backupconfiguration, obj, &backup);
    T_STR(buf_str(&backup), str_c("spec.target.paths, spec.target.args"));
    kind_unused(&kind_restoresession, obj, &restore);
    T_STR(buf_str(&restore), str_c("spec.target.rules.exclude, spec.target.args"));
    json_free(obj);
    buf_release(&backup);
    buf_release(&restore);
}

static void
write_words(const struct field *f, struct buf *to)
{
    for (size_t i = 0; f->words != NULL && f->words[i] != NULL; i++)
        buf_must_printf(to, "%s`%s`", i > 0 ? " " : "; ", f->words[i]);
}

static void
write_fields(const struct field *fields, const char *up, struct buf *to)
{
    static const char *const fates[] = {
        [FATE_ACTS] = "acts", [FATE_TOLD] = "told", [FATE_NOTED] = "for people"};

    for (const struct field *f = fields; f->name != NULL; f++) {
        char path[PATH_TEXT];
        bool deeper = f->of != NULL && f->fate == FATE_ACTS;

        (void)snprintf(path, sizeof(path), "%s%s%s%s", up, up[0] != '\0' ? "." : "", f->name,
                       f->type == F_LIST ? "[]" : "");
        if (strcmp(path, "status") == 0)
            continue;
        if (!deeper || f->refused != NULL || f->rules != NULL) {
            buf_must_printf(to, "| `%s` | %s", path, fates[f->fate]);
            if (f->refused != NULL)
                buf_must_printf(to, "; refused: %s", f->refused);
            for (const struct rule *r = f->rules; r != NULL && r->cel != NULL; r++)
                buf_must_printf(to, "; rule: %s", r->message);
            buf_must_printf(to, " | %s%s", f->doc, f->required ? "; required" : "");
            write_words(f, to);
            buf_must_printf(to, " |\n");
        }
        if (deeper)
            write_fields(f->of, path, to);
    }
}

static void
write_table(struct buf *to)
{
    size_t n;
    const struct crd_def *const *kinds = kinds_all(&n);

    buf_must_printf(to, "# Kinds and fields\n\n"
                        "Every field of every kind, from the tables that the CRDs are made of. It "
                        "**acts**; or nothing acts on it, and who "
                        "sets it is **told**, by the condition `FieldsIgnored` and an event; or it "
                        "is **for people** and other programs. "
                        "What is *refused*, beside values of another type, is refused by the API "
                        "server (a *rule*), or by a condition and an "
                        "event. What the fields are about is in [fields.md](fields.md). A status "
                        "is what is known; only cstash writes it.\n");
    for (size_t i = 0; i < n; i++) {
        buf_must_printf(to, "\n## %s (`%s/%s`)\n\n%s.\n\n| field | | what |\n|---|---|---|\n",
                        kinds[i]->gvr->kind, kinds[i]->gvr->group, kinds[i]->gvr->version,
                        kinds[i]->doc);
        write_fields(kinds[i]->fields, "", to);
        for (const struct rule *r = kinds[i]->rules; r != NULL && r->cel != NULL; r++)
            buf_must_printf(to, "\nRule: %s.\n", r->message);
    }
}

static void
test_the_table_of_the_docs_is_this_one(void **state)
{
    (void)state;
    doc_table_same(write_table, SOURCE_ROOT "/docs/kinds.md");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_that_nothing_acts_on_are_named_once),
        cmocka_unit_test(test_the_table_of_the_docs_is_this_one),
    };
    if (doc_table_print(argc, argv, write_table))
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

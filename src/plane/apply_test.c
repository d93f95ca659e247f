/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "plane/apply.h"

static char api[] = "v1";
static const struct resource_info kind = {.api_version = api, .kind = "Thing"};

static struct json *
tree(const char *text)
{
    struct json *j = NULL;
    struct err e = ERR_INIT;

    T_OK(json_parse(str_c(text), &j, &e));
    return j;
}

/* Apply `text` as `who` and replace *live. */
static enum rc
apply(struct json **live, const char *who, const char *text, bool force, struct json **causes,
      struct err *e)
{
    struct json *applied = tree(text), *out = NULL;
    enum rc rc = apply_patch(&kind, *live, applied, (struct apply_manager){who, false, force}, &out,
                             causes, e);

    json_free(applied);
    if (rc == RC_OK) {
        json_free(*live);
        *live = out;
    }
    return rc;
}

static void
update(struct json **live, const char *who, const char *text)
{
    struct json *obj = tree(text);

    apply_update(&kind, *live, obj, (struct apply_manager){who, false, false});
    json_free(*live);
    *live = obj;
}

/* The object without its metadata. */
static void
holds(const struct json *live, const char *want)
{
    struct json *bare = json_clone(live);
    char *got;

    json_remove(bare, "metadata");
    got = json_to_text(bare, true);
    assert_string_equal(got, want);
    mem_free(got);
    json_free(bare);
}

/* What the manager owns, "" for nothing. */
static void
owns(const struct json *live, const char *who, const char *want)
{
    const struct json *list = json_dig(live, "metadata", "managedFields");
    char *got = mem_strdup("");

    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "manager"), ""), who) == 0) {
            mem_free(got);
            got = json_to_text(json_field(json_elem(list, i), "fieldsV1"), true);
        }
    assert_string_equal(got, want);
    mem_free(got);
}

static void
test_apply_owns_what_it_names_and_removes_what_it_drops(void **state)
{
    struct json *live = NULL, *causes = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(apply(&live, "a", "{\"data\":{\"x\":\"1\",\"y\":\"2\"}}", false, &causes, &e));
    holds(live, "{\"data\":{\"x\":\"1\",\"y\":\"2\"}}");
    owns(live, "a", "{\"f:data\":{\"f:x\":{},\"f:y\":{}}}");
    T_OK(apply(&live, "b", "{\"data\":{\"y\":\"2\",\"z\":\"3\"}}", false, &causes, &e));
    T_OK(apply(&live, "a", "{\"data\":{\"x\":\"5\"}}", false, &causes, &e));
    holds(live, "{\"data\":{\"x\":\"5\",\"y\":\"2\",\"z\":\"3\"}}"); /* y is still b's */
    T_OK(apply(&live, "b", "{\"data\":{\"z\":\"3\"}}", false, &causes, &e));
    holds(live, "{\"data\":{\"x\":\"5\",\"z\":\"3\"}}");
    json_free(live);
}

static void
test_conflicts_name_the_owner_and_yield_to_force(void **state)
{
    struct json *live = NULL, *causes = NULL;
    struct err e = ERR_INIT;

    (void)state;
    update(&live, "cli", "{\"data\":{\"x\":\"1\",\"y\":\"1\"}}");
    owns(live, "cli", "{\"f:data\":{\"f:x\":{},\"f:y\":{}}}");
    T_RC(apply(&live, "a", "{\"data\":{\"x\":\"2\"}}", false, &causes, &e), RC_CONFLICT);
    assert_int_equal(json_size(causes), 1);
    assert_string_equal(json_text(json_field(json_elem(causes, 0), "message")),
                        "conflict with \"cli\" using v1");
    assert_string_equal(json_text(json_field(json_elem(causes, 0), "field")), ".data.x");
    json_free(causes);
    causes = NULL;
    T_OK(apply(&live, "a", "{\"data\":{\"x\":\"2\"}}", true, &causes, &e));
    holds(live, "{\"data\":{\"x\":\"2\",\"y\":\"1\"}}");
    owns(live, "cli", "{\"f:data\":{\"f:y\":{}}}");
    T_OK(apply(&live, "c", "{\"data\":{\"x\":\"2\"}}", false, &causes, &e)); /* the same: shared */
    json_free(live);
}

static void
test_lists_merge_by_their_keys(void **state)
{
    struct json *live = NULL, *causes = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(apply(&live, "a",
               "{\"spec\":{\"containers\":[{\"name\":\"x\",\"image\":\"1\"},{\"name\":\"y\"}]}}",
               false, &causes, &e));
    owns(live, "a",
         "{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"x\\\"}\":{\".\":{},\"f:image\":{},"
         "\"f:name\":{}},\"k:{\\\"name\\\":\\\"y\\\"}\":{\".\":{},\"f:name\":{}}}}}");
    T_OK(apply(&live, "b", "{\"spec\":{\"containers\":[{\"name\":\"x\",\"tty\":true}]}}", false,
               &causes, &e));
    holds(live, "{\"spec\":{\"containers\":[{\"image\":\"1\",\"name\":\"x\",\"tty\":true},"
                "{\"name\":\"y\"}]}}");
    T_OK(apply(&live, "a", "{\"spec\":{\"containers\":[{\"name\":\"x\",\"image\":\"1\"}]}}", false,
               &causes, &e));
    holds(live, "{\"spec\":{\"containers\":[{\"image\":\"1\",\"name\":\"x\",\"tty\":true}]}}");
    json_free(live);
}

static void
test_updates_take_over_what_they_change(void **state)
{
    struct json *live = NULL, *causes = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(apply(&live, "a", "{\"data\":{\"x\":\"1\",\"y\":\"1\"}}", false, &causes, &e));
    {
        struct json *next = json_clone(live);
        json_set_cstr(json_field(next, "data"), "x", "9");
        apply_update(&kind, live, next, (struct apply_manager){"cli", false, false});
        json_free(live);
        live = next;
    }
    owns(live, "a", "{\"f:data\":{\"f:y\":{}}}");
    owns(live, "cli", "{\"f:data\":{\"f:x\":{}}}");
    T_RC(apply(&live, "a", "{\"data\":{\"x\":\"1\",\"y\":\"1\"}}", false, &causes, &e),
         RC_CONFLICT);
    json_free(causes);
    json_free(live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply_owns_what_it_names_and_removes_what_it_drops),
        cmocka_unit_test(test_conflicts_name_the_owner_and_yield_to_force),
        cmocka_unit_test(test_lists_merge_by_their_keys),
        cmocka_unit_test(test_updates_take_over_what_they_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

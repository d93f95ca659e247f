/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/owner_graph.h"

#include "base/mem.h"
#include "t.h"

static char looked[4096]; /* " uid uid" */

static void
look(void *arg, const char *uid)
{
    size_t n = strlen(looked);

    (void)arg;
    (void)snprintf(looked + n, sizeof(looked) - n, " %s", uid);
}

/* `owners`: "a b!" (! blocks); `more`: further metadata. */
static void
put(struct graph *g, const char *uid, const char *owners, const char *more)
{
    struct json *refs = json_new_array(), *obj = NULL;
    char copy[256], *save = NULL, *text;
    struct err e = ERR_INIT;

    (void)snprintf(copy, sizeof(copy), "%s", owners);
    for (char *o = strtok_r(copy, " ", &save); o != NULL; o = strtok_r(NULL, " ", &save)) {
        struct json *ref = json_new_object();
        size_t n = strlen(o);
        bool blocks = o[n - 1] == '!';
        json_set(ref, "uid", json_new_str(str_of(o, blocks ? n - 1 : n)));
        json_set_bool(ref, "blockOwnerDeletion", blocks);
        json_push(refs, ref);
    }
    text = mem_printf("{\"metadata\":{\"name\":\"n-%s\",\"uid\":\"%s\"%s}}", uid, uid, more);
    T_OK(json_parse(str_c(text), &obj, &e));
    json_set(json_field(obj, "metadata"), "ownerReferences", refs);
    looked[0] = '\0';
    graph_put(g, "things", obj, look, NULL);
    json_free(obj);
    mem_free(text);
}

static void
gone(struct graph *g, const char *uid)
{
    looked[0] = '\0';
    graph_remove(g, uid, look, NULL);
}

static size_t
dependents(const struct graph *g, const char *uid, bool blocking)
{
    struct json *list = graph_dependents(g, uid, blocking);
    size_t n = json_size(list);

    json_free(list);
    return n;
}

static void
test_dependents_are_looked_at_when_their_owner_goes(void **state)
{
    struct graph *g = graph_new();
    struct graph_name n;

    (void)state;
    put(g, "a", "", "");
    assert_string_equal(looked, "");
    put(g, "b", "a!", "");
    put(g, "c", "a", "");
    assert_string_equal(looked, "");
    assert_int_equal(dependents(g, "a", false), 2);
    assert_int_equal(dependents(g, "a", true), 1);
    assert_true(graph_find(g, "b", &n));
    assert_string_equal(n.name, "n-b");
    gone(g, "a");
    assert_string_equal(looked, " b c");
    assert_int_equal(graph_state(g, "a"), GRAPH_ABSENT);
    assert_int_equal(dependents(g, "a", false), 2);
    gone(g, "b");
    gone(g, "c");
    assert_int_equal(graph_size(g), 0);
    graph_free(g);
}

static void
test_an_owner_that_was_never_there(void **state)
{
    struct graph *g = graph_new();

    (void)state;
    put(g, "b", "nobody", "");
    assert_string_equal(looked, " b");
    put(g, "nobody", "", ""); /* it came after all */
    assert_int_equal(graph_state(g, "nobody"), GRAPH_PRESENT);
    put(g, "b", "", ""); /* and b does not want it any more */
    assert_int_equal(dependents(g, "nobody", false), 0);
    graph_free(g);
}

static void
test_foreground_waits_for_those_that_block(void **state)
{
    static const char going[] = ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
                                "\"finalizers\":[\"foregroundDeletion\"]";
    struct graph *g = graph_new();

    (void)state;
    put(g, "a", "", "");
    put(g, "b", "a!", "");
    put(g, "a", "", going);
    assert_string_equal(looked, " a");
    assert_int_equal(graph_state(g, "a"), GRAPH_FOREGROUND);
    put(g, "b", "a!", ",\"labels\":{\"x\":\"y\"}");
    assert_string_equal(looked, " a b");
    gone(g, "b");
    assert_string_equal(looked, " a");
    assert_int_equal(dependents(g, "a", true), 0);
    graph_free(g);
}

static void
test_rings_and_many(void **state)
{
    struct graph *g = graph_new();
    char uid[32], owner[32];

    (void)state;
    put(g, "x", "y x", "");
    put(g, "y", "x", "");
    gone(g, "x");
    assert_string_equal(looked, " y");
    gone(g, "y");
    assert_int_equal(graph_size(g), 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            (void)snprintf(uid, sizeof(uid), "u%d", i);
            (void)snprintf(owner, sizeof(owner), "u%d v%d", i / 10, i / 7);
            put(g, uid, owner, "");
        }
        assert_int_equal(dependents(g, "v5", false), 7);
        for (int i = 0; i < 20000; i++) {
            (void)snprintf(uid, sizeof(uid), "u%d", i);
            gone(g, uid);
        }
        assert_int_equal(graph_size(g), 0);
    }
    graph_free(g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dependents_are_looked_at_when_their_owner_goes),
        cmocka_unit_test(test_an_owner_that_was_never_there),
        cmocka_unit_test(test_foreground_waits_for_those_that_block),
        cmocka_unit_test(test_rings_and_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

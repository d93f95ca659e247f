/* SPDX-License-Identifier: Apache-2.0 */
#include "node/text.h"

#include "base/mem.h"
#include "t.h"

static const char *
lookup(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "A") == 0 ? "one" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static void
test_expand_follows_kubernetes(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"$(A)", "one"},
        {"x$(A)y$(A)", "xoneyone"},
        {"$$(A)", "$(A)"},
        {"$$$(A)", "$one"},
        {"$(NO)", "$(NO)"},
        {"$(A", "$(A"},
        {"$", "$"},
        {"$x", "$x"},
        {"[$(EMPTY)]", "[]"},
        {"$$$$", "$$"},
        {"$()", "$()"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = expand_vars(cases[i][0], lookup, NULL);
        assert_string_equal(got, cases[i][1]);
        mem_free(got);
    }
}

static void
test_paths_are_replaced_where_they_stand_alone(void **state)
{
    char data[] = "/data", deep[] = "/data/deep", real[] = "/r", below[] = "/d";
    const struct mount_point mounts[] = {{data, real}, {deep, below}};
    static const char *const cases[][2] = {
        {"/data", "/r"},
        {"/data/", "/r/"},
        {"/data/x", "/r/x"},
        {"/data/deep", "/d"},
        {"/data/deep/x", "/d/x"},
        {"/data/deeper", "/r/deeper"},
        {"/database", "/database"},
        {"/my/data", "/my/data"},
        {"--dir=/data", "--dir=/r"},
        {"local:/data:/data/deep,/data", "local:/r:/d,/r"},
        {"cat /data/x >/data/y", "cat /r/x >/r/y"},
        {"x/data", "x/data"},
        {"", ""},
        {"/dat", "/dat"},
        {"\"/data\" '/data/x';/data", "\"/r\" '/r/x';/r"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = map_mount_paths(cases[i][0], mounts, ARRAY_LEN(mounts));
        assert_string_equal(got, cases[i][1]);
        mem_free(got);
    }
}

static void
test_quantities(void **state)
{
    (void)state;
    assert_int_equal(quantity_parse("512Mi"), 512 * 1024 * 1024);
    assert_int_equal(quantity_parse("1.5k"), 1500);
    assert_int_equal(quantity_parse("100m"), 1);
    assert_int_equal(quantity_parse("2500m"), 3);
    assert_int_equal(quantity_parse("7"), 7);
    assert_int_equal(quantity_parse("1e3"), 1000);
    assert_int_equal(quantity_parse(""), 0);
    assert_int_equal(quantity_parse("-1"), 0);
    assert_int_equal(quantity_parse("5 apples"), 0);
    assert_int_equal(quantity_parse("nan"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand_follows_kubernetes),
        cmocka_unit_test(test_paths_are_replaced_where_they_stand_alone),
        cmocka_unit_test(test_quantities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "repo/snapshots.h"
#include "t.h"

#define TEXT(s) ((char *)(uintptr_t)(s))

/* A snapshot of this host, target, scope and part. */
static struct snapshot
one(const char *host, const char *target, const char *scope, const char *part)
{
    return (struct snapshot){
        .hostname = TEXT(host), .target = TEXT(target), .scope = TEXT(scope), .part = TEXT(part)};
}

/* What is chosen, as "..x". */
static enum rc
choose(struct snapshot *list, size_t n, const struct snapshot_filter *f, char *got, struct err *e)
{
    bool chosen[16] = {false};
    enum rc rc = targets_choose(list, n, f, chosen, e);

    for (size_t i = 0; i < n; i++)
        got[i] = rc == RC_OK && chosen[i] ? 'x' : '.';
    got[n] = '\0';
    return rc;
}

#define CHOOSE(list, want, ...)                                                                    \
    do {                                                                                           \
        T_OK(choose((list), ARRAY_LEN(list), &(struct snapshot_filter){__VA_ARGS__}, got, &e));    \
        assert_string_equal(got, (want));                                                          \
    } while (0)
#define REFUSE(list, rc, text, ...)                                                                \
    do {                                                                                           \
        T_RC(choose((list), ARRAY_LEN(list), &(struct snapshot_filter){__VA_ARGS__}, got, &e),     \
             (rc));                                                                                \
        T_CONTAINS(e.msg, (text));                                                                 \
    } while (0)

static void
test_without_names_as_restic(void **state)
{
    struct snapshot list[] = {one("a", NULL, NULL, NULL), one("b", NULL, NULL, NULL)};
    struct err e = ERR_INIT;
    char got[17];

    (void)state;
    CHOOSE(list, "xx", .hosts = NULL);
    CHOOSE(list, "xx", .own = {"x:1", NULL});
    CHOOSE(list, ".x", .hosts = (const char *const[]){"b"}, .n_hosts = 1);
    REFUSE(list, RC_NOT_FOUND, "no snapshot", .target = "x:1");
}

static void
test_own_then_only_then_error(void **state)
{
    struct snapshot list[] = {
        one("host-0", "ns/AppBinding/a", "u1", NULL), one("host-0", "ns/AppBinding/b", "u1", NULL),
        one("host-0", "ns/AppBinding/a", "u2", NULL), one("host-0", NULL, NULL, NULL)};
    struct err e = ERR_INIT;
    char got[17];

    (void)state;
    CHOOSE(list, "x...", .own = {"ns/AppBinding/a", "u1"});
    CHOOSE(list, ".x..", .own = {"ns/AppBinding/b", "u1"});
    CHOOSE(list, ".x..", .target = "ns/AppBinding/b");
    CHOOSE(list, "..x.", .target = "ns/AppBinding/a@u2");
    /* A namesake is never one's own. */
    REFUSE(list, RC_INVALID, "ns/AppBinding/b@u1", .own = {"ns/AppBinding/b", "u2"});
    REFUSE(list, RC_INVALID, "ns/AppBinding/a@u2", .target = "ns/AppBinding/a");
    /* What names nobody stands for itself where a host is shared. */
    REFUSE(list, RC_INVALID, "host host-0", .hosts = NULL);
}

static void
test_the_only_target_serves_others(void **state)
{
    struct snapshot list[] = {one("h", NULL, NULL, NULL), one("h", "a:6379", NULL, NULL),
                              one("h", "a:6379", NULL, NULL)};
    struct err e = ERR_INIT;
    char got[17];

    (void)state;
    CHOOSE(list, "xxx", .own = {"b:6379", NULL});
    CHOOSE(list, "xxx", .own = {"a:6379", NULL});
    assert_int_equal(list[0].owner, list[1].owner); /* its host is that target's alone */
}

static void
test_parts_stay_apart(void **state)
{
    struct snapshot list[] = {one("h", "a:1", NULL, NULL), one("h", "a:1", NULL, "--db 3"),
                              one("h", "a:1", NULL, "--match 'x*'")};
    struct err e = ERR_INIT;
    char got[17];

    (void)state;
    CHOOSE(list, "x..", .own = {"a:1", NULL});
    CHOOSE(list, "x..", .hosts = NULL);
    CHOOSE(list, "xx.", .own = {"a:1", NULL}, .part = "--db 3");
    CHOOSE(list, "xx.", .part = "--db 3");
    T_RC(choose(list + 1, 2, NULL, got, &e), RC_NOT_FOUND);
    T_CONTAINS(e.msg, "only a part");
    targets_number(list, ARRAY_LEN(list));
    assert_int_not_equal(list[0].owner, list[1].owner);
    assert_int_not_equal(list[1].owner, list[2].owner);
}

static void
test_a_part_alone_is_what_there_is(void **state)
{
    struct snapshot list[] = {one("h", "a:1", NULL, "--db 3"), one("h", "a:1", NULL, "--db 3"),
                              one("h", "b:1", NULL, "--db 4"), one("h", "b:1", NULL, "--db 5"),
                              one("h", "c:1", NULL, "--db 6"), one("h", "c:1", NULL, NULL)};
    struct err e = ERR_INIT;
    char got[17];

    (void)state;
    CHOOSE(list, "xx....", .own = {"a:1", NULL}, .only_part = true);
    CHOOSE(list, "xx....", .target = "a:1", .only_part = true);
    CHOOSE(list, ".....x", .own = {"c:1", NULL}, .only_part = true);
    REFUSE(list, RC_NOT_FOUND, "only a part", .target = "a:1");
    REFUSE(list, RC_NOT_FOUND, "only a part",
           .own = {"a:1", NULL}); /* though another has a whole one */
    CHOOSE(list, ".....x", .own = {"d:1", NULL}, .only_part = true);
    REFUSE(list, RC_NOT_FOUND, "only a part", .target = "b:1", .only_part = true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_names_as_restic),
        cmocka_unit_test(test_own_then_only_then_error),
        cmocka_unit_test(test_the_only_target_serves_others),
        cmocka_unit_test(test_parts_stay_apart),
        cmocka_unit_test(test_a_part_alone_is_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance suite of stores against an empty place, with the environment's credentials.
 * usage: store_conformance URL [store.option=value ...]
 *        store_conformance --beside NEIGHBOUR ROOT   a bucket without a prefix, and something in it
 */
#include "t.h"

#include "conformance/store_suite.h"
#include "crypto/sha256.h"

static char **arguments;

static struct store *
opened(struct ctx *cx, const char *url, const char *const *options)
{
    struct store_opts o = {
        .options = options, .ca_file = getenv("RESTIC_CACERT"), .retry_ms = 10000};
    struct store *s = NULL;
    struct err e = ERR_INIT;

    T_OK(store_open(url, &o, &s, &e));
    T_OK(s->ops->create(cx, s, &e));
    return s;
}

static void
test_store(void **state)
{
    struct err e = ERR_INIT;
    struct store *s;
    struct ctx cx;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    s = opened(&cx, arguments[1], (const char *const *)arguments + 2);
    store_suite(s);
    store_release(s);
    ctx_release(&cx);
}

static void
test_root_is_not_wiped_beside_others(void **state)
{
    struct store_name name = {.type = STORE_KEY};
    struct err e = ERR_INIT;
    struct store *neighbour, *root;
    uint64_t n;
    struct ctx cx;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    sha256_of(STR_LIT("x"), &name.id);
    neighbour = opened(&cx, arguments[2], NULL);
    root = opened(&cx, arguments[3], NULL);
    T_OK(store_put_all(&cx, neighbour, &name, STR_LIT("x"), &e));
    T_OK(store_put_all(&cx, root, &name, STR_LIT("x"), &e));
    T_RC(store_wipe(&cx, root, &n, &e), RC_DENIED);
    assert_non_null(strstr(e.msg, "something else"));
    T_OK(root->ops->stat(&cx, root, &name, &n, &e));
    T_OK(store_wipe(&cx, neighbour, &n, &e));
    assert_int_equal(n, 1);
    T_OK(store_wipe(&cx, root, &n, &e));
    assert_int_equal(n, 1);
    store_release(root);
    store_release(neighbour);
    ctx_release(&cx);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest one[] = {cmocka_unit_test(test_store)};
    const struct CMUnitTest two[] = {cmocka_unit_test(test_root_is_not_wiped_beside_others)};

    arguments = argv;
    if (argc == 4 && strcmp(argv[1], "--beside") == 0)
        return cmocka_run_group_tests(two, NULL, NULL);
    return argc < 2 ? 2 : cmocka_run_group_tests(one, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "redis/acl.h"

static const char *
command(const char *line)
{
    static struct buf out = BUF_INIT(1000);
    static struct err e;

    e = (struct err)ERR_INIT;
    buf_reset(&out);
    return acl_command(str_c(line), &out, &e) == RC_OK ? buf_c(&out) : e.msg;
}

static void
test_a_line_becomes_a_command(void **state)
{
    (void)state;
    assert_string_equal(
        command("user a on ~*"),
        "*6\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$1\r\na\r\n$5\r\nreset\r\n$2\r\non\r\n$2\r\n~*\r\n");
    assert_string_equal(
        command("user a (+get ~x* ) -@all"),
        "*6\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$1\r\na\r\n$5\r\nreset\r\n$11\r\n(+get ~x* )\r\n"
        "$5\r\n-@all\r\n");
    assert_string_equal(
        command("user a  off "),
        "*5\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$1\r\na\r\n$5\r\nreset\r\n$3\r\noff\r\n");
    assert_non_null(strstr(command("group a on"), "without a user"));
    assert_non_null(strstr(command("user"), "without a user"));
    assert_non_null(strstr(command(""), "without a user"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_line_becomes_a_command)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

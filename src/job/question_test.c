/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"
#include "job/question.h"

static struct reply
bulk(const char *s)
{
    return (struct reply){.type = REPLY_BULK, .s = str_c(s)};
}

static struct reply
number(int64_t n)
{
    return (struct reply){.type = REPLY_INT, .integer = n};
}

static bool
answers(const char *text, struct reply r)
{
    struct question *q = NULL;
    struct err e = ERR_INIT;
    bool is;

    T_OK(question_parse(text, &q, &e));
    is = question_is_answer(q, &r);
    question_free(q);
    return is;
}

static void
test_answers(void **state)
{
    const struct reply nil = {.type = REPLY_NIL}, empty = {.type = REPLY_ARRAY},
                       error = {.type = REPLY_ERROR, .s = str_c("ERR a")};
    struct reply items[] = {bulk("a"), nil, number(3)};
    struct reply list = {.type = REPLY_ARRAY, .items = items, .n = 3};

    (void)state;
    assert_true(answers("GET k => hello", bulk("hello")));
    assert_false(answers("GET k => hello", bulk("hello ")));
    assert_false(answers("GET k => hello", nil));
    assert_true(answers("GET k => \"a b\\x00\\n\\\"\"",
                        (struct reply){.type = REPLY_BULK, .s = STR_LIT("a b\0\n\"")}));
    assert_true(answers("get 'a => b' => ''", bulk("")));
    assert_true(answers("GET k => (nil)", nil));
    assert_false(answers("GET k => \"(nil)\"", nil));
    assert_true(answers("GET k => \"(nil)\"", bulk("(nil)")));
    assert_true(answers("LRANGE l 0 -1 => (empty)", empty));
    assert_false(answers("LRANGE l 0 -1 => a", empty));
    assert_true(answers("HMGET h a b c => a (nil) 3", list));
    assert_false(answers("HMGET h a b c => a (nil)", list));
    assert_false(answers("HMGET h a b c => a (nil) 3 4", list));
    assert_true(answers("GET k => =>", bulk("=>")));
    assert_false(answers("GET k => ERR a", error));
    assert_true(answers("-n 3 DBSIZE => 7", number(7)));
    assert_true(answers("DBSIZE >= 7", number(7)));
    assert_false(answers("DBSIZE >= 7", number(6)));
    assert_true(answers("GET k <= 7", bulk("-2")));
    assert_false(answers("GET k <= 7", bulk("x")));
    assert_false(answers("GET k <= 7", nil));
}

static void
test_what_is_not_a_question(void **state)
{
    static const char *const bad[] = {"",
                                      "GET k",
                                      "GET k =>",
                                      "=> a",
                                      "SET k v => OK",
                                      "FLUSHALL => OK",
                                      "GET k => \"a",
                                      "GET k => \"\\q\"",
                                      "DBSIZE >= many",
                                      "DBSIZE >= 1 2",
                                      "-n x DBSIZE => 1",
                                      "-n -1 DBSIZE => 1",
                                      "-n 3 => 1",
                                      "EVAL x 0 => 1",
                                      "GET \"k\"x => 1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct question *q = NULL;
        struct err e = ERR_INIT;

        T_RC(question_parse(bad[i], &q, &e), RC_USAGE);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_what_is_not_a_question),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "plane/cel.h"
#include "plane/cel_rules.h"
#include "plane/core.h"

static const char self_text[] =
    "{\"a\":1,\"d\":1.5,\"s\":\"h\xc3\xa9llo\",\"b\":true,\"l\":[1,2,3],\"m\":{\"x\":1,\"y\":2},"
    "\"n\":null,\"o\":[{\"k\":\"u\",\"v\":1},{\"k\":\"w\",\"v\":2}],\"a-b\":7,\"in\":8}";

static char *
eval(const char *text, const char *old_text)
{
    struct json *self = NULL, *old = NULL, *v = NULL;
    struct cel *c = NULL;
    struct err e = ERR_INIT;
    char *out;

    T_OK(json_parse(str_c(self_text), &self, &e));
    if (old_text != NULL)
        T_OK(json_parse(str_c(old_text), &old, &e));
    if (cel_parse(text, &c, &e))
        out = mem_printf("parse: %s", e.msg);
    else if (cel_eval(c, self, old, &v, &e))
        out = mem_printf("error: %s", e.msg);
    else
        out = json_to_text(v, true);
    cel_free(c);
    json_free(v);
    json_free(self);
    json_free(old);
    return out;
}

static void
test_values(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"1 + 2 * 3 - 4 / 2 % 2", "7"},
        {"(1 + 2) * -3", "-9"},
        {"0x10 + 1", "17"},
        {"1.5 + self.d", "3.0"},
        {"self.a == 1.0", "true"},
        {"self.a < self.d", "true"},
        {"'a' + \"b\" + r'\\d'", "\"ab\\\\d\""},
        {"'\\u00e9\\n'", "\"é\\n\""},
        {"size(self.s) == 5 && self.s.size() == 5", "true"},
        {"self.s.startsWith('h') && self.s.endsWith('lo') && self.s.contains('ll')", "true"},
        {"self.s.matches('^h.+o$')", "true"},
        {"'a1'.matches('^[a-z]\\\\d$')", "true"},
        {"self.l[1]", "2"},
        {"self['m']['x']", "1"},
        {"self.l + [4]", "[1,2,3,4]"},
        {"2 in self.l && 'x' in self.m && !(9 in self.l)", "true"},
        {"has(self.m.x) && !has(self.m.z) && !has(self.n)", "true"},
        {"self.b ? 'y' : 'n'", "\"y\""},
        {"self.l.all(i, i > 0) && self.l.exists(i, i == 3) && self.l.exists_one(i, i == 1)",
         "true"},
        {"self.l.filter(i, i % 2 == 1)", "[1,3]"},
        {"self.l.map(i, i * 2)", "[2,4,6]"},
        {"self.l.map(i, i > 1, i * 2)", "[4,6]"},
        {"self.m.all(k, self.m[k] < 3)", "true"},
        {"self.o.all(x, self.o.exists_one(y, y.k == x.k))", "true"},
        {"self.missing || true", "true"},
        {"false && self.missing", "false"},
        {"string(12) + string(self.b)", "\"12true\""},
        {"int('7') + int(2.9)", "9"},
        {"{'a': [1]}", "{\"a\":[1]}"},
        {"self.a__dash__b + self.__in__", "15"},
        {"self == self // a comment", "true"},
        {"self.missing", "error: no such key: missing"},
        {"self.missing || false", "error: no such key: missing"},
        {"1 / 0", "error: division by zero"},
        {"9223372036854775807 + 1", "error: integer overflow"},
        {"self.l.all(i, i < 2 || self.zzz)", "error: no such key: zzz"},
        {"self.l.map(a, self.l.map(b, self.l.map(c, self.l.map(d, self.l.map(e, self.l.map(f, "
         "self.l.map(g, self.l.map(h, self.l.map(i, self.l.map(j, self.l.map(k, self.l.map(l, "
         "a))))))))))))",
         "error: the rule is too expensive"},
        {"self.", "parse: at character 6: a field is missing"},
        {"foo", "parse: at character 4: undeclared reference"},
        {"foo(1)", "parse: at character 5: undeclared function"},
        {"1 +", "parse: at character 4: an expression is missing"},
        {"'a", "parse: at character 3: the string does not end"},
        {"1 2", "parse: at character 3: the expression should end here"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = eval(cases[i].text, NULL);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s, wanted %s", cases[i].text, got, cases[i].want);
        mem_free(got);
    }
}

static void
test_depth_is_bounded(void **state)
{
    char deep[4096], chain[8192];
    struct cel *c = NULL;
    struct err e = ERR_INIT;
    size_t n = 0;

    (void)state;
    memset(deep, '(', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    T_RC(cel_parse(deep, &c, &e), RC_INVALID);
    memset(deep, '!', sizeof(deep) - 1);
    e = (struct err)ERR_INIT;
    T_RC(cel_parse(deep, &c, &e), RC_INVALID);
    while (n < sizeof(chain) - 4)
        n += (size_t)snprintf(chain + n, sizeof(chain) - n, "1+");
    chain[n - 1] = '\0';
    e = (struct err)ERR_INIT;
    T_RC(cel_parse(chain, &c, &e), RC_INVALID);
}

static char *
check(const char *schema_text, const char *old_text, const char *obj_text)
{
    struct json *schema = NULL, *old = NULL, *obj = NULL;
    struct plane_complaints why = {0};
    struct rules *r;
    struct err e = ERR_INIT;
    char *out;

    T_OK(json_parse(str_c(schema_text), &schema, &e));
    T_OK(json_parse(str_c(obj_text), &obj, &e));
    if (old_text != NULL)
        T_OK(json_parse(str_c(old_text), &old, &e));
    r = rules_new(schema);
    rules_apply(r, old, obj, &why);
    out = mem_printf("%s: %s", json_text_or(json_field(json_elem(why.causes, 0), "field"), "-"),
                     json_text_or(json_field(json_elem(why.causes, 0), "message"), "-"));
    complaints_release(&why);
    rules_free(r);
    json_free(schema);
    json_free(old);
    json_free(obj);
    return out;
}

static void
test_rules_of_a_schema(void **state)
{
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\","
        "\"x-kubernetes-validations\":[{\"rule\":\"self.min <= self.max\",\"message\":\"min above "
        "max\"},{\"rule\":\"self.name == oldSelf.name\",\"messageExpression\":\"'was ' + "
        "oldSelf.name\"}],\"properties\":{\"list\":{\"type\":\"array\",\"items\":{\"type\":"
        "\"string\",\"x-kubernetes-validations\":[{\"rule\":\"self != 'bad'\"}]}}}}}}";
    static const struct {
        const char *old, *obj, *want;
    } cases[] = {
        {NULL, "{\"spec\":{\"min\":1,\"max\":2}}", "-: -"},
        {NULL, "{\"spec\":{\"min\":3,\"max\":2}}",
         "spec: Invalid value: \"object\": min above max"},
        {"{\"spec\":{\"name\":\"a\"}}", "{\"spec\":{\"min\":1,\"max\":2,\"name\":\"b\"}}",
         "spec: Invalid value: \"object\": was a"},
        {NULL, "{\"spec\":{\"min\":1,\"max\":2,\"list\":[\"a\",\"bad\"]}}",
         "spec.list[1]: Invalid value: \"value\": failed rule: self != 'bad'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = check(schema, cases[i].old, cases[i].obj);
        assert_string_equal(got, cases[i].want);
        mem_free(got);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_rules_of_a_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "validation/cel.h"
#include "validation/cel_rules.h"
#include "validation/field_errors.h"

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

/* What the language definition, cel-go's string extension and Kubernetes' list library say. */
static const struct {
    const char *text, *want;
} language[] = {
    /* literals */
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"- 9223372036854775808 < 0", "true"},
    {"-0x8000000000000000 == -9223372036854775808", "true"},
    {"9223372036854775808", "parse: at character 1: the number is out of range"},
    {"-9223372036854775809", "parse: at character 2: the number is out of range"},
    {"-(-9223372036854775808)", "error: integer overflow"},
    {"0x7fffffffffffffff == 9223372036854775807", "true"},
    {"0XFF == 255 && 0xffu == 255u && 007 == 7", "true"},
    {"0x", "parse: at character 2: the expression should end here"},
    {"18446744073709551615u > 9223372036854775807", "true"},
    {"18446744073709551616u", "parse: at character 1: the number is out of range"},
    {"-1u", "parse: at character 2: an unsigned number has no minus"},
    {"string(18446744073709551615U)", "\"18446744073709551615\""},
    {"1e3 == 1000.0 && 1E+3 == 1000.0 && 1.5e-1 == 0.15 && .5 == 0.5", "true"},
    {"-.5 < 0.0 && -1e0 == -1.0", "true"},
    {"5e-324 > 0.0 && 1e-999 == 0.0", "true"},
    {"1e999", "parse: at character 1: the number is out of range"},
    {"1e", "parse: at character 2: the expression should end here"},
    {"- -1 == 1 && --1 == 1 && 2 - -1 == 3 && 2-1 == 1", "true"},
    {"-self.a == -1 && !(!true)", "true"},
    /* strings */
    {"'\\101' == 'A' && '\\x41' == 'A' && '\\X41' == 'A' && '\\u0041' == 'A' && '\\U00000041' "
     "== 'A'",
     "true"},
    {"'\\U0001F600'.size() == 1 && '\\377' == '\\u00ff' && '\\xe9' == 'é'", "true"},
    {"'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\\"\\'\\`'.size()", "12"},
    {"'\\a' != 'a' && '\\v' == '\\x0b' && '\\?' == '?' && '\\`' == '`'", "true"},
    {"'\\d'", "parse: at character 3: unknown escape"},
    {"'\\400'", "parse: at character 3: unknown escape"},
    {"'\\09a'", "parse: at character 3: unknown escape"},
    {"'\\u12'", "parse: at character 3: unknown escape"},
    {"'\\uD800'", "parse: at character 3: unknown escape"},
    {"'\\U00110000'", "parse: at character 3: unknown escape"},
    {"'\\U0010FFFF'.size()", "1"},
    {"r'\\n\\x' == '\\\\n\\\\x' && R\"a'b\" == 'a\\'b' && r'\\'.size() == 1", "true"},
    {"\"\"\"a\"b'c\"\"\" == 'a\"b\\'c' && '''a'b''' == \"a'b\" && r\"\"\"\\\"\"\" == '\\\\'",
     "true"},
    {"'''a\\nb''' == 'a\\nb' && \"\"\"\"\"\" == ''", "true"},
    /* bytes */
    {"b'abc' == b\"abc\" && b'abc' == bytes('abc') && b'abc' != b'abd'", "true"},
    {"b'\\377'.size() == 1 && size(b'é') == 2 && size(b'\\xff\\000') == 2 && b'' != b'a'", "true"},
    {"b'a' < b'b' && b'\\xff' > b'a' && b'a' + b'b' == b'ab' && br'\\n'.size() == 2 && B\"x\" "
     "== b'x'",
     "true"},
    {"b'\\u0041'", "parse: at character 4: unknown escape"},
    {"string(b'\\303\\251') == 'é' && bytes('é') == b'\\xc3\\xa9'", "true"},
    {"string(b'\\xff')", "error: the bytes are not text"},
    {"b'a' == 'a'", "false"},
    /* maps */
    {"{1: 'a'}[1] == 'a' && {1: 'a'}[1u] == 'a' && {1u: 'a'}[1.0] == 'a'", "true"},
    {"{true: 1, false: 2}[false] == 2 && {'1': 1, 1: 2}['1'] == 1 && {-1: 1}[-1] == 1", "true"},
    {"1 in {1: 2} && !(2 in {1: 2}) && true in {true: 1} && !('1' in {1: 2}) && !(1.5 in {1: "
     "2})",
     "true"},
    {"{1: 'a', 2: 'b'}.all(k, k > 0 && k in [1, 2]) && {true: 1}.exists(k, k) && {7u: "
     "1}.exists(k, k == 7u)",
     "true"},
    {"{1: 'a'} == {1u: 'a'} && {'a': 1} == {'a': 1.0} && {1: 2} != {1: 3} && {1: 2} != {2: 2}",
     "true"},
    {"{18446744073709551615u: 1}[18446744073709551615u] == 1", "true"},
    {"{1: 1, 2: 2}.size()", "2"},
    {"{1: 'a', 1u: 'b'}", "error: repeated key"},
    {"{1.5: 'a'}", "error: unsupported kind of key"},
    {"{[1]: 'a'}", "error: unsupported kind of key"},
    {"{1: 'a'}[2]", "error: no such key or index"},
    {"{'a': 1}.a == 1 && has({'a': 1}.a) && !has({'a': 1}.b)", "true"},
    {"[1, 2][1.0] == 2 && [1, 2][1u] == 2", "true"},
    {"[1][-1]", "error: no such key or index"},
    {"[1][1]", "error: no such key or index"},
    {"[1][0.5]", "error: no such key or index"},
    /* equality and order */
    {"1 == 1u && 1u == 1.0 && 1 == 1.0 && 1 != 2u && -1 != 18446744073709551615u", "true"},
    {"1 < 2u && 2u > 1 && -1 < 0u && 1u < 1.5 && 1.5 > 1u && 1 < 1.5 && 1.5 >= 1", "true"},
    {"9223372036854775807 < 9223372036854775808.0 && 9223372036854775808.0 > "
     "9223372036854775807",
     "true"},
    {"18446744073709551615u < 18446744073709551616.0 && -1.0 < 0u", "true"},
    {"[1, [2]] == [1.0, [2u]] && [1] != [1, 2] && [] == [] && {} == {}", "true"},
    {"1 in [1.0] && 2u in [1, 2] && !('1' in [1])", "true"},
    {"1 == '1' || null == false || true == 1", "false"},
    {"null == null && self.n == null && self.a != null", "true"},
    {"'a' < 'b' && 'Z' < 'a' && '' < 'a' && false < true", "true"},
    {"1 < '2'", "error: no such overload: values that have no order"},
    {"0.0 / 0.0 == 0.0 / 0.0", "false"},
    {"0.0 / 0.0 < 1.0", "error: no such overload: values that have no order"},
    {"1.0 / 0.0 > 1e308 && -1.0 / 0.0 < -1e308 && 1.0 / 0.0 == 1.0 / 0.0", "true"},
    {"1.0 / 0.0 > 9223372036854775807 && -1.0 / 0.0 < 0u", "true"},
    /* arithmetic */
    {"1u + 2u == 3u && 7u / 2u == 3u && 7u % 4u == 3u && 2u * 3u == 6u", "true"},
    {"0u - 1u", "error: unsigned integer overflow"},
    {"18446744073709551615u + 1u", "error: unsigned integer overflow"},
    {"18446744073709551615u * 2u", "error: unsigned integer overflow"},
    {"1u + 1", "error: no such overload: arithmetic"},
    {"1u / 0u", "error: division by zero"},
    {"1 % 0", "error: modulus by zero"},
    {"-9223372036854775808 / -1", "error: integer overflow"},
    {"-9223372036854775808 - 1", "error: integer overflow"},
    {"4611686018427387904 * 2", "error: integer overflow"},
    {"-7 / 2 == -3 && -7 % 2 == -1 && 7 % -2 == 1", "true"},
    {"5.0 % 2.0", "error: no such overload: arithmetic"},
    {"-1u", "parse: at character 2: an unsigned number has no minus"},
    {"-'a'", "error: no such overload: -"},
    {"!1", "error: no such overload: !"},
    {"[1] + [2u] == [1, 2] && 'a' + 'b' == 'ab'", "true"},
    /* conversions */
    {"string(-4.5e-3) == '-0.0045' && string(19.95) == '19.95' && string(0.1) == '0.1'", "true"},
    {"string(123456.789) == '123456.789' && string(1e6) == '1e+06' && string(1e21) == '1e+21'",
     "true"},
    {"string(100000.0) == '100000' && string(1.0) == '1' && string(-0.0) == '-0'", "true"},
    {"string(1e-5) == '1e-05' && string(0.0001) == '0.0001' && string(1.5e300) == '1.5e+300'",
     "true"},
    {"string(0.1 + 0.2) == '0.30000000000000004' && string(5e-324) == '5e-324'", "true"},
    {"string(1.0 / 0.0) == '+Inf' && string(-1.0 / 0.0) == '-Inf' && string(0.0 / 0.0) == "
     "'NaN'",
     "true"},
    {"string(-9223372036854775808) == '-9223372036854775808' && string(7u) == '7'", "true"},
    {"string(true) == 'true' && string('x') == 'x'", "true"},
    {"string(null)", "error: no such overload: string"},
    {"string([1])", "error: no such overload: string"},
    {"int(2.9) == 2 && int(-2.9) == -2 && int('-7') == -7 && int('+7') == 7 && int(7u) == 7",
     "true"},
    {"int(9223372036854775807.0)", "error: integer overflow"},
    {"int(-9223372036854775808.0)", "error: integer overflow"},
    {"int(1e99)", "error: integer overflow"},
    {"int(0.0 / 0.0)", "error: integer overflow"},
    {"int(18446744073709551615u)", "error: integer overflow"},
    {"int('9223372036854775808')", "error: the string is not an integer"},
    {"int('1.5')", "error: the string is not an integer"},
    {"int('')", "error: the string is not an integer"},
    {"int(' 1')", "error: the string is not an integer"},
    {"int(true)", "error: no such overload: int"},
    {"uint(7) == 7u && uint(2.9) == 2u && uint('18446744073709551615') == "
     "18446744073709551615u",
     "true"},
    {"uint(-1)", "error: unsigned integer overflow"},
    {"uint(-0.5)", "error: unsigned integer overflow"},
    {"uint(18446744073709551616.0)", "error: unsigned integer overflow"},
    {"uint('-1')", "error: the string is not an unsigned integer"},
    {"double(7) == 7.0 && double('-4.5e-3') == -0.0045 && double(7u) == 7.0 && double(1.5) == "
     "1.5",
     "true"},
    {"double('1e999') > 1.0", "error: the string is not a number"},
    {"double('Inf') > 1e308 && double('-inf') < 0.0 && double('NaN') != double('NaN')", "true"},
    {"double(' 1')", "error: the string is not a number"},
    {"double('1x')", "error: the string is not a number"},
    {"bool('true') && bool('1') && bool('t') && bool('TRUE') && bool('True') && !bool('False') "
     "&& !bool('0')",
     "true"},
    {"bool('yes')", "error: the string is not a boolean"},
    {"bool(1)", "error: no such overload: bool"},
    {"dyn(1) == 1", "true"},
    /* functions of strings */
    {"'\\u00a0x\\u2003'.trim() == 'x' && ' \\t\\n\\v\\f\\r x y \\u3000\\u0085'.trim() == 'x y' "
     "&& ' '.trim() == ''",
     "true"},
    {"'\\u200bx'.trim().size() == 2 && '\\u1680\\u2028\\u2029\\u202f\\u205fé\\u200a'.trim() == "
     "'é'",
     "true"},
    {"'TacoCÆt'.lowerAscii() == 'tacocÆt' && 'tacoCæt'.upperAscii() == 'TACOCæT'", "true"},
    {"'tacocat'.charAt(3) == 'o' && 'tacocat'.charAt(7) == '' && '©αT'.charAt(1) == 'α'", "true"},
    {"'tacocat'.charAt(8)", "error: index out of range"},
    {"'tacocat'.charAt(-1)", "error: index out of range"},
    {"'tacocat'.indexOf('ac') == 1 && 'tacocat'.indexOf('none') == -1 && 'tacocat'.indexOf('') "
     "== 0",
     "true"},
    {"'tacocat'.indexOf('a', 3) == 5 && 'ta©o©αT'.indexOf('©', 3) == 4 && "
     "'tacocat'.indexOf('t', 7) == -1",
     "true"},
    {"'tacocat'.indexOf('a', 30)", "error: index out of range"},
    {"'tacocat'.lastIndexOf('at') == 5 && 'tacocat'.lastIndexOf('') == 7 && "
     "'a'.lastIndexOf('abc') == -1",
     "true"},
    {"'tacocat'.lastIndexOf('a', 3) == 1 && 'ta©o©αT'.lastIndexOf('©') == 4 && "
     "'ta©o©αT'.lastIndexOf('©', 3) == 2",
     "true"},
    {"'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && "
     "'ta©o©αT'.substring(2, 6) == '©o©α'",
     "true"},
    {"'tacocat'.substring(7) == '' && 'ta©o©αT'.substring(7, 7) == ''", "true"},
    {"'tacocat'.substring(40)", "error: index out of range"},
    {"'tacocat'.substring(2, 1)", "error: index out of range"},
    {"'12 days 12 hours'.replace('{0}', '2') == '12 days 12 hours' && '{0} {0}'.replace('{0}', "
     "'2') == '2 2'",
     "true"},
    {"'{0} {0}'.replace('{0}', '2', 1) == '2 {0}' && 'aa'.replace('a', 'b', 0) == 'aa' && "
     "'aa'.replace('a', 'b', -1) == 'bb'",
     "true"},
    {"'ab'.replace('', '_') == '_a_b_' && 'ab'.replace('', '_', 2) == '_a_b' && ''.replace('', "
     "'x') == 'x'",
     "true"},
    {"'hello world'.split(' ') == ['hello', 'world'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] "
     "&& 'a,b'.split(',', 0) == []",
     "true"},
    {"'o©o'.split('') == ['o', '©', 'o'] && 'a,b'.split(',', 1) == ['a,b'] && 'a,b'.split(',', "
     "-1) == ['a', 'b']",
     "true"},
    {"'abc'.split('', 2) == ['a', 'bc'] && ''.split('') == [] && ''.split(',') == ['']", "true"},
    {"['x', 'y'].join() == 'xy' && ['x', 'y'].join('-') == 'x-y' && [].join() == '' && "
     "['x'].join('-') == 'x'",
     "true"},
    {"[1, 2].join('-')", "error: no such overload: arguments of these kinds"},
    {"matches('abc', '^a') && 'abc'.matches('c$')", "true"},
    {"'abc'.startsWith('') && 'abc'.endsWith('') && 'abc'.contains('') && "
     "!'abc'.startsWith('abcd')",
     "true"},
    {"'a'.startsWith(1)", "error: no such overload: arguments of these kinds"},
    {"'a'.trim(1)", "parse: at character 12: the function takes other arguments"},
    {"'a'.charAt()", "parse: at character 13: the function takes other arguments"},
    {"'a'.string()", "parse: at character 12: undeclared function"},
    {"trim('a')", "parse: at character 6: undeclared function"},
    {"size([1, 2]) == 2 && {}.size() == 0 && size('é') == 1", "true"},
    {"size(1)", "error: no such overload: arguments of these kinds"},
    /* functions of lists */
    {"[1, 2, 2].isSorted() && !['b', 'a'].isSorted() && [].isSorted() && [2.0, 3.0].isSorted()",
     "true"},
    {"[1, 3, 2].sum() == 6 && [1.5, 2.0].sum() == 3.5 && [].sum() == 0 && [1u].sum() == 1u",
     "true"},
    {"[1, 3].min() == 1 && [1, 3].max() == 3 && ['b', 'a'].min() == 'a'", "true"},
    {"[].min()", "error: the list is empty"},
    {"[1, 2, 2, 3].indexOf(2) == 1 && [1, 2, 2, 3].lastIndexOf(2) == 2 && [1.0].indexOf(1) == "
     "0 && [1].indexOf(9) == -1",
     "true"},
};

static void
test_the_language(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(language); i++) {
        char *got = eval(language[i].text, NULL);
        if (strcmp(got, language[i].want) != 0)
            fail_msg("%s: got %s, wanted %s", language[i].text, got, language[i].want);
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
    struct field_errors why = {0};
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
    field_errors_release(&why);
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
        cmocka_unit_test(test_the_language),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_rules_of_a_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/template.h"

#include "t.h"

static struct json *
data(void)
{
    struct json *j = NULL;
    struct err e = ERR_INIT;

    T_OK(json_parse(str_c("{\"Name\":\"s-1\",\"Namespace\":\"demo\",\"RetryLeft\":0,"
                          "\"Target\":{\"Kind\":\"AppBinding\"},"
                          "\"Status\":{\"Phase\":\"Succeeded\",\"Error\":\"\"}}"),
                    &j, &e));
    return j;
}

static void
test_template_renders(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"plain", "plain"},
        {"{{ .Namespace }}/{{.Name}}", "demo/s-1"},
        {"{{ .Status.Phase | lower }}", "succeeded"},
        {"{{ .Status.Phase | lower | upper | quote }}", "\"SUCCEEDED\""},
        {"{{ if eq .Status.Phase `Succeeded` }}good{{ else }}bad{{ end }}", "good"},
        {"{{ if .Status.Error }}x{{ else if eq .RetryLeft 1 }}y{{ else }}z{{ end }}", "z"},
        {"{{ if and (eq .RetryLeft 0) (ne .Name \"x\") }}last{{end}}", "last"},
        {"a {{- /* no blank */ -}} b", "ab"},
        {"a {{- .RetryLeft -}} b", "a0b"},
        {"{{ printf \"%s is %d%%: %q\" .Name 5 .Status.Phase }}", "s-1 is 5%: \"Succeeded\""},
        {"{{ default \"none\" .Status.Error }}", "none"},
        {"{{ .Status.Error | default \"none\" }}", "none"},
        {"{{ replace \"-\" \"_\" .Name }}", "s_1"},
        {"{{ ternary \"y\" \"n\" (hasPrefix \"s\" .Name) }}", "y"},
        {"{{ len .Name }}{{ true }}", "3true"},
        {"{{ trunc 3 .Status.Phase }}{{ trunc -3 .Status.Phase }}", "Sucded"},
        {"{{ if true }}{{ if false }}a{{ else }}b{{ end }}c{{ end }}", "bc"},
        {"{{ date \"2006-01-02 15:04:05\" 0 }}", "1970-01-01 00:00:00"},
        {"{{ add 1 2 3 | sub 10 }}", "4"},
        {"{{ \"a\\\"b\" }}", "a\"b"},
        {"{{ trunc -9223372036854775808 .Name }}", "s-1"},
        {"{{ add 9223372036854775807 0 }}", "9223372036854775807"},
        {"{{ hasPrefix \"\" \"\" }}", "true"},
    };
    struct json *d = data();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = BUF_INIT(TEMPLATE_MAX);
        struct err e = ERR_INIT;

        if (template_render(str_c(cases[i].text), d, &out, &e))
            fail_msg("%s: %s", cases[i].text, e.msg);
        assert_string_equal(buf_c(&out), cases[i].want);
        buf_release(&out);
    }
    json_free(d);
}

static void
test_template_refuses(void **state)
{
    static const char *const bad[] = {
        "{{",
        "{{ .Name",
        "{{ .Nothing }}",
        "{{ nofunction 1 }}",
        "{{ end }}",
        "{{ if true }}x",
        "{{ .Name | }}",
        "{{ .Name | 5 }}",
        "{{ \"x }}",
        "{{ (upper .Name }}",
        "{{ upper }}",
        "{{ range .Name }}{{ end }}",
        "{{}}",
        "{{ printf \"%x\" 1 }}",
        "{{/* x }}",
        "{{ if }}{{ end }}",
        "{{ .Name .Name }}",
        "{{ date \"2006\" 9223372036854775807 }}",
    };
    struct json *d = data();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct buf out = BUF_INIT(TEMPLATE_MAX);
        struct err e = ERR_INIT;

        if (template_render(str_c(bad[i]), d, &out, &e) != RC_INVALID)
            fail_msg("took %s", bad[i]);
        buf_release(&out);
    }
    json_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template_renders),
        cmocka_unit_test(test_template_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

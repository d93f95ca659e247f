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
        /* as Stash's guide for messages to Slack does it */
        {"{{- $msg := dict  \"type\" \"mrkdwn\" \"text\" (printf \"Backup of %s/%s: %s.\" "
         ".Namespace .Target.Kind "
         ".Status.Phase) -}}\n{\"blocks\": [{\"type\": \"section\", \"text\": {{ toJson $msg }}}]}",
         "{\"blocks\": [{\"type\": \"section\", \"text\": {\"text\":\"Backup of demo/AppBinding: "
         "Succeeded.\","
         "\"type\":\"mrkdwn\"}}]}"},
        {"{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}", "32"},
        {"{{ with .Status }}{{ .Phase }} of {{ $.Name }}{{ end }}", "Succeeded of s-1"},
        {"{{ with .Status.Error }}x{{ else }}no error{{ end }}", "no error"},
        {"{{ with .Status.Error }}x{{ else with .Name }}{{ . }}{{ end }}", "s-1"},
        {"{{ range $i, $v := list \"a\" \"b\" \"c\" }}{{ if $i }},{{ end }}{{ $i }}={{ $v }}{{ end "
         "}}",
         "0=a,1=b,2=c"},
        {"{{ range dict \"b\" 2 \"a\" 1 }}{{ . }}{{ end }}", "12"},
        {"{{ range $k, $v := .Target }}{{ $k }}: {{ $v }}{{ end }}", "Kind: AppBinding"},
        {"{{ range list }}x{{ .Nothing }}{{ else }}empty{{ end }}", "empty"},
        {"{{ range list 1 2 3 4 }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ if eq . 4 }}{{ break "
         "}}{{ end }}{{ . }}{{ end }}",
         "13"},
        {"{{ range list 1 2 }}{{ range list 3 4 }}{{ . }}{{ else }}no{{ end }};{{ end }}",
         "34;34;"},
        {"{{ if false }}{{ .Nothing }}{{ if true }}{{ \"}}\" }}{{ else }}{{ end }}{{ /* else */ "
         "}}{{ else }}b{{ end }}",
         "b"},
        {"{{ if true }}a{{ else if .Nothing }}b{{ else }}c{{ end }}d", "ad"},
        {"{{ (dict \"a\" (list 1 2)).a }}{{ index (list 7 8) 1 }}{{ index (dict \"x\" 9) \"x\" }}",
         "[1,2]89"},
        {"{{ join \", \" (splitList \"/\" \"a/b/c\") }}{{ first (list 1 2) }}{{ last (list 1 2) }}",
         "a, b, c12"},
        {"{{ get (dict \"a\" 1) \"b\" | default \"none\" }}{{ hasKey (dict \"a\" 1) \"a\" }}",
         "nonetrue"},
        {"{{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 2 }} {{ max 1 5 3 }} {{ min 4 2 }}", "24 3 1 5 2"},
        {"{{ \"a\\nb\" | indent 2 }}", "  a\n  b"},
        {"{{ $ }}", "{\"Name\":\"s-1\",\"Namespace\":\"demo\",\"RetryLeft\":0,\"Target\":{\"Kind\":"
                    "\"AppBinding\"},"
                    "\"Status\":{\"Phase\":\"Succeeded\",\"Error\":\"\"}}"},
        {"{{ .Name }}{{/* the end */}}", "s-1"},
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
        "{{ range list 1 }}",
        "{{ range list 1 }}{{ else }}",
        "{{ break }}",
        "{{ if true }}{{ break }}{{ end }}",
        "{{ $x }}",
        "{{ $x = 1 }}",
        "{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}",
        "{{ define \"x\" }}{{ end }}",
        "{{ dict \"a\" }}",
        "{{ dict 1 2 }}",
        "{{ index (list 1) 1 }}",
        "{{ div 1 0 }}",
        "{{ fail \"no\" }}",
        /* what takes memory, and time */
        "{{ $s := repeat 1048576 \"x\" }}{{ $a := list $s $s $s $s $s $s $s $s $s $s $s $s $s $s "
        "$s $s $s }}",
        "{{ $s := repeat 1048576 \"x\" }}{{ range splitList \",\" (repeat 9999 \",\") }}{{ $y := "
        "$s | upper | upper }}{{ end }}",
        /* what nests and doubles */
        "{{ $x := list }}{{ range splitList \",\" (repeat 9999 \",\") }}{{ $x = list $x $x }}{{ "
        "end }}",
        "{{ $l := splitList \",\" (repeat 9999 \",\") }}{{ range $l }}{{ range $l }}{{ end }}{{ "
        "end }}",
        "{{ $l := splitList \",\" (repeat 9999 \",\") }}{{ range $l }}{{ range $l }}{{ $y := 1 "
        "}}{{ end }}{{ end }}",
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

/* A branch that is not taken asks for the next one: they must not be nested without an end. */
static void
test_template_has_few_branches(void **state)
{
    struct buf text = BUF_INIT(1024 * 1024), out = BUF_INIT(1024);
    struct json *d = data();
    struct err e = ERR_INIT;

    (void)state;
    for (size_t n = 0; n < 2; n++) {
        buf_reset(&text);
        buf_must_printf(&text, "{{ if nil }}");
        for (int i = 0; i < (n == 0 ? 200 : 40000); i++)
            buf_must_printf(&text, "{{ else if nil }}");
        buf_must_printf(&text, "{{ else }}last{{ end }}");
        buf_reset(&out);
        if (n == 0) {
            T_OK(template_render(buf_str(&text), d, &out, &e));
            assert_string_equal(buf_c(&out), "last");
        } else {
            assert_int_equal(template_render(buf_str(&text), d, &out, &e), RC_INVALID);
        }
    }
    buf_release(&text);
    buf_release(&out);
    json_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template_renders),
        cmocka_unit_test(test_template_refuses),
        cmocka_unit_test(test_template_has_few_branches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

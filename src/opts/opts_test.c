/* SPDX-License-Identifier: Apache-2.0 */
#include "opts/opts.h"
#include "t.h"

enum colour { RED, GREEN, BLUE };
static const char *const colours[] = {"red", "green", "blue", NULL};

/* A group that others embed. */
struct paint {
    enum colour colour;
    int64_t coats;
};
static const struct opt opts_paint[] = {
    {"colour", 'c', OPT_ENUM(struct paint, colour, colours, "green"), NULL, "which colour"},
    {"coats", 'n', OPT_COUNT(struct paint, coats, 1, 9, NULL), NULL, "how many"},
    {.name = NULL},
};

static enum rc
parse_even(const struct opt *o, const char *text, void *to, struct err *e)
{
    int64_t v = 0;

    (void)o;
    if (text != NULL && (!str_to_i64(str_c(text), &v) || v % 2 != 0))
        return err_set(e, RC_INVALID, "\"%s\" is not even", text);
    *(int64_t *)to = v;
    return RC_OK;
}
static const struct opt_type even = {.value = "EVEN", .parse = parse_even};

struct house {
    const char *name, *note;
    bool open, dry, tall;
    int wait_ms;
    int64_t size, rate, pairs, beds, floor;
    int nap_ms;
    struct opt_time when;
    struct opt_list doors;
    enum colour mode;
    struct paint paint;
};
static const struct opt opts_house[] = {
    {"name", 0, OPT_TEXT_PRESET(struct house, name, "home"), NULL, "its name"},
    {"note", 0, OPT_TEXT_OR_NONE(struct house, note), NULL, "a note"},
    {"open", 'o', OPT_FLAG(struct house, open), NULL, "open it"},
    {"dry", 'd', OPT_BOOL(struct house, dry), NULL, "keep it dry"},
    {"tall", 0, OPT_BOOL_PRESET(struct house, tall, "true"), NULL, "build it tall"},
    {"wait", 'w', OPT_MS(struct house, wait_ms, NULL), NULL, "how long"},
    {"size", 0, OPT_SIZE(struct house, size), NULL, "how large"},
    {"rate", 0, OPT_RATE(struct house, rate), NULL, "how fast"},
    {"pairs", 0, OPT_OWN(even, struct house, pairs, int64_t, "2"), NULL, "an even number"},
    {"when", 0, OPT_TIME(struct house, when), NULL, "since when"},
    {"door", 0, OPT_LIST(struct house, doors), "PLACE", "a door (repeatable)"},
    {"mode", 0, OPT_ENUM_BARE(struct house, mode, colours, "red", "blue"), NULL, "a mode"},
    {"beds", 0, OPT_COUNT_OR_NONE(struct house, beds, 0, 9, "4"), NULL, "how many beds"},
    {"nap", 0, OPT_MS_OR_NONE(struct house, nap_ms, "2m"), NULL, "how long to sleep"},
    {"floor", 0, OPT_COUNT(struct house, floor, -1, 99, NULL), NULL, "which floor"},
    {"old", 0, OPT_IGNORED, NULL, "accepted and ignored"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_house, 0}, {opts_paint, offsetof(struct house, paint)}, {.table = NULL}};
static const struct opt_foreign foreign[] = {
    {"-p", "wait", "use --wait TIME"},
    {"--tint", "colour", "use --colour WORD"},
    {.word = NULL},
};

static enum rc
parse(bool go, const char *line, struct house *out, struct opt_list *rest, struct err *e)
{
    static char text[400];
    const struct opts_syntax s = {.groups = groups, .foreign = foreign, .go = go};
    char *argv[80], *save = NULL;
    int argc = 0;

    assert_in_range(snprintf(text, sizeof(text), "%s", line), 0, sizeof(text) - 1);
    for (char *w = strtok_r(text, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        argv[argc++] = strcmp(w, "''") == 0 ? w + 2 : w;
    return opts_parse(&s, argc, argv, out, rest, e);
}

static void
test_what_is_not_given(void **state)
{
    struct house h;
    struct opt_list rest;
    struct err e = ERR_INIT;

    (void)state;
    memset(&h, 0x55, sizeof(h));
    T_OK(parse(false, "", &h, &rest, &e));
    assert_string_equal(h.name, "home");
    assert_null(h.note);
    assert_true(!h.open && !h.dry && h.tall && !h.when.given);
    assert_int_equal(h.wait_ms, OPT_UNSET);
    assert_int_equal(h.size, OPT_UNSET);
    assert_int_equal(h.rate, OPT_UNSET);
    assert_int_equal(h.pairs, 2);
    assert_int_equal(h.floor, -2);
    assert_int_equal(h.doors.n, 0);
    assert_int_equal(h.mode, RED);
    assert_int_equal(h.paint.colour, GREEN);
    assert_int_equal(h.paint.coats, OPT_UNSET);
    assert_int_equal(rest.n, 0);
}

static void
test_values_of_each_type(void **state)
{
    struct house h;
    struct opt_list rest;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(parse(false,
               "--name a --note= -od --tall=false -w90 --size 1M --rate=2 --pairs 4 --door x a "
               "--door=y --mode b -c=blue -n 3 --old x -- --name",
               &h, &rest, &e));
    assert_string_equal(h.name, "a");
    assert_string_equal(h.note, "");
    assert_true(h.open && h.dry && !h.tall);
    assert_int_equal(h.wait_ms, 90000);
    assert_int_equal(h.size, 1024 * 1024);
    assert_int_equal(h.rate, 2048);
    assert_int_equal(h.pairs, 4);
    assert_int_equal(h.doors.n, 2);
    assert_string_equal(h.doors.v[1], "y");
    assert_int_equal(h.mode, BLUE); /* --mode alone; "b" is a word of its own */
    assert_int_equal(h.paint.colour, BLUE);
    assert_int_equal(h.paint.coats, 3);
    assert_int_equal(rest.n, 3);
    assert_string_equal(rest.v[1], "b");
    assert_string_equal(rest.v[2], "--name");
    T_OK(parse(false, "-w 1h30m --mode=green", &h, &rest, &e));
    assert_int_equal(h.wait_ms, 5400000);
    assert_int_equal(h.mode, GREEN);
    T_OK(parse(false, "-w 100ms --dry=0", &h, &rest, &e));
    assert_int_equal(h.wait_ms, 100);
    assert_false(h.dry);
    T_OK(parse(false, "--floor -1", &h, &rest, &e));
    assert_int_equal(h.floor, -1);
    assert_int_equal(h.beds, 4);
    T_OK(parse(false, "--beds= --nap=", &h, &rest, &e));
    assert_true(h.beds == 4 && h.nap_ms == 120000);
    T_OK(parse(false, "--beds=0 --nap=1", &h, &rest, &e));
    assert_true(h.beds == 0 && h.nap_ms == 1000);
}

static void
test_gos_syntax(void **state)
{
    struct house h;
    struct opt_list rest;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(parse(true, "-name a --open=true -wait=5m -coats 2", &h, &rest, &e));
    assert_string_equal(h.name, "a");
    assert_true(h.open);
    assert_int_equal(h.wait_ms, 300000);
    assert_int_equal(h.paint.coats, 2);
    T_RC(parse(true, "-w 3", &h, &rest, &e), RC_NOT_FOUND);
    assert_string_equal(e.hint,
                        "known: --name --note --open --dry --tall --wait --size --rate "
                        "--pairs --when --door --mode --beds --nap --floor --colour --coats");
}

static void
test_what_is_wrong_and_what_is_right(void **state)
{
    static const struct {
        const char *line, *words, *hint;
    } cases[] = {
        {"--wait soon", "--wait: \"soon\" is not a time such as 30s, 5m or 1h", ""},
        {"--wait 5x", "not a time", ""},
        {"--wait 5m3", "not a time", ""},
        {"--wait -3", "not a time", ""},
        {"--wait 99999999999h", "not a time", ""},
        {"--size 1X", "--size: \"1X\" is not a size such as 500K, 200M or 1G", ""},
        {"--size 99999999T", "not a size", ""},
        {"--rate fast", "--rate: \"fast\" is not a number of KiB per second", ""},
        {"--coats 10", "--coats: \"10\" is not a number from 1 to 9", ""},
        {"--coats 0", "not a number from 1 to 9", ""},
        {"--colour pink", "--colour: \"pink\" must be red, green or blue", ""},
        {"--pairs 3", "--pairs: \"3\" is not even", ""},
        {"--when 2012-02-31", "--when: \"2012-02-31\" is not a time such as '2012-11-01 22:08:41'",
         ""},
        {"--dry=perhaps", "--dry: \"perhaps\" must be true or false", ""},
        {"--open=true", "--open takes no value", ""},
        {"--name ''",
         "the value of --name is empty: leave the option out, or give it a value (TEXT)", ""},
        {"--door=",
         "the value of --door is empty: leave the option out, or give it a value (PLACE)", ""},
        {"--name", "--name needs a value (TEXT)", ""},
        {"''", "argument 1 is empty", ""},
        {"--tint red", "unknown option --tint: use --colour WORD", ""},
        {"-p 3", "unknown option -p: use --wait TIME", ""},
        {"--sise=3", "unknown option --sise", "did you mean --size?"},
        {"--col x", "unknown option --col", "did you mean --colour?"},
        {"--frobnicate", "unknown option --frobnicate", ""},
        {"-ox", "unknown option -x", ""},
        {"--wait x --coats 10", "--wait", ""}, /* the first is told */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct house h;
        struct opt_list rest;
        struct err e = ERR_INIT;

        assert_int_not_equal(parse(false, cases[i].line, &h, &rest, &e), RC_OK);
        if (strstr(e.msg, cases[i].words) == NULL || strcmp(e.hint, cases[i].hint) != 0)
            fail_msg("%s: \"%s\", \"%s\"", cases[i].line, e.msg, e.hint);
    }
}

static void
test_the_rest_is_parsed_after_an_error(void **state)
{
    struct house h;
    struct opt_list rest;
    struct err e = ERR_INIT;

    (void)state;
    T_RC(parse(false, "--wait soon --bogus --name a b", &h, &rest, &e), RC_USAGE);
    assert_non_null(strstr(e.msg, "--wait"));
    assert_string_equal(h.name, "a");
    assert_int_equal(rest.n, 1);
}

static void
test_limits(void **state)
{
    static char word[] = "x", door[] = "--door=x";
    const struct opts_syntax s = {.groups = groups};
    char *argv[OPT_LIST_MAX + 1];
    struct house h;
    struct opt_list rest;
    struct err e = ERR_INIT;

    (void)state;
    for (int i = 0; i <= OPT_LIST_MAX; i++)
        argv[i] = word;
    T_OK(opts_parse(&s, OPT_LIST_MAX, argv, &h, &rest, &e));
    T_RC(opts_parse(&s, OPT_LIST_MAX + 1, argv, &h, &rest, &e), RC_USAGE);
    for (int i = 0; i <= OPT_LIST_MAX; i++)
        argv[i] = door;
    T_OK(opts_parse(&s, OPT_LIST_MAX, argv, &h, &rest, &e));
    T_RC(opts_parse(&s, OPT_LIST_MAX + 1, argv, &h, &rest, &e), RC_USAGE);
    assert_non_null(strstr(e.msg, "--door: given more than 64 times"));
}

static void
test_names_are_never_cut(void **state)
{
    char all[200], some[40];

    (void)state;
    opts_names(groups, all, sizeof(all));
    assert_non_null(strstr(all, "--name --note --open"));
    assert_null(strstr(all, "--old")); /* has no effect */
    for (size_t n = 1; n < sizeof(some); n++) {
        opts_names(groups, some, n);
        assert_true(strncmp(all, some, strlen(some)) == 0);
        assert_true(all[strlen(some)] == ' ' || some[0] == '\0');
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_given),
        cmocka_unit_test(test_values_of_each_type),
        cmocka_unit_test(test_gos_syntax),
        cmocka_unit_test(test_what_is_wrong_and_what_is_right),
        cmocka_unit_test(test_the_rest_is_parsed_after_an_error),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_names_are_never_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

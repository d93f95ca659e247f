/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/t.h"

#include "base/mem.h"
#include "cli/resources.h"

static const char core[] =
    "{'kind':'APIGroupDiscoveryList','items':[{'metadata':{},'versions':[{'version':'v1',"
    "'resources':[{'resource':'pods','scope':'Namespaced','singularResource':'pod',"
    "'responseKind':{'kind':'Pod'},'verbs':['get','list'],'shortNames':['po'],"
    "'categories':['all']},{'resource':'events','scope':'Namespaced',"
    "'responseKind':{'kind':'Event'},'verbs':['list'],'shortNames':['ev']}]}]}]}";
static const char stash[] =
    "{'kind':'APIResourceList','groupVersion':'stash.appscode.com/v1beta1','resources':["
    "{'name':'backupsessions','singularName':'backupsession','namespaced':true,"
    "'kind':'BackupSession','verbs':['get','list'],'shortNames':['bs'],'categories':['stash']},"
    "{'name':'backupsessions/status','kind':'BackupSession','verbs':['get']},"
    "{'name':'functions','singularName':'function','namespaced':false,'kind':'Function',"
    "'verbs':['get','list'],'shortNames':['fn'],'categories':['stash']}]}";
static const char newer[] =
    "{'kind':'APIResourceList','groupVersion':'events.k8s.io/v1','resources':["
    "{'name':'events','singularName':'event','namespaced':true,'kind':'Event',"
    "'verbs':['get','list'],'shortNames':['ev']}]}";

static struct json *
parse(const char *text)
{
    CLEANUP(mem_free_ptr) char *copy = mem_strdup(text);
    struct json *j = NULL;
    struct err e = ERR_INIT;

    for (char *c = copy; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    T_OK(json_parse(str_c(copy), &j, &e));
    return j;
}

static int
setup(void **state)
{
    struct resources *r = MEM_NEW(struct resources);

    assert_true(resources_add_aggregated(r, parse(core)));
    resources_add_plain(r, parse(newer));
    resources_add_plain(r, parse(stash));
    assert_false(resources_add_aggregated(r, parse("{'kind':'APIGroupList'}")));
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    resources_release(*state);
    mem_free(*state);
    return 0;
}

static void
test_resources_by_any_name(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"pods", "pods"},
        {"pod", "pods"},
        {"po", "pods"},
        {"Pod", "pods"},
        {"pods.v1", "pods"},
        {"bs", "backupsessions.stash.appscode.com"},
        {"backupsession.stash.appscode.com", "backupsessions.stash.appscode.com"},
        {"bs.stash", "backupsessions.stash.appscode.com"},
        {"bs.v1beta1.stash.appscode.com", "backupsessions.stash.appscode.com"},
        {"BackupSession", "backupsessions.stash.appscode.com"},
        {"events", "events"},
        {"ev", "events"},
        {"ev.events.k8s.io", "events.events.k8s.io"},
        {"", NULL},
        {"po.stash", NULL},
        {"backup", NULL},
        {"bs.v2.stash.appscode.com", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct resource *res = resources_find(*state, cases[i].name);
        if (cases[i].want == NULL)
            assert_null(res);
        else if (res == NULL)
            fail_msg("%s is not found", cases[i].name);
        else
            assert_string_equal(res->plural_group, cases[i].want);
    }
    assert_non_null(resources_of(*state, "stash.appscode.com/v1beta1", "BackupSession"));
    assert_null(resources_of(*state, "stash.appscode.com/v1", "BackupSession"));
    assert_null(resources_of(*state, "v1", "BackupSession"));
}

/* The targets of up to three words as "type/name type/name". */
static void
check(void **state, const char *const words[3], enum rc want, const char *text)
{
    CLEANUP(targets_release) struct targets t = {.v = NULL};
    CLEANUP(buf_release) struct buf got = BUF_INIT(1000);
    struct err e = ERR_INIT;
    size_t n = 0;

    while (n < 3 && words[n] != NULL)
        n++;
    T_RC(targets_parse(*state, words, n, &t, &e), want);
    if (want != RC_OK)
        return;
    for (size_t i = 0; i < t.n; i++)
        buf_must_printf(&got, "%s%s/%s", i > 0 ? " " : "", t.v[i].res->kind.plural,
                        t.v[i].name != NULL ? t.v[i].name : "*");
    assert_string_equal(buf_c(&got), text);
}

static void
test_targets_forms(void **state)
{
    static const struct {
        const char *words[3];
        enum rc want;
        const char *text;
    } cases[] = {
        {{"po"}, RC_OK, "pods/*"},
        {{"po,bs"}, RC_OK, "pods/* backupsessions/*"},
        {{"po", "a", "b"}, RC_OK, "pods/a pods/b"},
        {{"po,bs", "a"}, RC_OK, "pods/a backupsessions/a"},
        {{"po/a", "bs/b"}, RC_OK, "pods/a backupsessions/b"},
        {{"stash"}, RC_OK, "backupsessions/* functions/*"},
        {{"all"}, RC_OK, "pods/*"},
        {{"po/a", "b"}, RC_INVALID, NULL},
        {{"po", "po/a"}, RC_INVALID, NULL},
        {{"po/"}, RC_INVALID, NULL},
        {{"/a"}, RC_INVALID, NULL},
        {{"po/a/b"}, RC_INVALID, NULL},
        {{"nothing"}, RC_NOT_FOUND, NULL},
        {{"nothing/a"}, RC_NOT_FOUND, NULL},
        {{"po,nothing"}, RC_NOT_FOUND, NULL},
        {{"stash", "a"}, RC_NOT_FOUND, NULL},
        {{NULL}, RC_INVALID, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check(state, cases[i].words, cases[i].want, cases[i].text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resources_by_any_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_targets_forms, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

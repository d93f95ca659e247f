/* SPDX-License-Identifier: Apache-2.0 */
#include "api/notes.h"
#include "api/restore_choice.h"
#include "operator/podspec.h"

#include "api/catalog.h"
#include "base/mem.h"
#include "t.h"
#include "harness/t_json.h"

#define IMAGE "registry.local:5000/x/cstash:1.2"

static struct json *
find(void *arg, const char *kind, const char *name)
{
    const struct json *list = (const struct json *)arg;

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *o = json_elem(list, i);

        if (strcmp(json_text(json_field(o, "kind")), kind) == 0 &&
            strcmp(json_text(json_dig(o, "metadata", "name")), name) == 0)
            return json_clone(o);
    }
    return NULL;
}

static struct json *
find_task(void *arg, const char *name)
{
    return find(arg, "Task", name);
}

static struct json *
find_function(void *arg, const char *name)
{
    return find(arg, "Function", name);
}

static const char repo_text[] =
    "{\"kind\":\"Repository\",\"metadata\":{\"name\":\"repo\",\"namespace\":\"demo\"},\"spec\":"
    "{\"backend\":{\"storageSecretName\":\"secret\",\"local\":{\"mountPath\":\"/safe\","
    "\"subPath\":\"x\",\"hostPath\":{\"path\":\"/data\"}}}}}";

/* Build the pod of `invoker`; the rc, and the pod in *pod. */
static enum rc
build_with(const char *invoker, const char *app, struct json *extra, const struct json *safety,
           struct json **pod, struct err *e)
{
    struct json *inv_obj = t_json(invoker), *repo = t_json(repo_text),
                *app_obj = app == NULL ? NULL : t_json(app), *catalog = catalog_new(IMAGE);
    struct invoker inv;
    struct backend b;
    struct podspec_in in = {.inv = &inv,
                            .repo = repo,
                            .backend = &b,
                            .app_binding = app_obj,
                            .safety = safety,
                            .session = "s-1",
                            .image = IMAGE,
                            .pushgateway_url = "http://push",
                            .task = find_task,
                            .function = find_function,
                            .arg = catalog};
    enum rc rc;

    for (size_t i = 0; i < json_size(extra); i++)
        json_push(catalog, json_clone(json_elem(extra, i)));
    invoker_view(inv_obj, &inv);
    assert_int_equal(backend_decode(json_dig(repo, "spec", "backend"), &b, e), RC_OK);
    rc = podspec_build(&in, pod, e);
    backend_release(&b);
    json_free(inv_obj);
    json_free(repo);
    json_free(app_obj);
    json_free(catalog);
    json_free(extra);
    return rc;
}

static enum rc
build(const char *invoker, const char *app, struct json *extra, struct json **pod, struct err *e)
{
    return build_with(invoker, app, extra, NULL, pod, e);
}

static bool
has_arg(const struct json *container, const char *arg)
{
    const struct json *args = json_field(container, "args");

    for (size_t i = 0; i < json_size(args); i++)
        if (strcmp(json_text(json_elem(args, i)), arg) == 0)
            return true;
    return false;
}

static const struct json *
named(const struct json *list, const char *name)
{
    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text(json_field(json_elem(list, i), "name")), name) == 0)
            return json_elem(list, i);
    return NULL;
}

static const struct json *
env_of(const struct json *container, const char *name)
{
    return named(json_field(container, "env"), name);
}

#define BACKUP(spec)                                                                               \
    "{\"kind\":\"BackupConfiguration\",\"metadata\":{\"name\":\"bc\",\"namespace\":\"demo\"},"     \
    "\"spec\":{\"repository\":{\"name\":\"repo\"},\"target\":{\"ref\":{\"apiVersion\":"            \
    "\"appcatalog.appscode.com/v1alpha1\",\"kind\":\"AppBinding\",\"name\":\"redis\"}},"           \
    "\"retentionPolicy\":{\"name\":\"k\",\"keepLast\":3,\"prune\":true}," spec "}}"
#define TASK(name) "\"task\":{\"name\":\"" name "\"}"

static void
test_podspec_backup_has_stashs_containers(void **state)
{
    struct json *pod = NULL;
    struct err e = ERR_INIT;
    const struct json *init, *main_c, *sc;

    (void)state;
    T_OK(build(BACKUP(TASK("redis-backup-6.2.5")), NULL, NULL, &pod, &e));
    assert_int_equal(json_size(json_field(pod, "initContainers")), 1);
    assert_int_equal(json_size(json_field(pod, "containers")), 1);
    init = json_elem(json_field(pod, "initContainers"), 0);
    main_c = json_elem(json_field(pod, "containers"), 0);
    assert_string_equal(json_text(json_field(init, "name")), "redis-backup-6-2-5-0");
    assert_string_equal(json_text(json_field(main_c, "name")), "update-status-1");
    assert_true(has_arg(init, "--bucket=/safe"));
    assert_true(has_arg(init, "--hostname=host-0"));
    assert_true(has_arg(init, "--retention-keep-last=3"));
    assert_true(has_arg(init, "--output-dir=/stash-tmp/output"));
    assert_true(has_arg(init, "--backupsession=s-1"));
    assert_true(has_arg(main_c, "--metrics-pushgateway-url=http://push"));
    assert_true(has_arg(main_c, "--storage-secret-namespace=demo"));
    assert_null(env_of(init, FINAL_STEP));
    assert_non_null(env_of(main_c, FINAL_STEP));
    sc = json_field(init, "securityContext");
    assert_true(json_is_true(json_field(sc, "runAsNonRoot")));
    assert_true(json_is_true(json_field(sc, "readOnlyRootFilesystem")));
    assert_string_equal(json_text(json_elem(json_dig(sc, "capabilities", "drop"), 0)), "ALL");
    assert_string_equal(json_text(json_dig(pod, "securityContext", "seccompProfile", "type")),
                        "RuntimeDefault");
    assert_string_equal(
        json_text(json_field(json_elem(json_field(init, "volumeMounts"), 1), "subPath")), "x");
    json_free(pod);
}

/* "restricted" as far as nobody says otherwise; root is what somebody chose for what it may do. */
static void
test_podspec_secure_leaves_a_chosen_root_its_capabilities(void **state)
{
    static const struct {
        const char *container, *runtime;
        bool drops;
    } cases[] = {
        {"{}", "{}", true},
        {"{}", "{\"pod\":{\"securityContext\":{\"runAsUser\":1000}}}", true},
        {"{}", "{\"pod\":{\"securityContext\":{\"runAsUser\":0}}}", false},
        {"{\"securityContext\":{\"runAsUser\":0}}", "{}", false},
        {"{\"securityContext\":{\"runAsUser\":7}}",
         "{\"pod\":{\"securityContext\":{\"runAsUser\":0}}}", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *c = t_json(cases[i].container), *runtime = t_json(cases[i].runtime);

        podspec_secure(c, runtime);
        assert_int_equal(json_dig(c, "securityContext", "capabilities") != NULL, cases[i].drops);
        json_free(c);
        json_free(runtime);
    }
}

static void
test_podspec_settings_and_hooks(void **state)
{
    struct json *pod = NULL;
    struct err e = ERR_INIT;
    const struct json *c;

    (void)state;
    T_OK(build(
        BACKUP(TASK(
            "redis-backup-7.0.5") ",\"hooks\":{\"preBackup\":{\"exec\":{}},"
                                  "\"postBackup\":{\"httpGet\":{}}},\"runtimeSettings\":{\"pod\":{"
                                  "\"securityContext\":{\"runAsUser\":0},\"nodeSelector\":{\"a\":"
                                  "\"b\"}},"
                                  "\"container\":{\"resources\":{\"requests\":{\"cpu\":\"1\"}},"
                                  "\"env\":"
                                  "[{\"name\":\"POD_NAME\",\"value\":\"mine\"}],\"nice\":{"
                                  "\"adjustment\":5}}}"),
        NULL, NULL, &pod, &e));
    assert_int_equal(json_size(json_field(pod, "initContainers")), 3);
    c = json_elem(json_field(pod, "initContainers"), 0);
    assert_string_equal(json_text(json_field(c, "name")), "pre-task-hook");
    assert_string_equal(json_text(json_field(c, "image")), IMAGE);
    assert_true(has_arg(c, "--hook-type=preBackup"));
    assert_true(has_arg(c, "--output-dir=/stash-tmp/output"));
    c = json_elem(json_field(pod, "containers"), 0);
    assert_string_equal(json_text(json_field(c, "name")), "post-task-hook");
    assert_string_equal(json_text(json_field(env_of(c, "POD_NAME"), "value")), "mine");
    assert_string_equal(json_text(json_field(env_of(c, "NICE_ADJUSTMENT"), "value")), "5");
    assert_string_equal(json_text(json_dig(c, "resources", "requests", "cpu")), "1");
    assert_null(json_dig(c, "securityContext", "runAsNonRoot"));
    assert_int_equal(json_int_or(json_dig(pod, "securityContext", "runAsUser"), -1), 0);
    assert_string_equal(json_text(json_dig(pod, "nodeSelector", "a")), "b");
    json_free(pod);
}

static void
test_podspec_restore_follows_the_rules(void **state)
{
    static const char restore[] =
        "{\"kind\":\"RestoreSession\",\"metadata\":{\"name\":\"rs\",\"namespace\":\"demo\"},"
        "\"spec\":{\"repository\":{\"name\":\"repo\",\"namespace\":\"vault\"},"
        "\"task\":{\"name\":\"redis-restore\",\"params\":[{\"name\":\"args\",\"value\":"
        "\"--pipe-timeout 300 \\\"x\\\"\"}]},\"target\":{\"alias\":\"a\",\"ref\":{\"kind\":"
        "\"AppBinding\",\"name\":\"redis\"}},\"rules\":[{\"snapshots\":[\"latest\"]},"
        "{\"targetHosts\":[\"a\"],\"sourceHost\":\"b\",\"snapshots\":[\"4bc21d6f\"]}]}}";
    struct json *pod = NULL;
    struct err e = ERR_INIT;
    const struct json *c;

    (void)state;
    T_OK(build(restore, NULL, NULL, &pod, &e));
    c = json_elem(json_field(pod, "initContainers"), 0);
    assert_true(has_arg(c, "--snapshot=4bc21d6f"));
    assert_true(has_arg(c, "--source-hostname=b"));
    assert_true(has_arg(c, "--hostname=a"));
    assert_true(has_arg(c, "--redis-args=--pipe-timeout 300 \"x\""));
    assert_true(has_arg(c, "--storage-secret-namespace=vault"));
    json_free(pod);
}

static void
test_podspec_takes_the_task_of_the_appbinding(void **state)
{
    static const char app[] =
        "{\"spec\":{\"parameters\":{\"stash\":{\"addon\":{\"backupTask\":{\"name\":"
        "\"redis-backup\",\"params\":[{\"name\":\"args\",\"value\":\"-db 1\"}]}}}}}}";
    struct json *pod = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(build(BACKUP("\"paused\":false"), app, NULL, &pod, &e));
    assert_true(has_arg(json_elem(json_field(pod, "initContainers"), 0), "--redis-args=-db 1"));
    json_free(pod);
}

/* Our steps read the Redis from an AppBinding; those of others may need no target. */
static void
test_podspec_refuses_a_target_that_its_step_cannot_use(void **state)
{
#define AIMED(target, task)                                                                        \
    "{\"kind\":\"BackupConfiguration\",\"metadata\":{\"name\":\"bc\",\"namespace\":\"demo\"},"     \
    "\"spec\":{\"repository\":{\"name\":\"repo\"},\"retentionPolicy\":{\"name\":\"k\"}," target    \
    TASK(task) "}}"
    static const struct {
        const char *invoker, *words;
    } cases[] = {
        {AIMED("", "redis-backup"),
         "spec.target.ref is missing: backup-redis needs the AppBinding"},
        {AIMED("\"target\":{},", "redis-backup-7.0.5"), "spec.target.ref is missing"},
        {AIMED("\"target\":{\"ref\":{\"apiVersion\":\"apps/"
               "v1\",\"kind\":\"Deployment\",\"name\":\"d\"}},",
               "redis-backup"),
         "spec.target.ref is a Deployment"},
        {AIMED("\"target\":{},", "own"), NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *pod = NULL,
                    *own = t_json("[{\"kind\":\"Task\",\"metadata\":{\"name\":\"own\"},"
                                  "\"spec\":{\"steps\":[{\"name\":\"f\"}]}},"
                                  "{\"kind\":\"Function\",\"metadata\":{\"name\":\"f\"},"
                                  "\"spec\":{\"image\":\"i\",\"args\":[\"x\"]}}]");
        struct err e = ERR_INIT;
        enum rc rc = build(cases[i].invoker, NULL, own, &pod, &e);

        assert_int_equal(rc, cases[i].words == NULL ? RC_OK : RC_INVALID);
        if (rc != RC_OK && cases[i].words != NULL && strstr(e.msg, cases[i].words) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", e.msg, cases[i].words);
        json_free(pod);
    }
}

/* Where the copy of the target goes: named to the step, and mounted beside the Repository that is restored from. */
static void
test_podspec_mounts_the_place_of_the_copy(void **state)
{
    CLEANUP(json_free_ptr)
    struct json *safety =
        t_json("{\"metadata\":{\"name\":\"own\"},\"spec\":{\"backend\":{\"local\":"
               "{\"mountPath\":\"/own\",\"subPath\":\"s\","
               "\"hostPath\":{\"path\":\"/o\"}}}}}");
    struct json *pod = NULL;
    struct err e = ERR_INIT;
    const struct json *c, *volume, *mount;

    (void)state;
    T_OK(build_with(
        "{\"kind\":\"RestoreSession\",\"metadata\":{\"name\":\"rs\",\"namespace\":\"demo\"},"
        "\"spec\":{\"repository\":{\"name\":\"repo\"},\"target\":{\"ref\":{\"apiVersion\":"
        "\"appcatalog.appscode.com/v1alpha1\",\"kind\":\"AppBinding\",\"name\":\"redis\"}},"
        "\"task\":{\"name\":\"redis-restore-7.0.5\"}}}",
        NULL, NULL, safety, &pod, &e));
    c = json_elem(json_field(pod, "initContainers"), 0);
    assert_string_equal(json_text(json_field(env_of(c, NOTE_SAFETY_REPOSITORY_ENV), "value")),
                        "own");
    volume = named(json_field(pod, "volumes"), "cstash-safety");
    assert_string_equal(json_text(json_dig(volume, "hostPath", "path")), "/o");
    assert_null(json_field(volume, "mountPath"));
    mount = named(json_field(c, "volumeMounts"), "cstash-safety");
    assert_string_equal(json_text(json_field(mount, "mountPath")), "/own");
    assert_string_equal(json_text(json_field(mount, "subPath")), "s");
    json_free(pod);
}

/* The step that restores is told which keys; a Task without it is refused, for it would restore all of them. */
static void
test_podspec_hands_on_which_keys(void **state)
{
#define CHOOSING(task)                                                                             \
    "{\"kind\":\"RestoreSession\",\"metadata\":{\"name\":\"rs\",\"namespace\":\"demo\"},"          \
    "\"spec\":{\"repository\":{\"name\":\"repo\"},\"target\":{\"ref\":{\"apiVersion\":"            \
    "\"appcatalog.appscode.com/v1alpha1\",\"kind\":\"AppBinding\",\"name\":\"redis\"}},"           \
    "\"cstash\":{\"match\":[\"a b\"]}," TASK(task) "}}"
    struct json *pod = NULL;
    struct err e = ERR_INIT;
    const struct json *c;

    (void)state;
    T_OK(build(CHOOSING("redis-restore-7.0.5"), NULL, NULL, &pod, &e));
    c = json_elem(json_field(pod, "initContainers"), 0);
    assert_string_equal(json_text(json_field(env_of(c, RESTORE_CHOICE_ENV), "value")),
                        "[\"--match=a b\"]");
    json_free(pod);
    assert_int_equal(
        build(CHOOSING("mine"), NULL,
              t_json("[{\"kind\":\"Task\",\"metadata\":{\"name\":\"mine\"},\"spec\":{\"steps\":"
                     "[{\"name\":\"f\"}]}},{\"kind\":\"Function\",\"metadata\":{\"name\":\"f\"},"
                     "\"spec\":{\"image\":\"i\",\"args\":[\"go\"]}}]"),
              &pod, &e),
        RC_INVALID);
    assert_non_null(strstr(e.msg, "spec.cstash is for the step restore-redis"));
}

static void
test_podspec_refuses_what_cannot_be_resolved(void **state)
{
    static const struct {
        const char *task, *extra, *words;
        enum rc rc;
    } cases[] = {
        {"none", "[]", "Task \"none\" not found", RC_NOT_FOUND},
        {"t", "[{\"kind\":\"Task\",\"metadata\":{\"name\":\"t\"},\"spec\":{}}]", "has no steps",
         RC_INVALID},
        {"t",
         "[{\"kind\":\"Task\",\"metadata\":{\"name\":\"t\"},\"spec\":{\"steps\":[{\"name\":\"f\"}]}"
         "}]",
         "Function \"f\" not found", RC_NOT_FOUND},
        {"t",
         "[{\"kind\":\"Task\",\"metadata\":{\"name\":\"t\"},\"spec\":{\"steps\":[{\"name\":\"f\"}]}"
         "},"
         "{\"kind\":\"Function\",\"metadata\":{\"name\":\"f\"},\"spec\":{\"args\":[\"${NOPE}\"]}}]",
         "not found for key NOPE", RC_INVALID},
        {"t",
         "[{\"kind\":\"Task\",\"metadata\":{\"name\":\"t\"},\"spec\":{\"steps\":[{\"name\":\"f\","
         "\"params\":[{\"name\":\"a\",\"value\":\"${b}\"},{\"name\":\"b\",\"value\":\"${a}\"}]}]}},"
         "{\"kind\":\"Function\",\"metadata\":{\"name\":\"f\"},\"spec\":{}}]",
         "needs itself", RC_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *pod = NULL;
        struct err e = ERR_INIT;
        char *text = mem_printf(BACKUP("\"task\":{\"name\":\"%s\"}"), cases[i].task);

        assert_int_equal(build(text, NULL, t_json(cases[i].extra), &pod, &e), cases[i].rc);
        if (strstr(e.msg, cases[i].words) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", e.msg, cases[i].words);
        mem_free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_podspec_backup_has_stashs_containers),
        cmocka_unit_test(test_podspec_secure_leaves_a_chosen_root_its_capabilities),
        cmocka_unit_test(test_podspec_settings_and_hooks),
        cmocka_unit_test(test_podspec_restore_follows_the_rules),
        cmocka_unit_test(test_podspec_takes_the_task_of_the_appbinding),
        cmocka_unit_test(test_podspec_refuses_a_target_that_its_step_cannot_use),
        cmocka_unit_test(test_podspec_mounts_the_place_of_the_copy),
        cmocka_unit_test(test_podspec_hands_on_which_keys),
        cmocka_unit_test(test_podspec_refuses_what_cannot_be_resolved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

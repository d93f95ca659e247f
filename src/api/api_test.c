/* SPDX-License-Identifier: Apache-2.0 */
/* Names, addresses, sizes, permission and schemas: the words of Stash's contract. */
#include "api/backend.h"
#include "api/catalog.h"
#include "api/duration.h"
#include "api/invoker.h"
#include "api/kinds.h"
#include "api/names.h"
#include "api/notes.h"
#include "api/restore_choice.h"
#include "base/mem.h"
#include "t.h"
#include "harness/t_json.h"

static void
same(char *got, const char *want)
{
    assert_string_equal(got, want);
    mem_free(got);
}

/* As Stash's while they say all; no two names become one. */
static void
test_names_are_those_of_stash_and_never_shared(void **state)
{
    static const char a60[] = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff",
                      z60[] = "zaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff",
                      a61[] = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffz";

    (void)state;
    same(name_of(NAME_MAX_LABEL, "stash-backup", "sample-redis-backup-1627490702", "0"),
         "stash-backup-sample-redis-backup-1627490702-0");
    same(name_of(NAME_MAX_LABEL, NULL, "sample-redis-backup", "1627490702"),
         "sample-redis-backup-1627490702");
    same(name_of(NAME_MAX_CRONJOB, "stash-trigger", "sample-redis", NULL),
         "stash-trigger-sample-redis");
    same(name_of(NAME_MAX_CRONJOB, "stash-trigger", "sample.redis", NULL),
         "stash-trigger-sample-redis-d249cc7005");
    same(name_of(NAME_MAX_CRONJOB, "stash-trigger", a60, NULL),
         "stash-trigger-aaaaaaaaaabbbbbbbbbbccccccc-12babcd178");
    same(name_of(NAME_MAX_CRONJOB, "stash-trigger", z60, NULL),
         "stash-trigger-zaaaaaaaaabbbbbbbbbbccccccc-9eb2b820ee");
    same(name_of(NAME_MAX_CRONJOB, "stash-trigger", a61, NULL),
         "stash-trigger-aaaaaaaaaabbbbbbbbbbccccccc-a50b44f04c");
    same(name_of(NAME_MAX_LABEL, NULL, a60, "1627490702"),
         "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddde-12babcd178-1627490702");
    same(name_short_kind("AppBinding"), "app");
    same(name_short_kind("Widget"), "widget");
}

static void
test_snapshots_have_stash_names_of_any_length(void **state)
{
    static const char id[] = "4bc21d6fb6acd7d3a5c4cdd4f4b9e5a1f0dd4d4fd0b1a54f3d6a1ff3c0ffee00";
    char long_name[NAME_MAX_OBJECT + 1], *name;

    (void)state;
    same(name_of_snapshot("gcs-repo", id, 8), "gcs-repo-4bc21d6f");
    same(name_of_snapshot("my.repo", id, 9), "my.repo-4bc21d6fb");
    assert_true(name_is_of_snapshot("my.repo-4bc21d6f", "my.repo", id));
    assert_true(name_is_of_snapshot("my.repo-4bc21d6fb6", "my.repo", id));
    assert_false(name_is_of_snapshot("my.repo-4bc21d6", "my.repo", id));
    assert_false(name_is_of_snapshot("my.repo-4bc21d6c", "my.repo", id));
    assert_false(name_is_of_snapshot("other-4bc21d6f", "my.repo", id));
    memset(long_name, 'a', NAME_MAX_OBJECT);
    long_name[NAME_MAX_OBJECT] = '\0';
    name = name_of_snapshot(long_name, id, 64);
    assert_int_equal(strlen(name), NAME_MAX_OBJECT);
    assert_string_equal(name + NAME_MAX_OBJECT - 64, id);
    mem_free(name);
    same(name_label("host-0"), "host-0");
    same(name_label("10.0.0.1:6379"), "10.0.0.1-6379");
    same(name_label("[::1]"), "1");
    same(name_label("??"), "");
    name = name_label(long_name);
    assert_int_equal(strlen(name), NAME_MAX_LABEL);
    long_name[NAME_MAX_OBJECT - 1] = 'b';
    char *other = name_label(long_name);
    assert_string_not_equal(name, other);
    mem_free(name);
    mem_free(other);
}

static void
test_a_backend_below_another(void **state)
{
    static const struct {
        const char *block, *address;
    } cases[] = {
        {"{\"local\":{\"mountPath\":\"/safe/data\"}}", "/safe/data/f/g"},
        {"{\"s3\":{\"endpoint\":\"h\",\"bucket\":\"b\",\"prefix\":\"/x/\"}}", "s3:h/b/x/f/g"},
        {"{\"s3\":{\"endpoint\":\"h\",\"bucket\":\"b\"}}", "s3:h/b/f/g"},
        {"{\"gcs\":{\"bucket\":\"b\",\"prefix\":\"p\"}}", "gs:b:/p/f/g"},
        {"{\"azure\":{\"container\":\"c\"}}", "azure:c:/f/g"},
        {"{\"swift\":{\"container\":\"c\",\"prefix\":\"p\"}}", "swift:c:/p/f/g"},
        {"{\"b2\":{\"bucket\":\"b\",\"prefix\":\"p\"}}", "b2:b:/p/f/g"},
    };
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *j = t_json(cases[i].block);
        struct backend b, below;
        char *got = NULL;

        T_OK(backend_decode(j, &b, &e));
        backend_below(&b, "f/g", &below);
        backend_release(&b);
        T_OK(backend_address(&below, &got, &e));
        same(got, cases[i].address);
        backend_release(&below);
        json_free(j);
    }
}

static void
test_backend_addresses_are_those_of_stash(void **state)
{
    static const struct {
        const char *block, *address;
    } cases[] = {
        {"{\"local\":{\"mountPath\":\"/safe/data\"}}", "/safe/data"},
        {"{\"s3\":{\"endpoint\":\"s3.amazonaws.com\",\"bucket\":\"b\",\"prefix\":\"/x//y/\"}}",
         "s3:s3.amazonaws.com/b/x/y"},
        {"{\"s3\":{\"endpoint\":\"https://minio:443\",\"bucket\":\"b\"}}",
         "s3:https://minio:443/b"},
        {"{\"s3\":{\"endpoint\":\"https://minio:443//\",\"bucket\":\"b\",\"prefix\":\"p\"}}",
         "s3:https://minio:443/b/p"},
        {"{\"gcs\":{\"bucket\":\"b\",\"prefix\":\"/demo/x\"}}", "gs:b://demo/x"},
        {"{\"azure\":{\"container\":\"c\",\"prefix\":\"p\"}}", "azure:c:/p"},
        {"{\"swift\":{\"container\":\"c\"}}", "swift:c:/"},
        {"{\"b2\":{\"bucket\":\"b\",\"prefix\":\"p\"}}", "b2:b:/p"},
        {"{\"rest\":{\"url\":\"https://host:8000/a/b\"}}", "rest:https://host:8000/a/b"},
        {"{\"gcs\":{\"bucket\":\"b\"},\"s3\":{\"endpoint\":\"e\",\"bucket\":\"s\"}}", "s3:e/s"},
    };
    static const char *const refused[] = {
        "{\"s3\":{\"endpoint\":\"unix:///run/x\",\"bucket\":\"b\"}}",
        "{\"s3\":{\"endpoint\":\"file:///etc\",\"bucket\":\"b\"}}",
        "{\"s3\":{\"endpoint\":\"https://u:pw@minio\",\"bucket\":\"b\"}}",
        "{\"s3\":{\"endpoint\":\"u:pw@minio\",\"bucket\":\"b\"}}",
        "{\"rest\":{\"url\":\"https://u:pw@host:8000/a\"}}",
    };
    struct err e = ERR_INIT;
    struct backend b;
    struct json *j;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = NULL;

        j = t_json(cases[i].block);
        T_OK(backend_decode(j, &b, &e));
        T_OK(backend_address(&b, &got, &e));
        same(got, cases[i].address);
        backend_release(&b);
        json_free(j);
    }
    j = t_json("{\"storageSecretName\":\"x\"}");
    T_RC(backend_decode(j, &b, &e), RC_INVALID);
    assert_non_null(strstr(e.msg, "unknown provider."));
    json_free(j);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        j = t_json(refused[i]);
        T_RC(backend_decode(j, &b, &e), RC_INVALID);
        assert_null(strstr(e.msg, "pw"));
        json_free(j);
    }
    j = t_json("{\"rest\":{\"url\":\"https://host:8000/a/b\"}}");
    T_OK(backend_decode(j, &b, &e));
    assert_string_equal(b.bucket, "host:8000");
    assert_string_equal(b.prefix, "/a/b");
    backend_release(&b);
    json_free(j);
}

static void
test_a_secret_gives_credentials_and_nothing_else(void **state)
{
    static const char *const no[] = {"AWS_WEB_IDENTITY_TOKEN_FILE",
                                     "AWS_ROLE_ARN",
                                     "AWS_SHARED_CREDENTIALS_FILE",
                                     "AWS_PROFILE",
                                     "AWS_ENDPOINT_URL_STS",
                                     "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                     "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                     "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                     "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                     "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                     "AWS_EC2_METADATA_DISABLED",
                                     "GOOGLE_APPLICATION_CREDENTIALS",
                                     "GCE_METADATA_HOST",
                                     "STORAGE_EMULATOR_HOST",
                                     "AZURE_TENANT_ID",
                                     "AZURE_CLIENT_ID",
                                     "AZURE_CLIENT_SECRET",
                                     "AZURE_FEDERATED_TOKEN_FILE",
                                     "AZURE_AUTHORITY_HOST",
                                     "AZURE_ENDPOINT_SUFFIX",
                                     "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                                     "IDENTITY_ENDPOINT",
                                     "IDENTITY_HEADER",
                                     "B2_ENVIRONMENT",
                                     "HOME",
                                     "HTTPS_PROXY",
                                     "RESTIC_REST_CACERT",
                                     "REST_SERVER_USERNAME",
                                     ""};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_null(backend_secret_key(no[i]));
    assert_string_equal(backend_secret_key("AWS_SECRET_ACCESS_KEY"), "AWS_SECRET_ACCESS_KEY");
    assert_string_equal(backend_secret_key("OS_AUTH_URL"), "OS_AUTH_URL");
    assert_string_equal(backend_secret_key("AZURE_ACCOUNT_SAS"), "AZURE_ACCOUNT_SAS");
    assert_string_equal(backend_secret_key("RESTIC_REST_PASSWORD"), "REST_SERVER_PASSWORD");
}

static void
test_durations_and_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
        const char *again;
    } cases[] = {
        {"0", 0, "0s"},          {"5s", 5000, "5s"},         {"1h30m", 5400000, "1h30m0s"},
        {"72s", 72000, "1m12s"}, {"4123ms", 4123, "4.123s"}, {"1.5h", 5400000, "1h30m0s"},
        {"10ms", 10, "10ms"},    {"-2m", -120000, "-2m0s"},  {"1m0.5s", 60500, "1m0.5s"},
    };
    static char long_one[900]; /* both halves are too large for a double */
    static const char *const bad[] = {"", "5", "s", "1x", "1h30", "-", "99999999999h", long_one};
    char to[DURATION_TEXT];
    struct err e = ERR_INIT;
    int64_t ms = 0;
    uint64_t bytes = 0;

    (void)state;
    memset(long_one, '9', sizeof(long_one) - 1);
    long_one[sizeof(long_one) / 2] = '.';
    long_one[sizeof(long_one) - 2] = 's';
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        T_OK(duration_parse(str_c(cases[i].text), &ms, &e));
        assert_int_equal(ms, cases[i].ms);
        assert_string_equal(duration_format(ms, to), cases[i].again);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_RC(duration_parse(str_c(bad[i]), &ms, &e), RC_INVALID);
    assert_string_equal(duration_format_s(4500, to), "5s");
    assert_string_equal(duration_clock(3723000, to), "1:02:03");
    assert_string_equal(duration_clock(3900, to), "0:03");
    assert_string_equal(size_format(1024, to), "1024 B");
    assert_string_equal(size_format(1264, to), "1.234 KiB");
    T_OK(size_parse(STR_LIT("1.500 MiB"), &bytes, &e));
    assert_int_equal(bytes, 1536 * 1024);
    T_RC(size_parse(STR_LIT("12 parsecs"), &bytes, &e), RC_INVALID);
}

static bool
labels_have_team(const struct json *selector, const struct json *labels)
{
    (void)selector;
    return json_field(labels, "team") != NULL;
}

static void
test_usage_policy(void **state)
{
#define REPO(policy) "{\"metadata\":{\"namespace\":\"vault\"},\"spec\":{" policy "}}"
#define ALLOW(what) REPO("\"usagePolicy\":{\"allowedNamespaces\":{" what "}}")
    static const struct {
        const char *repo, *ns, *labels;
        bool yes;
    } cases[] = {
        {REPO(""), "vault", NULL, true},
        {REPO(""), "demo", NULL, false},
        {ALLOW("\"from\":\"Same\""), "demo", NULL, false},
        {ALLOW("\"from\":\"All\""), "demo", NULL, true},
        {ALLOW("\"from\":\"Selector\",\"selector\":{}"), "demo", "{\"team\":\"a\"}", true},
        {ALLOW("\"from\":\"Selector\",\"selector\":{}"), "demo", "{}", false},
        {ALLOW("\"from\":\"Selector\""), "demo", "{\"team\":\"a\"}", false},
        {ALLOW(""), "vault", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *r = t_json(cases[i].repo),
                    *l = cases[i].labels == NULL ? NULL : t_json(cases[i].labels);

        if (repository_allows(r, cases[i].ns, l, labels_have_team) != cases[i].yes)
            fail_msg("case %zu", i);
        json_free(r);
        json_free(l);
    }
}

static void
test_kinds_default_and_validate(void **state)
{
    static const struct {
        const struct crd_def *kind;
        const char *obj, *words; /* words NULL: it is fine */
    } cases[] = {
        {&kind_repository,
         "{\"spec\":{\"backend\":{\"s3\":{\"endpoint\":\"e\",\"bucket\":\"b\"}}}}", NULL},
        {&kind_repository, "{\"spec\":{\"backend\":{\"s3\":{\"endpoint\":\"e\"}}}}",
         "spec.backend.s3.bucket is missing"},
        {&kind_backupconfiguration, "{\"spec\":{}}", "spec.retentionPolicy is missing"},
        {&kind_backupconfiguration, "{\"spec\":{\"retentionPolicy\":{\"name\":\"x\",\"prune\":1}}}",
         "spec.retentionPolicy.prune must be true or false"},
        {&kind_backupconfiguration,
         "{\"spec\":{\"timeOut\":\"soon\",\"retentionPolicy\":{\"name\":\"x\",\"prune\":true}}}",
         "spec.timeOut must be a duration"},
        {&kind_restoresession, "{\"spec\":{\"target\":{\"rules\":[{\"snapshots\":[1]}]}}}",
         "spec.target.rules[0].snapshots[0] must be a string"},
        {&kind_restoresession, "{\"spec\":{\"driver\":\"Tape\"}}", "spec.driver has a value"},
        {&kind_appbinding, "{\"spec\":{\"clientConfig\":{\"caBundle\":\"*\"}}}", "must be base64"},
        {&kind_function, "{\"spec\":{\"args\":[\"a\"],\"unknown\":{\"kept\":1}}}", NULL},
    };
    struct json *bc = t_json("{\"spec\":{\"retryConfig\":{}}}");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *j = t_json(cases[i].obj);
        struct err e = ERR_INIT;
        enum rc rc = kind_validate(cases[i].kind, j, &e);

        assert_int_equal(rc, cases[i].words == NULL ? RC_OK : RC_INVALID);
        if (cases[i].words != NULL && strstr(e.msg, cases[i].words) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", e.msg, cases[i].words);
        json_free(j);
    }
    kind_default(&kind_backupconfiguration, bc);
    assert_string_equal(json_text(json_dig(bc, "spec", "driver")), "Restic");
    assert_int_equal(json_int_or(json_dig(bc, "spec", "retryConfig", "maxRetry"), 0), 1);
    json_free(bc);
}

/* What is of the right type, and with which nothing could ever run. */
static void
test_an_invoker_that_could_never_run_is_told(void **state)
{
#define REF "\"ref\":{\"apiVersion\":\"a/v1\",\"kind\":\"AppBinding\",\"name\":\"r\"}"
#define SPEC(more) "{\"repository\":{\"name\":\"r\"},\"schedule\":\"0 3 * * *\"," more "}"
    static const struct {
        const char *spec, *words; /* words NULL: it is fine */
    } cases[] = {
        {SPEC("\"target\":{" REF "},\"timeOut\":\"1h\",\"backupHistoryLimit\":0,"
              "\"retentionPolicy\":{\"keepLast\":-1},\"retryConfig\":{\"maxRetry\":0,\"delay\":"
              "\"0\"}"),
         NULL},
        {SPEC("\"target\":{}"), NULL}, /* the Task needs none, or says that it needs one */
        {SPEC("\"target\":{\"ref\":{\"apiVersion\":\"a/v1\",\"kind\":\"AppBinding\"}}"),
         "spec.target.ref.name is missing"},
        {SPEC("\"target\":{\"ref\":{\"name\":\"r\"}}"), "spec.target.ref.apiVersion is missing"},
        {SPEC("\"target\":{\"ref\":{\"apiVersion\":\"a/v1\",\"name\":\"r\"}}"),
         "spec.target.ref.kind is missing"},
        {"{\"schedule\":\"0 3 * * *\"}", "spec.repository.name is missing"},
        {SPEC("\"target\":{\"rules\":[{\"snapshots\":[\"1a2b\"],\"targetHosts\":[\"other\"]}]}"),
         "no rule for the host host-0"},
        {SPEC("\"target\":{\"rules\":[{\"targetHosts\":[\"other\"]},{\"targetHosts\":[\"host-0\"]}]"
              "}"),
         NULL},
        {SPEC(
             "\"target\":{\"rules\":[{\"targetHosts\":[\"other\"]},{\"snapshots\":[\"latest\"]}]}"),
         NULL},
        {SPEC("\"driver\":\"VolumeSnapshotter\""), "only Restic is"},
        {SPEC("\"timeOut\":\"0\""), "spec.timeOut must be more than 0"},
        {SPEC("\"timeOut\":\"-5m\""), "spec.timeOut must be more than 0"},
        {SPEC("\"retentionPolicy\":{\"keepDaily\":-2}"), "spec.retentionPolicy.keepDaily must be"},
        {SPEC("\"backupHistoryLimit\":-1"), "spec.backupHistoryLimit must not be negative"},
        {SPEC("\"retryConfig\":{\"maxRetry\":-1}"), "spec.retryConfig.maxRetry must not be"},
        {SPEC("\"retryConfig\":{\"delay\":\"-1s\"}"), "spec.retryConfig.delay must not be"},
        {"{\"repository\":{\"name\":\"r\"},\"schedule\":\"0 0 31 2 *\"}",
         "spec.schedule \"0 0 31 2 *\" names a time that never comes"},
        {"{\"repository\":{\"name\":\"r\"},\"schedule\":\"0 0 29 2 *\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *obj = t_json("{\"kind\":\"BackupConfiguration\"}");
        struct invoker inv;
        struct err e = ERR_INIT;
        enum rc rc;

        json_set(obj, "spec", t_json(cases[i].spec));
        invoker_view(obj, &inv);
        rc = invoker_check(&inv, 1780000000000, &e);
        if ((rc == RC_OK) != (cases[i].words == NULL) ||
            (rc != RC_OK && strstr(e.msg, cases[i].words) == NULL))
            fail_msg("%s: %s", cases[i].spec, e.msg);
        json_free(obj);
    }
}

/* What spec.cstash says, as options; or why not. */
static void
test_a_choice_of_keys_becomes_options(void **state)
{
    static const struct {
        const char *choice, *options, *words;
    } cases[] = {
        {"{}", NULL, NULL},
        {"{\"match\":[\"a b*\",\"-x\"],\"exclude\":[\"$(PATH)$$\"],\"types\":[\"hash\"],"
         "\"databases\":[0,3]}",
         "[\"--match=a b*\",\"--match=-x\",\"--exclude=\\u0024(PATH)\\u0024\\u0024\",\"--type="
         "hash\",\"--db=0\",\"--db=3\"]",
         NULL},
        {"{\"renamePrefix\":[{\"from\":\"a:\",\"to\":\"b=\"},{\"to\":\"c\"}],\"dbMap\":[{\"from\":"
         "1,"
         "\"to\":2}],\"ttl\":\"shift\"}",
         "[\"--rename-prefix=a:=b=\",\"--rename-prefix==c\",\"--db-map=1=2\",\"--ttl=shift\"]",
         NULL},
        {"{\"mask\":[{\"keys\":\"u*\",\"fields\":\"mail\",\"how\":\"hash\"},{\"keys\":\"*\","
         "\"how\":\"drop\"}]}",
         "[\"--mask=u*->mail=hash\",\"--mask=*=drop\"]", NULL},
        {"{\"match\":[\"\"]}", NULL, "spec.cstash.match[0] must be"},
        {"{\"types\":[\"set\",\"text\"]}", NULL, "spec.cstash.types[1] must be string, list"},
        {"{\"databases\":[-1]}", NULL, "spec.cstash.databases[0] must be"},
        {"{\"renamePrefix\":[{\"from\":\"a=\"}]}", NULL, "spec.cstash.renamePrefix[0] must have"},
        {"{\"renamePrefix\":[{}]}", NULL, "spec.cstash.renamePrefix[0] must have from, or to"},
        {"{\"dbMap\":[{\"from\":1,\"to\":2},{\"from\":1,\"to\":3}]}", NULL,
         "spec.cstash.dbMap[1] names"},
        {"{\"dbMap\":[{\"from\":1}]}", NULL, "spec.cstash.dbMap[0] must have two"},
        {"{\"ttl\":\"never\"}", NULL, "spec.cstash.ttl must be"},
        {"{\"mask\":[{\"keys\":\"*\"}]}", NULL, "spec.cstash.mask[0] must have how"},
        {"{\"mask\":[{\"how\":\"drop\"}]}", NULL, "spec.cstash.mask[0] must have keys"},
        {"{\"mask\":[{\"keys\":\"*\",\"fields\":\"x\",\"how\":\"drop\"}]}", NULL,
         "spec.cstash.mask[0] hides fields"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(json_free_ptr) struct json *choice = t_json(cases[i].choice);
        CLEANUP(mem_free_ptr) char *env = restore_choice_env(choice);
        struct json *options = NULL;
        struct err e = ERR_INIT;
        enum rc rc = restore_choice_options(choice, "spec.cstash", &options, &e);

        if ((rc == RC_OK) != (cases[i].words == NULL) ||
            (rc != RC_OK && strstr(e.msg, cases[i].words) == NULL))
            fail_msg("%s: %s", cases[i].choice, e.msg);
        if (cases[i].options == NULL ? env != NULL
                                     : env == NULL || strcmp(env, cases[i].options) != 0)
            fail_msg("%s: %s", cases[i].choice, env != NULL ? env : "nothing");
        json_free(options);
    }
}

static void
test_annotations_of_ours_make_sense(void **state)
{
    static const struct {
        const char *kind, *notes, *words;
    } cases[] = {
        {"RestoreSession", "{\"kubectl.kubernetes.io/x\":\"{}\"}", NULL},
        {"BackupConfiguration", "{\"cstash.io/shrink-below\":\"0\"}", "percentage from 1 to 100"},
        {"BackupConfiguration", "{\"cstash.io/shrink-below\":\"half of it\"}", "percentage"},
        {"BackupConfiguration", "{\"cstash.io/accept-shrink\":\"yes\"}", "\"true\" or \"false\""},
        {"BackupConfiguration", "{\"cstash.io/allow-removal\":\"-1\"}", "a number of snapshots"},
        {"BackupConfiguration", "{\"cstash.io/adopt-target\":\"\"}", "the name of a target"},
        {"BackupConfiguration", "{\"cstash.io/adopt-target\":\"a\\nb\"}", "the name of a target"},
        {"Repository", "{\"cstash.io/new-repository\":\"true\"}", NULL},
        {"Repository", "{\"cstash.io/new-repository\":\"yes\"}", "\"true\" or \"false\""},
        {"BackupConfiguration", "{\"cstash.io/new-repository\":\"true\"}",
         "cstash.io/new-repository means nothing on a BackupConfiguration"},
        {"BackupConfiguration", "{\"cstash.io/accept-shrimp\":\"true\"}",
         "cstash.io/accept-shrimp means nothing on a BackupConfiguration"},
        {"RestoreSession", "{\"cstash.io/accept-shrink\":\"true\"}",
         "cstash.io/accept-shrink means nothing on a RestoreSession"},
    };
    struct json *all = t_json(
        "{\"cstash.io/shrink-below\":\"off\",\"cstash.io/accept-shrink\":\"true\","
        "\"cstash.io/allow-removal\":\"7\",\"cstash.io/adopt-target\":\"demo/AppBinding/old\"}");
    struct notes n;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *j = t_json(cases[i].notes);
        struct err why = ERR_INIT;
        enum rc rc = notes_read(cases[i].kind, j, &n, &why);

        assert_int_equal(rc, cases[i].words == NULL ? RC_OK : RC_INVALID);
        if (rc != RC_OK && cases[i].words != NULL && strstr(why.msg, cases[i].words) == NULL)
            fail_msg("%s: %s", cases[i].notes, why.msg);
        json_free(j);
    }
    T_OK(notes_read("BackupConfiguration", all, &n, &e));
    assert_int_equal(n.shrink_below, SHRINK_BELOW_OFF);
    assert_true(n.accept_shrink);
    assert_int_equal(n.allow_removal, 7);
    assert_string_equal(n.adopt_target, "demo/AppBinding/old");
    json_free(all);
}

static void
test_history_is_adopted_by_its_owner_only(void **state)
{
    static const struct {
        struct adopter by;
        const char *from;
        bool may;
    } cases[] = {
        {{"evil", "evil", "demo"}, NULL, true},
        {{"evil", "evil", "demo"}, "evil/AppBinding/old", true},
        {{"evil", "evil", "demo"}, "evil/AppBinding/old@uid", true},
        {{"evil", "data", "demo"}, "data/AppBinding/old", true},
        {{"evil", "evil", "demo"}, "demo/AppBinding/redis", false},
        {{"evil", "evil", "demo"}, "demo/AppBinding/redis@uid", false},
        {{"evil", "evil", "demo"}, "evil2/AppBinding/redis", false},
        {{"evil", "evil", "demo"}, "evi/AppBinding/redis", false},
        /* By hand: no namespace. */
        {{"evil", "evil", "demo"}, "redis-prod", false},
        {{"evil", "evil", "demo"}, "10.0.0.7:6379", false},
        {{"evil", "evil", "demo"}, "evil/old", false},
        {{"evil", "evil", "demo"}, "evil@uid", false},
        {{"demo", "demo", "demo"}, "redis-prod", true},
        {{"demo", "demo", "demo"}, "10.0.0.7:6379", true},
        {{"demo", "demo", "demo"}, "machine:/run/redis.sock@id", true},
        {{"demo", "demo", "demo"}, "evil/AppBinding/redis", false},
        {{"demo", "demo", "demo"}, "evil/AppBinding/redis@a/b", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = ERR_INIT;
        enum rc rc = adoption_check(&cases[i].by, cases[i].from, &e);

        if (rc != (cases[i].may ? RC_OK : RC_INVALID) ||
            (rc != RC_OK && strstr(e.msg, "needs the Repository's owner") == NULL))
            fail_msg("%s of %s: %s", cases[i].by.ns, cases[i].from, e.msg);
    }
}

/* What we print ourselves must be what we take ourselves. */
static void
test_catalog_is_valid(void **state)
{
    struct json *list = catalog_new("image");
    struct err e = ERR_INIT;

    (void)state;
    assert_int_equal(json_size(list), 17);
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *o = json_elem(list, i);
        bool task = strcmp(json_text(json_field(o, "kind")), "Task") == 0;

        T_OK(kind_validate(task ? &kind_task : &kind_function, o, &e));
    }
    json_free(list);
}

/* A batch is a list of views; a configuration is a batch of one. */
static void
test_view_on_a_member(void **state)
{
    struct json *batch = t_json(
        "{\"kind\":\"BackupBatch\",\"metadata\":{\"name\":\"b\",\"namespace\":\"demo\"},\"spec\":{"
        "\"runtimeSettings\":{\"pod\":{}},\"executionOrder\":\"Sequential\",\"members\":["
        "{\"target\":{\"alias\":\"one\",\"ref\":{\"kind\":\"AppBinding\",\"name\":\"r\"}}},"
        "{\"target\":{\"ref\":{\"kind\":\"AppBinding\",\"name\":\"s\",\"namespace\":\"far\"}}}]}}");
    struct json *status = json_new_object();
    struct invoker inv, m;
    char path[INVOKER_PATH];
    size_t at = 7;

    (void)state;
    invoker_view(batch, &inv);
    assert_int_equal(inv.n, 2);
    assert_true(inv.batch && inv.sequential && !inv.restore);
    assert_string_equal(inv.target_name, "r");
    assert_null(inv.runtime);
    assert_true(invoker_find(&inv, "AppBinding", "far", "s", &m));
    assert_int_equal(m.at, 1);
    assert_string_equal(invoker_host(&m), "host-0");
    assert_string_equal(invoker_path(&m, path), "spec.members[1]");
    assert_false(invoker_find(&inv, "AppBinding", "", "s", &m));
    invoker_whole(&inv, &m);
    assert_non_null(m.runtime);
    assert_string_equal(m.target_kind, "EmptyTarget");
    assert_true(invoker_place(&m, status, &at) == status && at == 0);

    assert_null(invoker_place(&inv, status, &at));
    (void)invoker_need_place(&inv, status);
    invoker_member(&inv, 1, &m);
    (void)invoker_need_place(&m, status);
    assert_true(invoker_need_place(&m, status) == invoker_place(&m, status, &at) && at == 1);
    json_free(status);
    json_free(batch);
}

static void
test_session_of_a_configuration(void **state)
{
    struct json *bc = t_json("{\"kind\":\"BackupConfiguration\",\"metadata\":{\"name\":\"b\","
                             "\"namespace\":\"demo\",\"uid\":\"u\",\"labels\":{\"team\":\"a\"}},"
                             "\"spec\":{\"target\":{\"ref\":{\"kind\":\"AppBinding\",\"name\":"
                             "\"r\"}}}}"),
                *s;
    struct invoker inv;

    (void)state;
    invoker_view(bc, &inv);
    s = invoker_new_session(&inv, 1650875703, 2);
    assert_string_equal(json_text(json_dig(s, "metadata", "name")), "b-1650875703");
    assert_string_equal(json_text(json_dig(s, "metadata", "labels", "team")), "a");
    assert_string_equal(json_text(json_dig(s, "metadata", "labels", LABEL_INVOKER_NAME)), "b");
    assert_string_equal(json_text(json_dig(s, "metadata", "labels", LABEL_TARGET_NAMESPACE)), "");
    assert_string_equal(json_text(json_dig(s, "spec", "invoker", "apiGroup")), STASH_GROUP);
    assert_int_equal(json_int_or(json_dig(s, "spec", "retryLeft"), 0), 2);
    json_free(s);
    json_free(bc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_those_of_stash_and_never_shared),
        cmocka_unit_test(test_snapshots_have_stash_names_of_any_length),
        cmocka_unit_test(test_backend_addresses_are_those_of_stash),
        cmocka_unit_test(test_a_backend_below_another),
        cmocka_unit_test(test_a_secret_gives_credentials_and_nothing_else),
        cmocka_unit_test(test_durations_and_sizes),
        cmocka_unit_test(test_usage_policy),
        cmocka_unit_test(test_kinds_default_and_validate),
        cmocka_unit_test(test_an_invoker_that_could_never_run_is_told),
        cmocka_unit_test(test_a_choice_of_keys_becomes_options),
        cmocka_unit_test(test_annotations_of_ours_make_sense),
        cmocka_unit_test(test_history_is_adopted_by_its_owner_only),
        cmocka_unit_test(test_catalog_is_valid),
        cmocka_unit_test(test_view_on_a_member),
        cmocka_unit_test(test_session_of_a_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

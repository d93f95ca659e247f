/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "kube/config_internal.h"
#include "kube/exec.h"

static char folder[] = "/tmp/kube-config-XXXXXX";

static char *
put_file(const char *name, const char *text, mode_t mode)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

#define CLUSTERS                                                                                   \
    "clusters:\n- name: c\n  cluster:\n    server: https://one:6443/\n"                            \
    "    certificate-authority-data: Q0E=\n    tls-server-name: api\n"
#define CONTEXTS                                                                                   \
    "contexts:\n- name: x\n  context: {cluster: c, user: u, namespace: redis}\n"                   \
    "- name: w\n  context: {cluster: c, user: v}\n"
#define USERS                                                                                      \
    "users:\n- name: u\n  user: {token: sesame}\n- name: v\n  user:\n"                             \
    "    client-certificate-data: Q0VSVA==\n    client-key-data: S0VZ\n"
#define WHOLE "current-context: x\n" CLUSTERS CONTEXTS USERS

/* What options say goes before the file; who to act as is never mixed of both. */
static void
test_config_obeys_options(void **state)
{
    static const char *const groups[] = {"a", "b"};
    const struct kube_config_opts other = {.user = "f",
                                           .server = "http://two",
                                           .as = "ada",
                                           .as_groups = groups,
                                           .n_as_groups = 2,
                                           .timeout_ms = 5},
                                  groups_only = {.as_groups = groups, .n_as_groups = 1},
                                  line = {.as = "ada\r\nX: y"}, gone = {.cluster = "none"};
    const struct str all =
        STR_LIT(WHOLE "- name: f\n  user: {token: open, as: bob, as-uid: '7', as-groups: [g]}\n");
    struct kube_config *c = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(kube_config_parse(all, "/", &other, &c, &e));
    assert_string_equal(c->token, "open");
    assert_null(c->server_name); /* it was that of another server */
    assert_string_equal(c->as[0], "Impersonate-User: ada");
    assert_string_equal(c->as[2], "Impersonate-Group: b");
    assert_null(c->as[3]);
    assert_int_equal(c->timeout_ms, 5);
    kube_config_free(c);
    T_OK(kube_config_parse(all, "/", &(struct kube_config_opts){.user = "f"}, &c, &e));
    assert_string_equal(c->as[0], "Impersonate-User: bob");
    assert_string_equal(c->as[1], "Impersonate-Uid: 7");
    assert_string_equal(c->as[2], "Impersonate-Group: g");
    kube_config_free(c);
    T_RC(kube_config_parse(all, "/", &groups_only, &c, &e), RC_INVALID);
    T_RC(kube_config_parse(all, "/", &line, &c, &e), RC_INVALID);
    T_RC(kube_config_parse(all, "/", &gone, &c, &e), RC_NOT_FOUND);
}

static void
test_config_picks_the_context(void **state)
{
    struct kube_config *c = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(kube_config_parse(STR_LIT(WHOLE), "/", NULL, &c, &e));
    assert_string_equal(kube_config_server(c), "https://one:6443");
    assert_string_equal(kube_config_namespace(c), "redis");
    assert_string_equal(kube_config_context(c), "x");
    assert_string_equal(c->ca, "CA");
    assert_string_equal(c->token, "sesame");
    assert_string_equal(c->server_name, "api");
    kube_config_free(c);
    T_OK(kube_config_parse(STR_LIT(WHOLE), "/",
                           &(struct kube_config_opts){.context = "w", .server = "http://two"}, &c,
                           &e));
    assert_string_equal(kube_config_server(c), "http://two");
    assert_string_equal(kube_config_namespace(c), "default");
    assert_string_equal(c->cert, "CERT");
    assert_string_equal(c->key, "KEY");
    assert_null(c->token);
    kube_config_free(c);
}

static void
test_config_refuses_without_telling_secrets(void **state)
{
    static const struct {
        const char *yaml;
        enum rc rc;
    } cases[] = {
        {"current-context: z\n" CLUSTERS CONTEXTS USERS, RC_NOT_FOUND},
        {CLUSTERS CONTEXTS USERS, RC_NOT_FOUND},
        {"current-context: x\n" CONTEXTS USERS, RC_NOT_FOUND},
        {"current-context: x\n" CLUSTERS CONTEXTS, RC_NOT_FOUND},
        {"- hunter2", RC_INVALID},
        {"token: [hunter2", RC_INVALID},
        {"current-context: x\n" CLUSTERS CONTEXTS
         "users: [{name: u, user: {client-key-data: 'hunter2!'}}]",
         RC_INVALID},
        {"current-context: x\n" CLUSTERS CONTEXTS
         "users: [{name: u, user: {client-key-data: 'S0VZ', token: hunter2}}]",
         RC_INVALID},
        {"current-context: x\n" CLUSTERS CONTEXTS
         "users: [{name: u, user: {auth-provider: {name: hunter2}}}]",
         RC_UNSUPPORTED},
        {"current-context: x\n" CLUSTERS CONTEXTS
         "users: [{name: u, user: {exec: {apiVersion: v9, command: x}}}]",
         RC_UNSUPPORTED},
        {"current-context: x\nclusters: [{name: c, cluster: {server: 'one:1'}}]\n" CONTEXTS USERS,
         RC_INVALID},
    };
    struct kube_config *c = NULL;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        T_RC(kube_config_parse(str_c(cases[i].yaml), "/", NULL, &c, &e), cases[i].rc);
        assert_null(strstr(e.msg, "hunter2"));
    }
}

static void
test_config_merges_files(void **state)
{
    char *one = put_file("one", CLUSTERS "users: [{name: u, user: {tokenFile: tok}}]", 0600);
    char *two = put_file("two", "current-context: x\n" CONTEXTS USERS, 0600);
    char *token = put_file("tok", "  open \n", 0600);
    char *paths = mem_printf("%s:%s/nowhere:%s", one, folder, two), *got = NULL;
    struct kube_config *c = NULL;
    struct err e = ERR_INIT;

    (void)state;
    assert_int_equal(setenv("KUBECONFIG", paths, 1), 0);
    T_OK(kube_config_load(NULL, &c, &e));
    assert_string_equal(c->token_file, token);
    assert_null(c->token);
    T_OK(kube_read_token(c->token_file, &got, &e));
    assert_string_equal(got, "open");
    kube_config_free(c);
    T_RC(kube_config_load(&(struct kube_config_opts){.kubeconfig = one}, &c, &e), RC_NOT_FOUND);
    T_RC(kube_config_load(&(struct kube_config_opts){.kubeconfig = "/nowhere"}, &c, &e),
         RC_NOT_FOUND);
    assert_int_equal(unsetenv("KUBECONFIG"), 0);
    mem_free(got);
    mem_free(paths);
    mem_free(token);
    mem_free(one);
    mem_free(two);
}

static void
run_plugin(const char *script, struct kube_credential *out, enum rc want, struct err *err)
{
    char *path = put_file("plugin", script, 0700);
    struct json *exec = NULL, *cluster = json_new_object();
    struct err e = ERR_INIT;
    struct ctx cx;

    json_set_cstr(cluster, "server", "https://one");
    T_OK(ctx_init(&cx, &e));
    T_OK(
        json_parse(STR_LIT("{\"apiVersion\":\"client.authentication.k8s.io/v1\","
                           "\"command\":\"./plugin\",\"args\":[\"a b\"],\"installHint\":\"get it\","
                           "\"env\":[{\"name\":\"WORD\",\"value\":\"sesame\"}],"
                           "\"provideClusterInfo\":true,\"interactiveMode\":\"Never\"}"),
                   &exec, &e));
    T_RC(kube_exec(&cx, exec, folder, cluster, out, &e), want);
    *err = e;
    json_free(exec);
    json_free(cluster);
    ctx_release(&cx);
    assert_int_equal(unlink(path), 0);
    mem_free(path);
}

static void
test_exec_gives_credentials(void **state)
{
    struct kube_credential got = {.token = NULL};
    struct err e = ERR_INIT;

    (void)state;
    run_plugin("#!/bin/sh\ncase \"$KUBERNETES_EXEC_INFO\" in *https://one*) ;; *) exit 9;; esac\n"
               "[ \"$1\" = 'a b' ] || exit 8\n"
               "echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"'$WORD'\","
               "\"expirationTimestamp\":\"2026-11-22T00:00:01Z\"}}'\n",
               &got, RC_OK, &e);
    assert_string_equal(got.token, "sesame");
    assert_int_equal(got.expires_ms, 1795305601000);
    kube_credential_release(&got);
    run_plugin("#!/bin/sh\necho hunter2; exit 3\n", &got, RC_UNAVAILABLE, &e);
    T_CONTAINS(e.msg, "status 3");
    assert_string_equal(e.hint, "get it");
    run_plugin("#!/bin/sh\necho '{\"hunter2\"'\n", &got, RC_INVALID, &e);
    assert_null(strstr(e.msg, "hunter2"));
    run_plugin("#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"status\":{}}'\n", &got, RC_INVALID,
               &e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_picks_the_context),
        cmocka_unit_test(test_config_obeys_options),
        cmocka_unit_test(test_config_refuses_without_telling_secrets),
        cmocka_unit_test(test_config_merges_files),
        cmocka_unit_test(test_exec_gives_credentials),
    };
    char *rm;
    int failed;

    if (mkdtemp(folder) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rm = mem_printf("rm -rf %s", folder);
    if (system(rm) != 0)
        failed++;
    mem_free(rm);
    return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/catalog.h"

#include "api/kinds.h"
#include "base/mem.h"

#define OUTPUT_DIR SCRATCH_DIR "/output"

static const char scratch_arg[] = "--scratch-dir=" SCRATCH_DIR;

static const char *const versions[] = {"-5.0.13", "-6.2.5", "-7.0.5", ""};

/* The flags that all steps on a repository share. */
#define REPOSITORY_ARGS                                                                            \
    "--provider=${REPOSITORY_PROVIDER:=}", "--bucket=${REPOSITORY_BUCKET:=}",                      \
        "--endpoint=${REPOSITORY_ENDPOINT:=}", "--insecure-tls=${REPOSITORY_INSECURE_TLS:=}",      \
        "--region=${REPOSITORY_REGION:=}", "--path=${REPOSITORY_PREFIX:=}"
#define REDIS_ARGS                                                                                 \
    "--storage-secret-name=${REPOSITORY_SECRET_NAME:=}",                                           \
        "--storage-secret-namespace=${REPOSITORY_SECRET_NAMESPACE:=}", scratch_arg,                \
        "--enable-cache=${ENABLE_CACHE:=true}", "--max-connections=${MAX_CONNECTIONS:=0}",         \
        "--hostname=${HOSTNAME:=}"

static const char *const backup_args[] = {
    "backup-redis",
    REPOSITORY_ARGS,
    REDIS_ARGS,
    "--redis-args=${args:=}",
    "--wait-timeout=${waitTimeout:=300}",
    "--namespace=${NAMESPACE:=default}",
    "--appbinding=${TARGET_NAME:=}",
    "--appbinding-namespace=${TARGET_NAMESPACE:=}",
    "--backupsession=${BACKUP_SESSION:=}",
    "--retention-keep-last=${RETENTION_KEEP_LAST:=0}",
    "--retention-keep-hourly=${RETENTION_KEEP_HOURLY:=0}",
    "--retention-keep-daily=${RETENTION_KEEP_DAILY:=0}",
    "--retention-keep-weekly=${RETENTION_KEEP_WEEKLY:=0}",
    "--retention-keep-monthly=${RETENTION_KEEP_MONTHLY:=0}",
    "--retention-keep-yearly=${RETENTION_KEEP_YEARLY:=0}",
    "--retention-keep-tags=${RETENTION_KEEP_TAGS:=}",
    "--retention-prune=${RETENTION_PRUNE:=false}",
    "--retention-dry-run=${RETENTION_DRY_RUN:=false}",
    "--output-dir=${outputDir:=}",
    "--license-apiservice=${LICENSE_APISERVICE:=}",
    NULL,
};
static const char *const restore_args[] = {
    "restore-redis",
    REPOSITORY_ARGS,
    REDIS_ARGS,
    "--source-hostname=${SOURCE_HOSTNAME:=}",
    "--redis-args=${args:=}",
    "--wait-timeout=${waitTimeout:=300}",
    "--namespace=${NAMESPACE:=default}",
    "--appbinding=${TARGET_NAME:=}",
    "--appbinding-namespace=${TARGET_NAMESPACE:=}",
    "--snapshot=${RESTORE_SNAPSHOTS:=}",
    "--output-dir=${outputDir:=}",
    "--license-apiservice=${LICENSE_APISERVICE:=}",
    NULL,
};
static const char *const status_args[] = {
    "update-status",
    REPOSITORY_ARGS,
    "--enable-cache=${ENABLE_CACHE:=true}",
    "--max-connections=${MAX_CONNECTIONS:=0}",
    "--namespace=${NAMESPACE:=default}",
    "--backupsession=${BACKUP_SESSION:=}",
    "--restoresession=${RESTORE_SESSION:=}",
    "--storage-secret-name=${REPOSITORY_SECRET_NAME:=}",
    "--storage-secret-namespace=${REPOSITORY_SECRET_NAMESPACE:=}",
    "--invoker-kind=${INVOKER_KIND:=}",
    "--invoker-name=${INVOKER_NAME:=}",
    "--target-kind=${TARGET_KIND:=}",
    "--target-name=${TARGET_NAME:=}",
    "--target-namespace=${TARGET_NAMESPACE:=}",
    "--output-dir=${outputDir:=}",
    "--metrics-enabled=true",
    scratch_arg,
    "--metrics-pushgateway-url=${PROMETHEUS_PUSHGATEWAY_URL:=}",
    NULL,
};

static struct json *
catalog_object(const char *kind, const char *name)
{
    struct json *o = json_new_object();

    json_set_cstr(o, "apiVersion", STASH_GROUP "/" STASH_VERSION);
    json_set_cstr(o, "kind", kind);
    json_set_cstr(json_need_object(o, "metadata"), "name", name);
    return o;
}

static void
add_function(struct json *list, const char *name, const char *image, const char *const *args)
{
    struct json *o = catalog_object(GVR_FUNCTION.kind, name), *spec = json_need_object(o, "spec"),
                *to = json_need_array(spec, "args");

    json_set_cstr(spec, "image", image);
    for (; *args != NULL; args++)
        json_push_cstr(to, *args);
    json_push(list, o);
}

static void
add_step(struct json *steps, const char *function)
{
    struct json *step = json_new_object(), *param = json_new_object();

    json_set_cstr(step, "name", function);
    json_set_cstr(param, "name", "outputDir");
    json_set_cstr(param, "value", OUTPUT_DIR);
    json_push(json_need_array(step, "params"), param);
    json_push(steps, step);
}

static void
add_task(struct json *list, const char *name)
{
    struct json *o = catalog_object(GVR_TASK.kind, name),
                *steps = json_need_array(json_need_object(o, "spec"), "steps");

    add_step(steps, name);
    add_step(steps, "update-status");
    json_push(list, o);
}

struct json *
catalog_new(const char *image)
{
    struct json *list = json_new_array();

    add_function(list, "update-status", image, status_args);
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        char *backup = mem_printf("redis-backup%s", versions[i]),
             *restore = mem_printf("redis-restore%s", versions[i]);

        add_function(list, backup, image, backup_args);
        add_function(list, restore, image, restore_args);
        add_task(list, backup);
        add_task(list, restore);
        mem_free(backup);
        mem_free(restore);
    }
    return list;
}

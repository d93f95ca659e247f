/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const struct field fields_app_ref[] = {
    {.name = "apiGroup", .type = F_STR, .doc = "Group"},
    {.name = "kind", .type = F_STR, .doc = "Kind"},
    {.name = "namespace", .type = F_STR, .doc = "Namespace"},
    {.name = "name", .type = F_STR, .required = true, .doc = "Name"},
    {.name = NULL},
};
static const struct field fields_service[] = {
    {.name = "scheme", .type = F_STR, .required = true, .doc = "Scheme"},
    {.name = "namespace", .type = F_NAME, .doc = "Namespace; that of the AppBinding when empty"},
    {.name = "name", .type = F_STR, .required = true, .doc = "Name"},
    {.name = "port", .type = F_INT32, .required = true, .doc = "Port"},
    {.name = "path", .type = F_STR, .doc = "Path"},
    {.name = "query", .type = F_STR, .doc = "Query"},
    {.name = NULL},
};
static const struct field fields_client[] = {
    {.name = "url", .type = F_STR, .doc = "URL, when there is no Service"},
    {.name = "service", .type = F_OBJECT, .of = fields_service, .doc = "Service; goes before url"},
    {.name = "insecureSkipTLSVerify", .type = F_BOOL, .doc = "Do not verify the certificate"},
    {.name = "caBundle", .type = F_BYTES, .doc = "CA certificates; turns TLS on"},
    {.name = "serverName", .type = F_STR, .doc = "Name to verify"},
    {.name = NULL},
};
static const struct field fields_secret_ref[] = {
    {.name = "apiGroup", .type = F_STR, .doc = "Group"},
    {.name = "kind", .type = F_STR, .otherwise = "\"Secret\"", .doc = "Secret"},
    {.name = "name", .type = F_STR, .required = true, .doc = "Name"},
    {.name = NULL},
};
static const struct field fields_rename[] = {
    {.name = "from", .type = F_STR, .required = true, .doc = "Key in the Secret"},
    {.name = "to", .type = F_STR, .required = true, .doc = "Key that is looked for"},
    {.name = NULL},
};
static const struct field fields_add_key[] = {
    {.name = "key", .type = F_STR, .required = true, .doc = "Key"},
    {.name = "value", .type = F_BYTES, .doc = "Value in base64"},
    {.name = "stringValue", .type = F_STR, .doc = "Value as text"},
    {.name = NULL},
};
static const struct field fields_local_ref[] = {
    {.name = "name", .type = F_STR, .doc = "Name"},
    {.name = NULL},
};
static const struct field fields_add_from[] = {
    {.name = "secretRef", .type = F_OBJECT, .of = fields_local_ref, .doc = "Secret beside it"},
    {.name = NULL},
};
static const struct field fields_remove[] = {
    {.name = "key", .type = F_STR, .required = true, .doc = "Key"},
    {.name = NULL},
};
static const struct field fields_transform[] = {
    {.name = "renameKey", .type = F_OBJECT, .of = fields_rename, .doc = "Give a key another name"},
    {.name = "addKey", .type = F_OBJECT, .of = fields_add_key, .doc = "Add a key"},
    {.name = "addKeysFrom", .type = F_OBJECT, .of = fields_add_from, .doc = "Add another Secret's"},
    {.name = "removeKey", .type = F_OBJECT, .of = fields_remove, .doc = "Remove a key"},
    {.name = NULL},
};
static const struct field fields_spec[] = {
    {.name = "type", .type = F_STR, .doc = "What it is: redis, kubedb.com/redis"},
    {.name = "appRef",
     .type = F_OBJECT,
     .of = fields_app_ref,
     .fate = FATE_NOTED,
     .doc = "The object behind it"},
    {.name = "version", .type = F_STR, .fate = FATE_NOTED, .doc = "Its version"},
    {.name = "clientConfig",
     .type = F_OBJECT,
     .of = fields_client,
     .required = true,
     .doc = "How to reach it"},
    {.name = "secret", .type = F_OBJECT, .of = fields_secret_ref, .doc = "User and password"},
    {.name = "secretTransforms",
     .type = F_LIST,
     .of = fields_transform,
     .doc = "Changes to the Secret's keys"},
    {.name = "parameters", .type = F_FREE, .doc = "Parameters of the application"},
    {.name = "tlsSecret", .type = F_OBJECT, .of = fields_secret_ref, .doc = "Client certificate"},
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "spec", .type = F_OBJECT, .of = fields_spec, .doc = "How to reach the application"},
    {.name = NULL},
};
static const struct column columns[] = {
    {"Type", "string", ".spec.type"},
    {"Version", "string", ".spec.version"},
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};
static const char *const categories[] = {"catalog", "appscode", "all", NULL};

const struct kube_gvr GVR_APP_BINDING = {APPCATALOG_GROUP, "v1alpha1", "appbindings", "AppBinding",
                                         true};

const struct crd_def kind_appbinding = {
    .gvr = &GVR_APP_BINDING,
    .singular = "appbinding",
    .categories = categories,
    .fields = fields,
    .columns = columns,
    .doc = "How to reach an application and with which credentials"};

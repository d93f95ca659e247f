/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backend.h"

#include "api/shared_internal.h"
#include "base/mem.h"

/* ---- its fields ---- */

static const struct rule rules_mount_path[] = {
    {"self != '/stash' && !self.startsWith('/stash/')",
     "mountPath must not be /stash or below: the Job keeps its own files there"},
    {.cel = NULL},
};
static const struct field fields_local[] = {
    {.name = "mountPath",
     .type = F_STR,
     .required = true,
     .rules = rules_mount_path,
     .doc = "Where the volume is mounted in the Job"},
    {.name = "subPath", .type = F_STR, .doc = "Folder of the volume to mount instead of its root"},
    {.name = "hostPath", .type = F_FREE, .doc = "Folder of the node"},
    {.name = "persistentVolumeClaim", .type = F_FREE, .doc = "Claim in the Job's namespace"},
    {.name = "nfs", .type = F_FREE, .doc = "NFS share"},
    {.name = "emptyDir", .type = F_FREE, .doc = "Scratch volume, gone with the pod"},
    {.name = "secret", .type = F_FREE, .doc = "Secret as a volume"},
    {.name = "configMap", .type = F_FREE, .doc = "ConfigMap as a volume"},
    {.name = "csi", .type = F_FREE, .doc = "CSI volume"},
    {.name = "ephemeral", .type = F_FREE, .doc = "Generic ephemeral volume"},
    {.name = "projected", .type = F_FREE, .doc = "Projected volume"},
    {.name = "downwardAPI", .type = F_FREE, .doc = "Downward API volume"},
    {.name = "gcePersistentDisk", .type = F_FREE, .doc = "GCE disk"},
    {.name = "awsElasticBlockStore", .type = F_FREE, .doc = "AWS disk"},
    {.name = "azureDisk", .type = F_FREE, .doc = "Azure disk"},
    {.name = "azureFile", .type = F_FREE, .doc = "Azure file share"},
    {.name = "cephfs", .type = F_FREE, .doc = "CephFS"},
    {.name = "rbd", .type = F_FREE, .doc = "Rados block device"},
    {.name = "iscsi", .type = F_FREE, .doc = "iSCSI disk"},
    {.name = "fc", .type = F_FREE, .doc = "Fibre Channel disk"},
    {.name = "cinder", .type = F_FREE, .doc = "OpenStack disk"},
    {.name = "glusterfs", .type = F_FREE, .doc = "GlusterFS"},
    {.name = "vsphereVolume", .type = F_FREE, .doc = "vSphere disk"},
    {.name = "portworxVolume", .type = F_FREE, .doc = "Portworx volume"},
    {.name = "flexVolume", .type = F_FREE, .doc = "Flex volume"},
    {.name = NULL},
};
static const struct field fields_s3[] = {
    {.name = "endpoint",
     .type = F_STR,
     .required = true,
     .doc = "s3.amazonaws.com, or https://host:port of another server"},
    {.name = "bucket", .type = F_STR, .required = true, .doc = "Bucket"},
    {.name = "prefix", .type = F_STR, .doc = "Folder in the bucket"},
    {.name = "region", .type = F_STR, .doc = "Region of the bucket"},
    {.name = "insecureTLS", .type = F_BOOL, .doc = "Do not verify the server's certificate"},
    {.name = NULL},
};
static const struct field fields_gcs[] = {
    {.name = "bucket", .type = F_STR, .doc = "Bucket"},
    {.name = "prefix", .type = F_STR, .doc = "Folder in the bucket"},
    {.name = "maxConnections", .type = F_INT64, .doc = "Most connections at once"},
    {.name = NULL},
};
static const struct field fields_azure[] = {
    {.name = "container", .type = F_STR, .doc = "Container"},
    {.name = "prefix", .type = F_STR, .doc = "Folder in the container"},
    {.name = "maxConnections", .type = F_INT64, .doc = "Most connections at once"},
    {.name = NULL},
};
static const struct field fields_swift[] = {
    {.name = "container", .type = F_STR, .doc = "Container"},
    {.name = "prefix", .type = F_STR, .doc = "Folder in the container"},
    {.name = NULL},
};
static const struct field fields_rest[] = {
    {.name = "url", .type = F_STR, .doc = "URL of the REST server, without credentials"},
    {.name = NULL},
};

/* ---- what of the storage Secret: restic's variables ---- */

/* A REST server's are renamed: backend_secret_key. */
static const char *const keys_none[] = {NULL};
static const char *const keys_s3[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                      /* beyond Stash's */
                                      "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", NULL};
static const char *const keys_gcs[] = {"GOOGLE_PROJECT_ID", "GOOGLE_SERVICE_ACCOUNT_JSON_KEY",
                                       /* beyond Stash's */
                                       "GOOGLE_ACCESS_TOKEN", NULL};
static const char *const keys_azure[] = {"AZURE_ACCOUNT_NAME", "AZURE_ACCOUNT_KEY",
                                         /* beyond Stash's */
                                         "AZURE_ACCOUNT_SAS", NULL};
static const char *const keys_swift[] = {
    "ST_AUTH", "ST_USER", "ST_KEY", "OS_AUTH_URL", "OS_REGION_NAME", "OS_USERNAME", "OS_PASSWORD",
    "OS_TENANT_ID", "OS_TENANT_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_NAME",
    "OS_PROJECT_DOMAIN_NAME", "OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_NAME",
    "OS_APPLICATION_CREDENTIAL_SECRET", "OS_STORAGE_URL", "OS_AUTH_TOKEN",
    /* beyond Stash's */
    "OS_USER_ID", "OS_USER_DOMAIN_ID", "OS_PROJECT_ID", "OS_PROJECT_DOMAIN_ID", "OS_TRUST_ID",
    NULL};
static const char *const keys_b2[] = {"B2_ACCOUNT_ID", "B2_ACCOUNT_KEY", NULL};

/* ---- restic's address of it ---- */

/* mem_free. What it reads was checked by backend_address. */
typedef char *address_fn(const struct backend *b, const char *scheme);

static char *
address_path(const struct backend *b, const char *scheme)
{
    (void)scheme;
    return mem_strdup(b->bucket);
}

static char *
address_url(const struct backend *b, const char *scheme)
{
    return mem_printf("%s:%s", scheme, b->endpoint != NULL ? b->endpoint : b->bucket);
}

static char *
address_at_endpoint(const struct backend *b, const char *scheme)
{
    const char *endpoint = b->endpoint != NULL ? b->endpoint : "s3.amazonaws.com";
    CLEANUP(mem_free_ptr)
    char *joined = mem_printf("%s/%s", b->bucket, b->prefix != NULL ? b->prefix : "");
    CLEANUP(mem_free_ptr) char *path = str_clean_path(joined);
    size_t n = strlen(endpoint);

    while (n > 0 && endpoint[n - 1] == '/')
        n--;
    return mem_printf("%s:%.*s/%s", scheme, (int)n, endpoint, path);
}

static char *
address_in_bucket(const struct backend *b, const char *scheme)
{
    return mem_printf("%s:%s:/%s", scheme, b->bucket, b->prefix != NULL ? b->prefix : "");
}

/* ---- all of them ---- */

/*
 * In the order in which the first one whose block is there counts: the name of its block, the fields
 * in it, the one of them that names bucket, container or folder; scheme and form of its address;
 * keys of the Secret; what it is.
 */
#define PROVIDERS(X)                                                                               \
    X("local", fields_local, "mountPath", "", address_path, keys_none, "A volume")                 \
    X("s3", fields_s3, "bucket", "s3", address_at_endpoint, keys_s3, "S3 and what speaks like it") \
    X("gcs", fields_gcs, "bucket", "gs", address_in_bucket, keys_gcs, "Google Cloud Storage")      \
    X("azure", fields_azure, "container", "azure", address_in_bucket, keys_azure,                  \
      "Azure Blob Storage")                                                                        \
    X("swift", fields_swift, "container", "swift", address_in_bucket, keys_swift,                  \
      "OpenStack Swift")                                                                           \
    X("b2", fields_gcs, "bucket", "b2", address_in_bucket, keys_b2, "Backblaze B2")                \
    X("rest", fields_rest, "url", "rest", address_url, keys_none, "restic's REST server")

const struct field fields_backend[] = {
    {.name = "storageSecretName",
     .type = F_NAME,
     .refused = "a Secret that is not there",
     .doc = "Secret beside the Repository with RESTIC_PASSWORD and the credentials"},
#define PROVIDER_FIELD(name_, fields, bucket, scheme, address, keys, doc_)                         \
    {.name = (name_), .type = F_OBJECT, .of = (fields), .doc = (doc_)},
    /* clang-format off */
    PROVIDERS(PROVIDER_FIELD)
#undef PROVIDER_FIELD
    {.name = NULL},
    /* clang-format on */
};

static const struct provider {
    const char *name, *bucket, *scheme;
    address_fn *address;
    const char *const *keys;
} providers[] = {
#define PROVIDER_ROW(name, fields, bucket, scheme, address, keys, doc)                             \
    {name, bucket, scheme, address, keys},
    PROVIDERS(PROVIDER_ROW)
#undef PROVIDER_ROW
};

const char *
backend_provider(size_t i)
{
    return i < ARRAY_LEN(providers) ? providers[i].name : NULL;
}

/* ---- its parts ---- */

static char *
copy_text(const struct json *obj, const char *field)
{
    const char *s = json_text(json_field(obj, field));

    return s == NULL || s[0] == '\0' ? NULL : mem_strdup(s);
}

/* "https://host:1/a/b" becomes host:1 and /a/b. */
static void
split_url(const char *url, char **host, char **path)
{
    const char *at = strstr(url, "://"), *end;

    at = at == NULL ? url : at + 3;
    end = strchr(at, '/');
    *host = end == NULL ? mem_strdup(at) : mem_strndup(at, (size_t)(end - at));
    *path = end == NULL ? NULL : mem_strdup(end);
}

/* No store takes longer ones; keys of objects have up to a kilobyte. */
static enum rc
check_lengths(const struct backend *b, struct err *e)
{
    const char *const parts[] = {b->bucket, b->prefix, b->endpoint, b->region};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i] != NULL && strlen(parts[i]) > BACKEND_PART_MAX)
            return err_set(e, RC_INVALID,
                           "a part of the backend (bucket, prefix, end point, region) is longer "
                           "than %d bytes",
                           BACKEND_PART_MAX);
    return RC_OK;
}

/* An end point becomes an argument of a Job, which many may read; and only http(s) is spoken (docs/adr/0016). */
static enum rc
check_endpoint(const struct backend *b, struct err *e)
{
    const char *s = b->endpoint, *scheme, *at;

    if (s == NULL)
        return RC_OK;
    scheme = strstr(s, "://");
    if (scheme != NULL && strncasecmp(s, "http://", 7) != 0 && strncasecmp(s, "https://", 8) != 0)
        return err_set(e, RC_INVALID,
                       "the end point of the %s backend is neither http:// nor https://",
                       b->provider);
    at = strchr(s, '@');
    s = scheme == NULL ? s : scheme + 3;
    if (at != NULL && at < s + strcspn(s, "/"))
        return err_set(e, RC_INVALID,
                       "the end point of the %s backend holds a user or a password: they belong "
                       "into the storage Secret",
                       b->provider);
    return RC_OK;
}

enum rc
backend_decode(const struct json *spec, struct backend *out, struct err *e)
{
    struct backend b = {.secret = copy_text(spec, "storageSecretName")};
    const struct json *block = NULL;
    size_t i;

    for (i = 0; i < ARRAY_LEN(providers) && block == NULL; i++)
        block = json_field(spec, providers[i].name);
    if (block == NULL) {
        backend_release(&b);
        return err_set(e, RC_INVALID, "the Repository names no backend: unknown provider.");
    }
    const struct provider *p = &providers[i - 1];

    b.provider = mem_strdup(p->name);
    b.bucket = copy_text(block, p->bucket);
    b.prefix = copy_text(block, "prefix");
    b.endpoint = copy_text(block, "endpoint");
    b.region = copy_text(block, "region");
    b.max_connections = json_int_or(json_field(block, "maxConnections"), 0);
    b.insecure_tls = json_is_true(json_field(block, "insecureTLS"));
    if (p->address == address_url && b.bucket != NULL) {
        b.endpoint = b.bucket;
        split_url(b.endpoint, &b.bucket, &b.prefix);
    }
    if (b.bucket == NULL) {
        backend_release(&b);
        return err_set(e, RC_INVALID, "spec.backend.%s.%s of the Repository is empty", p->name,
                       p->bucket);
    }
    if (check_lengths(&b, e) || check_endpoint(&b, e)) {
        backend_release(&b);
        return err_code(e);
    }
    *out = b;
    return RC_OK;
}

void
backend_release(struct backend *b)
{
    mem_free(b->provider);
    mem_free(b->bucket);
    mem_free(b->prefix);
    mem_free(b->endpoint);
    mem_free(b->region);
    mem_free(b->secret);
    memset(b, 0, sizeof(*b));
}

enum rc
backend_address(const struct backend *b, char **out, struct err *e)
{
    if (b->provider == NULL || b->bucket == NULL)
        return err_set(e, RC_INVALID, "a backend needs a provider and a bucket");
    if (check_lengths(b, e))
        return err_code(e);
    for (size_t i = 0; i < ARRAY_LEN(providers); i++)
        if (strcmp(b->provider, providers[i].name) == 0) {
            *out = providers[i].address(b, providers[i].scheme);
            return RC_OK;
        }
    return err_set(e, RC_INVALID, "unknown provider %s", b->provider);
}

static char *
copy_or_null(const char *s)
{
    return s != NULL ? mem_strdup(s) : NULL;
}

static char *
path_below(const char *path, const char *folder)
{
    return path == NULL ? mem_strdup(folder) : mem_printf("%s/%s", path, folder);
}

void
backend_below(const struct backend *b, const char *folder, struct backend *out)
{
    bool is_path = strcmp(b->provider, "local") == 0;

    *out = (struct backend){
        .provider = mem_strdup(b->provider),
        .bucket = is_path ? path_below(b->bucket, folder) : copy_or_null(b->bucket),
        .prefix = is_path ? copy_or_null(b->prefix) : path_below(b->prefix, folder),
        .endpoint = copy_or_null(b->endpoint),
        .region = copy_or_null(b->region),
        .secret = copy_or_null(b->secret),
        .max_connections = b->max_connections,
        .insecure_tls = b->insecure_tls};
}

const char *
backend_secret_key(const char *name)
{
    static const char *const renamed[][2] = {{"RESTIC_REST_USERNAME", "REST_SERVER_USERNAME"},
                                             {"RESTIC_REST_PASSWORD", "REST_SERVER_PASSWORD"}};

    for (size_t i = 0; i < ARRAY_LEN(renamed); i++)
        if (strcmp(name, renamed[i][0]) == 0)
            return renamed[i][1];
    for (size_t i = 0; i < ARRAY_LEN(providers); i++)
        for (const char *const *key = providers[i].keys; *key != NULL; key++)
            if (strcmp(name, *key) == 0)
                return *key;
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/url.h"

#include "base/mem.h"
#include "base/str.h"

static enum rc
url_malformed(const char *scheme, const char *example, struct err *e)
{
    (void)err_set(e, RC_INVALID, "the address of the repository is not a complete %s: address",
                  scheme);
    return err_hint(e, "such as %s", example);
}

enum rc
url_place(const char *address, const char *scheme, struct url_place *out, struct err *e)
{
    const char *at = address, *slash;
    size_t host, bucket;
    bool tls = true;

    if (strncmp(at, "http://", 7) == 0) {
        tls = false;
        at += 7;
    } else if (strncmp(at, "https://", 8) == 0) {
        at += 8;
    } else if (strncmp(at, "//", 2) == 0) {
        at += 2;
    }
    slash = strchr(at, '/');
    host = slash == NULL ? 0 : (size_t)(slash - at);
    while (slash != NULL && slash[1] == '/') /* of an endpoint that was given with one */
        slash++;
    if (host == 0 || slash[1] == '\0')
        return url_malformed(scheme, "s3:https://s3.amazonaws.com/bucket/prefix", e);
    if (memchr(at, '@', host) != NULL) {
        (void)err_set(e, RC_INVALID, "the address of the repository holds a user or a password");
        return err_hint(e, "give credentials by the environment or the Secret");
    }
    bucket = strcspn(slash + 1, "/");
    if (host > 3 && memcmp(at + host - 3, ":80", 3) == 0 && !tls)
        host -= 3;
    if (host > 4 && memcmp(at + host - 4, ":443", 4) == 0 && tls)
        host -= 4;
    *out = (struct url_place){.tls = tls,
                              .host = mem_strndup(at, host),
                              .bucket = mem_strndup(slash + 1, bucket),
                              .prefix = str_clean_path(slash + 1 + bucket)};
    return RC_OK;
}

void
url_place_release(struct url_place *p)
{
    mem_free(p->host);
    mem_free(p->bucket);
    mem_free(p->prefix);
    *p = (struct url_place){.tls = false};
}

enum rc
url_bucket(const char *address, const char *scheme, bool clean, char **bucket, char **prefix,
           struct err *e)
{
    size_t n = strcspn(address, ":");
    const char *path = address[n] == ':' ? address + n + 1 : address + n;
    CLEANUP(mem_free_ptr) char *example = mem_printf("%s:bucket:/prefix", scheme);

    if (n == 0 || memchr(address, '/', n) != NULL)
        return url_malformed(scheme, example, e);
    *bucket = mem_strndup(address, n);
    *prefix = str_clean_path(path);
    if (!clean && path[0] == '/' && path[1] == '/') {
        char *cleaned = *prefix;
        *prefix = mem_printf("/%s", cleaned);
        mem_free(cleaned);
    }
    return RC_OK;
}

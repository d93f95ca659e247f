/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/sha256.h"
#include "store/s3_internal.h"

void
s3_key_release(struct s3_key *k)
{
    char *parts[] = {k->id, k->secret, k->token};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        secret_free_text(parts[i]);
    }
    *k = (struct s3_key){.id = NULL};
}

void
s3_time(int64_t real_ms, char to[static S3_TIME])
{
    time_t sec = (time_t)(real_ms / 1000);
    struct tm tm;

    BUG_ON(gmtime_r(&sec, &tm) == NULL);
    BUG_ON(strftime(to, S3_TIME, "%Y%m%dT%H%M%SZ", &tm) != S3_TIME - 1);
}

/* The names of the headers, joined by semicolons. */
static void
add_names(struct buf *to, const char *const *headers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_putf(to, "%s%.*s", i > 0 ? ";" : "", (int)strcspn(headers[i], ":"), headers[i]);
}

static void
canonical_hash(const struct s3_request *rq, const char *const *headers, size_t n, struct id *out,
               bool *over)
{
    struct buf b = BUF_INIT(128 * 1024);

    buf_putf(&b, "%s\n%s\n%s\n", rq->method, rq->path, rq->query);
    for (size_t i = 0; i < n; i++)
        buf_putf(&b, "%s\n", headers[i]);
    buf_put(&b, "\n", 1);
    add_names(&b, headers, n);
    buf_putf(&b, "\n%s", rq->payload);
    sha256_of(buf_str(&b), out);
    *over = *over || b.over;
    mem_wipe(b.p, b.n);
    buf_release(&b);
}

void
s3_sign(const struct s3_request *rq, const struct s3_key *key, const char *const *headers, size_t n,
        struct buf *out)
{
    char scope[128], text[256], hex[ID_TEXT], *first = mem_printf("AWS4%s", key->secret);
    const char *parts[] = {rq->region, rq->service, "aws4_request", text};
    uint8_t mac[HMAC_SHA256];
    struct id hash;

    canonical_hash(rq, headers, n, &hash, &out->over);
    (void)snprintf(scope, sizeof(scope), "%.8s/%s/%s/aws4_request", rq->time, rq->region,
                   rq->service);
    (void)snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", rq->time, scope,
                   id_hex(&hash, hex));
    hmac_sha256(str_c(first), str_of(rq->time, 8), mac);
    secret_free_text(first);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        hmac_sha256(str_of(mac, sizeof(mac)), str_c(parts[i]), mac);
    hex_encode(mac, sizeof(mac), hex);
    buf_putf(out, "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=", key->id, scope);
    add_names(out, headers, n);
    buf_putf(out, ",Signature=%s", hex);
}

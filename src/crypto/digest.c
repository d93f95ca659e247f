/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>

#include "base/err.h"
#include "crypto/digest.h"

void
hmac_sha256(struct str key, struct str text, uint8_t out[static HMAC_SHA256])
{
    size_t n = 0;

    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.p, key.n, text.p, text.n, out,
                  HMAC_SHA256, &n) == NULL ||
        n != HMAC_SHA256)
        BUG("OpenSSL has no HMAC-SHA256");
}

static void
digest(const char *name, struct str bytes, uint8_t *out, size_t want)
{
    size_t n = 0;

    if (EVP_Q_digest(NULL, name, NULL, bytes.p, bytes.n, out, &n) != 1 || n != want)
        BUG("OpenSSL has no %s", name);
}

void
md5_of(struct str bytes, uint8_t out[static MD5])
{
    digest("MD5", bytes, out, MD5);
}

void
sha1_of(struct str bytes, uint8_t out[static SHA1])
{
    digest("SHA1", bytes, out, SHA1);
}

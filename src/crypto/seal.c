/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "base/rand.h"
#include "crypto/seal.h"

enum { STEP = 1 << 30 }; /* OpenSSL counts in int */

struct sealer {
    EVP_CIPHER_CTX *ctr, *nonce;
    EVP_MAC_CTX *mac;
    uint8_t mac_r[16];
};

enum rc
sealer_new(const struct seal_key *key, struct sealer **out, struct err *e)
{
    struct sealer *s = MEM_NEW(struct sealer);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);

    s->ctr = EVP_CIPHER_CTX_new();
    s->nonce = EVP_CIPHER_CTX_new();
    s->mac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (s->ctr == NULL || s->nonce == NULL || s->mac == NULL ||
        EVP_EncryptInit_ex(s->ctr, EVP_aes_256_ctr(), NULL, key->encrypt, NULL) != 1 ||
        EVP_EncryptInit_ex(s->nonce, EVP_aes_128_ecb(), NULL, key->mac_k, NULL) != 1) {
        sealer_free(s);
        return err_set(e, RC_UNSUPPORTED, "OpenSSL offers no AES or no Poly1305 here");
    }
    (void)EVP_CIPHER_CTX_set_padding(s->nonce, 0);
    memcpy(s->mac_r, key->mac_r, sizeof(s->mac_r));
    *out = s;
    return RC_OK;
}

void
sealer_free(struct sealer *s)
{
    if (s == NULL)
        return;
    EVP_CIPHER_CTX_free(s->ctr);
    EVP_CIPHER_CTX_free(s->nonce);
    EVP_MAC_CTX_free(s->mac);
    mem_wipe(s, sizeof(*s));
    mem_free(s);
}

/* AES-256-CTR: the same operation both ways. */
static void
apply_ctr(struct sealer *s, const uint8_t *iv, const uint8_t *in, size_t n, uint8_t *out)
{
    if (EVP_EncryptInit_ex(s->ctr, NULL, NULL, NULL, iv) != 1)
        BUG("AES-CTR does not start");
    while (n > 0) {
        int step = (int)MIN(n, (size_t)STEP), got = 0;
        if (EVP_EncryptUpdate(s->ctr, out, &got, in, step) != 1 || got != step)
            BUG("AES-CTR does not go on");
        in += step;
        out += step;
        n -= (size_t)step;
    }
}

static void
tag_of(struct sealer *s, const uint8_t *iv, const uint8_t *ct, size_t n,
       uint8_t tag[static SEAL_MAC])
{
    uint8_t key[32];
    size_t tag_bytes = 0;
    int got = 0;

    memcpy(key, s->mac_r, 16);
    if (EVP_EncryptUpdate(s->nonce, key + 16, &got, iv, 16) != 1 || got != 16)
        BUG("AES does not work");
    if (EVP_MAC_init(s->mac, key, sizeof(key), NULL) != 1 ||
        (n != 0 && EVP_MAC_update(s->mac, ct, n) != 1) ||
        EVP_MAC_final(s->mac, tag, &tag_bytes, SEAL_MAC) != 1 || tag_bytes != SEAL_MAC)
        BUG("Poly1305 does not work");
    mem_wipe(key, sizeof(key));
}

void
seal_with_iv(struct sealer *s, const uint8_t iv[static SEAL_IV], const uint8_t *plain, size_t n,
             uint8_t *out)
{
    memcpy(out, iv, SEAL_IV);
    apply_ctr(s, iv, plain, n, out + SEAL_IV);
    tag_of(s, iv, out + SEAL_IV, n, out + SEAL_IV + n);
}

static bool
is_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

void
seal(struct sealer *s, const uint8_t *plain, size_t n, uint8_t *out)
{
    uint8_t iv[SEAL_IV];

    do { /* restic refuses an IV of zeros */
        rand_bytes(iv, sizeof(iv));
    } while (is_zero(iv, sizeof(iv)));
    seal_with_iv(s, iv, plain, n, out);
}

enum rc
seal_open(struct sealer *s, const uint8_t *in, size_t n, uint8_t *out, struct err *e)
{
    uint8_t tag[SEAL_MAC], iv[SEAL_IV];
    size_t plain;

    if (n < SEAL_OVERHEAD)
        return err_set(e, RC_CORRUPT, "%zu bytes are too few to be sealed", n);
    plain = n - SEAL_OVERHEAD;
    memcpy(iv, in, SEAL_IV);
    tag_of(s, iv, in + SEAL_IV, plain, tag);
    if (is_zero(iv, sizeof(iv)) || CRYPTO_memcmp(tag, in + SEAL_IV + plain, SEAL_MAC) != 0)
        return err_set(e, RC_CORRUPT, "the checksum does not match");
    apply_ctr(s, iv, in + SEAL_IV, plain, out);
    return RC_OK;
}

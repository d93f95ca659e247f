/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/jwt.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/b64.h"

enum { SIGNATURE_MAX = 2048 /* of a key of 16384 bits, the largest that OpenSSL knows */ };

/* Nobody is there to be asked. */
static int
no_password(char *to, int room, int writing, void *arg)
{
    (void)to;
    (void)room;
    (void)writing;
    (void)arg;
    return -1;
}

static EVP_PKEY *
read_key(struct str pem, struct err *e)
{
    BIO *bio = pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

    (void)BIO_free(bio);
    if (key != NULL && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_size(key) <= SIGNATURE_MAX)
        return key;
    EVP_PKEY_free(key);
    ERR_clear_error();
    (void)err_set(e, RC_INVALID, "the private key is not an RSA key in PEM");
    return NULL;
}

enum rc
jwt_sign(struct str key_pem, struct str header, struct str claims, struct buf *out, struct err *e)
{
    EVP_PKEY *key = read_key(key_pem, e);
    EVP_MD_CTX *md;
    uint8_t signature[SIGNATURE_MAX];
    size_t n = sizeof(signature), begin = out->n;

    if (key == NULL)
        return err_code(e);
    if (b64_encode_url(header, out, e) || buf_add(out, ".", 1, e) ||
        b64_encode_url(claims, out, e)) {
        EVP_PKEY_free(key);
        return err_code(e);
    }
    md = EVP_MD_CTX_new();
    if (md == NULL || EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(md, signature, &n, out->p + begin, out->n - begin) != 1)
        n = 0;
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (n == 0)
        return err_set(e, RC_INVALID, "the private key cannot sign");
    return buf_add(out, ".", 1, e) ? err_code(e) : b64_encode_url(str_of(signature, n), out, e);
}

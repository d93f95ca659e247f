/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/rand.h"

enum { YEARS = 10, DAY = 24 * 60 * 60 };

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX cx;
    X509_EXTENSION *x;
    bool good;

    X509V3_set_ctx(&cx, issuer, cert, NULL, NULL, 0);
    x = X509V3_EXT_conf_nid(NULL, &cx, nid, value);
    good = x != NULL && X509_add_ext(cert, x, -1) == 1;
    X509_EXTENSION_free(x);
    return good;
}

/* Everything but the extensions and the signature. */
static X509 *
certs_blank(const char *name, X509 *issuer, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *subject;
    uint64_t serial;

    if (cert == NULL)
        return NULL;
    rand_bytes(&serial, sizeof(serial));
    subject = X509_get_subject_name(cert);
    if (X509_set_version(cert, 2) != 1 ||
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) == NULL ||
        X509_time_adj_ex(X509_getm_notAfter(cert), YEARS * 365, 0, NULL) == NULL ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                                   0) != 1 ||
        X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : subject) != 1 ||
        X509_set_pubkey(cert, key) != 1) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static X509 *
make_ca(EVP_PKEY *key)
{
    X509 *ca = certs_blank("cstash", NULL, key);

    if (ca != NULL && (!add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE") ||
                       !add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") ||
                       !add_extension(ca, ca, NID_subject_key_identifier, "hash") ||
                       X509_sign(ca, key, EVP_sha256()) == 0)) {
        X509_free(ca);
        return NULL;
    }
    return ca;
}

static X509 *
make_server(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    X509 *cert = certs_blank("cstash server", ca, key);

    if (cert != NULL && (!add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") ||
                         !add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") ||
                         !add_extension(cert, ca, NID_ext_key_usage, "serverAuth") ||
                         !add_extension(cert, ca, NID_subject_alt_name,
                                        "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1") ||
                         X509_sign(cert, ca_key, EVP_sha256()) == 0)) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static bool
put_pem(X509 *cert, EVP_PKEY *key, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct err e = ERR_INIT;
    char *p = NULL;
    long n;
    bool good = bio != NULL &&
                (cert != NULL ? PEM_write_bio_X509(bio, cert)
                              : PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) == 1;

    n = good ? BIO_get_mem_data(bio, &p) : 0;
    good = good && n > 0 && buf_add(out, p, (size_t)n, &e) == RC_OK;
    BIO_free(bio);
    return good;
}

enum rc
certs_make(struct buf *ca_pem, struct buf *cert_pem, struct buf *key_pem, struct err *e)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = ca_key != NULL ? make_ca(ca_key) : NULL;
    X509 *cert = ca != NULL && key != NULL ? make_server(key, ca, ca_key) : NULL;
    enum rc rc = RC_OK;

    if (cert == NULL || !put_pem(ca, NULL, ca_pem) || !put_pem(cert, NULL, cert_pem) ||
        !put_pem(NULL, key, key_pem))
        rc = err_set(e, RC_INTERNAL, "could not make a certificate");
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    return rc;
}

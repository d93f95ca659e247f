/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

/*
 * crypto/seal -- encrypt, then authenticate: the one wrapper around everything a repository stores.
 *
 * Shape    sealed = IV (16) || AES-256-CTR of the plaintext || Poly1305-AES tag (16) over the
 *          ciphertext.
 * Why      a struct sealer keeps the fetched algorithms and the expanded keys, so that sealing a
 *          blob costs no lookup.
 * Threads  one sealer per thread.
 * Errors   RC_CORRUPT from seal_open, always before a byte is decrypted.
 * Source   restic doc/design.rst "Keys, Encryption and MAC"; Bernstein, "The Poly1305-AES message-
 *          authentication code". Vectors in crypto_test.c.
 */
#include "base/err.h"
#include "base/str.h"

enum { SEAL_IV = 16, SEAL_MAC = 16, SEAL_OVERHEAD = SEAL_IV + SEAL_MAC };

/* Secret: wipe it (mem_wipe) when done. */
struct seal_key {
    uint8_t encrypt[32], mac_k[16], mac_r[16];
};

struct sealer;

/* The key is copied. RC_UNSUPPORTED when OpenSSL offers no AES or Poly1305. */
NODISCARD enum rc sealer_new(const struct seal_key *key, struct sealer **out, struct err *e);
/* Wipes the key. NULL is a no-op. */
void sealer_free(struct sealer *s);

/*
 * Seal `n` bytes at `plain` into out[0 .. n + SEAL_OVERHEAD). `plain` may be out + SEAL_IV (in
 * place); otherwise they must not overlap. The IV is fresh and random.
 */
void seal(struct sealer *s, const uint8_t *plain, size_t n, uint8_t *out);

/* As seal, with the given IV. For test vectors: an IV must never serve twice under one key. */
void seal_with_iv(struct sealer *s, const uint8_t iv[static SEAL_IV], const uint8_t *plain,
                  size_t n, uint8_t *out);

/*
 * Check and decrypt the `n` sealed bytes at `in` into out[0 .. n - SEAL_OVERHEAD). `out` may be
 * in + SEAL_IV. RC_CORRUPT: too short, or the checksum does not match; `out` is untouched then.
 */
NODISCARD enum rc seal_open(struct sealer *s, const uint8_t *in, size_t n, uint8_t *out,
                            struct err *e);

#endif

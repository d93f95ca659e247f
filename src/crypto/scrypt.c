/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>

#include "crypto/scrypt.h"

uint64_t
scrypt_work(struct scrypt_params params)
{
    uint64_t work = (uint64_t)params.r * params.p, all;

    return __builtin_mul_overflow(work, params.n, &all) ? UINT64_MAX : all;
}

enum rc
scrypt_key(struct str password, struct str salt, struct scrypt_params params,
           uint8_t out[static SCRYPT_KEY], struct err *e)
{
    if (params.n < 2 || (params.n & (params.n - 1)) != 0 || params.r < 1 || params.p < 1)
        return err_set(e, RC_INVALID, "scrypt does not have the parameters N=%llu, r=%u, p=%u",
                       (unsigned long long)params.n, params.r, params.p);
    if (scrypt_work(params) > SCRYPT_MAX_WORK ||
        scrypt_work((struct scrypt_params){params.n, params.r, 128}) > SCRYPT_MAX_BYTES ||
        scrypt_work((struct scrypt_params){128, params.r, params.p}) > SCRYPT_MAX_BYTES)
        return err_set(e, RC_LIMIT, "the scrypt parameters N=%llu, r=%u, p=%u ask for too much",
                       (unsigned long long)params.n, params.r, params.p);
    if (EVP_PBE_scrypt(password.n == 0 ? "" : (const char *)password.p, password.n, salt.p, salt.n,
                       params.n, params.r, params.p, 2 * SCRYPT_MAX_BYTES, out, SCRYPT_KEY) != 1)
        return err_set(e, RC_INTERNAL, "scrypt with N=%llu, r=%u, p=%u failed",
                       (unsigned long long)params.n, params.r, params.p);
    return RC_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_S3_H
#define STORE_S3_H

/*
 * store/s3 -- a store in a bucket of S3, or of a server that speaks its protocol.
 *
 * Address  what follows "s3:": HOST/BUCKET[/PREFIX], http[s]://HOST[:PORT]/BUCKET[/PREFIX]. The
 *          prefix is cleaned: no empty parts, "." or "..".
 * Options  s3.region (else AWS_DEFAULT_REGION, AWS_REGION, else what the server says),
 *          s3.bucket-lookup (auto: the host's name for Amazon, Google and Alibaba; dns; path),
 *          s3.storage-class (of packs), s3.unsafe-anonymous-auth, s3.connections. Credentials:
 *          s3_internal.h, s3_credentials.
 * Uploads  are signed with the hash of their bytes, which the server compares.
 * Source   S3 API reference; restic's s3 backend as seen from outside.
 */
#include "store/store.h"

NODISCARD enum rc store_s3_open(const char *address, const struct store_opts *o, struct store **out,
                                struct err *e);

#endif

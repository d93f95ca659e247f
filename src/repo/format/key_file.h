/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_KEY_FILE_H
#define REPO_FORMAT_KEY_FILE_H

/*
 * repo/format/key_file -- the master key, sealed with a key made from a password.
 *
 * Shape    the only file of a repository that is not sealed as a whole.
 * Errors   RC_CORRUPT; key_file_open: RC_WRONG_PASSWORD when the seal does not open.
 * Source   restic doc/design.rst "Keys, Encryption and MAC".
 */
#include "base/buf.h"
#include "base/clock.h"
#include "crypto/scrypt.h"
#include "crypto/seal.h"

enum { KEY_SALT = 64, KEY_SEALED_MAX = 4096, KEY_NAME_MAX = 256 };

struct key_file {
    struct instant created;
    char username[KEY_NAME_MAX], hostname[KEY_NAME_MAX]; /* cut when longer */
    struct scrypt_params params;
    uint8_t salt[KEY_SALT];
    uint8_t sealed[KEY_SEALED_MAX]; /* the sealed master key */
    size_t sealed_bytes;
};

NODISCARD enum rc key_file_encode(const struct key_file *k, struct buf *out, struct err *e);
NODISCARD enum rc key_file_decode(struct str json, struct key_file *out, struct err *e);

/* The master key as the key file seals it. The caller wipes `out`. */
NODISCARD enum rc key_master_encode(const struct seal_key *master, struct buf *out, struct err *e);
/* Get the master key out. The caller wipes it. */
NODISCARD enum rc key_file_open(const struct key_file *k, struct str password,
                                struct seal_key *master, struct err *e);
/* Fill in salt and sealed from `master`, with k->params. */
NODISCARD enum rc key_file_seal(struct key_file *k, struct str password,
                                const struct seal_key *master, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_CONFIG_H
#define REPO_FORMAT_CONFIG_H

/* repo/format/config -- the one file that makes a place a repository. Source: restic design.rst. */
#include "base/buf.h"
#include "crypto/id.h"

struct config {
    unsigned version; /* 1 or 2 */
    struct id id;
    uint64_t polynomial;
};

NODISCARD enum rc config_encode(const struct config *c, struct buf *out, struct err *e);
/* RC_CORRUPT; RC_UNSUPPORTED for another version. */
NODISCARD enum rc config_decode(struct str json, struct config *out, struct err *e);

#endif

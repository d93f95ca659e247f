/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_ID_JSON_H
#define REPO_FORMAT_ID_JSON_H

/* repo/format/id_json -- an ID as a JSON string of 64 hex digits, as trees and indexes hold it. */
#include "crypto/id.h"
#include "json/pull.h"

/* RC_CORRUPT: another value, or another text. */
NODISCARD static inline enum rc
id_pull(struct pull *j, struct id *out, struct err *e)
{
    struct str s = {0};

    if (pull_str(j, &s, e))
        return e->code;
    return id_from_hex(s, out) ? RC_OK : pull_bad(j, "wanted an ID of 64 hex digits", e);
}

#endif

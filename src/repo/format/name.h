/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_NAME_H
#define REPO_FORMAT_NAME_H

/*
 * repo/format/name -- file names as trees keep them: quoted as Go quotes strings, without the
 * quotes.
 *
 * Why      a name may be any bytes; the quoted form is always UTF-8 and fits into JSON.
 * Source   Go strconv.Quote and Unquote.
 */
#include "base/buf.h"

NODISCARD enum rc name_quote(struct str raw, struct buf *out, struct err *e);
/* RC_CORRUPT on what Go would not unquote. */
NODISCARD enum rc name_unquote(struct str quoted, struct buf *out, struct err *e);

#endif

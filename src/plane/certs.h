/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_CERTS_H
#define PLANE_CERTS_H

/*
 * plane/certs -- a certificate authority of its own and one certificate for loopback.
 *
 * Shape    made once (P-256, ten years) for 127.0.0.1, ::1 and localhost; the authority's key is
 *          forgotten at once, so nobody can sign with it later.
 */
#include "base/buf.h"

enum { CERT_MAX = 16 * 1024 };

/* PEM texts, appended to the three. */
NODISCARD enum rc certs_make(struct buf *ca, struct buf *cert, struct buf *key, struct err *e);

#endif

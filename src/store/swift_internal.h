/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SWIFT_INTERNAL_H
#define STORE_SWIFT_INTERNAL_H

/*
 * store/swift_internal -- what swift.c (requests) and swift_credentials.c (credentials) share.
 *
 * Source   OpenStack's Identity API v3 and v2.0 reference; Swift's "The Auth System" (version 1).
 */
#include "store/oauth.h"

struct swift_credentials;
/* `http` is borrowed until swift_credentials_free; of `o` all is copied. */
struct swift_credentials *swift_credentials_new(const struct store_opts *o, struct http *http);
void swift_credentials_free(struct swift_credentials *w);
/*
 * A token, and with it the address of the account's objects (swift_credentials_url). Ready ones
 * (OS_STORAGE_URL and OS_AUTH_TOKEN), else those that OS_AUTH_URL or ST_AUTH gives out. Its path
 * tells the version: 1 (ST_USER, ST_KEY), 2 or 3, which is meant by a path without a number. In
 * place of a password (OS_PASSWORD) version 3 takes an application credential
 * (OS_APPLICATION_CREDENTIAL_SECRET with _ID, or with _NAME and a user). Of 2 and 3 the first
 * public end point of OS_REGION_NAME counts, without it of any region.
 * RC_DENIED: none. The caller releases `out`.
 */
NODISCARD enum rc swift_credentials_get(struct ctx *cx, struct swift_credentials *w,
                                        struct oauth_token *out, struct err *e);
const char *swift_credentials_url(const struct oauth_token *t);
/* The server took it for a bad one. */
void swift_credentials_refused(struct swift_credentials *w, const struct oauth_token *t);
/* What a user could do about that. */
const char *swift_credentials_hint(const struct swift_credentials *w);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_B2_INTERNAL_H
#define STORE_B2_INTERNAL_H

/*
 * store/b2_internal -- what b2.c (requests) and b2_credentials.c (tokens, the bucket, where to upload)
 * share.
 *
 * Source   Backblaze's reference: b2_authorize_account, b2_list_buckets, b2_get_upload_url.
 */
#include "store/oauth.h"

struct b2_credentials;
/* `http` is borrowed until b2_credentials_free; the rest is copied. `codes` are static. */
struct b2_credentials *b2_credentials_new(const struct store_opts *o, struct http *http,
                                          const char *bucket, const struct remote_code *codes);
void b2_credentials_free(struct b2_credentials *w);

/* What one request needs. */
struct b2_pass {
    struct oauth_token token; /* of the account, or of the upload */
    char *upload_url;         /* which is a secret too; NULL: it is not an upload */
};
/* The caller gives it back by b2_credentials_done. RC_DENIED: the key is wrong. */
NODISCARD enum rc b2_credentials_get(struct ctx *cx, struct b2_credentials *w, struct b2_pass **out,
                                     struct err *e);
/* The same for an upload: nobody else uses that URL until it is given back. */
NODISCARD enum rc b2_credentials_get_upload(struct ctx *cx, struct b2_credentials *w,
                                            struct b2_pass **out, struct err *e);
/* `status` of the answer, 0: none. What was refused, or failed an upload, is not used again. */
void b2_credentials_done(struct b2_credentials *w, struct b2_pass *p, int status);

/* Of what B2 said when it gave out the token: "apiUrl", ... */
const char *b2_pass_text(const struct b2_pass *p, const char *field);
/* The bucket's id; mem_free. RC_NOT_FOUND: there is no such bucket. */
NODISCARD enum rc b2_credentials_bucket(struct ctx *cx, struct b2_credentials *w,
                                        const struct b2_pass *p, char **id, struct err *e);

#endif

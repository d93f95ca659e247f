/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_S3_INTERNAL_H
#define STORE_S3_INTERNAL_H

/*
 * store/s3_internal -- what s3.c (requests), s3_sign.c (signatures) and s3_credentials.c (credentials)
 * share.
 *
 * Source   AWS General Reference, "Signature Version 4"; AWS SDKs, "Standardized credential
 *          providers"; EC2 user guide, "Use IMDSv2".
 */
#include "store/remote.h"

enum { S3_TIME = 17 /* 20060102T150405Z */ };

/* Copies; s3_key_release wipes them. */
struct s3_key {
    char *id, *secret;
    char *token;        /* NULL: none */
    int64_t expires_ms; /* clock_real_ms; 0: never */
};
void s3_key_release(struct s3_key *k);

/* One request as it is signed. */
struct s3_request {
    const char *method, *host, *path, *query; /* encoded already, the query sorted by name */
    const char *region;
    const char *service; /* "s3", or "sts" */
    const char *payload; /* SHA-256 of the body in hex */
    const char *time;    /* S3_TIME */
};

/* The value of Authorization for a request with the `n` headers, sorted, "name:value". */
void s3_sign(const struct s3_request *rq, const struct s3_key *key, const char *const *headers,
             size_t n, struct buf *out);
/* "20060102T150405Z" */
void s3_time(int64_t real_ms, char to[static S3_TIME]);

/* Where credentials come from, and the last ones. */
struct s3_credentials;
/* `http` is borrowed until s3_credentials_free; of `o` all is copied. `region` may be NULL. */
struct s3_credentials *s3_credentials_new(const struct store_opts *o, struct http *http,
                                          const char *region);
void s3_credentials_free(struct s3_credentials *w);
/*
 * The first that is there of: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the profile of the
 * shared file; a web identity (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE); the container's end
 * point; the instance's metadata. Those that expire are asked for anew five minutes before.
 * RC_DENIED: none. The caller releases `out`.
 */
NODISCARD enum rc s3_credentials_get(struct ctx *cx, struct s3_credentials *w, struct s3_key *out,
                                     struct err *e);

#endif

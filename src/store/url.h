/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_URL_H
#define STORE_URL_H

/*
 * store/url -- the parts of restic's addresses.
 *
 * Source   restic doc/030_preparing_a_new_repo.rst, and its parser as seen from outside.
 */
#include "base/err.h"

/* "HOST/BUCKET/PREFIX", "https://HOST:PORT/BUCKET/PREFIX", "//HOST/BUCKET": all owned. */
struct url_place {
    bool tls;
    char *host;            /* with its port, unless that is the scheme's */
    char *bucket, *prefix; /* prefix: cleaned, "" for none */
};
NODISCARD enum rc url_place(const char *address, const char *scheme, struct url_place *out,
                            struct err *e);
void url_place_release(struct url_place *p);

/*
 * "BUCKET:/PREFIX", "BUCKET:PREFIX", "BUCKET". `clean` as for S3; else of several slashes before
 * the prefix one stays, and is part of the names.
 */
NODISCARD enum rc url_bucket(const char *address, const char *scheme, bool clean, char **bucket,
                             char **prefix, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GCS_INTERNAL_H
#define STORE_GCS_INTERNAL_H

/*
 * store/gcs_internal -- what gcs.c (requests) and gcs_credentials.c (credentials) share.
 *
 * Source   Google's "Application Default Credentials", "Using OAuth 2.0 for server to server
 *          applications", "About VM metadata"; AIP-4117 (external accounts).
 */
#include "store/remote.h"

struct gcs_credentials;
/* `http` is borrowed until gcs_credentials_free; of `o` all is copied. `emulator`: no credentials will do.
 */
struct gcs_credentials *gcs_credentials_new(const struct store_opts *o, struct http *http,
                                            bool emulator);
void gcs_credentials_free(struct gcs_credentials *w);
/*
 * Put a token into the request, from the first that is there of: GOOGLE_ACCESS_TOKEN;
 * GOOGLE_SERVICE_ACCOUNT_JSON_KEY, a key itself; GOOGLE_APPLICATION_CREDENTIALS, a key's file (a
 * service account, an authorized user, or an external account whose token is a file); gcloud's own
 * file; the metadata server (GCE_METADATA_HOST), where workload identity answers. RC_DENIED: none.
 */
NODISCARD enum rc gcs_credentials_header(struct ctx *cx, struct gcs_credentials *w,
                                         struct remote_request *to, struct err *e);
/* The server took the last token for a bad one: the next is a new one, if there can be one. */
void gcs_credentials_refused(struct gcs_credentials *w, struct err *e);

#endif

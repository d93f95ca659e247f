/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_GS_INTERNAL_H
#define STORE_GS_INTERNAL_H

/*
 * store/gs_internal -- what gs.c (requests) and gs_who.c (credentials) share.
 *
 * Source   Google's "Application Default Credentials", "Using OAuth 2.0 for server to server
 *          applications", "About VM metadata"; AIP-4117 (external accounts).
 */
#include "store/far.h"

struct gs_who;
/* `http` is borrowed until gs_who_free; of `o` all is copied. `emulator`: no credentials will do.
 */
struct gs_who *gs_who_new(const struct store_opts *o, struct http *http, bool emulator);
void gs_who_free(struct gs_who *w);
/*
 * Put a token into the request, from the first that is there of: GOOGLE_ACCESS_TOKEN;
 * GOOGLE_SERVICE_ACCOUNT_JSON_KEY, a key itself; GOOGLE_APPLICATION_CREDENTIALS, a key's file (a
 * service account, an authorized user, or an external account whose token is a file); gcloud's own
 * file; the metadata server (GCE_METADATA_HOST), where workload identity answers. RC_DENIED: none.
 */
NODISCARD enum rc gs_who_header(struct ctx *cx, struct gs_who *w, struct far_ask *to,
                                struct err *e);
/* The server took the last token for a bad one: the next is a new one, if there can be one. */
void gs_who_refused(struct gs_who *w, struct err *e);

#endif

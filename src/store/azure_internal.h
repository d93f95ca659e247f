/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_AZURE_INTERNAL_H
#define STORE_AZURE_INTERNAL_H

/*
 * store/azure_internal -- what azure.c (requests) and azure_credentials.c (credentials) share.
 *
 * Source   Azure's REST reference, "Authorize with Shared Key"; Entra's "OAuth 2.0 client
 *          credentials flow"; "Use managed identities to get an access token"; AKS' workload
 *          identity.
 */
#include "store/remote.h"

/* One request as it is signed. Empty, never NULL: not there. */
struct azure_request {
    const char *method;
    const char *length, *md5, *type, *range; /* the headers Content-*, and Range */
    const char *headers;                     /* those of x-ms-, sorted: "name:value\n" each */
    const char *path;                        /* encoded, from the slash before the container on */
    const char *query;                       /* sorted, decoded: "\nname:value" each */
};
/* Append what a key of the account signs. */
void azure_string_to_sign(const char *account, const struct azure_request *rq, struct buf *out);

struct azure_credentials;
/* `http` is borrowed until azure_credentials_free; of `o` all is copied. RC_DENIED: the key is none. */
NODISCARD enum rc azure_credentials_new(const struct store_opts *o, struct http *http,
                                        const char *account, struct azure_credentials **out,
                                        struct err *e);
void azure_credentials_free(struct azure_credentials *w);
/*
 * Complete the request `to`, whose URL ends with its query, by the first that is there of:
 * AZURE_ACCOUNT_KEY, which signs; AZURE_ACCOUNT_SAS, a part of the URL; a token, by
 * AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE (workload identity) with AZURE_TENANT_ID and
 * AZURE_CLIENT_ID, of AZURE_AUTHORITY_HOST; by IDENTITY_ENDPOINT and IDENTITY_HEADER; of the
 * machine's metadata (AZURE_POD_IDENTITY_AUTHORITY_HOST). RC_DENIED: none.
 */
NODISCARD enum rc azure_credentials_sign(struct ctx *cx, struct azure_credentials *w,
                                         const struct azure_request *rq, struct remote_request *to,
                                         struct err *e);
/* The server does not know us by what it got: say what to look at. A token is replaced. */
void azure_credentials_refused(struct azure_credentials *w, struct err *e);

#endif

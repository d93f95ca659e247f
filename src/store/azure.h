/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_AZURE_H
#define STORE_AZURE_H

/*
 * store/azure -- a store in a container of Azure Blob Storage.
 *
 * Address  what follows "azure:": CONTAINER:/PREFIX. The prefix is cleaned; one slash before it is
 *          none. The account is AZURE_ACCOUNT_NAME, at AZURE_ENDPOINT_SUFFIX ("core.windows.net").
 * Options  azure.access-tier (of packs), azure.connections. Credentials: azure_internal.h,
 *          azure_credentials.
 * Uploads  carry their MD5, which the server compares and keeps.
 * Source   Azure's REST reference: Put Blob, Get Blob, Get Blob Properties, Delete Blob, List
 *          Blobs, Create Container, "Status and error codes"; restic's azure backend as seen from
 *          outside.
 */
#include "store/store.h"

NODISCARD enum rc store_azure_open(const char *address, const struct store_opts *o,
                                   struct store **out, struct err *e);

#endif

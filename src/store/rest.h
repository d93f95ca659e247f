/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REST_H
#define STORE_REST_H

/*
 * store/rest -- a store on a server of restic's REST protocol, versions 1 and 2.
 *
 * Address  what follows "rest:": http[s]://[USER[:PASSWORD]@]HOST[:PORT]/PATH/. Without a user in
 *          it: RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD.
 * Options  rest.connections
 * Writing  such a server refuses to overwrite: `config` is deleted first, and written anew.
 * Source   restic doc/REST_backend.rst; rest-server as seen from outside.
 */
#include "store/store.h"

NODISCARD enum rc store_rest_open(const char *address, const struct store_opts *o,
                                  struct store **out, struct err *e);

#endif

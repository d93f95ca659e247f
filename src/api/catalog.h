/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CATALOG_H
#define API_CATALOG_H

/*
 * api/catalog -- the Tasks and Functions that come with us, under Stash's names.
 *
 * Why      the flags a Function passes and the flags a Job step takes are one contract; `cstash
 *          catalog` prints it and deploy/catalog is that output.
 * Shape    an array of objects, all with the same image; the caller frees.
 * Source   Stash's Redis catalog and its update-status Function.
 */
#include "json/node.h"

struct json *catalog_new(const char *image);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_XML_H
#define STORE_XML_H

/*
 * store/xml -- the answers of object stores, element by element.
 *
 * Why      one place knows the library behind it.
 * Shape    `fn` is called at the end of every element, with its path ("ListBucketResult/Contents/
 *          Key", name spaces left out) and its text (of an element that has children: what stood
 *          after the last of them).
 * Errors   RC_CORRUPT: not well formed, cut short, deeper than 16 elements, a name or text that is
 *          too long, or a document type. What fn returns.
 */
#include "base/err.h"
#include "base/str.h"

typedef enum rc xml_fn(void *arg, const char *path, struct str text, struct err *e);

enum rc xml_read(struct str document, xml_fn *fn, void *arg, struct err *e);

#endif

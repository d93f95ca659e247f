/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_PROTOBUF_H
#define PLANE_PROTOBUF_H

/*
 * plane/protobuf -- objects that clients send in Kubernetes' protobuf encoding, as trees.
 *
 * Why      clients that are compiled with the types of core objects send these so, and some do not fall back to JSON when
 *          they are told that it is not known.
 * Kinds    those that the plane serves, but CustomResourceDefinitions, and DeleteOptions: plane/protobuf_messages. Answers are
 *          JSON, which every client takes.
 * Same     the tree is the one that the same client would send as JSON: what may be absent is, and 0 stays where it means
 *          something.
 * Errors   RC_UNSUPPORTED: another kind, or a field that is not known, since it would be lost. RC_INVALID: not this encoding.
 * Source   k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
 * Tests    protobuf_test.c, fuzz/protobuf.c
 */
#include "json/node.h"

/* The caller frees `out`. */
NODISCARD enum rc protobuf_to_json(struct str body, struct json **out, struct err *e);

#endif

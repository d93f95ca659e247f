/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_UNPACK_H
#define DUMP_UNPACK_H

/*
 * dump/unpack -- events whose payloads are taken apart, so that both formats of a dump look the same.
 *
 * Shape    an ev_fn around another one. Opaque values stay payloads (rdb/kv).
 */
#include "rdb/event.h"

struct unpack;

struct unpack *unpack_new(ev_fn *on, void *arg);
void unpack_free(struct unpack *u);
/* `arg` is the struct unpack. */
enum rc unpack_on(void *arg, const struct ev *ev, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_SLOT_H
#define DUMP_SLOT_H

/*
 * dump/slot -- which slot of a cluster a key belongs to.
 *
 * Shape    CRC16 of the key modulo 16384; of a key with a hash tag, "{tag}", only the tag counts:
 *          what stands between the first '{' and the first '}' behind it, unless that is nothing.
 * Source   the cluster specification of redis.io; CRC-16/XMODEM.
 */
#include "base/str.h"

enum { SLOTS = 16384 };

uint16_t slot_of(struct str key);

#endif

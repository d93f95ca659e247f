/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_CRC64_H
#define CODEC_CRC64_H

/*
 * codec/crc64 -- the checksum of RDB files and DUMP payloads.
 *
 * Shape    start with 0 and feed bytes in any pieces.
 * Threads  any.
 * Source   CRC-64 "Jones": polynomial ad93d23594c935a9, reflected, no initial or final value. The
 *          check value of "123456789" is e9c6d914c4b8d9ca.
 */
#include <stddef.h>
#include <stdint.h>

uint64_t crc64(uint64_t crc, const uint8_t *p, size_t n);

#endif

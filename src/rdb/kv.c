/* SPDX-License-Identifier: Apache-2.0 */
#include "rdb/kv.h"

#define KV_ROW(type, ...) [type] = {__VA_ARGS__},
const struct kv_info kv_info[KV_N_TYPES] = {KV_TYPES(KV_ROW)};

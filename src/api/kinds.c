/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"

#define KIND_ADDRESS(name, word) &kind_##name,
static const struct crd_def *const all[] = {KINDS(KIND_ADDRESS)};

const struct crd_def *const *
kinds_all(size_t *n)
{
    *n = ARRAY_LEN(all);
    return all;
}

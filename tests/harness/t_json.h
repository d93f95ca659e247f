/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARNESS_T_JSON_H
#define HARNESS_T_JSON_H

/* t_json -- a JSON text of a test as a value, json_free; the test fails where it is not JSON. */
#include "t.h"

#include "json/json.h"

static inline struct json *
t_json(const char *text)
{
    struct json *j = NULL;
    struct err e = ERR_INIT;

    T_OK(json_parse(str_c(text), &j, &e));
    return j;
}

#endif

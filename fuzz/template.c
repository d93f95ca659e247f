/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of hooks: any text renders or is refused, in bounded space. */
#include "api/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct json *data = json_new_object();
    struct buf out = BUF_INIT(TEMPLATE_MAX);
    struct err e = ERR_INIT;

    json_set_cstr(data, "Name", "s-1");
    json_set_int(data, "RetryLeft", 2);
    json_set_cstr(json_need_object(data, "Status"), "Phase", "Failed");
    if (n < 4096 && template_render(str_of(p, n), data, &out, &e) != RC_OK && e.code == RC_OK)
        BUG("an error without words");
    buf_release(&out);
    json_free(data);
    return 0;
}

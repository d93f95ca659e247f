/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: any text is taken or refused, and what is taken is the same after writing and reading. */
#include "json/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct buf text = BUF_INIT(256 * 1024 * 1024);
    struct json *docs = NULL, *again = NULL;
    struct err e = ERR_INIT;

    if (yaml_to_json(str_of(p, n), &docs, &e))
        return 0;
    for (size_t i = 0; i < json_size(docs); i++) {
        buf_reset(&text);
        if (json_to_yaml(json_elem(docs, i), &text, &e))
            BUG("could not write YAML: %s", e.msg);
        if (yaml_to_json(buf_str(&text), &again, &e))
            BUG("could not read what was written: %s", e.msg);
        if (!json_same(json_elem(again, 0), json_elem(docs, i)))
            BUG("what was written is something else: %s", buf_c(&text));
        json_free(again);
    }
    json_free(docs);
    buf_release(&text);
    return 0;
}

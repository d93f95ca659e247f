/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/question -- what a restored server is asked: what is taken reads, and judges any answer. */
#include "base/mem.h"
#include "job/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    const struct reply items[] = {{.type = REPLY_BULK, .s = STR_LIT("a")},
                                  {.type = REPLY_NIL},
                                  {.type = REPLY_INT, .integer = INT64_MIN},
                                  {.type = REPLY_ERROR, .s = STR_LIT("ERR")}};
    const struct reply list = {.type = REPLY_ARRAY, .items = items, .n = ARRAY_LEN(items)};
    CLEANUP(mem_free_ptr) char *text = mem_strndup((const char *)p, n);
    struct err e = ERR_INIT;
    struct question *q;

    if (question_parse(text, &q, &e) != RC_OK)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        (void)question_is_answer(q, &items[i]);
    if (question_is_answer(q, &list) || question_is_answer(q, &items[3]))
        BUG("an error is taken for an answer");
    question_free(q);
    return 0;
}

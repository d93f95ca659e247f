/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore noted of itself: what was read is written and read again as the same. */
#include "base/mem.h"
#include "job/resume.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const struct target of = {.name = "h:6379"};
    struct resume_state a, b;
    struct err e = ERR_INIT;
    char *text, *again;

    if (resume_parse(str_of(p, n), of, &a, &e))
        return 0;
    text = resume_write(&a, &a.place, of);
    BUG_ON(resume_parse(str_c(text), of, &b, &e) != RC_OK);
    again = resume_write(&b, &b.place, of);
    BUG_ON(strcmp(text, again) != 0);
    mem_free(text);
    mem_free(again);
    resume_state_release(&a);
    resume_state_release(&b);
    return 0;
}

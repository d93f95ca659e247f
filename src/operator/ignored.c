/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken and not acted on is told: fields of other kinds of targets.
 * The tables of the kinds say which fields these are.
 */
#include "base/mem.h"
#include "operator/operator_internal.h"

enum { NAMES_MAX = 4096 };

void
tell_ignored(struct ctx *cx, struct recorder *events, const struct crd_def *kind,
             const struct json *obj, struct json *status)
{
    struct teller to = {cx, events, obj, "Warning"};
    CLEANUP(buf_release) struct buf text = BUF_INIT(NAMES_MAX);

    kind_unused(kind, obj, &text);
    if (text.n == 0) {
        condition_remove(status, COND_FIELDS_IGNORED);
        return;
    }
    buf_must_printf(&text, ": a backup of a Redis does not use them");
    condition_tell(&to, status, COND_FIELDS_IGNORED, COND_TRUE, buf_c(&text));
}

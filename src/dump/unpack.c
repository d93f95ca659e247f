/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/unpack.h"

#include "base/mem.h"
#include "rdb/payload.h"

struct unpack {
    struct payload_decoder *decoder;
    ev_fn *on;
    void *arg;
};

struct unpack *
unpack_new(ev_fn *on, void *arg)
{
    struct unpack *u = MEM_NEW(struct unpack);

    *u = (struct unpack){.decoder = payload_decoder_new(), .on = on, .arg = arg};
    return u;
}

void
unpack_free(struct unpack *u)
{
    payload_decoder_free(u->decoder);
    mem_free(u);
}

enum rc
unpack_on(void *arg, const struct ev *ev, struct err *e)
{
    struct unpack *u = arg;

    return ev->kind == EV_PAYLOAD ? payload_decode(u->decoder, ev, u->on, u->arg, e)
                                  : u->on(u->arg, ev, e);
}

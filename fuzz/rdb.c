/* SPDX-License-Identifier: Apache-2.0 */
/* An RDB file of anybody's making, through both formats, counted. */
#include "base/compiler.h"
#include "base/log.h"
#include "dump/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
convert(struct str bytes, enum dump_format format)
{
    struct convert_opts opts = {.format = format, .filter = FILTER_ALL};
    struct convert_facts facts;
    struct ctx cx = {.fd = -1};
    struct err e = ERR_INIT;
    struct wr_null out;
    struct rd_mem in;
    struct encoder *enc;
    struct dataset_digest *t = dataset_digest_new();
    struct rdb *r;

    wr_null_init(&out);
    rd_mem_init(&in, bytes, 0);
    enc = encoder_new(&out.wr, format);
    r = rdb_new(&in.rd);
    if (encoder_begin(enc, PART_WHOLE, &e) == RC_OK &&
        convert_rdb(&cx, r, &opts, enc, t, &facts, &e) == RC_OK)
        (void)!encoder_end(enc, NULL, &e);
    rdb_free(r);
    encoder_free(enc);
    dataset_digest_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    log_set_level(LOG_ERROR);
    convert(str_of(p, n), DUMP_COMMANDS);
    convert(str_of(p, n), DUMP_RESTORE);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDB files with every type, cut and altered: every one of the first 4,096 bytes in turn, and
 * 10,000 bytes at random. A file with a checksum must be refused, one without must at least end: no
 * crash, no hang, no wild memory.
 */
#include "t.h"

#include "base/fs.h"
#include "base/log.h"
#include "dump/convert.h"

enum { FILE_MAX = 1 << 20, FIRST_BYTES = 4096, RANDOM_BYTES = 10000, CUTS = 2000 };

static uint64_t seed = 1;

static uint64_t
next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static enum rc
convert(struct str bytes, struct err *e)
{
    struct convert_opts opts = {.format = DUMP_COMMANDS, .filter = FILTER_ALL};
    struct convert_facts facts;
    struct ctx cx = {.fd = -1};
    struct wr_null out;
    struct rd_mem in;
    struct encoder *enc;
    struct dataset_digest *t = dataset_digest_new();
    struct rdb *r;
    enum rc rc;

    wr_null_init(&out);
    rd_mem_init(&in, bytes, 0);
    enc = encoder_new(&out.wr, DUMP_COMMANDS);
    r = rdb_new(&in.rd);
    rc = convert_rdb(&cx, r, &opts, enc, t, &facts, e);
    rdb_free(r);
    encoder_free(enc);
    dataset_digest_free(t);
    return rc;
}

/* Alter one byte, read, put it back. */
static void
flip(struct buf *file, size_t at, bool has_checksum)
{
    struct err e = ERR_INIT;
    uint8_t was = file->p[at];

    file->p[at] ^= (uint8_t)(1 + next_random() % 255);
    /* The header's version may say that there is no checksum; the checksum itself may become
     * "none". */
    if (convert(buf_str(file), &e) == RC_OK && has_checksum && at > 8)
        fail_msg("byte %zu was altered and nobody noticed", at);
    if (e.code != RC_OK && e.msg[0] == '\0')
        fail_msg("byte %zu: an error without a message", at);
    file->p[at] = was;
}

static void
alter_everywhere(const char *path, bool has_checksum)
{
    struct buf file = BUF_INIT(FILE_MAX);
    struct err e = ERR_INIT;

    T_OK(fs_read_file(path, &file, &e));
    T_OK(convert(buf_str(&file), &e));
    for (size_t at = 0; at < FIRST_BYTES; at++)
        flip(&file, at, has_checksum);
    for (size_t i = 0; i < RANDOM_BYTES; i++)
        flip(&file, next_random() % file.n, has_checksum);
    for (size_t i = 0; i < CUTS; i++)
        T_RC(convert(str_of(file.p, next_random() % file.n), &e), RC_CORRUPT);
    buf_release(&file);
}

static void
test_altered_files_with_a_checksum_are_refused(void **state)
{
    (void)state;
    alter_everywhere(CORPUS_RDB "/types-7.0.rdb", true);
}

static void
test_altered_files_without_a_checksum_do_no_harm(void **state)
{
    (void)state;
    alter_everywhere(CORPUS_RDB "/types-7.0-plain.rdb", false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_altered_files_with_a_checksum_are_refused),
        cmocka_unit_test(test_altered_files_without_a_checksum_do_no_harm),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

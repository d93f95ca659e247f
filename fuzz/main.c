/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files, for compilers without libFuzzer: a regression test over the
 * corpus.
 * usage: fuzz_NAME [--tap] FILE-OR-FOLDER ...
 *
 * Prints TAP: one test for each argument; a crash ends it.
 * Besides each file as it is, every prefix of a short one and 200 mutations of each are tried.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { FILE_MAX = 64 * 1024 * 1024, PREFIX_MAX = 2000, MUTATIONS = 200 };

static uint32_t seed = 1;

static uint32_t
next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static void
try_mutations(const struct buf *b)
{
    uint8_t *copy = mem_alloc(b->n);

    for (int i = 0; i < MUTATIONS && b->n > 0; i++) {
        memcpy(copy, b->p, b->n);
        for (uint32_t k = next_random() % 4; k < 4; k++)
            copy[next_random() % b->n] = (uint8_t)next_random();
        (void)LLVMFuzzerTestOneInput(copy, b->n);
    }
    mem_free(copy);
}

static bool
run_file(const char *path)
{
    struct buf b = BUF_INIT(FILE_MAX);
    struct err e = ERR_INIT;

    if (fs_read_file(path, &b, &e)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        buf_release(&b);
        return false;
    }
    (void)LLVMFuzzerTestOneInput(b.p, b.n);
    for (size_t n = 0; n < b.n && n < PREFIX_MAX; n++)
        (void)LLVMFuzzerTestOneInput(b.p, n);
    try_mutations(&b);
    buf_release(&b);
    return true;
}

static bool
run_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *d;
    bool ok = dir != NULL;
    size_t n = 0;

    while (ok && (d = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
        char *file;
        if (d->d_name[0] == '.')
            continue;
        file = mem_printf("%s/%s", path, d->d_name);
        ok = run_file(file);
        mem_free(file);
        n++;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return ok && n > 0;
}

int
main(int argc, char **argv)
{
    int failed = 0, tests = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool ok;
        if (strcmp(argv[i], "--tap") == 0)
            continue;
        ok = stat(argv[i], &st) == 0 &&
             (S_ISDIR(st.st_mode) ? run_folder(argv[i]) : run_file(argv[i]));
        (void)printf("%sok %d - %s\n", ok ? "" : "not ", ++tests, argv[i]);
        failed += !ok;
    }
    return failed != 0;
}

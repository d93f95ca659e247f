/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/fs.h"

enum { STATM_MAX = 4096 };

static void
process_put(struct metrics *m, const char *name, const char *type, const char *help, double value)
{
    metrics_begin(m, name, type, help);
    metrics_sample(m, NULL, value);
}

/* The next number of a line of them; false: there is none. `*at` moves behind it. */
static bool
next_number(const char **at, uint64_t *out)
{
    const char *from = *at + strspn(*at, " ");
    size_t n = strcspn(from, " \n");

    *at = from + n;
    return str_to_u64(str_of(from, n), out);
}

static void
put_memory(struct metrics *m)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(STATM_MAX);
    double page = (double)sysconf(_SC_PAGESIZE);
    struct err ignored = ERR_INIT;
    uint64_t all, resident;
    const char *at;

    if (fs_read_file("/proc/self/statm", &line, &ignored))
        return;
    at = buf_c(&line);
    if (!next_number(&at, &all) || !next_number(&at, &resident))
        return;
    process_put(m, "process_virtual_memory_bytes", "gauge", "Virtual memory", (double)all * page);
    process_put(m, "process_resident_memory_bytes", "gauge", "Resident memory",
                (double)resident * page);
}

static double
process_seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void
metrics_process(struct metrics *m)
{
    struct rusage use;

    put_memory(m);
    if (getrusage(RUSAGE_SELF, &use) == 0)
        process_put(m, "process_cpu_seconds_total", "counter", "Time on processors",
                    process_seconds(use.ru_utime) + process_seconds(use.ru_stime));
}

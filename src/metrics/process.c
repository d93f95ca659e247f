/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/process.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void
put(struct metrics *m, const char *name, const char *type, const char *help, double value)
{
    metrics_begin(m, name, type, help);
    metrics_sample(m, NULL, value);
}

static void
put_memory(struct metrics *m)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long long all, resident;
    long page = sysconf(_SC_PAGESIZE);

    if (f == NULL)
        return;
    if (fscanf(f, "%llu %llu", &all, &resident) == 2) {
        put(m, "process_virtual_memory_bytes", "gauge", "Virtual memory",
            (double)all * (double)page);
        put(m, "process_resident_memory_bytes", "gauge", "Resident memory",
            (double)resident * (double)page);
    }
    (void)fclose(f);
}

static double
seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void
metrics_process(struct metrics *m)
{
    struct rusage use;

    put_memory(m);
    if (getrusage(RUSAGE_SELF, &use) == 0)
        put(m, "process_cpu_seconds_total", "counter", "Time on processors",
            seconds(use.ru_utime) + seconds(use.ru_stime));
}

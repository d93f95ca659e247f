/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRICS_PROCESS_H
#define METRICS_PROCESS_H

/*
 * metrics/process -- the series about itself that every program of Prometheus' world has.
 *
 * Source  Prometheus, "Writing client libraries", standard and process metrics.
 */
#include "metrics/text.h"

/* Memory and processor time of this process; what /proc does not tell is left out. */
void metrics_process(struct metrics *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LINE_H
#define CLI_LINE_H

/*
 * cli/line -- a command line in order: the words of the command first, and then its options.
 *
 * Why      restic and kubectl take options that all commands have before the command, and between its words.
 * Shape    words are moved within argv, none is copied. What may stand there: app_program->leading.
 */
#include "cli/app.h"

/* help, --help or -h? */
bool line_is_help(const char *word);
/* Is it the first word of commands whose names are two? Then the first of these, else NULL. */
const struct command *line_head(const char *word);
/* Does it take what kubectl takes? */
bool line_is_of_cluster(const struct command *c);

/* kubectl's -v N, -v=N, -vN say how much it logs of itself: they are dropped. How many words are left. */
int line_drop_levels(int argc, char **argv);

/*
 * The words of the command to the front: `cstash -r URL snapshots` is `cstash snapshots -r URL`, and
 * `kubectl stash create -n a repository x` is `kubectl stash create repository -n a x`. An option in front that may not stand
 * there becomes argv[1]. argv[0] is the program, argc at least 2.
 */
enum line_order { LINE_SORTED, LINE_ASKS_HELP, LINE_NO_COMMAND };
enum line_order line_sort(int argc, char **argv);

#endif

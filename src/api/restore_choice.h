/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_RESTORE_CHOICE_H
#define API_RESTORE_CHOICE_H

/*
 * api/restore_choice -- `spec.cstash` of a RestoreSession, and of each member of a RestoreBatch: which keys, and what becomes of them.
 *
 * Why      what only `args` of a Task could say, which its author writes for all restores, and in which no value has a blank.
 * Name     Stash's specs have no field "cstash", and will hardly ever get one.
 * Shape    the operator turns it into options of `cstash restore`, in words of their own, which the Job's step reads from its
 *          environment (RESTORE_CHOICE_ENV) as a JSON list; there each replaces what `args` say by the same option.
 * Errors   RC_INVALID names the field. What the options' own rules refuse is refused here, before there is a Job.
 */
#include "json/node.h"

#define RESTORE_CHOICE_ENV "CSTASH_RESTORE_OPTIONS"

/* Of spec.cstash, which may be NULL; `path` is where it stands. `*out`: a list of texts, NULL where it says nothing; the caller frees. */
NODISCARD enum rc restore_choice_options(const struct json *choice, const char *path,
                                         struct json **out, struct err *e);
/* The same as the text of the variable, in which no cluster expands anything; NULL as above, or it is wrong; mem_free. */
char *restore_choice_env(const struct json *choice);

#endif

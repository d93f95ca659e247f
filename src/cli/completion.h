/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

/*
 * cli/completion -- scripts by which shells complete the commands of the program, under the name by which it was called.
 *
 * Shape    each shell has a file that prints its script, completion_SHELL.c; what is completed comes from app_program and from
 *          the options' rows, by the functions below.
 * Names    of commands may be two words ("create repository"): the first of them, the head, is completed by itself.
 */
#include "cli/app.h"

void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

/* "_kubectl_stash"; to stdout. */
void completion_function(void);
/* Between single quotes; what `special` names gets a backslash. */
void completion_quoted(const char *text, const char *special);
void completion_words(const char *const *words);
/* Each head once. */
void completion_heads(void);
/* A word of a command's name, `n` bytes, and the first command that has it. */
typedef void completion_fn(void *arg, const struct command *c, const char *word, size_t n);
/* Each head once; each head of commands whose names are two words; the second words behind the head of `c`. */
void completion_each_head(completion_fn *fn, void *arg);
void completion_each_pair(completion_fn *fn, void *arg);
void completion_each_second(const struct command *c, completion_fn *fn, void *arg);
/* What the first word behind the command may be. */
void completion_first(const struct command *c);

/* How many bytes of a command's name are its head. */
size_t completion_head(const struct command *c);
/* The first command of that head. */
bool completion_is_new(const struct command *c);
/* The second words of that head, or nothing: "list add update remove". */
void completion_seconds(const struct command *c);
/* Is its name two words? */
static inline bool
completion_is_pair(const struct command *c)
{
    return c->name[completion_head(c)] != '\0';
}

/* One option after the other, those too that a verb of the plug-in takes otherwise than the command behind it. Zero it first. */
const struct opt *completion_next(const struct command *c, struct opts_cursor *at);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_QUESTION_H
#define JOB_QUESTION_H

/*
 * job/question -- what a restored server is asked, and what it should answer.
 *
 * Why      digests prove that it holds the backup; that the backup holds what it should is known by who uses it.
 * Form     COMMAND => ANSWER, as one would type it in redis-cli, "-n DB" in front for another database:
 *              GET greeting => "hello world"
 *              LRANGE jobs 0 -1 => a b c
 *              GET gone => (nil)
 *              DBSIZE >= 1000
 *          Words are quoted as in redis-cli ("..." with \n \r \t \xHH \" \\, or '...'). An answer that is a list is all its elements
 *          in order; (empty) is one without any. >= and <= compare numbers.
 * Rules    only commands that read. The data were loaded without their times to expire, so those cannot be asked for.
 * Errors   never the value of a key: of answers only numbers that the server counted are told.
 * Tests    question_test.c
 */
#include "redis/conn.h"

struct question;

/* RC_USAGE says what was wrong with it. */
NODISCARD enum rc question_parse(const char *text, struct question **out, struct err *e);
void question_free(struct question *q);
/* RC_CORRUPT: it answered something else. */
NODISCARD enum rc question_ask(struct ctx *cx, struct conn *c, const struct question *q,
                               struct err *e);

/* ---- pure, for tests ---- */
bool question_is_answer(const struct question *q, const struct reply *r);

#endif

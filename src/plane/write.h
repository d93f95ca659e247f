/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_WRITE_H
#define PLANE_WRITE_H

/* plane/write -- from an object that a client wants to the one that is stored. */
#include "plane/core.h"

struct pending_write {
    struct json *old;  /* NULL: to be created */
    int64_t rev;       /* of old */
    struct json *obj;  /* changed in place to what is stored */
    bool applied;      /* managedFields are done */
    struct buf stored; /* obj as it was printed for the db; may be empty */
};
void pending_write_release(struct pending_write *w);

enum write_result { WRITE_DONE, WRITE_RETRY, WRITE_ANSWERED };

/*
 * Complete, check and store w->obj (c->name and c->sub say where). WRITE_RETRY: somebody was
 * faster; load again. WRITE_ANSWERED: it was refused.
 */
enum write_result pending_write_store(struct call *c, struct pending_write *w);

/* Answer with w->obj. */
bool pending_write_answer(struct call *c, int status, struct pending_write *w);

/* Gone from the db, with what hangs on it in the registry. `*done` false: somebody was faster. */
bool remove_object(struct call *c, struct json *obj, int64_t rev, bool *done);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_WRITE_H
#define PLANE_WRITE_H

/* plane/write -- from an object that a client wants to the one that is stored. */
#include "plane/core.h"

struct wish {
    struct json *old;  /* NULL: to be created */
    int64_t rev;       /* of old */
    struct json *obj;  /* changed in place to what is stored */
    bool applied;      /* managedFields are done */
    struct buf stored; /* obj as it was printed for the db; may be empty */
};
void wish_release(struct wish *w);

enum wish_result { WISH_DONE, WISH_AGAIN, WISH_ANSWERED };

/*
 * Complete, check and store w->obj (c->name and c->sub say where). WISH_AGAIN: somebody was
 * faster; load again. WISH_ANSWERED: it was refused.
 */
enum wish_result wish_store(struct call *c, struct wish *w);

/* Answer with w->obj. */
bool wish_answer(struct call *c, int status, struct wish *w);

/* Gone from the db, with what hangs on it in the registry. `*done` false: somebody was faster. */
bool remove_object(struct call *c, struct json *obj, int64_t rev, bool *done);

#endif

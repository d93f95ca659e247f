/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "http/client_internal.h"

enum { IDLE_MAX = 8, TURN_MS = 100 };

static struct slot *
new_slot(void)
{
    struct slot *s = MEM_NEW(struct slot);

    s->multi = curl_multi_init();
    s->easy = curl_easy_init();
    if (s->multi == NULL || s->easy == NULL)
        BUG("the HTTP library is out of memory");
    (void)curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, 2L);
    return s;
}

/* Wait until fewer transfers than allowed are under way. */
static enum rc
wait_turn_locked(struct http *h, struct ctx *cx, struct err *e)
{
    while (h->o.connections > 0 && h->n_busy >= h->o.connections) {
        int64_t until = clock_mono_ns() + TURN_MS * 1000000LL;
        struct timespec t = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
        if (ctx_check(cx, e))
            return err_code(e);
        (void)pthread_cond_timedwait(&h->freed, &h->lock, &t);
    }
    return RC_OK;
}

enum rc
slot_take(struct http *h, struct ctx *cx, struct slot **out, struct err *e)
{
    struct slot *s;
    enum rc rc;

    (void)pthread_mutex_lock(&h->lock);
    rc = wait_turn_locked(h, cx, e);
    s = h->idle;
    if (rc == RC_OK) {
        h->n_busy++;
        if (s != NULL) {
            h->idle = s->next;
            h->n_idle--;
        }
    }
    (void)pthread_mutex_unlock(&h->lock);
    if (rc != RC_OK)
        return rc;
    *out = s != NULL ? s : new_slot();
    return RC_OK;
}

void
slot_free(struct slot *s)
{
    curl_easy_cleanup(s->easy);
    (void)curl_multi_cleanup(s->multi);
    mem_free(s);
}

void
slot_give(struct http *h, struct slot *s)
{
    bool keep;

    curl_easy_reset(s->easy);
    (void)pthread_mutex_lock(&h->lock);
    h->n_busy--;
    (void)pthread_cond_signal(&h->freed);
    keep = h->n_idle < MAX(h->o.connections, IDLE_MAX);
    if (keep) {
        s->next = h->idle;
        h->idle = s;
        h->n_idle++;
    }
    (void)pthread_mutex_unlock(&h->lock);
    if (!keep)
        slot_free(s);
}

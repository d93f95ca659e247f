/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the plain calls: no fetch, no lock, no allocation */
#include <assert.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "crypto/sha256.h"
#include "crypto/sha256_lanes.h"

static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "struct sha256 is too small");

enum { ORDERED_MAX = 64 /* runs looked at together */ };

static SHA256_CTX *
ctx_of(struct sha256 *h)
{
    return (SHA256_CTX *)(void *)h->state;
}

void
sha256_init(struct sha256 *h)
{
    if (SHA256_Init(ctx_of(h)) != 1)
        BUG("no SHA-256");
}

void
sha256_add(struct sha256 *h, const void *p, size_t n)
{
    if (n != 0 && SHA256_Update(ctx_of(h), p, n) != 1)
        BUG("no SHA-256");
}

void
sha256_end(struct sha256 *h, struct id *out)
{
    if (SHA256_Final(out->b, ctx_of(h)) != 1)
        BUG("no SHA-256");
}

void
sha256_of(struct str bytes, struct id *out)
{
    struct sha256 h;

    sha256_init(&h);
    sha256_add(&h, bytes.p, bytes.n);
    sha256_end(&h, out);
}

/* A run of bytes that is being hashed in a lane. */
struct job {
    struct str left; /* not hashed yet */
    size_t of;       /* number in the caller's arrays */
    uint64_t bytes;  /* of all of it */
};

/* Take the state out of its lane, hash what is left in the ordinary way, and end. */
static void
end_job(const struct sha256_lanes *l, size_t lane, const struct job *job, struct id *out)
{
    struct sha256 h;
    uint64_t done = job->bytes - job->left.n;

    sha256_init(&h);
    for (size_t i = 0; i < 8; i++)
        ctx_of(&h)->h[i] = l->state[i][lane];
    ctx_of(&h)->Nl = (SHA_LONG)(done << 3);
    ctx_of(&h)->Nh = (SHA_LONG)(done >> 29);
    sha256_add(&h, job->left.p, job->left.n);
    sha256_end(&h, &out[job->of]);
}

static void
begin_job(struct sha256_lanes *l, size_t lane, struct job *job, const struct str *in, size_t of)
{
    struct sha256 h;

    *job = (struct job){.left = in[of], .of = of, .bytes = in[of].n};
    sha256_init(&h);
    for (size_t i = 0; i < 8; i++)
        l->state[i][lane] = ctx_of(&h)->h[i];
}

/* Let every lane take as many blocks as the shortest has left. */
static void
sha256_step(const struct sha256_engine *g, struct sha256_lanes *l, struct job *jobs, size_t active)
{
    static const uint8_t nothing[64];
    size_t blocks = SIZE_MAX;

    for (size_t i = 0; i < active; i++)
        blocks = MIN(blocks, jobs[i].left.n / 64);
    for (size_t i = 0; i < SHA256_LANES; i++) {
        l->from[i] = i < active ? jobs[i].left.p : nothing;
        l->stride[i] = i < active ? 64 : 0;
    }
    g->run(l, blocks);
    for (size_t i = 0; i < active; i++)
        jobs[i].left = str_of(jobs[i].left.p + blocks * 64, jobs[i].left.n - blocks * 64);
}

/* Numbers of the runs, longest first: the short ones then fill the lanes that become free. */
static void
order_by_length(const struct str *in, size_t n, size_t order[static ORDERED_MAX])
{
    for (size_t i = 0; i < n; i++) {
        size_t k = i;
        for (; k > 0 && in[order[k - 1]].n < in[i].n; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
}

static void
hash_some(const struct sha256_engine *g, const struct str *in, size_t n, struct id *out)
{
    size_t order[ORDERED_MAX];
    struct sha256_lanes l;
    struct job jobs[SHA256_LANES];
    size_t active = 0, next = 0;

    memset(&l, 0, sizeof(l));
    order_by_length(in, n, order);
    while (next < n || active >= g->worth) {
        while (active < g->lanes && next < n) {
            begin_job(&l, active, &jobs[active], in, order[next++]);
            active++;
        }
        if (active < g->worth)
            break;
        sha256_step(g, &l, jobs, active);
        for (size_t i = 0; i < active; i++) {
            if (jobs[i].left.n >= 64)
                continue;
            end_job(&l, i, &jobs[i], out);
            active--;
            jobs[i] = jobs[active];
            for (size_t k = 0; k < 8; k++)
                l.state[k][i] = l.state[k][active];
            i--; /* the lane that moved here is asked too */
        }
    }
    for (size_t i = 0; i < active; i++)
        end_job(&l, i, &jobs[i], out);
}

void
sha256_many_by(const struct sha256_engine *g, const struct str *in, size_t n, struct id *out)
{
    while (g != NULL && n >= g->worth) {
        size_t some = MIN(n, (size_t)ORDERED_MAX);
        hash_some(g, in, some, out);
        in += some;
        out += some;
        n -= some;
    }
    for (size_t i = 0; i < n; i++)
        sha256_of(in[i], &out[i]);
}

void
sha256_many(const struct str *in, size_t n, struct id *out)
{
    sha256_many_by(sha256_engine(0), in, n, out);
}

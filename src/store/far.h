/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FAR_H
#define STORE_FAR_H

/*
 * store/far -- stores that are reached by HTTP: what S3, REST servers and others have in common.
 *
 * Why      one place buffers uploads, tries again, judges answers and words errors. A protocol says
 *          how each wish is put into a request, and how its answers are read.
 * Shape    a protocol embeds `struct far`, gives its far_ops to far_init, and has all of store_ops.
 * Memory   an object that is written is held once, until its commit returns.
 *
 * Retries  connections that fail or break, stall for a minute, or bring too few bytes; 408, 429,
 *          5xx except 501, 505 and 507; codes that a protocol's table marks. Pauses double from
 *          half a second to 30 s, with jitter, and are at least what Retry-After asks for; all
 *          together at most store_opts.retry_ms (half a minute as long as the server never
 *          answered: the address may be wrong). An answer that forbids (400 to 404) without the
 *          protocol's own mark may be some proxy's, and is believed after STORE_TRIES.
 *
 * Errors   "could not store data/3f/3f.. at PLACE: the server answered 403 CODE: words".
 *
 * Threads  as store.h; far_ops may be called by several at once.
 *
 */
#include <pthread.h>

#include "crypto/digest.h"
#include "http/client.h"
#include "store/store.h"

struct far;

enum far_verb { FAR_PUT, FAR_GET, FAR_STAT, FAR_DEL, FAR_LIST, FAR_CREATE };

/* What is wanted; the same for every attempt. */
struct far_want {
    enum far_verb verb;
    struct store_name name; /* FAR_LIST: its type */
    uint64_t off;           /* FAR_GET: n bytes from `off` into `to`; NULL: all into the answer's */
    uint8_t *to;            /* body, at most n bytes */
    size_t n;
    struct str body; /* FAR_PUT */
    struct id sha256;
    uint8_t md5[MD5], sha1[SHA1]; /* if the protocol wants them */
    bool strangers;    /* FAR_LIST: not of a type, but whatever there is below the prefix */
    const char *shard; /* FAR_LIST: of the packs, those whose names begin so; NULL: all */
    const char *page;  /* FAR_LIST: as far_ops.page gave it; NULL: the first; or far_ops.del's */
};

enum {
    FAR_HEADERS = 16,
    FAR_WANT_DATE = 4,    /* of far_ask.want: when the answer was made */
    FAR_WANT_WRITTEN = 5, /* and when the object was; a protocol may ask for another field */
};

/* One request on its way. */
struct far_ask {
    const char *method;
    struct buf url;
    char *headers[FAR_HEADERS + 1]; /* owned, wiped when done */
    size_t n_headers;
    bool over; /* a part of it was too long: url and body have their own marks (buf_put) */
    const char *want[HTTP_WANT]; /* the first is far.c's own, and those named below */
    const char *user, *password; /* basic authentication; borrowed */
    struct buf body;             /* in place of far_want.body, unless empty */
    void *carried;               /* for far_ops.done */
};

/* Append a header line. One that is too long makes the whole request fail, with words. */
void far_header(struct far_ask *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What an answer says of itself. */
struct far_words {
    char code[64], text[200];
    bool marked; /* it is the protocol's own, no proxy's */
};

enum { FAR_DOUBT_MS = 100 }; /* before what may be a proxy's word is asked for again */

/* What a protocol's error code means, where the HTTP status does not say it. */
struct far_code {
    const char *code;
    enum rc rc;
    bool retry;
    const char *hint; /* NULL: none */
};

/* An object in a list: its whole name, or only what follows the last slash. */
typedef enum rc far_name_fn(void *arg, struct str name, uint64_t bytes, struct err *e);

/* What becomes of a page of a list. */
struct far_page {
    far_name_fn *fn; /* called for each object */
    void *arg;
    struct buf *next; /* where the next page begins is appended, if there is one */
};

struct far_ops {
    bool wants_md5, wants_sha1;
    bool never_overwrites;        /* a second PUT of a name is refused with 403 */
    bool shards;                  /* FAR_LIST of packs can be cut by the first digit */
    bool lists_strangers;         /* FAR_LIST can be of whatever there is */
    const struct far_code *codes; /* ended by a NULL code; may be NULL */
    /* Method, URL and headers, credentials included. Called for every attempt: signatures age. */
    enum rc (*ask)(struct ctx *cx, struct far *f, const struct far_want *w, struct far_ask *out,
                   struct err *e);
    /* Read an answer that is no success. */
    void (*explain)(struct far *f, const struct http_response *r, struct far_words *out);
    /* Optional: the object's size in the answer to FAR_STAT, where it is not Content-Length. */
    bool (*size)(const struct http_response *r, uint64_t *bytes);
    /* Optional: when the object was written, in unix ms, in the answer to FAR_STAT, where it is not
     * the date of FAR_WANT_WRITTEN. */
    bool (*written)(const struct http_response *r, int64_t *ms);
    /* Optional: is what a success to FAR_PUT says of the object what was sent? RC_UNAVAILABLE with
     * retry: no. */
    enum rc (*check_put)(struct far *f, const struct far_want *w, const struct http_response *r,
                         struct err *e);
    /* Optional: what the codes cannot say; may change `e`, as filled so far. */
    void (*judge)(struct far *f, const struct http_response *r, const struct far_words *words,
                  struct err *e);
    /* One page of a list. */
    enum rc (*page)(struct ctx *cx, struct far *f, const struct far_want *w,
                    const struct http_response *r, const struct far_page *to, struct err *e);
    /* Optional: an attempt is over. `carried` is what its `ask` left, owned from here on; `r` its
     * answer, NULL: none came. Credentials that were refused are dropped here, and no others. */
    void (*done)(struct far *f, void *carried, const struct http_response *r);
    /* Optional: store_ops.del, where it takes more than one request. */
    enum rc (*del)(struct ctx *cx, struct far *f, const struct store_name *name, struct err *e);
    /* store_ops.create. RC_CONFLICT: the place is there by now; it is called once more. */
    enum rc (*create)(struct ctx *cx, struct far *f, struct err *e);
    void (*release)(struct far *f);
};

/* A mapping for an upload, and those that wait for the next one: fresh memory costs more than
 * encrypting what goes there. */
enum { FAR_ROOMS = 8 };
struct far_room {
    uint8_t *p;
    size_t bytes;
};
struct far_rooms {
    pthread_mutex_t mutex;
    struct far_room left[FAR_ROOMS];
    size_t n;
};

struct far {
    struct store store;
    const struct far_ops *ops;
    struct http *http;
    struct far_rooms rooms;
    int retry_ms;
    unsigned slowest; /* bytes a second that one request may come down to; far_try.c */
    atomic_bool met;  /* the server answered once */
    bool whole;       /* there is no prefix: the repository lies in the root */
};

/*
 * `place` is taken over, also on failure; after a failure only far_release. `ca` and the like come
 * from `o`, which may not be NULL.
 */
NODISCARD enum rc far_init(struct far *f, const struct far_ops *ops, char *place,
                           const struct store_opts *o, struct err *e);
void far_release(struct far *f);

/*
 * far_ops.create by the requests FAR_LIST and FAR_CREATE: the container, if it is not there. RC_OK
 * also for who may not ask: he may still be allowed to write.
 */
NODISCARD enum rc far_create(struct ctx *cx, struct far *f, struct err *e);

/* A date of HTTP as unix ms; false: it is none. */
bool far_date(const char *text, int64_t *ms);

/*
 * Is our clock further from the header field Date of a refusal than the 15 minutes for which
 * signatures are good? Then `e` says so, and keeps its e->sys.
 */
bool far_clock_is_wrong(const char *date, struct err *e);

/* One wish, through all attempts. The answer is a success; http_response_release it. */
NODISCARD enum rc far_exchange(struct ctx *cx, struct far *f, const struct far_want *w,
                               struct http_response *out, struct err *e);

/* Where an XML list has what far_name_fn wants, as xml.h names elements. */
struct far_xml {
    const char *entry, *name, *size, *next;
};
/* far_ops.page of such a list. */
NODISCARD enum rc far_xml_page(struct str body, const struct far_xml *where,
                               const struct far_page *to, struct err *e);
/* Append "prefix/data/3f/3f..", or "prefix/data/" for FAR_LIST, percent-encoded but for slashes. */
void far_path(struct buf *to, const char *prefix, const struct far_want *w);
/* The same with its slashes encoded too, for a query. */
void far_query(struct buf *to, const char *prefix, const struct far_want *w);
/* As http_escape, but slashes stay. */
void far_escape_path(struct buf *to, const char *path);

#endif

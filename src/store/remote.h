/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REMOTE_H
#define STORE_REMOTE_H

/*
 * store/remote -- stores that are reached by HTTP: what S3, REST servers and others have in common.
 *
 * Why      one place buffers uploads, tries again, judges answers and words errors. A protocol says
 *          how an operation becomes a request, and how its answers are read.
 * Shape    a protocol embeds `struct remote`, gives its remote_ops to remote_init, and has all of store_ops.
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
 * Threads  as store.h; remote_ops may be called by several at once.
 *
 */
#include <pthread.h>

#include "crypto/digest.h"
#include "http/client.h"
#include "store/store.h"

struct remote;

enum remote_verb { REMOTE_PUT, REMOTE_GET, REMOTE_STAT, REMOTE_DEL, REMOTE_LIST, REMOTE_CREATE };

/* What is wanted; the same for every attempt. */
struct remote_op {
    enum remote_verb verb;
    struct store_name name; /* REMOTE_LIST: its type */
    uint64_t off; /* REMOTE_GET: n bytes from `off` into `to`; NULL: all into the answer's */
    uint8_t *to;  /* body, at most n bytes */
    size_t n;
    struct str body; /* REMOTE_PUT */
    struct id sha256;
    uint8_t md5[MD5], sha1[SHA1]; /* if the protocol wants them */
    bool foreign;      /* REMOTE_LIST: not of a type, but whatever there is below the prefix */
    const char *shard; /* REMOTE_LIST: of the packs, those whose names begin so; NULL: all */
    const char
        *page; /* REMOTE_LIST: as remote_ops.page gave it; NULL: the first; or remote_ops.del's */
};

enum {
    REMOTE_HEADERS = 16,
    REMOTE_WANT_DATE = 4,    /* of remote_request.want: when the answer was made */
    REMOTE_WANT_WRITTEN = 5, /* and when the object was; a protocol may ask for another field */
};

/* One request on its way. */
struct remote_request {
    const char *method;
    struct buf url;
    char *headers[REMOTE_HEADERS + 1]; /* owned, wiped when done */
    size_t n_headers;
    bool over; /* a part of it was too long: url and body have their own marks (buf_put) */
    const char *want[HTTP_WANT]; /* the first is remote.c's own, and those named below */
    const char *user, *password; /* basic authentication; borrowed */
    struct buf body;             /* in place of remote_op.body, unless empty */
    void *carried;               /* for remote_ops.done */
};

/* Append a header line. One that is too long makes the whole request fail, with words. */
void remote_header(struct remote_request *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What an answer says of itself. */
struct remote_error {
    char code[64], text[200];
    bool from_service; /* it is the protocol's own, no proxy's */
};

enum { REMOTE_UNTRUSTED_MS = 100 }; /* before what may be a proxy's word is asked for again */

/* What a protocol's error code means, where the HTTP status does not say it. */
struct remote_code {
    const char *code;
    enum rc rc;
    bool retry;
    const char *hint; /* NULL: none */
};

/* An object in a list. */
enum { REMOTE_NO_TIME = -1 };
struct remote_entry {
    struct str name; /* the whole of it, or only what follows the last slash */
    uint64_t bytes;
    int64_t written_ms; /* unix ms; REMOTE_NO_TIME: it is not told */
};
typedef enum rc remote_entry_fn(void *arg, const struct remote_entry *o, struct err *e);

/* What becomes of a page of a list. */
struct remote_page {
    remote_entry_fn *fn; /* called for each object */
    void *arg;
    struct buf *next; /* where the next page begins is appended, if there is one */
};

struct remote_ops {
    bool wants_md5, wants_sha1;
    bool never_overwrites;           /* a second PUT of a name is refused with 403 */
    bool shards;                     /* REMOTE_LIST of packs can be cut by the first digit */
    bool lists_foreign;              /* REMOTE_LIST can be of whatever there is, with times */
    const struct remote_code *codes; /* ended by a NULL code; may be NULL */
    /* Method, URL and headers, credentials included. Called for every attempt: signatures age. */
    enum rc (*ask)(struct ctx *cx, struct remote *f, const struct remote_op *w,
                   struct remote_request *out, struct err *e);
    /* Read an answer that is not a success. */
    void (*parse_error)(struct remote *f, const struct http_response *r, struct remote_error *out);
    /* Optional: the object's size in the answer to REMOTE_STAT, where it is not Content-Length. */
    bool (*size)(const struct http_response *r, uint64_t *bytes);
    /* Optional: when the object was written, in unix ms, in the answer to REMOTE_STAT, where it is not
     * the date of REMOTE_WANT_WRITTEN. */
    bool (*written)(const struct http_response *r, int64_t *ms);
    /* Optional: is what a success to REMOTE_PUT says of the object what was sent? RC_UNAVAILABLE with
     * retry: no. */
    enum rc (*check_put)(struct remote *f, const struct remote_op *w, const struct http_response *r,
                         struct err *e);
    /* Optional: what the codes cannot say; may change `e`, as filled so far. */
    void (*classify_error)(struct remote *f, const struct http_response *r,
                           const struct remote_error *words, struct err *e);
    /* One page of a list. */
    enum rc (*page)(struct ctx *cx, struct remote *f, const struct remote_op *w,
                    const struct http_response *r, const struct remote_page *to, struct err *e);
    /* Optional: an attempt is over. `carried` is what its `ask` left, owned from here on; `r` its
     * answer, NULL: none came. Credentials that were refused are dropped here, and no others. */
    void (*done)(struct remote *f, void *carried, const struct http_response *r);
    /* Optional: store_ops.del, where it takes more than one request. */
    enum rc (*del)(struct ctx *cx, struct remote *f, const struct store_name *name, struct err *e);
    /* store_ops.create. RC_CONFLICT: the place is there by now; it is called once more. */
    enum rc (*create)(struct ctx *cx, struct remote *f, struct err *e);
    void (*release)(struct remote *f);
};

/* A mapping for an upload, and those that wait for the next one: fresh memory costs more than
 * encrypting what goes there. */
enum { UPLOAD_POOL_MAX = 8 };
struct upload_buffer {
    uint8_t *p;
    size_t bytes;
};
struct upload_pool {
    pthread_mutex_t mutex;
    struct upload_buffer left[UPLOAD_POOL_MAX];
    size_t n;
};

struct remote {
    struct store store;
    const struct remote_ops *ops;
    struct http *http;
    struct upload_pool pool;
    int retry_ms;          /* 0: each operation is tried once */
    unsigned slowest;      /* bytes a second that one request may come down to; remote_try.c */
    atomic_bool contacted; /* the server answered once */
    bool at_bucket_root;   /* there is no prefix: the repository lies in the root */
    const char *prefix;    /* of all names, if lists_foreign; borrowed of the protocol */
};

/*
 * `place` is taken over, also on failure; after a failure only remote_release. `ca` and the like come
 * from `o`, which may not be NULL.
 */
NODISCARD enum rc remote_init(struct remote *f, const struct remote_ops *ops, char *place,
                              const struct store_opts *o, struct err *e);
void remote_release(struct remote *f);

/*
 * remote_ops.create by the requests REMOTE_LIST and REMOTE_CREATE: the container, if it is not there. RC_OK
 * also for who may not ask: he may still be allowed to write.
 */
NODISCARD enum rc remote_create(struct ctx *cx, struct remote *f, struct err *e);

/* A date of HTTP as unix ms; false: it is none. */
bool remote_date(const char *text, int64_t *ms);

/*
 * Is our clock further from the header field Date of a refusal than the 15 minutes for which
 * signatures are good? Then `e` says so, and keeps its e->sys.
 */
bool remote_clock_is_wrong(const char *date, struct err *e);

/* One operation, through all attempts. The answer is a success; http_response_release it. */
NODISCARD enum rc remote_exchange(struct ctx *cx, struct remote *f, const struct remote_op *w,
                                  struct http_response *out, struct err *e);

/* Where an XML list has what remote_entry_fn wants, as xml.h names elements. */
struct remote_xml {
    const char *entry, *name, *size, *written, *next;
};
/* remote_ops.page of such a list. */
NODISCARD enum rc remote_xml_page(struct str body, const struct remote_xml *where,
                                  const struct remote_page *to, struct err *e);
/* Append "prefix/data/3f/3f..", or "prefix/data/" for REMOTE_LIST, percent-encoded but for slashes. */
void remote_path(struct buf *to, const char *prefix, const struct remote_op *w);
/* The same with its slashes encoded too, for a query. */
void remote_query(struct buf *to, const char *prefix, const struct remote_op *w);
/* As http_escape, but slashes stay. */
void remote_escape_path(struct buf *to, const char *path);

#endif

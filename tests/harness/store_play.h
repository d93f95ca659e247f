/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARNESS_STORE_PLAY_H
#define HARNESS_STORE_PLAY_H

/*
 * harness/store_play -- a remote store in front of a scripted server, which plays all hosts that the store talks
 * to: answers are added in the order in which they will be wanted, then the store is opened and used.
 */
#include "harness/http_script.h"
#include "store/store.h"

enum { PLAY_ANSWERS = 12 };
#define PLAY_KEY "0123456789012345678901234567890123456789012345678901234567890123"

/* Zeroed is empty. */
struct play {
    struct http_script server;
    char *answers[PLAY_ANSWERS + 1];
    size_t n;
    char host[64]; /* "127.0.0.1:PORT"; empty: nobody listens yet */
    char url[80];  /* the same with "http://" */
    struct store *store;
    struct ctx cx;
};

/* host and url are known from here on; may be called again. */
static inline void
play_listen(struct play *p)
{
    if (p->host[0] != '\0')
        return;
    http_script_listen(&p->server);
    (void)sscanf(p->server.url, "http://%63[^/]", p->host);
    (void)snprintf(p->url, sizeof(p->url), "http://%s", p->host);
}

/* An answer with more header fields, each with its line's end. */
static inline void
play_add_fields(struct play *p, int status, const char *fields, const char *body)
{
    p->answers[p->n++] = mem_printf("HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s", status,
                                    fields, strlen(body), body);
}

/* One of JSON. */
static inline void
play_add(struct play *p, int status, const char *body)
{
    p->answers[p->n++] = http_script_answer(status, body);
}

/* `env` as for http_script_env; `o` has what is special, or is NULL. */
static inline void
play_open(struct play *p, const char *address, const char **env, const struct store_opts *o)
{
    struct store_opts opts = o != NULL ? *o : (struct store_opts){.retry_ms = 1000};
    struct err e = ERR_INIT;

    opts.env = http_script_env;
    opts.env_arg = env;
    opts.connections = 1;
    play_listen(p);
    http_script_run(&p->server, (const char *const *)p->answers);
    T_OK(ctx_init(&p->cx, &e));
    T_OK(store_open(address, &opts, &p->store, &e));
}

/* Ask for the key PLAY_KEY, which has so many bytes. */
static inline enum rc
play_stat(struct play *p, uint64_t want, struct err *e)
{
    struct store_name name = {.type = STORE_KEY};
    uint64_t bytes = 0;
    enum rc rc;

    assert_true(id_from_hex(STR_LIT(PLAY_KEY), &name.id));
    rc = p->store->ops->stat(&p->cx, p->store, &name, &bytes, e);
    assert_true(rc != RC_OK || bytes == want);
    return rc;
}

/* What the server was asked, to be freed; `p` is done with it. */
static inline char *
play_end(struct play *p)
{
    char *seen;

    store_release(p->store); /* its connections end: the server may be waiting for more */
    ctx_release(&p->cx);
    http_script_end(&p->server);
    seen = mem_strdup(buf_c(&p->server.seen));
    buf_release(&p->server.seen);
    for (size_t i = 0; i < p->n; i++)
        mem_free(p->answers[i]);
    return seen;
}

#endif

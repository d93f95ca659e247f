/* SPDX-License-Identifier: Apache-2.0 */
/* The plane over HTTPS: certificates, the token, the kubeconfig. */
#include <unistd.h>

#include "base/b64.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "httpd/httpd.h"
#include "kube/websocket.h"
#include "plane/certs.h"
#include "plane/core.h"

enum { TOKEN_BYTES = 32, CONNECTIONS_MAX = 512 };

/* Whole and for its owner only, or not at all. */
static enum rc
write_file(struct plane *p, const char *name, struct str text, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/%s", p->dir, name);

    return fs_write_file(path, text, 0600, e);
}

static enum rc
read_file(struct plane *p, const char *name, struct buf *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/%s", p->dir, name);

    return fs_read_file(path, out, e);
}

/* The three PEM texts, made on the first start. */
static enum rc
need_certs(struct plane *p, struct buf *ca, struct buf *cert, struct buf *key, struct err *e)
{
    struct err old = ERR_INIT;

    if (read_file(p, "ca.crt", ca, &old) == RC_OK &&
        read_file(p, "server.crt", cert, &old) == RC_OK &&
        read_file(p, "server.key", key, &old) == RC_OK)
        return RC_OK;
    buf_reset(ca);
    buf_reset(cert);
    buf_reset(key);
    if (certs_make(ca, cert, key, e) || write_file(p, "server.key", buf_str(key), e) ||
        write_file(p, "server.crt", buf_str(cert), e) || write_file(p, "ca.crt", buf_str(ca), e))
        return err_code(e);
    return RC_OK;
}

static enum rc
need_token(struct plane *p, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024);
    struct err old = ERR_INIT;
    uint8_t random[TOKEN_BYTES];

    if (read_file(p, "token", &text, &old) == RC_OK && text.n >= TOKEN_BYTES) {
        p->token = mem_strndup((const char *)text.p, text.n);
        p->token[strcspn(p->token, "\r\n")] = '\0';
        return RC_OK;
    }
    p->token = (char *)mem_zero(2 * TOKEN_BYTES + 1, 1);
    rand_bytes(random, sizeof(random));
    for (size_t i = 0; i < TOKEN_BYTES; i++)
        (void)snprintf(p->token + 2 * i, 3, "%02x", random[i]);
    return write_file(p, "token", str_c(p->token), e);
}

static enum rc
write_kubeconfig(struct plane *p, struct str ca, const char *host, unsigned port, struct err *e)
{
    CLEANUP(buf_release) struct buf coded = BUF_INIT(2 * CERT_MAX);
    CLEANUP(mem_free_ptr) char *text = NULL;

    if (b64_encode(ca, &coded, e))
        return err_code(e);
    text = mem_printf("apiVersion: v1\n"
                      "kind: Config\n"
                      "current-context: cstash\n"
                      "clusters:\n"
                      "- name: cstash\n"
                      "  cluster:\n"
                      "    server: https://%s:%u\n"
                      "    certificate-authority-data: %s\n"
                      "users:\n"
                      "- name: cstash\n"
                      "  user:\n"
                      "    token: %s\n"
                      "contexts:\n"
                      "- name: cstash\n"
                      "  context:\n"
                      "    cluster: cstash\n"
                      "    user: cstash\n"
                      "    namespace: default\n",
                      host, port, buf_c(&coded), p->token);
    return write_file(p, "kubeconfig", str_c(text), e);
}

/* Without telling by its time how much of it was right. */
static bool
is_token(const struct plane *p, const char *header)
{
    size_t n = strlen(p->token);
    unsigned char differ = 0;

    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0 || strlen(header + 7) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        differ |= (unsigned char)(header[7 + i] ^ p->token[i]);
    return differ == 0;
}

static bool
serve_knows(void *arg, const char *authorization)
{
    return is_token((const struct plane *)arg, authorization);
}

/* A plane_stream as the server wants it. */
struct bridge {
    struct httpd_stream pub;
    struct plane_stream *stream;
};

static enum rc
bridge_read(struct rd *rd, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct bridge *b = CONTAINER_OF(rd, struct bridge, pub.rd);
    enum rc rc = rd_read(&b->stream->pub.rd, p, n, got, e);

    if (rc == RC_CANCELLED) { /* the server stops: an end like any other */
        *got = 0;
        return RC_OK;
    }
    return rc;
}

static void
bridge_close(struct httpd_stream *s)
{
    struct bridge *b = CONTAINER_OF(s, struct bridge, pub);

    b->stream->close(b->stream);
    mem_free(b);
}

/*
 * Which of the protocols for commands; NULL: none. The second differs from the first in how an end of what is sent is told, which is
 * passed over anyway.
 */
static const char *
exec_protocol(const struct httpd_request *rq)
{
    static const char *const known[] = {"v4.channel.k8s.io", "v5.channel.k8s.io"};

    if (rq->upgrade_key == NULL || strlen(rq->upgrade_key) > 64 || rq->upgrade_protocols == NULL)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strstr(rq->upgrade_protocols, known[i]) != NULL)
            return known[i];
    return NULL;
}

static void
serve_upgrade(const struct httpd_request *rq, struct httpd_answer *a)
{
    CLEANUP(buf_release) struct buf accept = BUF_INIT(64);

    ws_accept(rq->upgrade_key, &accept);
    httpd_add_header(a, "Upgrade", "websocket");
    httpd_add_header(a, "Sec-WebSocket-Accept", buf_c(&accept));
    httpd_add_header(a, "Sec-WebSocket-Protocol", exec_protocol(rq));
}

static void
on_request(void *arg, struct ctx *cx, const struct httpd_request *rq, struct httpd_answer *a)
{
    struct plane *p = (struct plane *)arg;
    struct kube_request k = {.method = rq->method,
                             .path = rq->uri,
                             .content_type = rq->content_type,
                             .accept = rq->accept,
                             .body = rq->body};
    struct reply rp;

    if (exec_protocol(rq) != NULL)
        k.upgrade_key = rq->upgrade_key;
    reply_init(&rp);
    if (!is_token(p, rq->authorization)) {
        CLEANUP(json_free_ptr)
        struct json *s = status_new(401, "Unauthorized", "Unauthorized", NULL, NULL, NULL);
        reply_json(&rp, 401, s);
    } else if (rq->impersonate != NULL) { /* it would be done with all rights, as somebody else */
        CLEANUP(json_free_ptr)
        struct json *s = status_new(
            403, "Forbidden",
            "impersonation is not served: this API server has one user, who may do everything",
            NULL, NULL, NULL);
        reply_json(&rp, 403, s);
    } else {
        plane_answer(p, cx, &k, rq->peer, &rp);
    }
    a->status = rp.status;
    a->content_type = rp.type;
    a->body = rp.body;
    buf_init(&rp.body, KUBE_BODY_MAX);
    for (size_t i = 0; i < rp.n_warnings; i++) {
        CLEANUP(buf_release) struct buf quoted = BUF_INIT(8192);
        buf_putf(&quoted, "299 - \"");
        for (const char *s = rp.warnings[i]; *s != '\0'; s++)
            buf_putf(&quoted, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
        buf_putf(&quoted, "\"");
        httpd_add_header(a, "Warning", buf_c(&quoted));
    }
    if (a->status == 101)
        serve_upgrade(rq, a);
    else
        httpd_add_header(a, "Cache-Control", "no-cache, private");
    if (rp.stream != NULL) {
        struct bridge *b = MEM_NEW(struct bridge);
        b->pub.rd.read = bridge_read;
        b->pub.close = bridge_close;
        b->stream = rp.stream;
        a->stream = &b->pub;
    }
    reply_release(&rp);
}

static bool
serve_six(const char *where)
{
    return strncmp(where, "[::1]:", 6) == 0;
}

bool
plane_on_loopback(const char *where)
{
    return serve_six(where) || strncmp(where, "127.", 4) == 0 ||
           strncmp(where, "localhost:", 10) == 0;
}

enum rc
plane_serve(struct plane *p, const char *where, struct err *e)
{
    CLEANUP(buf_release) struct buf ca = BUF_INIT(CERT_MAX);
    CLEANUP(buf_release) struct buf cert = BUF_INIT(CERT_MAX);
    CLEANUP(buf_release) struct buf key = BUF_INIT(CERT_MAX);
    struct httpd_opts o = {.listen = where,
                           .connections_max = CONNECTIONS_MAX,
                           .knows = serve_knows,
                           .handler = on_request,
                           .arg = p};

    if (!plane_on_loopback(where))
        return err_set(e, RC_INVALID, "%s is not on the loopback interface", where);
    if (need_certs(p, &ca, &cert, &key, e) || need_token(p, e))
        return err_code(e);
    o.cert_pem = buf_c(&cert);
    o.key_pem = buf_c(&key);
    if (httpd_open(&o, &p->httpd, e))
        return err_code(e);
    mem_wipe(key.p, key.n);
    return write_kubeconfig(p, buf_str(&ca), serve_six(where) ? "[::1]" : "127.0.0.1",
                            httpd_port(p->httpd), e);
}

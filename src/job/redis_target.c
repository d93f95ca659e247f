/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AppBinding becomes an address, credentials and TLS settings. Source: Stash; user
 * name, serverName, insecureSkipTLSVerify and tlsSecret are honoured.
 */
#include <netdb.h>
#include <unistd.h>

#include "api/kinds.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/service_endpoint.h"
#include "job/step_internal.h"

enum { PEM_MAX = 1024 * 1024, TRY_MS = 5000, KEYS_SHOWN = 120 };

static void
set_text(char **to, const char *value)
{
    mem_free(*to);
    *to = value == NULL ? NULL : mem_strdup(value);
}

/* ---- the Secret and its transforms ---- */

static enum rc
add_keys_from(struct ctx *cx, struct kube *k, const char *ns, const char *name, struct json *data,
              struct err *e)
{
    CLEANUP(json_free_ptr) struct json *more = NULL;

    if (kube_get(cx, k, &KUBE_SECRET, ns, name, &more, e))
        return err_wrap(e, "addKeysFrom: could not read Secret %s/%s", ns, name);
    json_merge_fields(data, json_field(more, "data"));
    return RC_OK;
}

static enum rc
add_key(const struct json *step, struct json *data, struct err *e)
{
    const char *key = json_text_or(json_field(step, "key"), ""),
               *plain = json_text(json_field(step, "stringValue"));
    CLEANUP(buf_release) struct buf text = BUF_INIT(PEM_MAX);

    if (plain == NULL) {
        json_set_cstr(data, key, json_text_or(json_field(step, "value"), ""));
        return RC_OK;
    }
    if (b64_encode(str_c(plain), &text, e))
        return err_code(e);
    json_set(data, key, json_new_str(buf_str(&text)));
    return RC_OK;
}

/* One entry counts once: the first of its members, in this order. */
static enum rc
redis_target_transform(struct ctx *cx, struct kube *k, const char *ns, const struct json *step,
                       struct json *data, struct err *e)
{
    const struct json *rename = json_field(step, "renameKey");
    const char *name = json_text(json_dig(step, "addKeysFrom", "secretRef", "name"));

    if (json_field(step, "addKey") != NULL)
        return add_key(json_field(step, "addKey"), data, e);
    if (rename != NULL) {
        const char *from = json_text_or(json_field(rename, "from"), "");
        struct json *value = json_clone(json_field(data, from));

        if (value != NULL) {
            json_remove(data, from);
            json_set(data, json_text_or(json_field(rename, "to"), ""), value);
        }
        return RC_OK;
    }
    if (name != NULL)
        return add_keys_from(cx, k, ns, name, data, e);
    json_remove(data, json_text_or(json_dig(step, "removeKey", "key"), ""));
    return RC_OK;
}

/* The keys of a Secret are not secret; mem_free. */
static char *
say_no_password(const char *ns, const char *name, const struct json *data)
{
    CLEANUP(buf_release) struct buf keys = BUF_INIT(KEYS_SHOWN);

    for (struct json_item it = json_first(data); it.key != NULL; it = json_next(data, it))
        buf_putf(&keys, "%s%s", keys.n == 0 ? "" : ", ", it.key);
    return mem_printf("Secret %s/%s has no key \"password\" (it has: %s)", ns, name,
                      keys.n == 0 ? "none" : buf_c(&keys));
}

static enum rc
redis_target_credentials(struct ctx *cx, struct kube *k, const char *ns, struct redis_target *b,
                         struct err *e)
{
    const char *name = json_text(json_dig(b->app, "spec", "secret", "name"));
    const struct json *steps = json_dig(b->app, "spec", "secretTransforms");
    CLEANUP(json_free_ptr) struct json *secret = NULL;
    struct secret user = {0};
    struct err none = ERR_INIT;
    struct json *data;

    if (name == NULL) {
        b->addr.no_pass = mem_strdup("the AppBinding names no Secret (spec.secret.name)");
        return RC_OK;
    }
    if (kube_get(cx, k, &KUBE_SECRET, ns, name, &secret, e))
        return err_wrap(e, "could not read Secret %s/%s of the AppBinding", ns, name);
    data = json_need_object(secret, "data");
    for (size_t i = 0; i < json_size(steps); i++)
        if (redis_target_transform(cx, k, ns, json_elem(steps, i), data, e))
            return err_wrap(e, "secretTransforms[%zu]", i);
    secret_release(&b->addr.pass);
    if (secret_value(secret, "password", &b->addr.pass, &none) && none.code != RC_NOT_FOUND) {
        *e = none;
        return err_code(e);
    }
    if (b->addr.pass.n == 0)
        b->addr.no_pass = say_no_password(ns, name, data);
    if (secret_value(secret, "username", &user, &none) == RC_OK && user.n > 0) {
        mem_free(b->addr.user);
        b->addr.user = mem_strndup((const char *)user.p, user.n);
        b->addr.user_unsure = true;
    }
    secret_release(&user);
    return RC_OK;
}

/* ---- TLS ---- */

static enum rc
client_certificate(struct ctx *cx, struct kube *k, const struct step_flags *f, const char *ns,
                   struct redis_target *b, struct err *e)
{
    const char *name =
        json_text(json_dig(b->app, "spec", "parameters", "clientCertSecret", "name"));
    CLEANUP(json_free_ptr) struct json *secret = NULL;
    struct secret cert = {0}, key = {0};
    enum rc rc;

    if (name == NULL)
        name = json_text(json_dig(b->app, "spec", "tlsSecret", "name"));
    if (name == NULL)
        return RC_OK;
    if (kube_get(cx, k, &KUBE_SECRET, ns, name, &secret, e))
        return err_wrap(e, "could not read Secret %s/%s with the client certificate", ns, name);
    rc = secret_value(secret, "tls.crt", &cert, e);
    if (rc == RC_OK)
        rc = secret_value(secret, "tls.key", &key, e);
    if (rc == RC_OK)
        rc = redis_target_file(f, b, 1, "tls.crt", secret_str(&cert), &b->conn.tls.cert, e);
    if (rc == RC_OK)
        rc = redis_target_file(f, b, 2, "tls.key", secret_str(&key), &b->conn.tls.key, e);
    secret_release(&cert);
    secret_release(&key);
    return rc == RC_OK ? RC_OK : err_wrap(e, "Secret %s/%s", ns, name);
}

/* What is said of TLS where there is none: by the Task it is an error, in an AppBinding it may be of a template. */
static enum rc
redis_target_plain(const struct redis_args *a, const struct redis_target *b, struct err *e)
{
    const char *given = tls_opts_given(&a->tls);
    const struct json *spec = json_field(b->app, "spec"),
                      *client = json_field(spec, "clientConfig");

    if (given != NULL) {
        (void)err_set(e, RC_INVALID,
                      "--%s in args needs a connection with TLS, and this one is without", given);
        return err_hint(
            e, "add --tls to args, or give the AppBinding a caBundle or the scheme rediss");
    }
    if (json_is_true(json_field(client, "insecureSkipTLSVerify")) ||
        json_field(client, "serverName") != NULL || json_field(spec, "tlsSecret") != NULL ||
        json_dig(spec, "parameters", "clientCertSecret") != NULL)
        log_warn(
            "the AppBinding has fields for TLS, but neither a caBundle nor the scheme rediss: the "
            "connection is without TLS");
    return RC_OK;
}

static enum rc
redis_target_tls(struct ctx *cx, struct kube *k, const struct step_flags *f,
                 const struct redis_args *a, const char *ns, struct redis_target *b, struct err *e)
{
    const struct json *client = json_dig(b->app, "spec", "clientConfig"),
                      *ca = json_field(client, "caBundle");
    CLEANUP(buf_release) struct buf pem = BUF_INIT(PEM_MAX);
    struct tls_opts *t = &b->conn.tls;
    const char *name = json_text(json_field(client, "serverName"));

    b->addr.tls = b->addr.tls || ca != NULL || a->use_tls;
    if (!b->addr.tls)
        return redis_target_plain(a, b, e);
    if (ca != NULL && (b64_decode(json_text_str(ca), &pem, e) ||
                       redis_target_file(f, b, 0, "ca.crt", buf_str(&pem), &t->cacert, e)))
        return err_wrap(e, "caBundle of the AppBinding");
    if (client_certificate(cx, k, f, ns, b, e))
        return err_code(e);
    t->cacert = a->tls.cacert != NULL ? a->tls.cacert : t->cacert;
    t->cacert_dir = a->tls.cacert_dir;
    t->cert = a->tls.cert != NULL ? a->tls.cert : t->cert;
    t->key = a->tls.key != NULL ? a->tls.key : t->key;
    t->insecure = a->tls.insecure || json_is_true(json_field(client, "insecureSkipTLSVerify"));
    if (t->insecure)
        log_warn("the certificate of Redis is not verified");
    if (a->tls.sni != NULL)
        name = a->tls.sni;
    if (name == NULL && b->service != NULL)
        b->sni = mem_printf("%s.%s.svc", b->service, b->service_ns);
    else
        set_text(&b->sni, name);
    t->sni = b->sni;
    return tls_check_files(t, e);
}

/* ---- the address ---- */

static enum rc
redis_target_address(struct redis_target *b, const char *ns, struct err *e)
{
    const struct json *client = json_dig(b->app, "spec", "clientConfig"),
                      *svc = json_field(client, "service");
    const char *url = json_text(json_field(client, "url"));
    int64_t port = json_int_or(json_field(svc, "port"), 0);

    if (svc == NULL) {
        if (url == NULL)
            return err_set(e, RC_INVALID, "the AppBinding has neither a service nor a url");
        return redis_addr_parse(str_c(url), NULL, &b->addr, e);
    }
    if (port < 1 || port > 65535)
        return err_set(e, RC_INVALID, "port %lld of the AppBinding's service is not a port",
                       (long long)port);
    b->addr.db = -1;
    b->addr.port = (uint16_t)port;
    b->addr.tls = strcmp(json_text_or(json_field(svc, "scheme"), ""), "rediss") == 0;
    set_text(&b->service, json_text_or(json_field(svc, "name"), ""));
    set_text(&b->service_ns, step_text(json_text(json_field(svc, "namespace")), ns));
    b->addr.host = mem_printf("%s.%s.svc", b->service, b->service_ns);
    return RC_OK;
}

static void
name_address(struct redis_target *b)
{
    if (b->addr.host != NULL)
        (void)snprintf(b->addr.text, sizeof(b->addr.text), "%s://%s:%u",
                       b->addr.tls ? "rediss" : "redis", b->addr.host, b->addr.port);
}

enum rc
redis_target_open(struct ctx *cx, struct kube *k, const struct step_flags *f,
                  const struct redis_args *a, struct redis_target *b, struct err *e)
{
    const char *ns = step_text(f->appbinding_ns, step_text(f->ns, "default"));
    enum rc rc;

    if (step_need(f->appbinding, "appbinding", e))
        return err_code(e);
    b->wait_ms = f->wait_timeout_ms;
    if (kube_get(cx, k, &GVR_APP_BINDING, ns, f->appbinding, &b->app, e))
        return err_wrap(e, "could not read AppBinding %s/%s", ns, f->appbinding);
    rc = redis_target_address(b, ns, e);
    if (rc == RC_OK)
        rc = redis_target_credentials(cx, k, ns, b, e);
    if (rc == RC_OK)
        rc = redis_target_tls(cx, k, f, a, ns, b, e);
    if (rc == RC_OK)
        rc = redis_params_apply(cx, k, f, ns, b, e);
    if (rc != RC_OK)
        return err_wrap(e, "AppBinding %s/%s", ns, f->appbinding);
    if (a->user != NULL) {
        set_text(&b->addr.user, a->user);
        b->addr.user_unsure = false;
    }
    if (a->password != NULL)
        secret_set(&b->addr.pass, str_c(a->password));
    if (a->pipe_timeout_ms > 0)
        b->conn.reply_ms = a->pipe_timeout_ms;
    name_address(b);
    return RC_OK;
}

void
redis_target_close(struct redis_target *b)
{
    for (size_t i = 0; i < ARRAY_LEN(b->files); i++) {
        if (b->files[i] != NULL)
            (void)unlink(b->files[i]);
        mem_free(b->files[i]);
    }
    for (size_t i = 0; i < b->node_map.n; i++)
        mem_free(b->node_map_texts[i]);
    redis_addr_release(&b->addr);
    json_free(b->app);
    mem_free(b->service);
    mem_free(b->service_ns);
    mem_free(b->sni);
    memset(b, 0, sizeof(*b));
}

/* ---- waiting for it ---- */

static bool
redis_target_resolves(const char *host)
{
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    bool yes = getaddrinfo(host, NULL, &hint, &list) == 0;

    if (list != NULL)
        freeaddrinfo(list);
    return yes;
}

/* The first ready address behind a Service, with the port that its port leads to. */
static bool
from_endpoints(struct ctx *cx, struct kube *k, struct redis_target *b)
{
    struct service_endpoint behind;
    struct err e = ERR_INIT;
    bool found = service_endpoint_find(cx, k, b->service_ns, b->service, &behind, &e) == RC_OK &&
                 behind.ready;

    if (found) {
        set_text(&b->addr.host, behind.ip);
        if (behind.n_ports == 1)
            b->addr.port = behind.ports[0];
    }
    service_endpoint_release(&behind);
    return found;
}

static bool
from_service(struct ctx *cx, struct kube *k, struct redis_target *b)
{
    CLEANUP(json_free_ptr) struct json *svc = NULL;
    struct err e = ERR_INIT;
    const char *name;

    if (kube_get(cx, k, &KUBE_SERVICE, b->service_ns, b->service, &svc, &e))
        return false;
    name = json_text(json_dig(svc, "spec", "externalName"));
    if (name == NULL)
        name = json_text(json_dig(svc, "spec", "clusterIP"));
    if (name == NULL || name[0] == '\0' || strcmp(name, "None") == 0)
        return false;
    set_text(&b->addr.host, name);
    return true;
}

/*
 * The name of a Service is known to the cluster's DNS. Where there is none, who stands behind it or the
 * Service itself tell; and last, the bare name may be a host.
 */
static void
redis_target_locate(struct ctx *cx, struct kube *k, struct redis_target *b)
{
    char *name;

    if (b->service == NULL || b->addr.host == NULL)
        return;
    name = mem_printf("%s.%s.svc", b->service, b->service_ns);
    if (redis_target_resolves(name))
        set_text(&b->addr.host, name);
    else if (!from_endpoints(cx, k, b) && !from_service(cx, k, b) &&
             redis_target_resolves(b->service))
        set_text(&b->addr.host, b->service);
    mem_free(name);
    name_address(b);
}

/* What time can mend: a server that starts, a name or a socket that appears. Files were looked at before. */
static bool
may_come(enum rc rc)
{
    return rc == RC_UNAVAILABLE || rc == RC_TIMEOUT || rc == RC_NOT_FOUND || rc == RC_IO;
}

/* Others may wait for this session: what holds it up stands in its status. */
static void
tell_waiting(struct ctx *cx, struct kube *k, const struct step_flags *f,
             const struct redis_target *b, const struct err *why)
{
    CLEANUP(mem_free_ptr)
    char *text = mem_printf("Waiting up to %d s for the target: %s", b->wait_ms / 1000, why->msg);
    const struct step_verdict v = {
        .id = COND_WAITING_FOR_TARGET, .state = COND_TRUE, .text = text, .event = "Warning"};

    log_info("waiting for Redis: %s", why->msg);
    step_note(cx, k, f, &v);
}

static enum rc
wait_loop(struct ctx *cx, struct kube *k, const struct step_flags *f, struct redis_target *b,
          bool *said, struct conn **out, struct err *e)
{
    int64_t until = clock_mono_ms() + b->wait_ms;
    enum rc rc;

    for (;;) {
        int64_t left = until - clock_mono_ms();

        b->conn.connect_ms = (int)MAX(MIN(left, (int64_t)10000), (int64_t)1000);
        b->conn.wait_ms = left > 0 ? (int)left : -1;
        redis_target_locate(cx, k, b);
        rc = topology_connect(cx, &b->addr, &b->conn, b->prefer, out, e);
        left = until - clock_mono_ms();
        if (rc == RC_OK || !may_come(rc))
            break;
        if (ctx_check(cx, e))
            return err_code(e);
        if (left <= 0)
            return err_wrap(e, "Redis was not ready within %d s", b->wait_ms / 1000);
        if (!*said)
            tell_waiting(cx, k, f, b, e);
        *said = true;
        if (ctx_sleep(cx, (int)MIN(left, (int64_t)TRY_MS), e))
            return err_code(e);
    }
    b->conn.connect_ms = 0;
    b->conn.wait_ms = 0;
    return rc;
}

/* Stash never sent the user name of the Secret, so one that nobody knows went unnoticed. From now on it is not sent. */
static void
drop_user(struct ctx *cx, struct kube *k, const struct step_flags *f, struct redis_target *b)
{
    CLEANUP(mem_free_ptr)
    char *text = mem_printf(
        "The server refuses the user %s of the AppBinding's Secret: logged in with the "
        "password "
        "alone, as Stash does. Remove the user name from the Secret, or create that user.",
        b->addr.user);
    struct step_verdict v = {
        .id = COND_USER_UNKNOWN, .state = COND_TRUE, .text = text, .event = "Warning"};

    step_note(cx, k, f, &v);
    mem_free(b->addr.user);
    b->addr.user = NULL;
}

enum rc
redis_target_wait(struct ctx *cx, struct kube *k, const struct step_flags *f,
                  struct redis_target *b, struct conn **out, struct err *e)
{
    struct step_verdict over = {.id = COND_WAITING_FOR_TARGET, .state = COND_FALSE};
    bool said = false;
    enum rc rc = wait_loop(cx, k, f, b, &said, out, e);

    if (said && rc != RC_CANCELLED) {
        over.text = rc == RC_OK ? "The target answered." : "The target did not answer in time.";
        step_note(cx, k, f, &over);
    }
    if (rc == RC_OK && (*out)->without_user)
        drop_user(cx, k, f, b);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.parameters of an AppBinding, kind RedisConnection of cstash.io/v1alpha1: what an address cannot
 * say. docs/fields.md has the fields.
 */
#include "base/b64.h"
#include "base/mem.h"
#include "job/step_internal.h"

enum { ADDRESSES_MAX = 16 * 1024, CA_MAX = 1024 * 1024 };

/* "host:port,host:port": as listed, or the Service, or where the AppBinding itself leads. */
static enum rc
params_seeds(const struct redis_target *b, const char *ns, const struct json *s, struct buf *out,
             struct err *e)
{
    const struct json *list = json_field(s, "addresses"), *svc = json_field(s, "service");
    CLEANUP(mem_free_ptr) char *at = NULL;

    for (size_t i = 0; i < json_size(list); i++)
        if (buf_printf(out, e, "%s%s", i > 0 ? "," : "", json_text_or(json_elem(list, i), "")))
            return err_code(e);
    if (json_size(list) > 0)
        return RC_OK;
    if (svc != NULL)
        return buf_printf(out, e, "%s.%s.svc:%lld", json_text_or(json_field(svc, "name"), ""),
                          step_text(json_text(json_field(svc, "namespace")), ns),
                          (long long)json_int_or(json_field(svc, "port"), SENTINEL_PORT));
    if (b->addr.host == NULL)
        return err_set(e, RC_INVALID, "sentinel: neither addresses nor a service");
    at = redis_host_text(b->addr.host, b->addr.port);
    return buf_add(out, at, strlen(at), e);
}

static enum rc
params_login(struct ctx *cx, struct kube *k, const char *ns, const struct json *s,
             struct redis_login *to, struct err *e)
{
    const char *name = json_text(json_dig(s, "secret", "name"));
    CLEANUP(json_free_ptr) struct json *secret = NULL;
    struct secret user = {0};
    struct err none = ERR_INIT;

    if (name == NULL)
        return RC_OK;
    if (kube_get(cx, k, &KUBE_SECRET, ns, name, &secret, e) ||
        secret_value(secret, "password", &to->pass, e))
        return err_wrap(e, "Secret %s/%s of the Sentinels", ns, name);
    if (secret_value(secret, "username", &user, &none) == RC_OK && user.n > 0)
        to->user = mem_strndup((const char *)user.p, user.n);
    secret_release(&user);
    return RC_OK;
}

static enum rc
params_sentinel(struct ctx *cx, struct kube *k, const struct step_flags *f, const char *ns,
                struct redis_target *b, const struct json *s, struct err *e)
{
    CLEANUP(buf_release) struct buf seeds = BUF_INIT(ADDRESSES_MAX), pem = BUF_INIT(CA_MAX);
    const struct json *ca = json_field(s, "caBundle");
    const char *master = json_text(json_field(s, "master"));
    bool tls;

    if (b->addr.master == NULL || master != NULL) {
        if (master == NULL)
            return err_set(e, RC_INVALID,
                           "sentinel.master is missing: the name by which Sentinels "
                           "know the server");
        if (params_seeds(b, ns, s, &seeds, e) || buf_printf(&seeds, e, "/%s", master) ||
            redis_addr_behind(&b->addr, buf_str(&seeds), e))
            return err_code(e);
    }
    b->conn.sentinel_tls = b->conn.tls;
    tls = b->addr.sentinel.tls || ca != NULL;
    if (json_opt_bool(s, "tls", &tls, e))
        return err_wrap(e, "sentinel");
    b->addr.sentinel.tls = tls;
    if (ca != NULL && !tls)
        return err_set(e, RC_INVALID, "sentinel: caBundle is for TLS, but tls is false");
    if (ca != NULL) {
        b->conn.sentinel_tls = (struct tls_opts){.cacert = NULL};
        if (b64_decode(json_text_str(ca), &pem, e) ||
            redis_target_file(f, b, 3, "sentinel-ca.crt", buf_str(&pem),
                              &b->conn.sentinel_tls.cacert, e))
            return err_wrap(e, "sentinel.caBundle");
    }
    return params_login(cx, k, ns, s, &b->addr.sentinel, e);
}

static enum rc
params_prefer(const struct json *p, enum node_prefer *to, struct err *e)
{
    const char *word = json_text(json_field(p, "prefer"));

    for (size_t i = 0; node_prefer_words[i] != NULL && word != NULL; i++)
        if (strcmp(word, node_prefer_words[i]) == 0) {
            *to = (enum node_prefer)i;
            return RC_OK;
        }
    return word == NULL ? RC_OK
                        : err_set(e, RC_INVALID,
                                  "prefer must be auto, replica or master, not \"%.40s\"", word);
}

/* nodeMap: [{announced: "10.0.0.7:6379", reachable: "example.org:7001"}], as options say it. */
static enum rc
params_node_map(const struct json *p, struct redis_target *b, struct err *e)
{
    const struct json *list = json_field(p, "nodeMap");

    if (json_size(list) > OPT_LIST_MAX)
        return err_set(e, RC_LIMIT, "nodeMap has more than %d entries", OPT_LIST_MAX);
    for (size_t i = 0; i < json_size(list); i++) {
        const char *from = json_text_or(json_field(json_elem(list, i), "announced"), ""),
                   *to = json_text_or(json_field(json_elem(list, i), "reachable"), "");

        if (from[0] == '\0' || to[0] == '\0' || strchr(from, '=') != NULL)
            return err_set(e, RC_INVALID,
                           "nodeMap: entry %zu needs announced and reachable, two addresses",
                           i + 1);
        b->node_map_texts[i] = mem_printf("%s=%s", from, to);
        b->node_map.v[i] = b->node_map_texts[i];
        b->node_map.n = i + 1;
    }
    return RC_OK;
}

enum rc
redis_params_apply(struct ctx *cx, struct kube *k, const struct step_flags *f, const char *ns,
                   struct redis_target *b, struct err *e)
{
    const struct json *p = json_dig(b->app, "spec", "parameters"), *s = json_field(p, "sentinel");
    const char *topology = json_text_or(json_field(p, "topology"), "");
    enum rc rc;

    b->conn.sentinel_tls = b->conn.tls;
    if (strcmp(json_text_or(json_field(p, "apiVersion"), ""), "cstash.io/v1alpha1") != 0 ||
        strcmp(json_text_or(json_field(p, "kind"), ""), "RedisConnection") != 0)
        return RC_OK;
    rc = params_prefer(p, &b->prefer, e);
    if (rc == RC_OK)
        rc = params_node_map(p, b, e);
    if (rc == RC_OK && strcmp(topology, "cluster") == 0)
        b->addr.cluster = true;
    if (rc == RC_OK && (s != NULL || strcmp(topology, "sentinel") == 0))
        rc = params_sentinel(cx, k, f, ns, b, s, e);
    return rc == RC_OK ? RC_OK : err_wrap(e, "parameters");
}

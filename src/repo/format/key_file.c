/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/rand.h"
#include "json/json.h"
#include "json/write.h"
#include "repo/format/key_file.h"

static void
write_b64(struct jw *w, const char *key, const void *p, size_t n)
{
    struct buf text = BUF_INIT(2 * KEY_SEALED_MAX);
    struct err e = ERR_INIT;

    BUG_ON(b64_encode(str_of(p, n), &text, &e) != RC_OK); /* n is ours */
    jw_key(w, key);
    jw_str(w, buf_str(&text));
    mem_wipe(text.p, text.n);
    buf_release(&text);
}

static enum rc
read_b64(const struct json *j, const char *key, uint8_t *to, size_t room, size_t *n, struct err *e)
{
    struct buf raw = BUF_INIT(room);
    struct str s = {0};

    if (json_get_str(j, key, &s, e))
        return err_code(e);
    if (b64_decode(s, &raw, e)) {
        buf_release(&raw);
        e->code = RC_CORRUPT;
        return err_wrap(e, "the field \"%s\"", key);
    }
    if (raw.n != 0)
        memcpy(to, raw.p, raw.n);
    *n = raw.n;
    mem_wipe(raw.p, raw.n);
    buf_release(&raw);
    return RC_OK;
}

enum rc
key_file_encode(const struct key_file *k, struct buf *out, struct err *e)
{
    char time[INSTANT_TEXT];
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    jw_key(&w, "created");
    jw_cstr(&w, instant_format(k->created, time));
    jw_key(&w, "username");
    jw_cstr(&w, k->username);
    jw_key(&w, "hostname");
    jw_cstr(&w, k->hostname);
    jw_key(&w, "kdf");
    jw_cstr(&w, "scrypt");
    jw_key(&w, "N");
    jw_u64(&w, k->params.n);
    jw_key(&w, "r");
    jw_u64(&w, k->params.r);
    jw_key(&w, "p");
    jw_u64(&w, k->params.p);
    write_b64(&w, "salt", k->salt, KEY_SALT);
    write_b64(&w, "data", k->sealed, k->sealed_bytes);
    jw_close_object(&w);
    return jw_end(&w, e);
}

static enum rc
read_fields(const struct json *j, struct key_file *k, struct err *e)
{
    struct str created = {0}, user = {0}, host = {0}, kdf = {0};
    uint64_t r = 0, p = 0;
    size_t salt = 0;

    if (json_opt_str(j, "created", &created, e) || json_opt_str(j, "username", &user, e) ||
        json_opt_str(j, "hostname", &host, e) || json_get_str(j, "kdf", &kdf, e) ||
        json_get_u64(j, "N", &k->params.n, e) || json_get_u64(j, "r", &r, e) ||
        json_get_u64(j, "p", &p, e) || read_b64(j, "salt", k->salt, KEY_SALT, &salt, e) ||
        read_b64(j, "data", k->sealed, KEY_SEALED_MAX, &k->sealed_bytes, e))
        return err_code(e);
    if (created.p != NULL && instant_parse(created, &k->created, e)) {
        e->code = RC_CORRUPT;
        return err_code(e);
    }
    (void)snprintf(k->username, KEY_NAME_MAX, "%.*s", (int)MIN(user.n, (size_t)KEY_NAME_MAX),
                   user.p == NULL ? "" : (const char *)user.p);
    (void)snprintf(k->hostname, KEY_NAME_MAX, "%.*s", (int)MIN(host.n, (size_t)KEY_NAME_MAX),
                   host.p == NULL ? "" : (const char *)host.p);
    if (!str_eq(kdf, STR_LIT("scrypt")))
        return err_set(e, RC_CORRUPT, "the key derivation is not scrypt");
    if (salt != KEY_SALT || r > UINT32_MAX || p > UINT32_MAX)
        return err_set(e, RC_CORRUPT, "the salt or the scrypt parameters are impossible");
    k->params.r = (uint32_t)r;
    k->params.p = (uint32_t)p;
    return RC_OK;
}

enum rc
key_file_decode(struct str json, struct key_file *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *root = NULL;
    struct key_file k = {.sealed_bytes = 0};

    if (json_parse(json, &root, e) || read_fields(root, &k, e))
        return err_code(e);
    *out = k;
    return RC_OK;
}

static bool
is_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

static enum rc
read_master(struct str json, struct seal_key *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *root = NULL;
    const struct json *mac = NULL;
    size_t a = 0, k = 0, r = 0;

    if (json_parse(json, &root, e) || json_get_object(root, "mac", &mac, e) ||
        read_b64(mac, "k", out->mac_k, sizeof(out->mac_k), &k, e) ||
        read_b64(mac, "r", out->mac_r, sizeof(out->mac_r), &r, e) ||
        read_b64(root, "encrypt", out->encrypt, sizeof(out->encrypt), &a, e))
        return err_code(e);
    if (a != sizeof(out->encrypt) || k != sizeof(out->mac_k) || r != sizeof(out->mac_r) ||
        is_zero(out->encrypt, a) || is_zero(out->mac_k, k) || is_zero(out->mac_r, r))
        return err_set(e, RC_CORRUPT, "the master key inside is incomplete");
    return RC_OK;
}

/* A sealer with the key that the password gives. */
static enum rc
user_sealer(const struct key_file *k, struct str password, struct sealer **out, struct err *e)
{
    uint8_t raw[SCRYPT_KEY];
    struct seal_key key;
    enum rc rc;

    if (scrypt_key(password, str_of(k->salt, KEY_SALT), k->params, raw, e))
        return err_code(e);
    memcpy(key.encrypt, raw, 32);
    memcpy(key.mac_k, raw + 32, 16);
    memcpy(key.mac_r, raw + 48, 16);
    rc = sealer_new(&key, out, e);
    mem_wipe(raw, sizeof(raw));
    mem_wipe(&key, sizeof(key));
    return rc;
}

enum rc
key_file_open(const struct key_file *k, struct str password, struct seal_key *master, struct err *e)
{
    uint8_t plain[KEY_SEALED_MAX];
    struct sealer *s = NULL;
    enum rc rc;

    if (user_sealer(k, password, &s, e))
        return err_code(e);
    rc = seal_open(s, k->sealed, k->sealed_bytes, plain, e);
    sealer_free(s);
    if (rc)
        return err_set(e, RC_WRONG_PASSWORD, "the password does not open this key");
    rc = read_master(str_of(plain, k->sealed_bytes - SEAL_OVERHEAD), master, e);
    mem_wipe(plain, sizeof(plain));
    return rc;
}

enum rc
key_master_encode(const struct seal_key *master, struct buf *out, struct err *e)
{
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    jw_key(&w, "mac");
    jw_open_object(&w);
    write_b64(&w, "k", master->mac_k, sizeof(master->mac_k));
    write_b64(&w, "r", master->mac_r, sizeof(master->mac_r));
    jw_close_object(&w);
    write_b64(&w, "encrypt", master->encrypt, sizeof(master->encrypt));
    jw_close_object(&w);
    return jw_end(&w, e);
}

enum rc
key_file_seal(struct key_file *k, struct str password, const struct seal_key *master, struct err *e)
{
    struct buf plain = BUF_INIT(1024);
    struct sealer *s = NULL;
    enum rc rc;

    rand_bytes(k->salt, KEY_SALT);
    if (user_sealer(k, password, &s, e))
        return err_code(e);
    rc = key_master_encode(master, &plain, e);
    if (rc == RC_OK) {
        seal(s, plain.p, plain.n, k->sealed);
        k->sealed_bytes = plain.n + SEAL_OVERHEAD;
    }
    sealer_free(s);
    mem_wipe(plain.p, plain.n);
    buf_release(&plain);
    return rc;
}

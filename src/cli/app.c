/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/retry.h"

enum { LOCK_PAUSE_MS = 5000, LOCK_PAUSE_MAX_MS = 60000 };

const struct opt opts_global[] = {
    {"help", 'h', OPT_FLAG, OPT_AT(help), NULL, "show this help"},
    {"json", 0, OPT_FLAG, OPT_AT(json), NULL, "print results as JSON"},
    {"quiet", 'q', OPT_FLAG, OPT_AT(quiet), NULL, "print only results, warnings and errors"},
    {"verbose", 'v', OPT_FLAG, OPT_AT(verbose), NULL, "print more details"},
    {"log-format", 0, OPT_TEXT, OPT_AT(log_format), "text|json", "log format"},
    {.name = NULL},
};

const struct opt opts_repo[] = {
    {"repo", 'r', OPT_TEXT, OPT_AT(repo), "URL", "repository [$RESTIC_REPOSITORY]"},
    {"password-file", 'p', OPT_TEXT, OPT_AT(password_file), "FILE",
     "file with the password [$RESTIC_PASSWORD_FILE, $RESTIC_PASSWORD]"},
    {"no-lock", 0, OPT_FLAG, OPT_AT(no_lock), NULL,
     "do not lock the repository (read-only commands)"},
    {"cache-dir", 0, OPT_TEXT, OPT_AT(cache_dir), "DIR",
     "cache for the metadata of remote repositories [$RESTIC_CACHE_DIR/cstash, ~/.cache/cstash]"},
    {"no-cache", 0, OPT_FLAG, OPT_AT(no_cache), NULL, "do not use a cache"},
    {"retry-lock", 0, OPT_TEXT, OPT_AT(retry_lock), "TIME",
     "how long to wait for a lock, such as 30s or 5m"},
    {"option", 'o', OPT_LIST, OPT_AT(store_options), "NAME=VALUE",
     "option of the store, such as s3.connections=10 (repeatable)"},
    {"repo-cacert", 0, OPT_TEXT, OPT_AT(repo_cacert), "FILE",
     "CA certificates to verify the repository's server with [$RESTIC_CACERT]"},
    {"tls-client-cert", 0, OPT_TEXT, OPT_AT(tls_client_cert), "FILE",
     "client certificate and key in PEM [$RESTIC_TLS_CLIENT_CERT]"},
    {"insecure-tls", 0, OPT_FLAG, OPT_AT(insecure_tls), NULL,
     "do not verify the certificate of the repository's server"},
    {"limit-upload", 0, OPT_TEXT, OPT_AT(limit_upload), "N", "limit uploads to N KiB/s"},
    {"limit-download", 0, OPT_TEXT, OPT_AT(limit_download), "N", "limit downloads to N KiB/s"},
    {"retry-limit", 0, OPT_TEXT, OPT_AT(retry_limit), "TIME",
     "how long to retry a store operation [15m]"},
    {.name = NULL},
};

const struct opt opts_from[] = {
    {"from-repo", 0, OPT_TEXT, OPT_AT(from_repo), "URL",
     "repository to copy from [$RESTIC_FROM_REPOSITORY]"},
    {"from-password-file", 0, OPT_TEXT, OPT_AT(from_password_file), "FILE",
     "file with its password [$RESTIC_FROM_PASSWORD_FILE, $RESTIC_FROM_PASSWORD]"},
    {.name = NULL},
};

enum rc
app_parse_ms(const char *text, const char *what, int *out, struct err *e)
{
    char *unit;
    unsigned long long v = strtoull(text, &unit, 10);
    unsigned long long scale = *unit == '\0' || strcmp(unit, "s") == 0 ? 1000
                               : strcmp(unit, "ms") == 0               ? 1
                               : strcmp(unit, "m") == 0                ? 60000
                               : strcmp(unit, "h") == 0                ? 3600000
                                                                       : 0;

    if (text[0] < '0' || text[0] > '9' || scale == 0 || v > 1000000000ULL / scale)
        return err_set(e, RC_USAGE, "--%s %s is not a time such as 30s, 5m or 1h", what, text);
    *out = (int)(v * scale);
    return RC_OK;
}

/* Where the address and the password of a repository are found. */
struct whereabouts {
    const char *url, *password_file; /* of the command line; may be NULL */
    const char *url_option, *file_option;
    const char *url_env, *password_env, *file_env;
};

static enum rc
read_password(const struct whereabouts *w, struct secret *out, struct err *e)
{
    const char *text = getenv(w->password_env), *file = getenv(w->file_env);

    if (w->password_file != NULL)
        file = w->password_file;
    if (file != NULL && (w->password_file != NULL || text == NULL))
        return secret_from_file(file, out, e) ? err_wrap(e, "could not read the password") : RC_OK;
    if (text == NULL) {
        (void)err_set(e, RC_USAGE, "no password for the repository");
        return err_hint(e, "set %s, %s or %s", w->password_env, w->file_env, w->file_option);
    }
    secret_set(out, str_c(text));
    return RC_OK;
}

static enum rc
find_repo(const struct whereabouts *w, const struct args *a, struct app_repo *out, struct err *e)
{
    const char *url = w->url != NULL ? w->url : getenv(w->url_env);

    if (url == NULL || url[0] == '\0') {
        (void)err_set(e, RC_USAGE, "no repository is named");
        return err_hint(e, "use %s or set %s", w->url_option, w->url_env);
    }
    if (read_password(w, &out->password, e))
        return e->code;
    if (out->password.n == 0)
        return err_set(e, RC_INVALID, "the password of the repository is empty");
    return app_store_open(a, url, &out->store, e);
}

enum rc
app_repo_address(const struct args *a, struct app_repo *out, struct err *e)
{
    const struct whereabouts w = {.url = a->repo,
                                  .password_file = a->password_file,
                                  .url_option = "--repo",
                                  .file_option = "--password-file",
                                  .url_env = "RESTIC_REPOSITORY",
                                  .password_env = "RESTIC_PASSWORD",
                                  .file_env = "RESTIC_PASSWORD_FILE"};

    return find_repo(&w, a, out, e);
}

static enum rc
lock_repo(struct ctx *cx, const struct args *a, struct repo *r, bool exclusive, struct err *e)
{
    struct retry again;
    int wait_ms = 0;

    if (a->retry_lock != NULL && app_parse_ms(a->retry_lock, "retry-lock", &wait_ms, e))
        return e->code;
    again = retry_begin((struct retry_policy){.attempts = wait_ms > 0 ? 0 : 1,
                                              .total_ms = wait_ms,
                                              .pause_ms = LOCK_PAUSE_MS,
                                              .pause_max_ms = LOCK_PAUSE_MAX_MS});
    for (;;) {
        enum rc rc = repo_lock(cx, r, exclusive, e);
        int pause;
        if (rc != RC_LOCKED)
            return rc;
        pause = retry_pause(&again, e);
        if (pause < 0)
            return retry_tell(&again, e);
        log_info("%s; trying again in %d ms", e->msg, pause);
        if (ctx_sleep(cx, pause, e))
            return e->code;
    }
}

static void
use_cache(const struct args *a, struct repo *r)
{
    const char *shared = getenv("RESTIC_CACHE_DIR"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    CLEANUP(mem_free_ptr) char *base = NULL;

    if (a->no_cache)
        return;
    if (a->cache_dir != NULL)
        base = mem_strdup(a->cache_dir);
    else if (shared != NULL && shared[0] == '/')
        base = mem_printf("%s/cstash", shared);
    else if (xdg != NULL && xdg[0] == '/')
        base = mem_printf("%s/cstash", xdg);
    else if (home != NULL && home[0] == '/')
        base = mem_printf("%s/.cache/cstash", home);
    if (base != NULL)
        repo_use_cache(r, base);
}

/* `out` has its store and its password. */
static enum rc
open_and_lock(struct ctx *cx, const struct args *a, enum app_lock lock, struct app_repo *out,
              struct err *e)
{
    if (repo_open(cx, out->store, secret_str(&out->password), &out->repo, e))
        return e->code;
    use_cache(a, out->repo);
    if (lock == APP_LOCK_NONE)
        return RC_OK;
    if (a->no_lock && lock == APP_LOCK_EXCLUSIVE)
        return err_set(e, RC_USAGE, "--no-lock is for reading only");
    return a->no_lock ? RC_OK : lock_repo(cx, a, out->repo, lock == APP_LOCK_EXCLUSIVE, e);
}

enum rc
app_repo_lock(struct ctx *cx, const struct args *a, enum app_lock lock, struct app_repo *out,
              struct err *e)
{
    return app_repo_address(a, out, e) ? e->code : open_and_lock(cx, a, lock, out, e);
}

enum rc
app_repo_from(struct ctx *cx, const struct args *a, struct app_repo *out, struct err *e)
{
    const struct whereabouts w = {.url = a->from_repo,
                                  .password_file = a->from_password_file,
                                  .url_option = "--from-repo",
                                  .file_option = "--from-password-file",
                                  .url_env = "RESTIC_FROM_REPOSITORY",
                                  .password_env = "RESTIC_FROM_PASSWORD",
                                  .file_env = "RESTIC_FROM_PASSWORD_FILE"};

    if (find_repo(&w, a, out, e) || open_and_lock(cx, a, APP_LOCK_SHARED, out, e))
        return err_wrap(e, "the repository to copy from");
    return RC_OK;
}

enum rc
app_repo_open(struct ctx *cx, const struct args *a, enum app_lock lock, struct app_repo *out,
              struct err *e)
{
    if (app_repo_lock(cx, a, lock, out, e))
        return e->code;
    return lock == APP_LOCK_NONE ? RC_OK : repo_load_index(cx, out->repo, e);
}

void
app_repo_close(struct app_repo *r)
{
    repo_close(r->repo);
    store_release(r->store);
    secret_release(&r->password);
    memset(r, 0, sizeof(*r));
}

enum rc
app_word(const char *text, const char *what, const char *const *words, int *out, struct err *e)
{
    char all[100] = "";
    size_t n = 0;

    *out = 0;
    if (text == NULL)
        return RC_OK;
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return RC_OK;
        }
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    return err_set(e, RC_USAGE, "--%s %s: use one of %s", what, text, all);
}

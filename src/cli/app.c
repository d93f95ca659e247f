/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/retry.h"
#include "httpd/httpd.h"
#include "kube/kube.h"

enum { LOCK_PAUSE_MS = 5000, LOCK_PAUSE_MAX_MS = 60000 };

static const char *const log_formats[] = {"text", "json", NULL};

const struct opt opts_app[] = {
    {"help", 'h', OPT_FLAG(struct app_opts, help), NULL, "show this help"},
    {"quiet", 'q', OPT_FLAG(struct app_opts, quiet), NULL,
     "print only results, warnings and errors"},
    {"verbose", 'v', OPT_FLAG(struct app_opts, verbose), NULL, "print more details"},
    {"log-format", 0, OPT_ENUM(struct app_opts, log_format, log_formats, "text"), NULL,
     "log format"},
    {.name = NULL},
};

const struct opt opts_json[] = {
    {"json", 0, OPT_FLAG(struct app_opts, json), NULL, "print results as JSON"},
    {.name = NULL},
};

const struct opt opts_repo[] = {
    {"repo", 'r', OPT_TEXT(struct repo_access, url), "URL",
     "repository; kube:NAMESPACE/REPOSITORY: that of a cluster, with its Secret; for keys, get and "
     "diff also view:NAMESPACE/REPOSITORY: through a SnapshotView [$RESTIC_REPOSITORY]"},
    {"password-file", 'p', OPT_FILE(struct repo_access, password_file), NULL,
     "file with the password [$RESTIC_PASSWORD_FILE, $RESTIC_PASSWORD]"},
    {"kubeconfig", 0, OPT_FILE_OR_NONE(struct repo_access, kubeconfig), NULL,
     "kubeconfig file, for kube: [$KUBECONFIG, ~/.kube/config, that of cstash up]"},
    {"context", 0, OPT_TEXT_OR_NONE(struct repo_access, context), "NAME",
     "context of the kubeconfig"},
    {"no-lock", 0, OPT_FLAG(struct repo_access, no_lock), NULL,
     "do not lock the repository (read-only commands)"},
    {"cache-dir", 0, OPT_FOLDER(struct repo_access, cache_dir), NULL,
     "cache for the metadata of remote repositories [$RESTIC_CACHE_DIR/cstash, ~/.cache/cstash]"},
    {"no-cache", 0, OPT_FLAG(struct repo_access, no_cache), NULL, "do not use a cache"},
    {"retry-lock", 0, OPT_MS(struct repo_access, retry_lock_ms, "0s"), NULL,
     "how long to wait for a lock, such as 30s or 5m"},
    {"option", 'o', OPT_LIST(struct repo_access, store_options), "NAME=VALUE",
     "option of the store, such as s3.connections=10 (repeatable)"},
    {"repo-cacert", 0, OPT_FILE(struct repo_access, ca_file), NULL,
     "CA certificates to verify the repository's server with [$RESTIC_CACERT]"},
    {"tls-client-cert", 0, OPT_FILE(struct repo_access, client_cert), NULL,
     "client certificate and key in PEM [$RESTIC_TLS_CLIENT_CERT]"},
    {"insecure-tls", 0, OPT_FLAG(struct repo_access, insecure_tls), NULL,
     "do not verify the certificate of the repository's server"},
    {"limit-upload", 0, OPT_RATE(struct repo_access, limit_upload), "N",
     "limit uploads to N KiB/s"},
    {"limit-download", 0, OPT_RATE(struct repo_access, limit_download), "N",
     "limit downloads to N KiB/s"},
    {"retry-limit", 0, OPT_MS(struct repo_access, retry_limit_ms, "15m"), NULL,
     "how long to retry a store operation; 0: not at all"},
    {.name = NULL},
};

const struct opt opts_from[] = {
    {"from-repo", 0, OPT_TEXT(struct from_access, url), "URL",
     "repository to copy from [$RESTIC_FROM_REPOSITORY]"},
    {"from-password-file", 0, OPT_FILE(struct from_access, password_file), NULL,
     "file with its password [$RESTIC_FROM_PASSWORD_FILE, $RESTIC_FROM_PASSWORD]"},
    {.name = NULL},
};

const struct opt opts_safety_repo[] = {
    {"safety-repo", 0, OPT_TEXT(struct from_access, url), "URL",
     "repository for that copy [$CSTASH_SAFETY_REPOSITORY, else that of --repo]"},
    {"safety-password-file", 0, OPT_FILE(struct from_access, password_file), NULL,
     "file with its password [$CSTASH_SAFETY_PASSWORD_FILE, $CSTASH_SAFETY_PASSWORD]"},
    {.name = NULL},
};

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
find_repo(struct ctx *cx, const struct whereabouts *w, const struct repo_access *a,
          struct app_repo *out, struct err *e)
{
    const char *url = w->url != NULL ? w->url : getenv(w->url_env);
    bool kube;

    if (url == NULL || url[0] == '\0') {
        (void)err_set(e, RC_USAGE, "no repository is named");
        return err_hint(e, "use %s or set %s", w->url_option, w->url_env);
    }
    /* A Repository has a Secret with its password: only one that is asked for goes before that. */
    kube = strncmp(url, APP_KUBE, strlen(APP_KUBE)) == 0;
    if (strncmp(url, APP_VIEW, strlen(APP_VIEW)) == 0)
        return err_set(e, RC_USAGE,
                       "%.200s: through a SnapshotView only keys, get and diff are answered", url);
    if ((!kube || w->password_file != NULL) && read_password(w, &out->password, e))
        return err_code(e);
    if (app_store_open(cx, a, url, out, e))
        return err_code(e);
    return out->password.n != 0 ? RC_OK
                                : err_set(e, RC_INVALID, "the password of the repository is empty");
}

const char *
app_repo_url(const struct repo_access *a)
{
    return a->url != NULL ? a->url : getenv("RESTIC_REPOSITORY");
}

enum rc
app_repo_address(struct ctx *cx, const struct repo_access *a, struct app_repo *out, struct err *e)
{
    const struct whereabouts w = {.url = app_repo_url(a),
                                  .password_file = a->password_file,
                                  .url_option = "--repo",
                                  .file_option = "--password-file",
                                  .url_env = "RESTIC_REPOSITORY",
                                  .password_env = "RESTIC_PASSWORD",
                                  .file_env = "RESTIC_PASSWORD_FILE"};

    if (a->given != NULL) {
        out->store = TAKE(a->given->store);
        out->password = a->given->password;
        a->given->password = (struct secret){.n = 0};
        return RC_OK;
    }
    return find_repo(cx, &w, a, out, e);
}

static enum rc
lock_repo(struct ctx *cx, const struct repo_access *a, struct repo *r, bool exclusive,
          struct err *e)
{
    const struct retry_policy policy = {.attempts = a->retry_lock_ms > 0 ? 0 : 1,
                                        .total_ms = a->retry_lock_ms,
                                        .pause_ms = LOCK_PAUSE_MS,
                                        .pause_max_ms = LOCK_PAUSE_MAX_MS};
    struct retry again = retry_begin(policy);

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
            return err_code(e);
    }
}

char *
app_state_dir(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (state != NULL && state[0] == '/')
        return mem_printf("%s/cstash", state);
    return home != NULL && home[0] == '/' ? mem_printf("%s/.local/state/cstash", home) : NULL;
}

static void
use_cache(const struct repo_access *a, struct repo *r)
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
open_and_lock(struct ctx *cx, const struct repo_access *a, enum app_lock lock, struct app_repo *out,
              struct err *e)
{
    if (repo_open(cx, out->store, secret_str(&out->password), &out->repo, e))
        return err_code(e);
    use_cache(a, out->repo);
    if (lock == APP_LOCK_NONE)
        return RC_OK;
    if (a->no_lock && lock == APP_LOCK_EXCLUSIVE)
        return err_set(e, RC_USAGE,
                       "--no-lock is only for commands that do not write to the repository");
    return a->no_lock ? RC_OK : lock_repo(cx, a, out->repo, lock == APP_LOCK_EXCLUSIVE, e);
}

enum rc
app_repo_lock(struct ctx *cx, const struct repo_access *a, enum app_lock lock, struct app_repo *out,
              struct err *e)
{
    return app_repo_address(cx, a, out, e) ? err_code(e) : open_and_lock(cx, a, lock, out, e);
}

enum rc
app_repo_from(struct ctx *cx, const struct repo_access *a, const struct from_access *from,
              struct app_repo *out, struct err *e)
{
    const struct whereabouts w = {.url = from->url,
                                  .password_file = from->password_file,
                                  .url_option = "--from-repo",
                                  .file_option = "--from-password-file",
                                  .url_env = "RESTIC_FROM_REPOSITORY",
                                  .password_env = "RESTIC_FROM_PASSWORD",
                                  .file_env = "RESTIC_FROM_PASSWORD_FILE"};

    if (find_repo(cx, &w, a, out, e) || open_and_lock(cx, a, APP_LOCK_SHARED, out, e))
        return err_wrap(e, "the repository to copy from");
    return RC_OK;
}

enum rc
app_repo_safety(struct ctx *cx, const struct repo_access *a, const struct from_access *safety,
                enum app_lock lock, struct app_repo *out, struct err *e)
{
    struct repo_access access = *a;
    const struct whereabouts w = {.url = safety->url,
                                  .password_file = safety->password_file,
                                  .url_option = "--safety-repo",
                                  .file_option = "--safety-password-file",
                                  .url_env = APP_SAFETY_REPOSITORY,
                                  .password_env = "CSTASH_SAFETY_PASSWORD",
                                  .file_env = "CSTASH_SAFETY_PASSWORD_FILE"};

    access.no_lock = false; /* is for reading only */
    if (find_repo(cx, &w, &access, out, e) || open_and_lock(cx, &access, lock, out, e) ||
        repo_load_index(cx, out->repo, e))
        return err_wrap(e, "the repository for the copy of the target");
    return RC_OK;
}

enum rc
app_repo_open(struct ctx *cx, const struct repo_access *a, enum app_lock lock, struct app_repo *out,
              struct err *e)
{
    if (app_repo_lock(cx, a, lock, out, e))
        return err_code(e);
    return lock == APP_LOCK_NONE ? RC_OK : repo_load_index(cx, out->repo, e);
}

void
app_repo_close(struct app_repo *r)
{
    repo_close(r->repo);
    store_release(r->store);
    kube_free(r->cluster);
    secret_release(&r->password);
    memset(r, 0, sizeof(*r));
}

static enum rc
app_listen(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)o;
    if (text != NULL && text[0] != '\0' && httpd_check_address(text, e)) {
        e->code = RC_USAGE;
        return err_code(e);
    }
    memcpy(to, &text, sizeof(text));
    return RC_OK;
}

const struct opt_type opt_listen = {
    .value = "HOST:PORT", .may_be_empty = true, .parse = app_listen};

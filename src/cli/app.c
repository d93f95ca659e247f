/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

const struct opt opts_global[] = {
    {"help", 'h', OPT_FLAG, OPT_AT(help), NULL, "show this help"},
    {"json", 0, OPT_FLAG, OPT_AT(json), NULL, "results as JSON"},
    {"quiet", 'q', OPT_FLAG, OPT_AT(quiet), NULL, "only results, warnings and errors"},
    {"verbose", 'v', OPT_FLAG, OPT_AT(verbose), NULL, "say more"},
    {"log-format", 0, OPT_TEXT, OPT_AT(log_format), "text|json", "how messages look"},
    {.name = NULL},
};

const struct opt opts_repo[] = {
    {"repo", 'r', OPT_TEXT, OPT_AT(repo), "URL", "repository [$RESTIC_REPOSITORY]"},
    {"password-file", 'p', OPT_TEXT, OPT_AT(password_file), "FILE",
     "holds the password [$RESTIC_PASSWORD_FILE, $RESTIC_PASSWORD]"},
    {"no-lock", 0, OPT_FLAG, OPT_AT(no_lock), NULL, "do not lock the repository (reading only)"},
    {"retry-lock", 0, OPT_TEXT, OPT_AT(retry_lock), "TIME",
     "wait so long for a lock, such as 30s or 5m"},
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
        return err_set(e, RC_INVALID, "--%s %s is not a time such as 30s, 5m or 1h", what, text);
    *out = (int)(v * scale);
    return RC_OK;
}

static enum rc
read_password(const struct args *a, struct secret *out, struct err *e)
{
    const char *text = getenv("RESTIC_PASSWORD"), *file = getenv("RESTIC_PASSWORD_FILE");

    if (a->password_file != NULL)
        file = a->password_file;
    if (file != NULL && (a->password_file != NULL || text == NULL))
        return secret_from_file(file, out, e) ? err_wrap(e, "could not read the password") : RC_OK;
    if (text == NULL) {
        (void)err_set(e, RC_INVALID, "no password for the repository");
        return err_hint(e, "set RESTIC_PASSWORD, RESTIC_PASSWORD_FILE or --password-file");
    }
    secret_set(out, str_c(text));
    return RC_OK;
}

enum rc
app_repo_address(const struct args *a, struct app_repo *out, struct err *e)
{
    const char *url = a->repo != NULL ? a->repo : getenv("RESTIC_REPOSITORY");

    if (url == NULL || url[0] == '\0') {
        (void)err_set(e, RC_INVALID, "no repository is named");
        return err_hint(e, "use --repo or set RESTIC_REPOSITORY");
    }
    if (read_password(a, &out->password, e))
        return e->code;
    if (out->password.n == 0)
        return err_set(e, RC_INVALID, "the password of the repository is empty");
    return store_open(url, &out->store, e);
}

static enum rc
lock_repo(struct ctx *cx, const struct args *a, struct repo *r, bool exclusive, struct err *e)
{
    int wait_ms = 0, pause_ms = 5000;
    int64_t until;

    if (a->retry_lock != NULL && app_parse_ms(a->retry_lock, "retry-lock", &wait_ms, e))
        return e->code;
    until = clock_mono_ms() + wait_ms;
    for (;;) {
        enum rc rc = repo_lock(cx, r, exclusive, e);
        int64_t left = until - clock_mono_ms();
        if (rc != RC_LOCKED || left <= 0)
            return rc;
        log_info("%s; trying again", e->msg);
        if (ctx_sleep(cx, (int)MIN(left, (int64_t)pause_ms), e))
            return e->code;
        pause_ms = MIN(2 * pause_ms, 60000);
    }
}

enum rc
app_repo_lock(struct ctx *cx, const struct args *a, enum app_lock lock, struct app_repo *out,
              struct err *e)
{
    if (app_repo_address(a, out, e) ||
        repo_open(cx, out->store, secret_str(&out->password), &out->repo, e))
        return e->code;
    if (lock == APP_LOCK_NONE)
        return RC_OK;
    if (a->no_lock && lock == APP_LOCK_EXCLUSIVE)
        return err_set(e, RC_INVALID, "--no-lock is for reading only");
    return a->no_lock ? RC_OK : lock_repo(cx, a, out->repo, lock == APP_LOCK_EXCLUSIVE, e);
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
    return err_set(e, RC_INVALID, "--%s %s: use one of %s", what, text, all);
}

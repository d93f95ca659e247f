/* SPDX-License-Identifier: Apache-2.0 */
/* cstash key: the passwords of a repository. */
#include "base/log.h"
#include "cli/app.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "repo/keys.h"

struct key_args {
    struct app_opts app;
    const char *new_password_file, *user, *host;
    struct repo_access repo;
};
static const struct opt opts_key[] = {
    {"new-password-file", 0, OPT_FILE(struct key_args, new_password_file), NULL,
     "file with the new password [$RESTIC_NEW_PASSWORD]"},
    {"user", 0, OPT_TEXT(struct key_args, user), "NAME",
     "whose the new key is [the user who runs this]"},
    {"host", 0, OPT_TEXT(struct key_args, host), "NAME",
     "of which machine the new key is [this one]"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_key, 0},   {opts_repo, offsetof(struct key_args, repo)}, {opts_json, 0}, {opts_app, 0},
    {.table = NULL},
};

static void
print_text(const struct key_info *keys, size_t n)
{
    char id[ID_TEXT], when[OUT_TIME];

    (void)printf(" %-8s  %-16s  %-24s  %s\n", "ID", "User", "Host", "Created");
    for (size_t i = 0; i < n; i++) {
        (void)printf("%c%.8s  ", keys[i].current ? '*' : ' ', id_hex(&keys[i].id, id));
        out_words(keys[i].username, 16);
        (void)printf("  ");
        out_words(keys[i].hostname, 24);
        (void)printf("  %s\n", out_time(keys[i].created, when));
    }
}

static void
print_json(const struct key_info *keys, size_t n)
{
    struct out_json j;
    char id[ID_TEXT], when[INSTANT_TEXT];

    out_json_begin(&j);
    jw_open_array(&j.w);
    for (size_t i = 0; i < n; i++) {
        jw_open_object(&j.w);
        jw_field_bool(&j.w, "current", keys[i].current);
        jw_field_cstr(&j.w, "id", id_hex(&keys[i].id, id));
        jw_field_cstr(&j.w, "userName", keys[i].username != NULL ? keys[i].username : "");
        jw_field_cstr(&j.w, "hostName", keys[i].hostname != NULL ? keys[i].hostname : "");
        jw_field_cstr(&j.w, "created", instant_format(keys[i].created, when));
        jw_close_object(&j.w);
    }
    jw_close_array(&j.w);
    out_json_end(&j);
}

static enum rc
list_keys(struct ctx *cx, const struct key_args *a, struct repo *r, struct err *e)
{
    struct key_info *keys;
    size_t n, unread;

    if (keys_list(cx, r, &keys, &n, &unread, e))
        return err_code(e);
    if (a->app.json)
        print_json(keys, n);
    else
        print_text(keys, n);
    keys_free(keys, n);
    if (unread != 0) {
        (void)err_set(e, RC_CORRUPT, "%zu %s could not be read", unread,
                      str_plural(unread, "key", "keys"));
        return err_hint(e, "`cstash key remove ID` removes one");
    }
    return RC_OK;
}

static enum rc
read_new_password(const struct key_args *a, struct secret *out, struct err *e)
{
    const char *text = getenv("RESTIC_NEW_PASSWORD");

    if (a->new_password_file != NULL)
        return secret_from_file(a->new_password_file, out, e);
    if (text == NULL) {
        (void)err_set(e, RC_USAGE, "no new password");
        return err_hint(e, "use --new-password-file or set RESTIC_NEW_PASSWORD");
    }
    secret_set(out, str_c(text));
    return RC_OK;
}

static enum rc
new_key(struct ctx *cx, const struct key_args *a, const struct secret *password, struct repo *r,
        bool replace, struct err *e)
{
    struct repo_init_opts opts = {
        .fast_kdf = repo_test_fast_kdf(), .key_user = a->user, .key_host = a->host};
    struct id id;
    char text[ID_TEXT];
    enum rc rc = replace ? keys_passwd(cx, r, secret_str(password), &opts, &id, e)
                         : keys_add(cx, r, secret_str(password), &opts, &id, e);

    if (rc == RC_OK && a->app.json)
        (void)printf("{\"message_type\":\"added\",\"id\":\"%s\"}\n", id_hex(&id, text));
    else if (rc == RC_OK)
        (void)printf("saved new key as %.8s\n", id_hex(&id, text));
    return rc;
}

static void
print_removed(const struct key_args *a)
{
    struct out_json j;

    if (!a->app.json) {
        (void)printf("removed key %s\n", a->app.words.v[1]);
        return;
    }
    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "removed");
    jw_field_cstr(&j.w, "id", a->app.words.v[1]);
    jw_close_object(&j.w);
    out_json_end(&j);
}

enum verb { KEY_LIST, KEY_ADD, KEY_REMOVE, KEY_PASSWD };

static enum rc
run_verb(struct ctx *cx, const struct key_args *a, enum verb verb, const struct secret *password,
         struct repo *r, struct err *e)
{
    switch (verb) {
    case KEY_LIST:
        return list_keys(cx, a, r, e);
    case KEY_ADD:
        return new_key(cx, a, password, r, false, e);
    case KEY_PASSWD:
        return new_key(cx, a, password, r, true, e);
    default:
        if (keys_remove(cx, r, a->app.words.v[1], e))
            return err_code(e);
        print_removed(a);
        return RC_OK;
    }
}

static const char *const key_words[] = {"list", "add", "remove", "passwd", NULL};

static enum rc
key_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct key_args *a = args;
    struct app_repo r = {0};
    struct secret password = {0}; /* the new one */
    int verb = app_word(a->app.words.v[0], key_words);
    bool removes = verb == KEY_REMOVE || verb == KEY_PASSWD;
    enum rc rc = RC_OK;

    if (verb < 0)
        return err_set(e, RC_USAGE, "cstash key %s: use list, add, remove ID or passwd",
                       a->app.words.v[0]);
    if (verb == KEY_REMOVE && a->app.words.n != 2)
        return err_set(e, RC_USAGE,
                       "name the key that is to be removed by its ID: key list has it");
    if (verb != KEY_REMOVE && a->app.words.n != 1)
        return err_set(e, RC_USAGE, "key %s takes no other word", a->app.words.v[0]);
    if (verb == KEY_REMOVE && app_check_id(a->app.words.v[1], e))
        return err_code(e);
    if (verb == KEY_ADD || verb == KEY_PASSWD)
        rc = read_new_password(a, &password, e);
    if (rc == RC_OK)
        rc = app_repo_lock(cx, &a->repo, removes ? APP_LOCK_EXCLUSIVE : APP_LOCK_SHARED, &r, e);
    if (rc == RC_OK)
        rc = run_verb(cx, a, (enum verb)verb, &password, r.repo, e);
    app_repo_close(&r);
    secret_release(&password);
    return rc;
}

const struct command cmd_key = {.name = "key",
                                .usage = "list|add|remove ID|passwd",
                                .summary = "manage the passwords of a repository",
                                .groups = groups,
                                .size = sizeof(struct key_args),
                                .words_min = 1,
                                .first_words = key_words,
                                .words_max = 2,
                                .run = key_main};

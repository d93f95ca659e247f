/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "json/json.h"
#include "json/write.h"
#include "repo/format/lock_json.h"

enum rc
lock_encode(const struct lock_info *l, struct buf *out, struct err *e)
{
    char time[INSTANT_TEXT];
    struct jw w;

    jw_init(&w, out);
    jw_open_object(&w);
    jw_key(&w, "time");
    jw_cstr(&w, instant_format(l->time, time));
    jw_key(&w, "exclusive");
    jw_bool(&w, l->exclusive);
    jw_key(&w, "hostname");
    jw_cstr(&w, l->hostname);
    jw_key(&w, "username");
    jw_cstr(&w, l->username);
    jw_key(&w, "pid");
    jw_u64(&w, l->pid);
    if (l->uid != 0) {
        jw_key(&w, "uid");
        jw_u64(&w, l->uid);
    }
    if (l->gid != 0) {
        jw_key(&w, "gid");
        jw_u64(&w, l->gid);
    }
    if (l->pid_space[0] != '\0') {
        jw_key(&w, "pid_space");
        jw_cstr(&w, l->pid_space);
    }
    jw_close_object(&w);
    return jw_end(&w, e);
}

static void
copy_name(struct str s, char to[static LOCK_NAME_MAX])
{
    (void)snprintf(to, LOCK_NAME_MAX, "%.*s", (int)MIN(s.n, (size_t)LOCK_NAME_MAX),
                   s.p == NULL ? "" : (const char *)s.p);
}

enum rc
lock_decode(struct str json, struct lock_info *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *root = NULL;
    struct lock_info l = {.exclusive = false};
    struct str time = {0}, host = {0}, user = {0}, space = {0};

    if (json_parse(json, &root, e) || json_get_str(root, "time", &time, e) ||
        json_opt_bool(root, "exclusive", &l.exclusive, e) ||
        json_opt_str(root, "hostname", &host, e) || json_opt_str(root, "username", &user, e) ||
        json_opt_u64(root, "pid", &l.pid, e) || json_opt_u64(root, "uid", &l.uid, e) ||
        json_opt_u64(root, "gid", &l.gid, e) || json_opt_str(root, "pid_space", &space, e))
        return err_code(e);
    if (instant_parse(time, &l.time, e)) {
        e->code = RC_CORRUPT;
        return err_wrap(e, "the field \"time\"");
    }
    copy_name(host, l.hostname);
    copy_name(user, l.username);
    copy_name(space, l.pid_space);
    *out = l;
    return RC_OK;
}

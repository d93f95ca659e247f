/* SPDX-License-Identifier: Apache-2.0 */
#include "job/users.h"

#include "base/log.h"
#include "redis/topology.h"

enum rc
users_save(struct ctx *cx, const struct source_opts *source, struct save *s, uint64_t *n,
           struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(ACL_TEXT_MAX);
    struct node_found node;
    enum rc rc = topology_reach(cx, source->addr, source->conn, source->prefer, &node, e);

    if (rc == RC_OK) {
        rc = acl_read(cx, node.conn, &text, n, e);
        node_found_release(&node);
    }
    if (rc != RC_OK)
        return err_wrap(e, "could not read the users");
    return wr_write(save_file(s), text.p, text.n, e) ? err_code(e)
                                                     : save_file_end(s, USERS_NAME, e);
}

enum rc
users_open(struct ctx *cx, const struct snapshot_source *from, struct masters *to, enum acl_how how,
           struct users *u, struct err *e)
{
    struct file_info f = {0};
    struct wr_buf into;
    enum rc rc;

    *u = (struct users){.how = how, .commands = BUF_INIT(ACL_TEXT_MAX)};
    if (how == ACL_NONE)
        return RC_OK;
    rc = load_find_file(cx, from->repo, &from->snap.tree, USERS_NAME, &f, e);
    if (rc == RC_NOT_FOUND) {
        (void)err_set(e, RC_NOT_FOUND, "the snapshot holds no users");
        return err_hint(e, "a backup keeps them with --acl; leave --acl out to restore the keys");
    }
    wr_buf_init(&into, &u->commands);
    if (rc == RC_OK)
        rc = load_copy(cx, from->repo, &f, 1, &into.wr, e);
    file_info_release(&f);
    return rc == RC_OK && to != NULL ? acl_check(cx, to, e) : rc;
}

void
users_close(struct users *u)
{
    buf_release(&u->commands);
}

enum rc
users_restore(struct ctx *cx, const struct users *u, struct masters *to, struct restore_result *r,
              struct err *e)
{
    if (u->how == ACL_NONE)
        return RC_OK;
    r->with_users = true;
    if (acl_write(cx, to, buf_str(&u->commands), u->how, &r->users, e))
        return err_wrap(e, "the keys are restored, but not all users");
    return RC_OK;
}

const char *
users_words(const struct acl_result *u, char to[static USERS_WORDS])
{
    (void)snprintf(to, USERS_WORDS, "%llu %s made, %llu replaced, %llu left as %s",
                   (unsigned long long)u->made, str_plural(u->made, "user", "users"),
                   (unsigned long long)u->replaced, (unsigned long long)u->kept,
                   u->kept == 1 ? "it is" : "they are");
    return to;
}

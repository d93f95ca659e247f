/* SPDX-License-Identifier: Apache-2.0 */
/* What each error reply means. */
#include "redis/conn.h"

/* Error replies whose first word says it all. The first that fits counts. */
static const struct {
    const char *start;
    enum rc code;
    const char *hint;
} known[] = {
    {"NOAUTH", RC_DENIED,
     "the server wants a password: set REDISCLI_AUTH, or put it in the address"},
    {"WRONGPASS", RC_DENIED, "the user name or the password is wrong, or the user is switched off"},
    {"ERR invalid password", RC_DENIED, "the password is wrong"},
    {"NOPERM", RC_DENIED, "the user lacks a permission: see ACL LIST on the server"},
    {"DENIED", RC_DENIED,
     "the server is in protected mode: give it a password, or bind and protected-mode no"},
    {"ERR wrong number of arguments for 'auth'", RC_UNSUPPORTED,
     "servers before Redis 6.0 know no users: leave the user name out"},
    {"ERR max number of clients", RC_UNAVAILABLE, "raise maxclients, or try again later"},
    {"ERR unknown command", RC_UNSUPPORTED, "the command is switched off or newer than the server"},
    {"LOADING", RC_UNAVAILABLE, ""},
    {"BUSY ", RC_UNAVAILABLE, "a script runs on the server: SCRIPT KILL ends it"},
    {"MASTERDOWN", RC_UNAVAILABLE, "this replica has lost its master"},
    {"NOMASTERLINK", RC_UNAVAILABLE, "this replica is not in step with its master"},
    {"CLUSTERDOWN", RC_UNAVAILABLE, "the cluster is not complete"},
    {"READONLY", RC_DENIED, "this is a replica: give the address of its master"},
    {"MISCONF", RC_UNAVAILABLE, "the server cannot save to its disk: see its log and 'LASTSAVE'"},
    {"OOM", RC_LIMIT, "raise maxmemory on the server"},
    {"NOREPLICAS", RC_UNAVAILABLE, "the server wants more replicas: see min-replicas-to-write"},
    {"MOVED", RC_UNSUPPORTED, "this is one node of a cluster"},
    {"WRONGTYPE", RC_CONFLICT, ""},
};

enum rc
conn_fail(const struct conn *c, const struct reply *r, const char *what, struct err *e)
{
    char text[240];

    if (r->type != REPLY_ERROR)
        return err_set(e, RC_CORRUPT, "%s: %s gave an answer that was not expected", what,
                       c->sock.peer);
    (void)err_set(e, RC_INVALID, "%s: %s said: %s", what, c->sock.peer,
                  reply_error_text(r, text, sizeof(text)));
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        size_t n = strlen(known[i].start);
        if (r->s.n < n || memcmp(r->s.p, known[i].start, n) != 0)
            continue;
        e->code = known[i].code;
        e->retry = known[i].code == RC_UNAVAILABLE;
        return err_hint(e, "%s", known[i].hint);
    }
    return err_code(e);
}

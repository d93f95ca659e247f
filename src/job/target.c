/* SPDX-License-Identifier: Apache-2.0 */
#include "job/target.h"

#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/node.h"
#include "redis/cluster.h"
#include "repo/snapshots.h"

enum { MACHINE_ID = 32 };

/* NULL: this machine has none, as in most containers. */
static char *
machine_id(void)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(4096);
    struct err none = ERR_INIT;

    if (fs_read_file("/etc/machine-id", &text, &none) || text.n < MACHINE_ID)
        return NULL;
    return mem_strndup((const char *)text.p, MACHINE_ID);
}

static bool
is_local(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

static bool
is_of_this_machine(const struct redis_addr *a)
{
    bool local = a->host != NULL ? is_local(a->host) : a->path != NULL;

    for (size_t i = 0; i < a->n_seeds; i++)
        local = local || is_local(a->seeds[i].host);
    return local;
}

/* The Sentinels as the address has them: "host:port,host:port". */
static char *
seeds_text(const struct redis_addr *a)
{
    const char *begin = strstr(redis_addr_text(a), "://") + 3;

    return mem_strndup(begin, strcspn(begin, "/"));
}

/* Of a server behind Sentinels: its name, and who they are. */
static struct target_id
target_of_master(const struct redis_addr *a)
{
    CLEANUP(mem_free_ptr)
    char *seeds = seeds_text(a), *id = is_of_this_machine(a) ? machine_id() : NULL;

    return (struct target_id){.name = mem_strdup(a->master),
                              .scope =
                                  id != NULL ? mem_printf("%s %s", seeds, id) : mem_strdup(seeds)};
}

char *
target_host(const struct redis_addr *a)
{
    if (a->path != NULL || a->master != NULL)
        return mem_strdup(a->path != NULL ? a->path : a->master);
    return redis_host_text(a->host, a->port);
}

struct target_id
target_of_address(const struct redis_addr *a)
{
    struct target_id t = {.scope = NULL};
    char machine[256] = "";

    if (a->master != NULL)
        return target_of_master(a);
    if (!is_of_this_machine(a)) {
        t.name = target_host(a);
        return t;
    }
    if (gethostname(machine, sizeof(machine) - 1) != 0)
        machine[0] = '\0';
    t.name = a->path != NULL ? mem_printf("%s:%s", machine, a->path)
                             : mem_printf("%s:%u", machine, (unsigned)a->port);
    t.scope = machine_id();
    return t;
}

struct target_id
target_of_object(const char *ns, const char *kind, const char *name)
{
    const char *cluster = getenv(TARGET_CLUSTER_ENV);
    struct target_id t = {.name = mem_printf("%s/%s/%s", ns, kind, name)};

    if (cluster != NULL && cluster[0] != '\0')
        t.scope = mem_strdup(cluster);
    return t;
}

struct target_id
target_of_text(const char *text)
{
    const char *at = strrchr(text, '@');

    if (at == NULL || at == text)
        return (struct target_id){.name = mem_strdup(text)};
    return (struct target_id){.name = mem_strndup(text, (size_t)(at - text)),
                              .scope = at[1] != '\0' ? mem_strdup(at + 1) : NULL};
}

struct target
target_view(const struct target_id *t)
{
    return (struct target){t->name, t->scope};
}

void
target_release(struct target_id *t)
{
    mem_free(t->name);
    mem_free(t->scope);
    *t = (struct target_id){.name = NULL};
}

bool
target_has_node(const struct snapshot *s, const char *nodes)
{
    struct err none = ERR_INIT;
    struct json *brief = NULL;
    bool yes = false;

    if (s->brief != NULL && s->target != NULL && s->part == NULL &&
        json_parse_lenient(str_c(s->brief), &brief, &none) == RC_OK)
        yes = cluster_ids_meet(nodes, json_text_or(json_dig(brief, "source", "nodes"), ""));
    json_free(brief);
    return yes;
}

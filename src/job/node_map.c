/* SPDX-License-Identifier: Apache-2.0 */
#include "job/node_map.h"

#include <string.h>

#include "base/mem.h"

static enum rc
node_map_parse(const struct opt *o, const char *text, void *to, struct err *e)
{
    const char *equals = text != NULL ? strchr(text, '=') : NULL;

    if (text != NULL && (equals == NULL || equals == text || equals[1] == '\0'))
        return err_set(e, RC_USAGE,
                       "must be two addresses, such as 10.0.0.7:6379=example.org:7001");
    return opt_list.parse(o, text, to, e);
}

const struct opt_type node_map_type = {
    .value = "ANNOUNCED=REACHABLE", .is_list = true, .parse = node_map_parse};

void
node_map_init(struct node_map *m, const struct opt_list *options)
{
    *m = (struct node_map){.n = options->n};
    for (size_t i = 0; i < m->n; i++) {
        size_t from = strcspn(options->v[i], "=");

        m->texts[i] = mem_strdup(options->v[i]);
        m->texts[i][from] = '\0';
        m->list[i] =
            (struct cluster_alias){.announced = m->texts[i], .reachable = m->texts[i] + from + 1};
    }
}

void
node_map_release(struct node_map *m)
{
    for (size_t i = 0; i < m->n; i++)
        mem_free(m->texts[i]);
    *m = (struct node_map){.n = 0};
}

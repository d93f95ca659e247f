/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/history.h"

#include "base/mem.h"
#include "operator/operator_internal.h"
#include "operator/phase.h"

struct entry {
    const struct json *session;
    int64_t at;
};

static int
newest_first(const void *a, const void *b)
{
    const struct entry *x = (const struct entry *)a, *y = (const struct entry *)b;

    if (x->at != y->at)
        return x->at < y->at ? 1 : -1;
    return strcmp(kube_name(y->session), kube_name(x->session));
}

struct json *
history_victims(const struct json *sessions, int64_t limit, const char *current)
{
    size_t n = json_size(sessions);
    struct entry *list = (struct entry *)mem_zero(n + 1, sizeof(*list));
    struct json *gone = json_new_array();
    bool kept_last = limit <= 0;

    for (size_t i = 0; i < n; i++)
        list[i] = (struct entry){json_elem(sessions, i), kube_created_ms(json_elem(sessions, i))};
    qsort(list, n, sizeof(*list), newest_first);
    for (size_t i = 0; i < n; i++) {
        const struct json *s = list[i].session;
        const char *phase = json_text_or(json_dig(s, "status", "phase"), "");
        bool completed = strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0,
             last = completed && !kept_last;

        kept_last = kept_last || completed;
        if ((int64_t)i >= limit && phase_is_final(phase) && !last &&
            strcmp(kube_name(s), current) != 0)
            json_push_cstr(gone, kube_name(s));
    }
    mem_free(list);
    return gone;
}

enum rc
history_clean(struct ctx *cx, struct operator* op, const struct invoker *inv,
              const struct json *current, struct err *e)
{
    char *key = key3(inv->ns, inv->kind, inv->name);
    struct json *sessions = cache_by(op->backupsession.cache, BY_INVOKER, key);
    int64_t limit = json_int_or(json_field(inv->spec, "backupHistoryLimit"), 1);
    struct json *gone = history_victims(sessions, limit, kube_name(current));
    enum rc rc = RC_OK;

    for (size_t i = 0; i < json_size(gone) && rc == RC_OK; i++)
        rc = ensure_gone(cx, op, &GVR_BACKUP_SESSION, inv->ns, json_text(json_elem(gone, i)),
                         "Background", e);
    json_free(gone);
    json_free(sessions);
    mem_free(key);
    return rc;
}

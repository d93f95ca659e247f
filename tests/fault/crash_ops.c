/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation that changes a repository: run it, and tell whether it is done. */
#include "crash.h"
#include "t.h"

#include "base/mem.h"
#include "maintain/copy.h"
#include "repo/keys.h"
#include "maintain/prune.h"
#include "maintain/repair.h"
#include "repo/save.h"
#include "maintain/snapshot_edit.h"

static enum rc
enter(struct store *s, bool exclusive, struct repo **r, struct err *e)
{
    enum rc rc = open_repo(s, r, e);

    return rc != RC_OK ? rc : repo_lock(&cx, *r, exclusive, e);
}

static size_t
count_snapshots(struct store *s)
{
    struct snapshot *list = NULL;
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    size_t n = 0;

    T_OK(open_repo(s, &r, &e));
    T_OK(snapshots_list(&cx, r, &list, &n, &e));
    snapshots_free(list, n);
    repo_close(r);
    return n;
}

static enum rc
run_init(struct store *s, struct err *e)
{
    struct repo_init_opts fast = {.fast_kdf = true};
    struct id id;
    enum rc rc = repo_init(&cx, s, STR_LIT("pw"), &fast, &id, e);

    return rc == RC_EXISTS ? RC_OK : rc;
}

static bool
is_made(struct store *s)
{
    return opens_with(s, "pw");
}

static enum rc
run_backup(struct store *s, struct err *e)
{
    struct repo *r = NULL;
    enum rc rc = enter(s, false, &r, e);

    if (rc == RC_OK)
        rc = save_files(r, 8, e);
    repo_close(r);
    return rc;
}

static bool
is_backed_up(struct store *s)
{
    return count_snapshots(s) > SNAPSHOTS;
}

/* Bits of known snapshots. */
#define FORGOTTEN (1U << 2 | 1U << 3)

static enum rc
run_forget(struct store *s, struct err *e)
{
    struct snapshot *list = NULL;
    struct repo *r = NULL;
    size_t n = 0;
    enum rc rc = enter(s, true, &r, e);

    if (rc == RC_OK)
        rc = snapshots_list(&cx, r, &list, &n, e);
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        int k = known_as(&list[i]);
        if (k >= 0 && (FORGOTTEN >> k & 1) != 0)
            rc = snapshot_forget(&cx, r, &list[i].id, e);
    }
    snapshots_free(list, n);
    repo_close(r);
    return rc;
}

static bool
is_forgotten(struct store *s)
{
    return count_snapshots(s) == SNAPSHOTS - 2;
}

/* Everything that can be rewritten is. */
static const struct prune_opts thorough = {.max_unused = {.kind = PRUNE_BYTES},
                                           .repack_small = true};

static enum rc
run_prune(struct store *s, struct err *e)
{
    struct prune_stats stats;
    struct repo *r = NULL;
    enum rc rc = enter(s, true, &r, e);

    if (rc == RC_OK)
        rc = prune_run(&cx, r, &thorough, &stats, e);
    repo_close(r);
    return rc;
}

/* What a prune would find. */
static struct prune_stats
prune_stats_of(struct store *s)
{
    struct prune_opts look = thorough;
    struct prune_stats stats;
    struct repo *r = NULL;
    struct err e = ERR_INIT;

    look.dry_run = true;
    T_OK(open_repo(s, &r, &e));
    T_OK(prune_run(&cx, r, &look, &stats, &e));
    repo_close(r);
    return stats;
}

static bool
is_pruned(struct store *s)
{
    struct prune_stats stats = prune_stats_of(s);

    return stats.unused.blobs + stats.duplicate.blobs + stats.packs_unreferenced == 0;
}

static enum rc
run_forget_prune(struct store *s, struct err *e)
{
    enum rc rc = run_forget(s, e);

    return rc == RC_OK ? run_prune(s, e) : rc;
}

static bool
is_forgotten_pruned(struct store *s)
{
    return is_forgotten(s) && is_pruned(s);
}

static const struct repo_init_opts fast_key = {.fast_kdf = true};

static enum rc
run_key_add(struct store *s, struct err *e)
{
    struct repo *r = NULL;
    struct id id;
    enum rc rc = enter(s, false, &r, e);

    if (rc == RC_OK)
        rc = keys_add(&cx, r, STR_LIT("new"), &fast_key, &id, e);
    repo_close(r);
    return rc;
}

static bool
is_added(struct store *s)
{
    return opens_with(s, "pw") && opens_with(s, "new");
}

static enum rc
run_passwd(struct store *s, struct err *e)
{
    struct repo *r = NULL;
    struct id id;
    enum rc rc = enter(s, true, &r, e);

    if (rc == RC_OK)
        rc = keys_passwd(&cx, r, STR_LIT("new"), &fast_key, &id, e);
    repo_close(r);
    return rc;
}

static bool
is_changed(struct store *s)
{
    return !opens_with(s, "pw") && opens_with(s, "new");
}

/* With "pw", all other keys: that of "new", which set_second_key adds. */
static enum rc
run_key_remove(struct store *s, struct err *e)
{
    struct key_info *keys = NULL;
    struct repo *r = NULL;
    size_t n = 0, unread = 0;
    char hex[ID_TEXT];
    enum rc rc = enter(s, true, &r, e);

    if (rc == RC_OK)
        rc = keys_list(&cx, r, &keys, &n, &unread, e);
    if (rc == RC_OK && unread != 0)
        rc = err_set(e, RC_CORRUPT, "a key could not be read");
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        if (!keys[i].current)
            rc = keys_remove(&cx, r, id_hex(&keys[i].id, hex), e);
    keys_free(keys, n);
    repo_close(r);
    return rc;
}

static bool
is_removed(struct store *s)
{
    return opens_with(s, "pw") && !opens_with(s, "new");
}

static void
set_second_key(struct store *s)
{
    struct err e = ERR_INIT;

    T_OK(run_key_add(s, &e));
}

static enum rc
run_unlock(struct store *s, struct err *e)
{
    struct repo *r = NULL;
    size_t removed;
    enum rc rc = open_repo(s, &r, e);

    if (rc == RC_OK)
        rc = repo_unlock_stale(&cx, r, false, &removed, e);
    repo_close(r);
    return rc;
}

static enum rc
count_object(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    (void)id;
    (void)bytes;
    (void)e;
    ++*(size_t *)arg;
    return RC_OK;
}

static size_t
count_locks(struct store *s)
{
    struct err e = ERR_INIT;
    size_t n = 0;

    T_OK(s->ops->list(&cx, s, STORE_LOCK, count_object, &n, &e));
    return n;
}

static bool
is_unlocked(struct store *s)
{
    return count_locks(s) == 0;
}

static void
set_old_locks(struct store *s)
{
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    struct id id;

    T_OK(open_repo(s, &r, &e));
    for (unsigned i = 0; i < 3; i++) {
        struct lock_info l = {.time = instant_now(), .hostname = "elsewhere", .pid = i};
        CLEANUP(buf_release) struct buf text = BUF_INIT(LOCK_FILE_MAX);
        l.time.sec -= 3600;
        T_OK(lock_encode(&l, &text, &e));
        T_OK(unpacked_save(&cx, r, STORE_LOCK, buf_str(&text), &id, NULL, &e));
    }
    repo_close(r);
}

static enum rc
run_tag(struct store *s, struct err *e)
{
    struct snapshot *list = NULL;
    struct repo *r = NULL;
    size_t n = 0;
    enum rc rc = enter(s, true, &r, e);

    if (rc == RC_OK)
        rc = snapshots_list(&cx, r, &list, &n, e);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        if (snapshot_add_tag(&list[i], "new"))
            rc = snapshot_replace(&cx, r, &list[i], false, e);
    snapshots_free(list, n);
    repo_close(r);
    return rc;
}

static bool
is_tagged(struct store *s)
{
    struct snapshot *list = NULL;
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    size_t n = 0, tagged = 0;

    T_OK(open_repo(s, &r, &e));
    T_OK(snapshots_list(&cx, r, &list, &n, &e));
    for (size_t i = 0; i < n; i++)
        tagged += snapshot_has_tags(&list[i], "new");
    snapshots_free(list, n);
    repo_close(r);
    return tagged == n;
}

static void
no_word(void *arg, const struct snapshot *from, const struct id *to)
{
    (void)arg;
    (void)from;
    (void)to;
}

static void
no_complaint(void *arg, const struct snapshot *from, const struct err *why)
{
    (void)arg;
    (void)from;
    (void)why;
}

static enum rc
copy_all(struct store *from, struct store *to, struct err *e)
{
    struct copy_opts opts = {.copied = no_word, .skipped = no_word, .failed = no_complaint};
    struct copy_result result;
    struct snapshot *list = NULL;
    struct repo *a = NULL, *b = NULL;
    size_t n = 0;
    enum rc rc = enter(from, false, &a, e);

    if (rc == RC_OK)
        rc = enter(to, false, &b, e);
    if (rc == RC_OK)
        rc = snapshots_list(&cx, a, &list, &n, e);
    opts.from = a;
    if (rc == RC_OK)
        rc = copy_snapshots(&cx, b, list, n, &opts, &result, e);
    snapshots_free(list, n);
    repo_close(b);
    repo_close(a);
    return rc;
}

static enum rc
run_copy(struct store *s, struct err *e)
{
    return copy_all(before.full, s, e);
}

static bool
is_copied(struct store *s)
{
    return count_snapshots(s) == SNAPSHOTS;
}

static void
set_repository(struct store *s)
{
    struct err e = ERR_INIT;

    T_OK(run_init(s, &e));
}

/* The same, and the source is struck. */
static struct store *elsewhere;

static enum rc
run_copy_away(struct store *s, struct err *e)
{
    return copy_all(s, elsewhere, e);
}

static bool
is_elsewhere(struct store *s)
{
    (void)s;
    return is_copied(elsewhere);
}

static void
set_elsewhere(struct store *s)
{
    (void)s;
    store_release(elsewhere);
    elsewhere = new_store(true);
}

static void
no_note(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static const struct repair_opts repair = {.note = no_note, .forget = true};

static enum rc
run_repair_index(struct store *s, struct err *e)
{
    struct repair_index_result result;
    struct repo *r = NULL;
    enum rc rc = enter(s, true, &r, e);

    if (rc == RC_OK)
        rc = repair_index(&cx, r, &repair, &result, e);
    repo_close(r);
    return rc;
}

static bool
is_indexed(struct store *s)
{
    return prune_stats_of(s).packs_unreferenced == 0;
}

/* Of several the one whose ID is least: the same on every copy. */
static enum rc
least(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct store_name *name = arg;

    (void)bytes;
    (void)e;
    if (memcmp(id->b, name->id.b, ID_BYTES) < 0)
        name->id = *id;
    return RC_OK;
}

static struct store_name
first_of(struct store *s, enum store_type type)
{
    struct store_name name = {.type = type};
    struct err e = ERR_INIT;

    memset(name.id.b, 0xff, ID_BYTES);
    T_OK(s->ops->list(&cx, s, type, least, &name, &e));
    return name;
}

static void
remove_first(struct store *s, enum store_type type)
{
    struct store_name name = first_of(s, type);
    struct err e = ERR_INIT;

    T_OK(s->ops->del(&cx, s, &name, &e));
}

static void
set_lost_index(struct store *s)
{
    remove_first(s, STORE_INDEX);
}

static void
set_lost_pack(struct store *s)
{
    remove_first(s, STORE_PACK);
}

static enum rc
run_repair_packs(struct store *s, struct err *e)
{
    struct store_name name = first_of(before.full, STORE_PACK);
    struct repair_packs_result result;
    struct repo *r = NULL;
    uint64_t bytes;
    enum rc rc = enter(s, true, &r, e);

    if (rc == RC_OK)
        rc = s->ops->stat(&cx, s, &name, &bytes, e);
    if (rc == RC_OK)
        rc = repair_packs(&cx, r, &name.id, 1, &repair, &result, e);
    repo_close(r);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static bool
is_repacked(struct store *s)
{
    struct store_name name = first_of(before.full, STORE_PACK);
    struct err e = ERR_INIT;
    uint64_t bytes;

    return s->ops->stat(&cx, s, &name, &bytes, &e) == RC_NOT_FOUND;
}

static enum rc
run_repair_snapshots(struct store *s, struct err *e)
{
    struct snapshot *list = NULL;
    struct repo *r = NULL;
    size_t n = 0, changed;
    enum rc rc = run_repair_index(s, e);

    if (rc == RC_OK)
        rc = enter(s, true, &r, e);
    if (rc == RC_OK)
        rc = snapshots_list(&cx, r, &list, &n, e);
    if (rc == RC_OK)
        rc = repair_snapshots(&cx, r, list, n, &repair, &changed, e);
    snapshots_free(list, n);
    repo_close(r);
    return rc;
}

static bool
is_never_wrong(struct store *s)
{
    (void)s;
    return true; /* check says the rest */
}

static enum rc
keep_nothing(void *arg, struct str config, struct err *e)
{
    (void)arg;
    (void)config;
    (void)e;
    return RC_OK;
}

static enum rc
run_migrate(struct store *s, struct err *e)
{
    struct repo *r = NULL;
    enum rc rc = enter(s, true, &r, e);

    if (rc == RC_OK && repo_version(r) == 1)
        rc = repo_upgrade(&cx, r, keep_nothing, NULL, e);
    repo_close(r);
    return rc;
}

static bool
is_migrated(struct store *s)
{
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    unsigned version;

    T_OK(open_repo(s, &r, &e));
    version = repo_version(r);
    repo_close(r);
    return version == 2;
}

static void
set_version_1(struct store *s)
{
    struct repo_init_opts opts = {.version = 1, .fast_kdf = true};
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    struct id id;

    T_OK(repo_init(&cx, s, STR_LIT("pw"), &opts, &id, &e));
    T_OK(open_repo(s, &r, &e));
    T_OK(save_files(r, 0, &e));
    repo_close(r);
}

const struct operation operations[] = {
    {"init", run_init, is_made, .from_nothing = true},
    {"backup", run_backup, is_backed_up, .has_threads = true},
    {"forget", run_forget, is_forgotten, .forgets = FORGOTTEN},
    {"prune", run_prune, is_pruned, .has_threads = true, .needs_room = true},
    {"forget --prune", run_forget_prune, is_forgotten_pruned, .forgets = FORGOTTEN,
     .has_threads = true, .needs_room = true},
    {"tag", run_tag, is_tagged, .has_threads = false},
    {"copy to it", run_copy, is_copied, .set = set_repository, .from_nothing = true},
    {"copy from it", run_copy_away, is_elsewhere, .set = set_elsewhere},
    {"repair index", run_repair_index, is_indexed, .needs_sight = true},
    {"repair index, one less", run_repair_index, is_indexed, .set = set_lost_index, .damaged = true,
     .needs_sight = true},
    {"repair packs", run_repair_packs, is_repacked, .has_threads = false},
    {"repair snapshots", run_repair_snapshots, is_never_wrong, .set = set_lost_pack,
     .forgets = ALL_SNAPSHOTS, .damaged = true},
    {"migrate", run_migrate, is_migrated, .set = set_version_1, .from_nothing = true},
    {"key add", run_key_add, is_added, .forgets = 0},
    {"key remove", run_key_remove, is_removed, .set = set_second_key},
    {"key passwd", run_passwd, is_changed, .forgets = 0},
    {"unlock", run_unlock, is_unlocked, .set = set_old_locks, .needs_sight = true},
};

const size_t n_operations = ARRAY_LEN(operations);

void
operations_end(void)
{
    store_release(elsewhere);
}

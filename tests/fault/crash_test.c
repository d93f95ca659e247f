/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the store does and wherever the process dies, nothing is lost. Every operation that
 * writes runs on a copy of one prepared repository, again and again, with each of its store
 * operations struck in turn, in every way of store/fault. After each: the repository opens, check
 * finds nothing, what was there is there and whole, and the same operation, run again, succeeds.
 * Only the locks of the dead are removed in between, as `unlock` does.
 *
 * CRASH_RESTIC names programs, such as "restic /opt/restic-0.19": they check each wreck too.
 * CRASH_SEEDS: how many orders are tried of operations that are under way at the same time.
 */
#include "crash.h"
#include "t.h"

#include <unistd.h>

#include "base/mem.h"
#include "maintain/check.h"
#include "store/local.h"

static char scene[200]; /* what is tried now, for messages */

static void
all_is_there(struct repo *r, unsigned forgets, bool read)
{
    struct snapshot *list = NULL;
    struct err e = ERR_INIT;
    unsigned seen = 0;
    size_t n = 0;

    T_OK(snapshots_list(&cx, r, &list, &n, &e));
    for (size_t i = 0; i < n; i++) {
        int k = known_as(&list[i]);
        struct id content;
        if (k < 0)
            continue;
        seen |= 1U << k;
        if (!read || k == 1) /* which is as 0 */
            continue;
        hash_tree(r, &list[i].tree, &content);
        if (!id_eq(&content, &before.known[k].content))
            fail_msg("%s: snapshot %d has other content", scene, k);
    }
    snapshots_free(list, n);
    if ((seen | forgets) != ALL_SNAPSHOTS)
        fail_msg("%s: snapshots %x are missing", scene, ALL_SNAPSHOTS & ~(seen | forgets));
}

/* The programs of CRASH_RESTIC take turns. */
static void
restic_agrees(struct store *s)
{
    static unsigned turn;
    const char *programs = getenv("CRASH_RESTIC"), *program = programs;
    char place[] = "/tmp/cstash-crash-XXXXXX", command[800];
    struct store *folder;
    size_t words = 1;

    if (programs == NULL || programs[0] == '\0')
        return;
    for (const char *at = programs; *at != '\0'; at++)
        words += at[0] == ' ' && at[1] != '\0';
    for (size_t i = turn++ % words; i > 0; i--)
        program = strchr(program, ' ') + 1;
    assert_non_null(mkdtemp(place));
    folder = store_local_new(place);
    copy_store(s, folder);
    store_release(folder);
    (void)snprintf(command, sizeof(command),
                   "RESTIC_PASSWORD=%s %.*s -r %s --no-cache -q check --read-data >%s.log 2>&1",
                   opens_with(s, "pw") ? "pw" : "new", (int)strcspn(program, " "), program, place,
                   place);
    if (system(command) != 0) /* NOLINT(cert-env33-c,concurrency-mt-unsafe): a test */
        fail_msg("%s: restic finds errors, see %s.log", scene, place);
    (void)snprintf(command, sizeof(command), "rm -r %s %s.log", place, place);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
}

static void
fail_here(void *arg, const char *text)
{
    const struct operation *op = arg;

    /* What was cut off before its first snapshot leaves data that nobody names. */
    if (!op->from_nothing || strstr(text, "there is no snapshot at all") == NULL)
        fail_msg("%s: check: %s", scene, text);
}

/* False: there is no repository yet. `read`: every byte, and the files of the snapshots as well. */
static bool
examine(struct store *s, const struct operation *op, bool read)
{
    struct check_opts opts = {
        .read_data = read, .workers = 1, .problem = fail_here, .arg = (void *)(uintptr_t)op};
    struct check_result res;
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    size_t removed;
    enum rc rc = open_repo(s, &r, &e);

    if (rc == RC_NO_REPOSITORY && op->from_nothing)
        return false;
    if (rc != RC_OK)
        fail_msg("%s: it does not open: %s", scene, e.msg);
    T_OK(repo_unlock_stale(&cx, r, true, &removed, &e));
    rc = check_run(&cx, r, &opts, &res, &e);
    if (rc != RC_CORRUPT || !op->from_nothing || res.snapshots != 0)
        T_OK(rc);
    all_is_there(r, op->from_nothing ? ALL_SNAPSHOTS : op->forgets, read);
    repo_close(r);
    return true;
}

/* One operation, struck once. False: it ended before. */
static bool
try_one(const struct operation *op, const struct fault_plan *plan)
{
    struct store *s = new_store(false);
    struct err e = ERR_INIT;
    bool struck, done, excused;
    enum rc rc;

    s->remote = plan->kind == FAULT_KEPT; /* of a folder the system's word is good enough */
    s->connections = s->remote ? STORE_CONNECTIONS : 0;
    copy_store(op->from_nothing ? before.empty : before.full, s);
    if (op->set != NULL)
        op->set(s);
    store_fault_plan(s, *plan);
    rc = op->run(s, &e);
    struck = store_fault_count(s) >= plan->at;
    store_fault_plan(s, no_fault);
    if (rc != RC_OK && !struck)
        fail_msg("%s: failed without a strike: %s", scene, e.msg);
    excused = (op->needs_sight && plan->kind == FAULT_SHORT) ||
              (op->needs_room && plan->kind == FAULT_FULL);
    if (rc == RC_OK && !excused && !op->is_done(s))
        fail_msg("%s: it says that it is done, and is not", scene);
    if (op->damaged) {
        struct repo *r = NULL;
        size_t removed;
        T_OK(open_repo(s, &r, &e));
        T_OK(repo_unlock_stale(&cx, r, true, &removed, &e));
        repo_close(r);
    } else if (examine(s, op, true) && struck)
        restic_agrees(s);
    rc = op->run(s, &e);
    if (rc != RC_OK)
        fail_msg("%s: the next run failed: %s", scene, e.msg);
    done = op->is_done(s);
    if (!done)
        fail_msg("%s: the next run is not done", scene);
    assert_true(examine(s, op, op->damaged));
    store_release(s);
    return struck;
}

static void
try_everywhere(const struct operation *op, const char *how, struct fault_plan plan)
{
    bool struck = true;

    for (plan.at = 1; struck; plan.at++) {
        (void)snprintf(scene, sizeof(scene), "%s, operation %u %s%s", op->name, plan.at, how,
                       plan.dead ? ", then death" : "");
        struck = try_one(op, &plan);
    }
    print_message("# %s: %u strikes: %s%s\n", op->name, plan.at - 2, how,
                  plan.dead ? ", then death" : "");
}

static void
try_all(const char *how, struct fault_plan plan)
{
    for (size_t i = 0; i < n_operations; i++)
        if (plan.shuffle == 0 || operations[i].has_threads)
            try_everywhere(&operations[i], how, plan);
}

static void
test_one_failure_does_no_harm(void **state)
{
    (void)state;
    try_all("fails", (struct fault_plan){.kind = FAULT_FAIL});
}

static void
test_a_lost_answer_does_no_harm(void **state)
{
    (void)state;
    try_all("is done but fails", (struct fault_plan){.kind = FAULT_LOST});
}

static void
test_a_short_read_does_no_harm(void **state)
{
    (void)state;
    try_all("ends early", (struct fault_plan){.kind = FAULT_SHORT});
}

/* Of one object, and of all from it on; locks are written into what was set aside. */
static void
test_a_full_store_does_no_harm(void **state)
{
    (void)state;
    try_all("is full", (struct fault_plan){.kind = FAULT_FAIL, .code = RC_FULL});
    try_all("is full from here on",
            (struct fault_plan){.kind = FAULT_FULL, .types = ~(1U << STORE_LOCK)});
    try_all("has no room for packs from here on",
            (struct fault_plan){.kind = FAULT_FULL, .types = 1U << STORE_PACK});
}

/* After whatever changes the store: between two of these every death leaves the same. */
static void
test_death_after_any_change(void **state)
{
    (void)state;
    try_all("is done", (struct fault_plan){.kind = FAULT_LOST, .dead = true});
}

/* Any other half object is found by its hash, and no store of ours leaves one. */
static void
test_death_leaves_half_a_pack(void **state)
{
    (void)state;
    try_all("leaves half a pack",
            (struct fault_plan){.kind = FAULT_CUT, .dead = true, .types = 1U << STORE_PACK});
}

/* It answers that all is well, and has nothing, or half: then nobody may count on it. */
static void
test_a_store_that_lies_is_not_believed(void **state)
{
    (void)state;
    try_all("says that it is done, and is not", (struct fault_plan){.kind = FAULT_GONE});
    try_all("says that it is done, and is half", (struct fault_plan){.kind = FAULT_HALF});
}

/* It answers that something is removed, and keeps it. The first of each type, since each lie is waited
 * for as long as a store may be late. */
static void
test_a_store_that_keeps_what_it_removes_is_not_believed(void **state)
{
    static const enum store_type types[] = {STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK,
                                            STORE_PACK};

    (void)state;
    for (size_t i = 0; i < n_operations; i++)
        for (size_t t = 0; t < ARRAY_LEN(types); t++) {
            struct fault_plan plan = {.at = 1, .kind = FAULT_KEPT, .types = 1U << types[t]};
            (void)snprintf(scene, sizeof(scene), "%s, type %zu is removed, and stays",
                           operations[i].name, t);
            (void)try_one(&operations[i], &plan);
        }
}

static void
test_death_in_any_order(void **state)
{
    const char *seeds = getenv("CRASH_SEEDS");

    (void)state;
    for (uint64_t seed = 1; seed <= (seeds == NULL ? 1 : strtoull(seeds, NULL, 10)); seed++)
        try_all("is done, others in another order",
                (struct fault_plan){.kind = FAULT_LOST, .dead = true, .shuffle = seed});
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_failure_does_no_harm),
        cmocka_unit_test(test_a_lost_answer_does_no_harm),
        cmocka_unit_test(test_a_short_read_does_no_harm),
        cmocka_unit_test(test_a_full_store_does_no_harm),
        cmocka_unit_test(test_death_after_any_change),
        cmocka_unit_test(test_death_leaves_half_a_pack),
        cmocka_unit_test(test_a_store_that_lies_is_not_believed),
        cmocka_unit_test(test_a_store_that_keeps_what_it_removes_is_not_believed),
        cmocka_unit_test(test_death_in_any_order),
    };
    struct err e = ERR_INIT;
    int failed;

    if (ctx_init(&cx, &e))
        return 1;
    prepare();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    prepare_end();
    operations_end();
    ctx_release(&cx);
    return failed;
}

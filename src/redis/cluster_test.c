/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/mem.h"
#include "redis/masters.h"

static void
test_slots_are_those_of_the_specification(void **state)
{
    static const struct {
        const char *key;
        unsigned slot;
    } known[] = {{"", 0},          {"123456789", 12739},   {"foo", 12182},
                 {"{foo}", 12182}, {"a{foo}b", 12182},     {"x{foo}{bar}", 12182},
                 {"{}foo", 9500},  {"foo{{bar}}zap", 4015}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_int_equal(slot_of(str_c(known[i].key)), known[i].slot);
    assert_int_equal(slot_of(str_c("{user1000}.following")),
                     slot_of(str_c("{user1000}.followers")));
}

/* What a server would answer, as a tree. */
struct answer {
    struct reply_reader reader;
    struct reply r;
};

static void
answer_set(struct answer *a, const char *resp)
{
    struct err e = ERR_INIT;
    uint8_t *p;
    size_t cap;
    bool whole;

    reply_reader_init(&a->reader);
    T_OK(reply_room(&a->reader, strlen(resp), &p, &cap, &e));
    memcpy(p, resp, strlen(resp));
    reply_fed(&a->reader, strlen(resp));
    T_OK(reply_next(&a->reader, &a->r, &whole, &e));
    assert_true(whole);
}

/* A node as CLUSTER SHARDS has it. */
#define NODE(id, port, tls, ip, endpoint, role, health)                                            \
    "*14\r\n$2\r\nid\r\n$1\r\n" id "\r\n$4\r\nport\r\n:" port "\r\n$8\r\ntls-port\r\n:" tls        \
    "\r\n$2\r\nip\r\n" ip "\r\n$8\r\nendpoint\r\n" endpoint "\r\n$4\r\nrole\r\n" role              \
    "\r\n$6\r\nhealth\r\n" health "\r\n"
#define IP "$9\r\n127.0.0.1"
#define MASTER "$6\r\nmaster"
#define REPLICA "$7\r\nreplica"
#define ONLINE "$6\r\nonline"
#define SHARD(slots, nodes) "*4\r\n$5\r\nslots\r\n" slots "$5\r\nnodes\r\n" nodes

static void
test_shards_in_the_order_of_their_slots(void **state)
{
    static const char text[] =
        "*3\r\n" SHARD("*2\r\n:8192\r\n:16383\r\n",
                       "*1\r\n" NODE("b", "7001", "7101", IP, "$1\r\n?", MASTER, ONLINE))
            SHARD("*4\r\n:0\r\n:99\r\n:101\r\n:8191\r\n",
                  "*2\r\n" NODE("c", "7003", "7103", IP, "$4\r\nhost", REPLICA, ONLINE)
                      NODE("a", "7000", "7100", IP, "$0\r\n", MASTER, ONLINE))
                SHARD("*0\r\n", "*1\r\n" NODE("d", "7004", "7104", IP, IP, MASTER, ONLINE));
    const struct cluster_alias map[] = {{"127.0.0.1:7000", "outside:17000"}, {"host", "there"}};
    const struct cluster_ask ask = {.map = map, .n_map = 2}, tls = {.tls = true};
    struct answer a;
    struct cluster *c = NULL, *other = NULL;
    struct err e = ERR_INIT;

    (void)state;
    answer_set(&a, text);
    T_OK(cluster_take_shards(&a.r, &ask, &c, &e));
    assert_int_equal(c->n_shards, 2);
    assert_int_equal(c->n_nodes, 4);
    assert_string_equal(c->nodes[c->shards[0].master].id, "a");
    assert_string_equal(c->nodes[c->shards[0].master].host, "outside");
    assert_int_equal(c->nodes[c->shards[0].master].port, 17000);
    assert_string_equal(c->nodes[c->shards[1].master].host, "127.0.0.1");
    assert_int_equal(c->shards[0].slots, 8191);
    assert_int_equal(c->owner[99], 0);
    assert_int_equal(c->owner[100], CLUSTER_NO_SHARD);
    assert_int_equal(c->owner[16383], 1);
    assert_string_equal(c->nodes[1].host, "there");
    assert_true(c->nodes[1].replica);
    assert_int_equal(c->nodes[1].port, 7003);
    T_RC(cluster_need_whole(c, &e), RC_CONFLICT);
    T_CONTAINS(e.msg, "1 of 16384 slots of the cluster have no owner, 100 the first");
    T_OK(cluster_take_shards(&a.r, &tls, &other, &e));
    assert_int_equal(other->nodes[other->shards[0].master].port, 7100);
    assert_true(cluster_same(c, other));
    other->owner[5] = 1;
    assert_false(cluster_same(c, other));
    cluster_free(c);
    cluster_free(other);
    reply_reader_release(&a.reader);
}

static void
test_slots_of_older_servers(void **state)
{
    static const char text[] =
        "*3\r\n"
        "*3\r\n:0\r\n:10\r\n*3\r\n$9\r\n127.0.0.1\r\n:7000\r\n$1\r\na\r\n"
        "*4\r\n:11\r\n:16000\r\n*3\r\n$0\r\n\r\n:7001\r\n$1\r\nb\r\n*3\r\n$9\r\n127.0.0.1\r\n:"
        "7002\r\n$1\r\nc\r\n"
        "*3\r\n:16001\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:7000\r\n$1\r\na\r\n";
    struct redis_addr asked;
    struct cluster_ask ask = {.asked = &asked};
    struct answer a;
    struct cluster *c = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(redis_addr_parse(str_c("redis://seed:1"), NULL, &asked, &e));
    answer_set(&a, text);
    T_OK(cluster_take_slots(&a.r, &ask, &c, &e));
    assert_int_equal(c->n_shards, 2);
    assert_int_equal(c->n_nodes, 3);
    assert_int_equal(c->owner[16383], 0);
    assert_string_equal(c->nodes[c->shards[1].master].host, "seed");
    T_OK(cluster_need_whole(c, &e));
    cluster_free(c);
    reply_reader_release(&a.reader);
    redis_addr_release(&asked);
}

static void
test_what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
    } bad[] = {
        {"+OK\r\n", RC_CORRUPT},
        {"*1\r\n:1\r\n", RC_CORRUPT},
        {"*1\r\n" SHARD("*2\r\n:0\r\n:16384\r\n", "*0\r\n"), RC_CORRUPT},
        {"*1\r\n" SHARD("*2\r\n:5\r\n:4\r\n", "*0\r\n"), RC_CORRUPT},
        {"*2\r\n" SHARD("*2\r\n:0\r\n:5\r\n", "*0\r\n") SHARD("*2\r\n:5\r\n:6\r\n", "*0\r\n"),
         RC_CONFLICT},
        {"*1\r\n" SHARD("*0\r\n", "*1\r\n" NODE("a", "0", "7100", IP, IP, MASTER, ONLINE)),
         RC_UNSUPPORTED},
        {"*1\r\n" SHARD("*0\r\n",
                        "*1\r\n" NODE("a", "7", "7100", "$0\r\n", "$1\r\n?", MASTER, ONLINE)),
         RC_CORRUPT},
        {"*1\r\n" SHARD("*0\r\n", "*1\r\n*0\r\n"), RC_CORRUPT},
    };
    const struct cluster_ask ask = {.tls = false};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct cluster *c = NULL;
        struct err e = ERR_INIT;
        struct answer a;

        answer_set(&a, bad[i].text);
        T_RC(cluster_take_shards(&a.r, &ask, &c, &e), bad[i].rc);
        assert_null(c);
        reply_reader_release(&a.reader);
    }
}

static void
test_a_master_tells_its_own_slots(void **state)
{
    static const char nodes[] =
        "07c3 127.0.0.1:30004@31004,host slave e7d1 0 1426238317239 4 connected\n"
        "e7d1 127.0.0.1:30001@31001,host myself,master - 0 0 17 connected 0-8190 8192 [93-<-292f] "
        "[77->-67ed]\n";
    struct cluster *c = MEM_NEW(struct cluster);
    struct cluster_view v;

    (void)state;
    assert_true(cluster_take_view(str_c(nodes), &v));
    assert_true(v.told);
    assert_int_equal(v.epoch, 17);
    assert_int_equal(v.moving, 2);
    assert_int_equal(v.first, 93);
    for (size_t i = 0; i < SLOTS; i++)
        c->owner[i] = i <= 8190 || i == 8192 ? 0 : 1;
    assert_true(cluster_agrees(c, 0, &v));
    assert_false(cluster_agrees(c, 1, &v));
    c->owner[8191] = 0;
    assert_false(cluster_agrees(c, 0, &v));
    cluster_free(c);
    assert_false(cluster_take_view(str_c(""), &v));
    assert_false(cluster_take_view(str_c("a b myself - 0 0 x connected"), &v));
    assert_false(cluster_take_view(str_c("a b myself - 0 0 1 connected 16384"), &v));
    assert_false(cluster_take_view(str_c("a b myself - 0 0 1 connected [x->-y]"), &v));
    assert_false(cluster_take_view(str_c("a b master - 0 0 1 connected 5"), &v));
}

static void
test_addresses_are_mapped(void **state)
{
    static const struct cluster_alias map[] = {{"[::1]:7000", "[::2]:17000"},
                                               {"::1", "[fe80::7]"},
                                               {"h", "g"},
                                               {"h:1", "g:2"},
                                               {"bad:1", "g:0"}};
    static const struct {
        const char *host, *to;
        uint16_t port, to_port;
    } cases[] = {{"::1", "::2", 7000, 17000},
                 {"::1", "fe80::7", 7001, 7001},
                 {"h", "g", 1, 1},
                 {"other", "other", 5, 5}};
    const struct cluster_ask ask = {.map = map, .n_map = ARRAY_LEN(map)};
    struct cluster_node n;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        n = (struct cluster_node){.port = cases[i].port};
        (void)snprintf(n.host, sizeof(n.host), "%s", cases[i].host);
        T_OK(cluster_map_node(&ask, &n, &e));
        assert_string_equal(n.host, cases[i].to);
        assert_int_equal(n.port, cases[i].to_port);
    }
    n = (struct cluster_node){.host = "bad", .port = 1};
    T_RC(cluster_map_node(&ask, &n, &e), RC_INVALID);
}

static void
test_redirections_say_where(void **state)
{
    static const char *const bad[] = {"",           "MOVED",        "MOVED 1",   "MOVED 1 h",
                                      "ASK 1 h:",   "ASK x h:1",    "ASK 1 h:0", "ASK 16384 h:1",
                                      "ASK -1 h:1", "ASK 1 h:65536"};
    char host[CLUSTER_HOST];
    unsigned slot;
    uint16_t port;

    (void)state;
    assert_true(masters_take_redirection(str_c("MOVED 16383 10.0.0.7:6379"), &slot, host, &port));
    assert_int_equal(slot, 16383);
    assert_string_equal(host, "10.0.0.7");
    assert_int_equal(port, 6379);
    assert_true(masters_take_redirection(str_c("ASK 0 fe80::1:7000"), &slot, host, &port));
    assert_string_equal(host, "fe80::1");
    assert_true(masters_take_redirection(str_c("MOVED 5 :7000"), &slot, host, &port));
    assert_string_equal(host, "");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(masters_take_redirection(str_c(bad[i]), &slot, host, &port));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_are_those_of_the_specification),
        cmocka_unit_test(test_shards_in_the_order_of_their_slots),
        cmocka_unit_test(test_slots_of_older_servers),
        cmocka_unit_test(test_what_cannot_be_is_refused),
        cmocka_unit_test(test_a_master_tells_its_own_slots),
        cmocka_unit_test(test_addresses_are_mapped),
        cmocka_unit_test(test_redirections_say_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

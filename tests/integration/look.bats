# SPDX-License-Identifier: Apache-2.0
# What is in a snapshot, without a restore: its keys, and the value of one.

load ../harness/env.bash
load ../harness/cluster.bash

setup() { setup_folder; }
teardown() { end_all; }

fill() { # fill NAME
    cli "$1" set s 'a "quoted" \ word' >/dev/null
    printf 'bytes \x00\x01\xff\r\n\t\a\b' | cli "$1" -x set bin >/dev/null
    cli "$1" set utf 'grün' EX 100000 >/dev/null
    cli "$1" eval 'for i = 1, 12 do redis.call("RPUSH", "list", "e" .. i) redis.call("HSET", "hash", "f" .. i, i) redis.call("ZADD", "zset", i / 3, "m" .. i)
        redis.call("SADD", "set", "x" .. i) redis.call("XADD", "stream", i .. "-1", "field", i, "other", "v") end' 0 >/dev/null
    head -c 3000000 /dev/zero | tr '\0' z | cli "$1" -x set long >/dev/null
    cli "$1" -n 3 set s other >/dev/null
}
shows() { # shows KEY COMMAND...: as redis-cli does
    local key=$1
    shift
    diff <("$CSTASH" get -q latest "$key") <(redis-cli -p "$PORT_a" --no-raw "$@")
}

@test "a key's value, as redis-cli shows it, of both formats" {
    start_redis a
    fill a
    for format in commands restore; do
        "$CSTASH" init -q -r "$T/$format"
        export RESTIC_REPOSITORY=$T/$format
        "$CSTASH" backup -q --redis "$URL_a" --format $format
        shows s get s
        shows bin get bin
        shows utf get utf
        shows long get long
        shows list lrange list 0 -1
        shows stream xrange stream - +
        [ "$("$CSTASH" get -q latest hash | wc -l)" = 24 ]
        [ "$("$CSTASH" get -q latest set --json | python3 -c 'import json, sys; print(sorted(json.load(sys.stdin)["value"]))')" = "$(cli a smembers set | python3 -c 'import sys; print(sorted(sys.stdin.read().split()))')" ]
        [ "$("$CSTASH" get -q latest zset --json | python3 -c 'import json, sys; print(sorted((m["member"], m["score"]) for m in json.load(sys.stdin)["value"])[0])')" = "('m1', 0.3333333333333333)" ]
        [ "$("$CSTASH" get -q latest hash --json | python3 -c 'import json, sys; print(sum(int(f["value"]) for f in json.load(sys.stdin)["value"]))')" = 78 ]
        [ "$("$CSTASH" get -q --db 3 latest s)" = '"other"' ]
        [ "$("$CSTASH" get -q latest bin --json | python3 -c 'import base64, json, sys; print(base64.b64decode(json.load(sys.stdin)["value"]["base64"])[:9])')" = "b'bytes \\x00\\x01\\xff'" ]
        run "$CSTASH" get latest nothing
        says 1 'there is no key "nothing" in database 0 of the snapshot'
    done
    run "$CSTASH" get-key latest s --resp --json
    says 2 "contradict"
}

@test "one key of many is found without the rest of the dump" {
    local key n=0 gone=0 pack
    start_redis a
    cli a eval 'for i = 1, 60000 do redis.call("SET", "k" .. i, string.rep(redis.sha1hex(i), 20)) end redis.call("SELECT", 3)
        for i = 1, 9 do redis.call("RPUSH", "l" .. i, string.rep(i, 400000), "end") end' 0 >/dev/null
    "$CSTASH" init -q
    "$CSTASH" backup -q --compression off --redis "$URL_a" --host with
    "$CSTASH" dump -q --redis "$URL_a" | "$CSTASH" backup -q --compression off --stdin --host without
    [ "$(restic ls -q --json latest --host with | grep -c '"path":"/dumpfile.keys"')" = 1 ]
    for key in k1 k777 k60000 l1 l9; do
        [ "$key" != l1 ] || n=3
        cmp <("$CSTASH" get -q latest "$key" --db "$n" --host with --resp) <("$CSTASH" get -q latest "$key" --db "$n" --host without --resp)
    done
    for key in k0 k60001 l1; do
        run "$CSTASH" get -q latest "$key" --host with
        [ "$status" = 1 ]
        [[ "$output" == *"there is no key \"$key\" in database 0"* ]]
    done
    # A pack with some of the dump is gone: who reads it all fails, who is led past it does not.
    "$CSTASH" forget -q --host without --keep-last 1 --unsafe-allow-remove-all "$("$CSTASH" snapshots -q --json --host without | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')"
    "$CSTASH" prune -q
    # ... one that holds neither the index nor the manifest, which lie behind the dump.
    for pack in $(find "$RESTIC_REPOSITORY/data" -type f -size +8M); do
        mv "$pack" "$T/pack"
        "$CSTASH" show -q --path dumpfile.keys latest --host with >/dev/null 2>&1 &&
            "$CSTASH" show -q --path dumpfile.manifest.json latest --host with >/dev/null 2>&1 && break
        mv "$T/pack" "$pack"
    done
    [ -e "$T/pack" ]
    run "$CSTASH" keys -q latest --host with
    [ "$status" != 0 ]
    n=0
    for key in k1 k9000 k18000 k27000 k36000 k45000 k54000 k60000; do
        if "$CSTASH" get -q latest "$key" --host with >/dev/null 2>&1; then n=$((n + 1)); else gone=$((gone + 1)); fi
    done
    [ "$n" -gt 0 ]
    [ "$gone" -gt 0 ]
}

@test "the commands that make one key, loaded elsewhere" {
    start_redis a
    start_redis b
    fill a
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    for key in s bin utf list hash zset set stream long; do
        "$CSTASH" get -q latest $key --resp | redis-cli -p "$PORT_b" --pipe >/dev/null
        [ "$(cli a debug digest-value $key)" = "$(cli b debug digest-value $key)" ]
    done
    [ "$(cli a pexpiretime utf)" = "$(cli b pexpiretime utf)" ]
    [ "$(cli b dbsize)" = 9 ]
    "$CSTASH" get -q latest list --resp | "$CSTASH" load -q --redis "$URL_b"
}

@test "the keys of a snapshot: all, by name and type, the largest" {
    start_redis a
    fill a
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    [ "$("$CSTASH" keys -q | wc -l)" = 11 ] # a head and ten keys
    run "$CSTASH" keys --db 3
    says 0 "  3  string             1           5 B  -"
    [ "$("$CSTASH" keys -q --type list --type set --json | python3 -c 'import json, sys; print(sorted(json.loads(l)["key"] for l in sys.stdin))')" = "['list', 'set']" ]
    run "$CSTASH" keys --sort size --top 2
    says 0 "2.861 MiB"
    [ "$(sed -n 2p <<<"$output" | awk '{print $NF}')" = long ]
    [ "$(wc -l <<<"$output")" = 3 ]
    [ "$("$CSTASH" keys -q --match 'ut*' --json | python3 -c 'import json, sys; k = json.loads(sys.stdin.read()); print(k["type"], k["items"], k["bytes"], "expires" in k)')" = "string 1 5 True" ]
    run "$CSTASH" keys --type tree
    says 2 "must be string, list"
}

@test "of a cluster, and of a dump of Stash in which commands interleave" {
    start_cluster c 3 0
    cli c1 -c set a 1 >/dev/null
    cli c1 -c rpush b x y >/dev/null
    cli c1 -c set c 3 >/dev/null
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_c" --host cluster
    [ "$("$CSTASH" keys -q --json --host cluster | wc -l)" = 3 ]
    [ "$("$CSTASH" get -q latest b --host cluster)" = $'1) "x"\n2) "y"' ]
    printf '*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\n1\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\nm\r\n$1\r\n9\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\n2\r\n*3\r\n$3\r\nSET\r\n$22\r\n__redisdump_total_keys\r\n$1\r\n3\r\n' |
        "$CSTASH" backup -q --stdin --host stash
    [ "$("$CSTASH" get -q latest l --host stash)" = $'1) "1"\n2) "2"' ]
}

@test "the difference of two snapshots: added, removed, changed, another expiry, by prefix; against a script's own" {
    start_redis a
    fill a
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    A=$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["short_id"])')
    run "$CSTASH" diff "$A" "$A"
    says 0 "0 added, 0 removed, 0 changed, 0 of another expiry, 10 the same"
    cli a set user:1 x >/dev/null
    cli a set user:2 x >/dev/null
    cli a del list >/dev/null
    cli a hset hash f1 other >/dev/null
    cli a expire s 5000 >/dev/null
    cli a eval 'redis.call("DEL", "set") for i = 12, 1, -1 do redis.call("SADD", "set", "x" .. i) end' 0 # the same, in another order
    "$CSTASH" backup -q --redis "$URL_a" --format restore
    run "$CSTASH" diff "$A" latest
    says 0 "+    0  string  user:1" "+    0  string  user:2" "-    0  list    list" "M    0  hash    hash" "T    0  string  s" \
        "2 added, 1 removed, 1 changed, 1 of another expiry, 7 the same"
    [ "$(wc -l <<<"$output")" = 6 ]
    run "$CSTASH" diff --summary "$A" latest
    says 0 "           2             0             0             0  user:" "(other names)"
    [ "$("$CSTASH" diff --json "$A" latest --match 'user*' | tail -1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["added"])')" = 2 ]
    run "$CSTASH" diff latest
    says 2 "two are compared"
    run "$CSTASH" diff --values "$A" latest --match 's' --match 'hash' --match 'user:1'
    says 0 "M    0  hash    hash" '"other"' ", expires "
    [ "$(grep -c '^--- ' <<<"$output")" = 2 ] # of the hash and of what expires otherwise
    [ "$(grep -c '^+++ ' <<<"$output")" = 3 ]
    run "$CSTASH" diff --values "$A" "$URL_a"
    says 2 "--values is for two snapshots"
}

@test "the difference of a snapshot and a server, of two servers; of one server and a cluster" {
    start_redis a
    start_redis b
    start_cluster c 3 0
    fill a
    cli a -n 3 del s >/dev/null
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    "$CSTASH" restore -q --yes latest --redis "$URL_c"
    run "$CSTASH" diff latest "$URL_c" --source scan
    says 0 "0 added, 0 removed, 0 changed, 0 of another expiry, 9 the same"
    cli a del s >/dev/null
    cli a rpush list more >/dev/null
    cli c1 -c set fresh 1 >/dev/null
    run "$CSTASH" diff latest "$URL_a"
    says 0 "-    0  string  s" "M    0  list    list" "0 added, 1 removed, 1 changed, 0 of another expiry, 7 the same"
    run "$CSTASH" diff latest --redis "$URL_a" --source scan
    says 0 "0 added, 1 removed, 1 changed, 0 of another expiry, 7 the same"
    run "$CSTASH" diff "$URL_a" latest
    says 0 "+    0  string  s" "1 added, 0 removed, 1 changed, 0 of another expiry, 7 the same"
    run "$CSTASH" diff "$URL_c" "$URL_a"
    says 0 "-    0  string  fresh" "-    0  string  s" "0 added, 2 removed, 1 changed, 0 of another expiry, 7 the same"
    cli b -n 1 set one 1 >/dev/null
    cli a -n 1 set one 1 >/dev/null
    run "$CSTASH" diff "$URL_b/1" "$URL_a/3"
    says 2 "names another one"
    run "$CSTASH" diff "$URL_b/1" "$URL_a"
    says 0 "0 added, 0 removed, 0 changed, 0 of another expiry, 1 the same"
}

@test "the difference of more keys than are kept at once: a few of them, and all of them" {
    start_redis a
    export CSTASH_TEST_SMALL_DIFF=1
    cli a eval 'for i = 1, 20000 do redis.call("SET", "k" .. i, i) end' 0 >/dev/null
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    cli a eval 'for i = 1, 20000, 100 do redis.call("DEL", "k" .. i) redis.call("SET", "k" .. i + 1, "x") redis.call("EXPIRE", "k" .. i + 2, 9999)
        redis.call("SET", "n" .. i, 1) end' 0 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    for sides in "latest:1 latest" "latest:1 $URL_a"; do
        # shellcheck disable=SC2086 # two words
        "$CSTASH" diff $sides >"$T/out"
        [ "$(tail -1 "$T/out")" = "200 added, 200 removed, 200 changed, 200 of another expiry, 19400 the same" ]
        [ "$(cut -c1 "$T/out" | LC_ALL=C sort | uniq -c | tr -s ' \n' ' ')" = " 200 + 200 - 1 2 200 M 200 T " ]
    done
    cli a flushall >/dev/null
    cli a eval 'for i = 1, 20000 do redis.call("SET", "z" .. i, i) end' 0 >/dev/null
    "$CSTASH" diff latest "$URL_a" >"$T/out"
    [ "$(tail -1 "$T/out")" = "20000 added, 20000 removed, 0 changed, 0 of another expiry, 0 the same" ]
    [ "$(sort -u "$T/out" | wc -l)" = 40001 ]
}

@test "twenty pairs of datasets, compared by a script that reads the servers" {
    start_redis a
    "$CSTASH" init -q
    for seed in $(seq 20); do
        for side in 1 2; do
            cli a flushall >/dev/null
            python3 - "$seed" "$side" <<'PY' | redis-cli -p "$PORT_a" --pipe >/dev/null
import random, sys
seed, side = int(sys.argv[1]), int(sys.argv[2])
base, own = random.Random(seed), random.Random(seed * 100 + side)
def say(*w):
    w = [str(x) for x in w]
    sys.stdout.write("*%d\r\n" % len(w) + "".join("$%d\r\n%s\r\n" % (len(x), x) for x in w))
for i in range(60):
    rnd = own if base.random() < 0.3 else base
    kind, n = base.choice(["string", "list", "set", "zset", "hash", "stream"]), base.randint(1, 5)
    vals = [base.randint(0, 9) for _ in range(5)]
    if rnd is own:
        vals = [own.randint(0, 9) for _ in range(5)]
        if own.random() < 0.3:
            continue
    for j in range(n):
        v = vals[j]
        say(*{"string": ["SET", f"k{i}", v], "list": ["RPUSH", f"k{i}", v], "set": ["SADD", f"k{i}", v], "zset": ["ZADD", f"k{i}", v, f"m{j}"],
              "hash": ["HSET", f"k{i}", f"f{j}", v], "stream": ["XADD", f"k{i}", f"{j + 1}-1", "f", v]}[kind])
PY
            python3 - "$PORT_a" >"$T/side$side" <<'PY'
import subprocess, sys
def ask(*w):
    return subprocess.run(["redis-cli", "-p", sys.argv[1], *w], capture_output=True, text=True).stdout.split("\n")
lua = '''local out = {}
for _, k in ipairs(redis.call("KEYS", "*")) do
  local t = redis.call("TYPE", k).ok
  local v
  if t == "string" then v = {redis.call("GET", k)} elseif t == "list" then v = redis.call("LRANGE", k, 0, -1)
  elseif t == "set" then v = redis.call("SMEMBERS", k) table.sort(v) elseif t == "zset" then v = redis.call("ZRANGE", k, 0, -1, "WITHSCORES")
  elseif t == "hash" then local f = redis.call("HKEYS", k) table.sort(f) v = {} for _, x in ipairs(f) do v[#v + 1] = x v[#v + 1] = redis.call("HGET", k, x) end
  else v = {} for _, x in ipairs(redis.call("XRANGE", k, "-", "+")) do v[#v + 1] = x[1] v[#v + 1] = x[2][1] v[#v + 1] = x[2][2] end end
  out[#out + 1] = k .. " " .. t .. ":" .. table.concat(v, ",")
end
table.sort(out)
return out'''
print("\n".join(l for l in ask("eval", lua, "0") if l))
PY
            "$CSTASH" backup -q --redis "$URL_a" 2>/dev/null
        done
        python3 - "$T/side1" "$T/side2" >"$T/want" <<'PY'
import sys
a, b = (dict(l.rstrip("\n").split(" ", 1) for l in open(f)) for f in sys.argv[1:])
print(len(b.keys() - a.keys()), len(a.keys() - b.keys()), sum(a[k] != b[k] for k in a.keys() & b.keys()))
PY
        "$CSTASH" diff -q --json latest:1 latest | tail -1 | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["added"], d["removed"], d["changed"])' >"$T/got"
        diff "$T/want" "$T/got"
    done
}

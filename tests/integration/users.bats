#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The ACL users of a server: kept by a backup that is asked to, given back by a restore that is asked to.

load ../harness/env.bash
load ../harness/cluster.bash

setup() { setup_folder; }
teardown() { end_all; }

users() { cli "$1" acl list | sed 's| sanitize-payload||' | sort; } # which a reset says, and a new user means
make_users() { # make_users NAME
    cli "$1" acl setuser alice on '>secret' '~user:*' '&news' +@read '(+set ~x*)' >/dev/null
    cli "$1" acl setuser bob off nopass >/dev/null
    cli "$1" set k v >/dev/null
}

@test "users come back as they were, with their passwords, and only where they are asked for" {
    start_redis a
    start_redis b
    make_users a
    "$CSTASH" init -q
    run "$CSTASH" backup --redis "$URL_a" --acl --json
    [[ "$output" == *'"users":3'* ]]
    id=$(tail -1 <<<"$output" | python3 -c 'import json, sys; print(json.load(sys.stdin)["snapshot_id"])')
    [ "$(restic dump -q latest acl.resp | grep -c secret)" = 0 ]
    "$CSTASH" restore -q --yes latest --redis "$URL_b"
    [ "$(cli b acl list | wc -l)" = 1 ]
    run "$CSTASH" restore --yes latest --redis "$URL_b" --acl add
    says 0 "2 users made, 0 replaced, 1 left as it is"
    [ "$(users a)" = "$(users b)" ]
    [ "$(redis-cli -p "$PORT_b" --user alice --pass secret --no-auth-warning get user:1 2>&1)" = "" ]
    cli b acl setuser alice off '~*' >/dev/null
    run "$CSTASH" restore --yes latest --redis "$URL_b" --acl add
    says 0 "0 users made, 0 replaced, 3 left as they are"
    run "$CSTASH" restore --yes latest --redis "$URL_b" --acl replace --json
    [[ "$output" == *'"users":{"made":0,"replaced":2,"kept":1}'* ]]
    [ "$(users a)" = "$(users b)" ]
    redis-cli -p "$PORT_b" acl deluser alice bob >/dev/null
    restic dump -q "$id" acl.resp | redis-cli -p "$PORT_b" --pipe >/dev/null # as commands they are anybody's
    [ "$(users a)" = "$(users b)" ]
}

@test "who restores is left as he is; without rights, or without users, nothing is written" {
    start_redis a
    start_redis b
    make_users a
    cli a acl setuser loader on '>pw' '~*' '&*' +@all >/dev/null
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a" --acl
    cli b acl setuser loader on '>other' '~*' '&*' +@all >/dev/null
    before=$(cli b acl list | grep '^user loader')
    run "$CSTASH" restore --yes latest --redis "redis://loader:other@127.0.0.1:$PORT_b" --acl replace
    says 0 "2 users made, 1 replaced, 1 left as it is"
    [ "$(cli b acl list | grep '^user loader')" = "$before" ]
    cli b flushall >/dev/null
    cli b acl setuser poor on '>pw' '~*' '&*' +@all -acl >/dev/null
    run "$CSTASH" restore --yes latest --redis "redis://poor:pw@127.0.0.1:$PORT_b" --acl add
    says 1 "nothing was written" "may not ask for users" "+acl|setuser"
    [ "$(cli b dbsize)" = 0 ]
    run "$CSTASH" backup --redis "redis://poor:pw@127.0.0.1:$PORT_b" --acl
    says 1 "could not read the users" "+acl|list"
    "$CSTASH" backup -q --redis "$URL_a" --tag without
    run "$CSTASH" restore --yes latest --tag without --redis "$URL_b" --acl add
    says 1 "the snapshot holds no users"
    [ "$(cli b dbsize)" = 0 ]
}

@test "with exactly the rights that the documents name" {
    start_redis a
    start_redis b
    make_users a
    cli a acl setuser saver on '>pw' +psync '+acl|list' >/dev/null
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "redis://saver:pw@127.0.0.1:$PORT_a" --acl
    cli b acl setuser loader on '>pw' '~*' +@write +select '+acl|whoami' '+acl|users' '+acl|setuser' >/dev/null
    "$CSTASH" restore -q --yes latest --redis "redis://loader:pw@127.0.0.1:$PORT_b" --acl add --safety-copy skip
    [ "$(users b | grep -c -e '^user alice' -e '^user bob' -e '^user saver')" = 3 ]
}

@test "of a cluster to all masters" {
    start_cluster c 3 0
    start_redis a
    make_users a
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a" --acl
    "$CSTASH" restore -q --yes latest --redis "$URL_c" --acl add
    for i in 1 2 3; do [ "$(users c$i)" = "$(users a)" ]; done
    "$CSTASH" backup -q --redis "$URL_c" --acl --tag cluster
    [ "$(restic dump -q --tag cluster latest acl.resp | grep -c alice)" = 1 ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Masters of a cluster that go at any instant: a few of the many that `make failover` tries.
load ../harness/env.bash

@test "whatever happens to a master, a backup and a restore are whole, or fail and say so" {
    need redis-server python3
    FAILOVER_KEYS=10000 run "$ROOT/tests/fault/failover" "$CSTASH" 1
    echo "$output"
    [ "$status" = 0 ]
}

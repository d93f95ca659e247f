#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kill -9 of any command at any instant: a few of the many that `make crash` does.
load ../harness/env.bash

@test "whatever is killed, restic finds no error, nothing is lost, and the next run needs no help" {
    need restic python3
    CRASH_MB=4 run "$ROOT/tests/fault/crash" "$CSTASH" 30
    echo "$output"
    [ "$status" = 0 ]
}

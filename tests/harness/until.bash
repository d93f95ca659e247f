# SPDX-License-Identifier: Apache-2.0

until_true() { # until_true COMMAND...: within a minute
    local end=$((SECONDS + 60))
    while [ $SECONDS -lt $end ]; do
        "$@" && return 0
        sleep 0.2
    done
    echo "not within a minute: $*" >&2
    return 1
}

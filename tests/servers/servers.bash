# SPDX-License-Identifier: Apache-2.0
# Sourced by bats files after harness/env.bash: real servers of far stores, on loopback, on free ports, with keys of
# this run. Each function takes a folder first, exports what clients need, and may be called more than once;
# server_stop_all ends what was started. The programs come from tests/servers/build.

SERVERS=$ROOT/tests/servers
SERVER_PIDS=()

server_secret() { openssl rand -hex "${1:-20}"; }

# server_run NAME DIR PATH COMMAND...: starts it with {port} replaced by a free one, SERVER_PORT, and waits until it
# answers anything to GET PATH (https: SERVER_SCHEME). A port that somebody else took is another one's turn.
server_run() {
    local name=$1 dir=$2 path=$3 pid
    shift 3
    for _ in 1 2 3; do
        SERVER_PORT=$(free_port)
        "${@//\{port\}/$SERVER_PORT}" >"$dir/$name.log" 2>&1 </dev/null 3>&- &
        pid=$!
        for _ in $(seq 600); do
            if curl --silent --noproxy '*' --insecure --max-time 5 -o /dev/null \
                "${SERVER_SCHEME:-http}://127.0.0.1:$SERVER_PORT$path"; then
                SERVER_PIDS+=("$pid")
                SERVER_PID=$pid
                return 0
            fi
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    echo "$name did not start:" >&2
    cat "$dir/$name.log" >&2
    return 1
}

# server_helper DIR COMMAND...: a program of ours, which prints its port.
server_helper() {
    local dir=$1
    shift
    mkdir -p "$dir"
    rm -f "$dir/port"
    mkfifo "$dir/port"
    "$@" >"$dir/port" 2>"$dir/${1##*/}.log" </dev/null 3>&- &
    SERVER_PID=$!
    SERVER_PIDS+=("$SERVER_PID")
    read -r SERVER_PORT <"$dir/port" || {
        cat "$dir/${1##*/}.log" >&2
        return 1
    }
}

server_stop() { # server_stop PID: politely, so that it can write its statistics; then not
    kill "$1" 2>/dev/null
    for _ in $(seq 60); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    kill -9 "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    return 0
}

server_stop_all() {
    local pid
    for pid in "${SERVER_PIDS[@]}"; do
        server_stop "$pid"
    done
    SERVER_PIDS=()
    unset HTTPS_PROXY SERVER_CA
}

# server_certificate DIR NAME SAN: NAME.crt and NAME.key, by DIR/ca.crt, which SERVER_CA is from now on.
server_certificate() {
    local dir=$1 name=$2 curve=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
    mkdir -p "$dir"
    export SERVER_CA=$dir/ca.crt
    [ -s "$SERVER_CA" ] || openssl req -x509 "${curve[@]}" -keyout "$dir/ca.key" -out "$SERVER_CA" -days 2 \
        -subj /CN=authority 2>/dev/null
    openssl req "${curve[@]}" -keyout "$dir/$name.key" -out "$dir/$name.csr" -subj "/CN=$name" 2>/dev/null
    openssl x509 -req -in "$dir/$name.csr" -CA "$SERVER_CA" -CAkey "$dir/ca.key" -CAcreateserial -days 2 \
        -extfile <(echo "subjectAltName=$3") -out "$dir/$name.crt" 2>/dev/null
}

# server_s3 DIR [--tls] [--gateway]: MinIO, or versitygw. Sets S3_URL, S3_PORT, AWS_ACCESS_KEY_ID,
# AWS_SECRET_ACCESS_KEY (of the owner of everything) and AWS_DEFAULT_REGION; S3_LOG is the server's log.
server_s3() {
    local dir=$1 tls= gateway= bin args
    shift
    while [ $# -gt 0 ]; do
        case $1 in
        --tls) tls=1 ;;
        --gateway) gateway=1 ;;
        *) echo "server_s3: unknown flag $1" >&2 && return 2 ;;
        esac
        shift
    done
    mkdir -p "$dir/data" "$dir/certs"
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION=us-east-1 S3_URL S3_PORT S3_LOG
    AWS_ACCESS_KEY_ID=$(server_secret 10) AWS_SECRET_ACCESS_KEY=$(server_secret)
    unset AWS_SESSION_TOKEN
    [ -z "$tls" ] || server_certificate "$dir" server DNS:localhost,IP:127.0.0.1
    local SERVER_SCHEME=http${tls:+s}
    if [ -n "$gateway" ]; then
        bin=$("$SERVERS/build" versitygw) || return 1
        mkdir -p "$dir/iam"
        args=(--port 127.0.0.1:{port} --iam-dir "$dir/iam" --health /health)
        [ -z "$tls" ] || args+=(--cert "$dir/server.crt" --key "$dir/server.key")
        ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
            server_run versitygw "$dir" /health "$bin/versitygw" "${args[@]}" posix "$dir/data" || return 1
        S3_LOG=$dir/versitygw.log
    else
        bin=$("$SERVERS/build" minio) || return 1
        [ -z "$tls" ] || cp "$dir/server.crt" "$dir/certs/public.crt"
        [ -z "$tls" ] || cp "$dir/server.key" "$dir/certs/private.key"
        MINIO_ROOT_USER=$AWS_ACCESS_KEY_ID MINIO_ROOT_PASSWORD=$AWS_SECRET_ACCESS_KEY MINIO_BROWSER=off \
            MINIO_UPDATE=off MINIO_SITE_REGION=$AWS_DEFAULT_REGION MINIO_CI_CD=1 \
            server_run minio "$dir" /minio/health/ready "$bin/minio" server --quiet --certs-dir "$dir/certs" \
            --address 127.0.0.1:{port} "$dir/data" || return 1
        S3_LOG=$dir/minio.log
    fi
    S3_PORT=$SERVER_PORT S3_URL=$SERVER_SCHEME://127.0.0.1:$SERVER_PORT
}

# server_s3_quota BUCKET BYTES: MinIO takes no more than so much
server_s3_quota() {
    "$SERVERS/s3-request" PUT "$S3_URL/minio/admin/v3/set-bucket-quota?bucket=$1" "{\"quota\":$2,\"quotatype\":\"hard\"}" |
        grep -qx 200
}

# server_s3_restrict POLICY: from now on the keys are those of a session of MinIO's STS, which may only do this
server_s3_restrict() {
    local reply policy
    policy=$(python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$1")
    reply=$("$SERVERS/s3-request" POST "$S3_URL/" \
        "Action=AssumeRole&Version=2011-06-15&DurationSeconds=3600&Policy=$policy" --service sts)
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
    AWS_ACCESS_KEY_ID=$(sed -n 's/.*<AccessKeyId>\([^<]*\).*/\1/p' <<<"$reply")
    AWS_SECRET_ACCESS_KEY=$(sed -n 's/.*<SecretAccessKey>\([^<]*\).*/\1/p' <<<"$reply")
    AWS_SESSION_TOKEN=$(sed -n 's/.*<SessionToken>\([^<]*\).*/\1/p' <<<"$reply")
    [ -n "$AWS_SESSION_TOKEN" ]
}

# server_rest DIR [--rclone] [--tls] [flags of rest-server: --append-only, --max-size N, --private-repos ...]:
# REST_URL, with user and password in it, REST_PORT, REST_USER, REST_PASSWORD; rclone's server has no flags in common
server_rest() {
    local dir=$1 bin flags=() SERVER_SCHEME=http
    shift
    mkdir -p "$dir/data"
    export REST_URL REST_PORT REST_USER=user REST_PASSWORD
    REST_PASSWORD=$(server_secret)
    if [ "${1:-}" = --rclone ]; then
        need rclone || return 1
        server_run rclone "$dir" / rclone serve restic --config /dev/null --addr 127.0.0.1:{port} --user "$REST_USER" \
            --pass "$REST_PASSWORD" "${@:2}" "$dir/data" || return 1
        REST_PORT=$SERVER_PORT REST_URL=http://$REST_USER:$REST_PASSWORD@127.0.0.1:$SERVER_PORT/
        return 0
    fi
    bin=$("$SERVERS/build" rest-server) || return 1
    while [ $# -gt 0 ]; do
        if [ "$1" = --tls ]; then
            SERVER_SCHEME=https
            server_certificate "$dir" server DNS:localhost,IP:127.0.0.1
            flags+=(--tls --tls-cert "$dir/server.crt" --tls-key "$dir/server.key")
        else
            flags+=("$1")
        fi
        shift
    done
    echo "$REST_USER:{SHA}$(printf %s "$REST_PASSWORD" | openssl sha1 -binary | openssl base64)" >"$dir/htpasswd"
    server_run rest-server "$dir" / "$bin/rest-server" --listen 127.0.0.1:{port} --path "$dir/data" \
        --htpasswd-file "$dir/htpasswd" "${flags[@]}" || return 1
    REST_PORT=$SERVER_PORT REST_URL=$SERVER_SCHEME://$REST_USER:$REST_PASSWORD@127.0.0.1:$SERVER_PORT/
}

# server_gcs DIR: GCS_URL, GCS_PORT, and a bucket named bucket. GOOGLE_ACCESS_TOKEN is one that it does not look at: it
# asks nobody who he is.
server_gcs() {
    local dir=$1 bin
    bin=$("$SERVERS/build" fake-gcs-server) || return 1
    mkdir -p "$dir/data"
    server_run fake-gcs-server "$dir" /storage/v1/b "$bin/fake-gcs-server" -scheme http -host 127.0.0.1 -port {port} \
        -backend filesystem -filesystem-root "$dir/data" -public-host storage.googleapis.com || return 1
    export GCS_PORT=$SERVER_PORT GCS_URL=http://127.0.0.1:$SERVER_PORT GOOGLE_ACCESS_TOKEN GOOGLE_PROJECT_ID=project
    GOOGLE_ACCESS_TOKEN=$(server_secret)
    curl --silent --fail --noproxy '*' -o /dev/null -H 'Content-Type: application/json' -d '{"name":"bucket"}' \
        "$GCS_URL/storage/v1/b?project=$GOOGLE_PROJECT_ID"
}

# server_azure DIR: AZURE_URL (of the account, path style), AZURE_PORT, AZURE_ACCOUNT_NAME, AZURE_ACCOUNT_KEY.
# A host name ACCOUNT.blob.anything does as well, see server_impersonate.
server_azure() {
    local dir=$1 bin
    bin=$("$SERVERS/build" azurite) || return 1
    mkdir -p "$dir/data"
    export AZURE_ACCOUNT_NAME AZURE_ACCOUNT_KEY AZURE_URL AZURE_PORT
    AZURE_ACCOUNT_NAME=account$(server_secret 4) AZURE_ACCOUNT_KEY=$(openssl rand -base64 48 | tr -d '\n')
    AZURITE_ACCOUNTS=$AZURE_ACCOUNT_NAME:$AZURE_ACCOUNT_KEY \
        server_run azurite "$dir" / node "$bin/node_modules/azurite/dist/src/blob/main.js" --silent --disableTelemetry \
        --skipApiVersionCheck --location "$dir/data" --blobHost 127.0.0.1 --blobPort {port} || return 1
    AZURE_PORT=$SERVER_PORT AZURE_URL=http://127.0.0.1:$SERVER_PORT/$AZURE_ACCOUNT_NAME
}

# server_b2 DIR [--plain]: B2_ACCOUNT_ID, B2_ACCOUNT_KEY, B2_URL, B2_PORT. It tells clients to go on at the hosts of
# Backblaze, to which server_impersonate leads them; with --plain, at B2_URL.
server_b2() {
    local dir=$1 bin plain=("${@:2}")
    bin=$("$SERVERS/build" b2) || return 1
    mkdir -p "$dir"
    export B2_ACCOUNT_ID B2_ACCOUNT_KEY B2_URL B2_PORT
    B2_ACCOUNT_ID=$(server_secret 6) B2_ACCOUNT_KEY=$(server_secret)
    server_run b2 "$dir" / "$bin/bin/python" "$SERVERS/b2" {port} "${plain[@]}" || return 1
    B2_PORT=$SERVER_PORT B2_URL=http://127.0.0.1:$SERVER_PORT
}

# server_impersonate DIR NAME=PORT|NAME={JSON} ...: HTTPS_PROXY, through which those names lead here; SERVER_CA
server_impersonate() {
    local dir=$1 names target
    shift
    for target in "$@"; do
        names+=${names:+,}DNS:${target%%=*}
    done
    server_certificate "$dir" names "$names"
    server_helper "$dir" "$SERVERS/impersonate" "$dir/names.crt" "$dir/names.key" "$@" || return 1
    export HTTPS_PROXY=http://127.0.0.1:$SERVER_PORT
}

# server_faulty DIR PORT [flags]: FAULTY_PORT, FAULTY_PID, FAULTY_STATS (written when it ends)
server_faulty() {
    local dir=$1 port=$2
    shift 2
    mkdir -p "$dir"
    FAULTY_STATS=$dir/stats.json
    rm -f "$FAULTY_STATS"
    server_helper "$dir" "$SERVERS/faulty" "$port" --stats "$FAULTY_STATS" "$@" || return 1
    FAULTY_PORT=$SERVER_PORT FAULTY_PID=$SERVER_PID
}

# server_swift DIR [--keystone]: SWIFT_PORT and, for auth version 1, ST_AUTH, ST_USER, ST_KEY; for version 3 the OS_*
# of a user by his password, and OS_APPLICATION_CREDENTIAL, the id and the secret of another way in, for whoever unsets
# the user
server_swift() {
    local dir=$1 bin keystone=()
    [ "${2:-}" != --keystone ] || keystone=("$(free_port)")
    bin=$("$SERVERS/build" swift) || return 1
    mkdir -p "$dir/data"
    export SWIFT_PORT ST_AUTH ST_USER=account:user ST_KEY
    ST_KEY=$(server_secret)
    server_run swift "$dir" /healthcheck "$bin/bin/python" "$SERVERS/swift" {port} "$dir/data" "${keystone[@]}" || return 1
    SWIFT_PORT=$SERVER_PORT ST_AUTH=http://127.0.0.1:$SERVER_PORT/auth/v1.0
    [ -n "${keystone[*]}" ] || return 0
    export OS_AUTH_URL=http://127.0.0.1:${keystone[0]}/v3 OS_USERNAME=user OS_PASSWORD=$ST_KEY OS_REGION_NAME=one
    export OS_PROJECT_NAME=account OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default
    mapfile -t OS_APPLICATION_CREDENTIAL <"$dir/data/application"
    unset ST_AUTH ST_USER ST_KEY
}

#!/bin/sh
# Tests the built image as a container runs it: its own entry point as process 1, its user (then any
# other), no capability, a root that is mounted read-only, and a network of its own.
#
#     sh docker/test.sh [IMAGE]         IMAGE is headgate:dev when not given; build.sh makes it
#
# Needs root (namespaces and mounts), but no container daemon. headgate-origin of the release preset
# is the upstream.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=docker/store.sh
. docker/store.sh

image=${1:-headgate:dev}
origin=${HEADGATE_ORIGIN:-build/release/headgate-origin}
work=$store/test
root=$work/root
status=http://127.0.0.1:8079/

if [ "$(id -u)" != 0 ]; then
    echo "Run this as root: it makes namespaces and mounts." >&2
    exit 1
fi
if [ ! -x "$origin" ]; then
    echo "$origin is missing: cmake --build --preset release --target headgate-origin" >&2
    exit 1
fi
# Once more, in namespaces that end with this script: fixed ports are free, mounts are forgotten.
if [ "${HEADGATE_IMAGE_TEST:-}" != inside ]; then
    sh docker/install.sh image
    exec env HEADGATE_IMAGE_TEST=inside unshare --net --mount sh docker/test.sh "$image"
fi
ip link set lo up

failures=0
container='' process=''  # unshare, and its child: process 1 of the container
check() {  # WHAT COMMAND...
    what=$1
    shift
    if "$@" >"$work/check.log" 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what"
        sed 's/^/        /' "$work/check.log"
        failures=$((failures + 1))
    fi
}

until_true() {  # COMMAND...: tries for ten seconds
    tries=100
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.1
    done
}

# ---- the image: its files and what it says -------------------------------------------------------
unpack() {
    rm -rf "$work"
    mkdir -p "$root" "$work/conf.d"
    if has_docker; then
        source=$(docker create "$image")
        docker export "$source" | tar -x -C "$root"
        docker rm "$source" >/dev/null
    else
        source=$(in_store from --pull-never "$image")
        cp -a "$(in_store mount "$source")/." "$root"
        in_store rm "$source" >/dev/null
    fi
    mkdir -p "$root/proc" "$root/dev"
    echo "Header set X-Mounted yes" >"$work/conf.d/mounted.conf"
    mount --bind "$root" "$root"
    mount --rbind /dev "$root/dev"
    mount --bind "$work/conf.d" "$root/etc/headgate/conf.d"
    mount -o remount,bind,ro "$root"
}

says() {  # FIELD: one of the image's settings, as a Go template prints it
    if has_docker; then
        docker image inspect --format "{{.Config.$1}}" "$image"
    else
        in_store inspect --type image --format "{{.Docker.Config.$1}}" "$image"
    fi
}

is_said() {  # FIELD PATTERN
    found=$(says "$1")
    echo "$1 is $found"
    echo "$found" | grep -q -e "$2"
}

# ---- one container -------------------------------------------------------------------------------
in_image() {  # UID:GID ARGUMENT...: another headgate beside the container's
    user=$1
    shift
    setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" /usr/sbin/headgate "$@"
}

start() {  # UID:GID [NAME=VALUE...]
    user=$1
    shift
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" \
        unshare --pid --fork --kill-child --mount --mount-proc="$root/proc" \
        setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" \
        /usr/sbin/headgate -f /etc/headgate/headgate.conf >"$work/stdout" 2>"$work/stderr" &
    container=$!
    until_true has_child
    process=$(cat "/proc/$container/task/$container/children")
    process=${process% }
}

has_child() {
    grep -q . "/proc/$container/task/$container/children"
}

signal() {
    kill -s "$1" "$process"
}

has_ended_with() {  # STATUS
    code=0
    wait "$container" || code=$?
    container='' process=''
    echo "exit status $code; it said:"
    cat "$work/stderr"
    [ "$code" = "$1" ]
}

answers() {
    curl -fsS --max-time 5 "$@"
}

# ---- what is tested ------------------------------------------------------------------------------
test_settings() {
    check "the user is a number" is_said User '^65532:65532$'
    check "TERM stops it: no other stop signal" is_said StopSignal '^$'
    check "it has a health check" is_said Healthcheck.Test '^.CMD /usr/sbin/headgate healthcheck '
    check "headgate is its entry point" is_said Entrypoint '^./usr/sbin/headgate.$'
    check "its ports are said" is_said ExposedPorts '8080/tcp.*8443/tcp'
    check "its configuration is right" in_image 65532:65532 -t
}

test_life() {  # UID:GID
    start "$1"
    check "uid $1: starts" until_true answers "$status"
    check "uid $1: is process 1, as that user" is_process_1 "$1"
    check "uid $1: answers with the application's response" answers http://127.0.0.1:8080/
    check "uid $1: the health check passes" in_image "$1" healthcheck "$status"
    check "uid $1: conf.d is read" is_mounted
    check "uid $1: the access log is on standard output" until_true grep -q '"GET / ' "$work/stdout"
    check "uid $1: it cannot write to its root" cannot_write
    signal WINCH
    check "uid $1: WINCH, a terminal's matter, does not stop it" answers http://127.0.0.1:8080/
    signal HUP
    check "uid $1: HUP reloads and goes on" until_true answers http://127.0.0.1:8080/
    test_drain "$1"
    check "uid $1: nothing was warned of" no_warning
}

test_drain() {  # UID:GID
    begin_slow
    check "uid $1: a slow request is in flight" until_true is_in_flight
    signal TERM
    check "uid $1: TERM: new connections are refused" until_true is_refused
    check "uid $1: TERM: the health check fails" fails in_image "$1" healthcheck "$status"
    check "uid $1: TERM: the slow request is still in flight" [ ! -s "$work/slow" ]
    check "uid $1: TERM: the slow request is answered" wait_for_slow
    check "uid $1: TERM: ends with 0" has_ended_with 0
}

begin_slow() {
    rm -f "$work/slow"
    answers -o "$work/slow" "http://127.0.0.1:8080/slow?ms=3000" 2>"$work/slow.log" &
    slow=$!
}

is_process_1() {
    grep -e '^NSpid' -e '^Uid' -e '^CapEff' "/proc/$process/status"
    grep -q "^NSpid:.*[[:space:]]1\$" "/proc/$process/status" &&
        grep -q "^Uid:[[:space:]]${1%:*}[[:space:]]" "/proc/$process/status" &&
        grep -q "^CapEff:[[:space:]]0*\$" "/proc/$process/status"
}

is_mounted() {
    answers -i http://127.0.0.1:8080/ | grep -i '^X-Mounted: yes'
}

is_in_flight() {
    answers "${status}?json" | grep -q 'GET /slow'
}

is_refused() {
    # Refused, not left waiting in a listener that nobody serves any more.
    code=0
    curl -sS --max-time 1 -o "$work/late" http://127.0.0.1:8080/ || code=$?
    [ "$code" = 7 ]
}

fails() {
    ! "$@"
}

wait_for_slow() {
    cat "$work/slow.log"
    wait "$slow" && grep -q 'Thought for' "$work/slow"
}

cannot_write() {
    ! touch "$root/tmp/x" "$root/run/x"
}

no_warning() {
    ! grep -i -e warning -e error "$work/stderr"
}

test_variables() {
    start 65532:65532 HEADGATE_PORT=9000 HEADGATE_TO=http://127.0.0.1:3000 \
        HEADGATE_MODEL=worker 'HEADGATE_LOG_FORMAT=framing %{framing}x'
    check "variables: it listens where it was told" until_true answers http://127.0.0.1:9000/
    check "variables: the log has the format" until_true grep -q '^framing length' "$work/stdout"
    signal TERM
    check "variables: ends with 0" has_ended_with 0
}

test_busy() {
    printf 'StartServers 1\nMaxRequestWorkers 1\n' >"$work/conf.d/busy.conf"
    start 65532:65532 HEADGATE_MODEL=prefork
    check "busy: starts" until_true answers "$status"
    begin_slow
    check "busy: the only process has a slow request" until_true is_in_flight
    check "busy: the health check passes" in_image 65532:65532 healthcheck "$status"
    signal TERM
    check "busy: the slow request is answered" wait_for_slow
    check "busy: ends with 0" has_ended_with 0
    rm "$work/conf.d/busy.conf"
}

# ---- the run -------------------------------------------------------------------------------------
unpack
"$origin" --listen 127.0.0.1:3000 >/dev/null &
origin_process=$!
trap 'kill "$origin_process" $container 2>/dev/null || true' EXIT
test_settings
test_life "65532:65532"
test_life "1000620000:0"
test_variables
test_busy
if [ "$failures" != 0 ]; then
    echo "$failures failed"
    exit 1
fi
echo "The image passes."

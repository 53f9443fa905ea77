#!/bin/sh
# Slow clients by slowhttptest, in three modes, and what somebody else notices of them: Headgate under
# each model, and Apache 2.4 event beside.
#
#     headers   a head that never ends (Slowloris)
#     body      an upload that never ends
#     read      a response of megabytes that is hardly read
#
# Each server gets SLOW_N such clients for SLOW_SECONDS. Meanwhile a probe asks for something short,
# one request after the other, each on a connection of its own; one that is not answered within two
# seconds has failed. Event has as many slots as it wants and one thread; worker, prefork and Apache
# have SLOW_THREADS threads, fewer than there are slow clients: there nobody else can be served, which
# is shown, not judged.
#
#     tests/bench/slow_clients.sh [--no-peers]
#
#     SLOW_N (1000)   SLOW_SECONDS (15)   SLOW_THREADS (128)   SLOW_MODES (headers body read)
#     HEADGATE, BUILD, KEEP           as in park.sh
#
# Exit status: 0 event answered every probe, 1 it did not, 2 it could not run.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source=park_lib.sh source-path=SCRIPTDIR
. "$here/park_lib.sh"

headgate=${HEADGATE:-$build/headgate}
clients=${SLOW_N:-1000}
seconds=${SLOW_SECONDS:-15}
threads=${SLOW_THREADS:-128}
modes=${SLOW_MODES:-headers body read}
event_slots=16000
limit_ms=2000
subjects="headgate:event headgate:worker headgate:prefork apache:event"
[ "${1:-}" = --no-peers ] && subjects="headgate:event headgate:worker headgate:prefork"

# ---- the slow clients -------------------------------------------------------------------------------

# start_slow MODE: sets slow_pid.
start_slow() {
    url=http://127.0.0.1:$port
    case $1 in
        headers) set -- -H -i 4 -x 24 -t GET -u "$url/" ;;
        body) set -- -B -i 4 -x 8 -s 100000 -t POST -u "$url/upload" ;;
        read) set -- -X -n 4 -z 32 -w 256 -y 512 -k 1 -u "$url/big?bytes=8000000" ;;
    esac
    start slow slowhttptest -c "$clients" -r "$clients" -l "$((seconds + 30))" -p 3 "$@"
    slow_pid=$started_pid
}

# last_said WORDS: what slowhttptest said last of this.
last_said() {
    sed 's/\x1b\[[0-9;]*m//g' "$work/slow.out" | sed -n "s/^$1: *//p" | tail -n 1
}

# ---- the probe --------------------------------------------------------------------------------------

# Sets answered, failed and worst_us, of the probes of so many seconds, beside the slow clients.
probe() {
    answered=0 failed=0 worst_us=0
    probe_end=$(($(date +%s) + seconds))
    while is_running "$slow_pid" && [ "$(date +%s)" -lt "$probe_end" ]; do
        ask 10 quick "http://127.0.0.1:$port/quick/hello" 1 "$limit_ms"
        answered=$((answered + $(value answered "$reply")))
        failed=$((failed + $(value failed "$reply")))
        took=$(value max_us "$reply")
        [ "$took" -gt "$worst_us" ] && worst_us=$took
    done
}

# ---- one server and mode ----------------------------------------------------------------------------

measure() {
    server=${1%:*} model=${1#*:} mode=$2
    slots=$threads
    [ "$1" = headgate:event ] && slots=$event_slots
    start_server "$server" "$model" "$slots"
    start_park think 0 # only for its quick requests
    memory_before=$(memory_of "$server_pid")
    start_slow "$mode"
    wait_for_clients
    memory_each=$(per_exchange $(($(memory_of "$server_pid") - memory_before)) "$held")
    probe
    service=$(last_said 'service available')
    end_park
    stop "$slow_pid"
    stop "$server_pid"
    row
    judge "$1"
}

# Sets held: all of them, or as many as the server has when three seconds have brought no more.
wait_for_clients() {
    clients_tries=0 held=0 idle=0
    while [ "$held" -lt "$clients" ] && [ "$clients_tries" -lt 60 ]; do
        sleep 0.3
        clients_tries=$((clients_tries + 1))
        held_now=$(accepted_on "$port")
        if [ "$held_now" -gt "$held" ]; then idle=0; else idle=$((idle + 1)); fi
        held=$held_now
        [ "$held" -gt 0 ] && [ "$idle" -ge 10 ] && break
    done
}

heading() {
    printf '%-9s%-10s%-9s%8s%10s%8s%10s%14s%12s\n' mode server model held answered failed \
        "worst ms" "says the tool" "KiB each"
}

row() {
    worst=$(awk -v us="$worst_us" 'BEGIN { printf "%.1f", us / 1000 }')
    [ "$failed" = 0 ] || worst=">$limit_ms"
    printf '%-9s%-10s%-9s%8s%10s%8s%10s%14s%12s\n' "$mode" "$server" "$model" "$held" "$answered" \
        "$failed" "$worst" "${service:--}" "$memory_each"
}

# Whoever was not held has proved nothing.
judge() {
    [ "$1" = headgate:event ] || return 0
    [ "$held" -ge "$clients" ] || miss held "$mode" "$held of $clients"
    [ "$failed:$answered" != 0:0 ] || miss available "$mode" "no probe"
    [ "$failed" = 0 ] || miss available "$mode" "$failed failed"
    [ "$service" = YES ] || miss tool "$mode" "${service:-nothing}"
}

# ---- the run ----------------------------------------------------------------------------------------

need slowhttptest slowhttptest
case $subjects in *apache*) need apache2 apache2-bin ;; esac
need_programs "$headgate" "$build/headgate-origin" "$build/headgate-park"
# shellcheck disable=SC3045  # dash has it, and bash
ulimit -n "$(ulimit -H -n)"

start_origins
heading
for mode in $modes; do
    for subject in $subjects; do
        measure "$subject" "$mode"
    done
done
printf '\n'
verdict held "event held all $clients slow clients at a time"
verdict available "event answered every probe"
verdict tool "slowhttptest found event available"
exit "$missed"

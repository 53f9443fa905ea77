#!/bin/sh
# Whether memory comes back, under each model: after bursts of connections, and after many reloads.
#
# Each model gets 50 graceful reloads, one after the other, and then two bursts of MEMORY_BURST
# exchanges: under event they lie side by side, through prefork and worker they go slot by slot.
# Memory is what the supervisor and its children have of their own (PSS without pages of files), when
# nothing has happened for MEMORY_IDLE seconds; what it was at the height of a burst is shown beside.
#
#     tests/bench/memory.sh
#
#     MEMORY_MODELS (prefork worker event)   MEMORY_BURST (5000)   MEMORY_RELOADS (50)
#     MEMORY_IDLE (4)                        HEADGATE, BUILD, KEEP    as in park.sh
#
# Exit status: 0 after the last reload at most a tenth more than after the first, and after the second
# burst at most a fifth and 256 KiB more than after the first, which differs by where the allocator
# put what stays; 1 more than that; 2 it could not run.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source=park_lib.sh source-path=SCRIPTDIR
. "$here/park_lib.sh"

headgate=${HEADGATE:-$build/headgate}
models=${MEMORY_MODELS:-prefork worker event}
burst=${MEMORY_BURST:-5000}
reloads=${MEMORY_RELOADS:-50}
idle=${MEMORY_IDLE:-4}
slots=8

# ---- what is done to a server -----------------------------------------------------------------------

write_headgate() {
    printf 'MPM %s\n' "$1"
    if [ "$1" = event ]; then printf 'StartServers 2\n'; else write_slots "$1" "$2"; fi
    # With a folder for cores, or the memory of children that are somebody else's could not be read.
    [ "$(id -u)" = 0 ] && printf 'User nobody\nGroup nogroup\nCoreDumpDirectory %s\n' "$work"
    write_common headgate
}

# reload_until COUNT: so many in all, each after the one before has been obeyed.
reload_until() {
    while [ "$reloaded" -lt "$1" ]; do
        kill -USR1 "$server_pid"
        reloaded=$((reloaded + 1))
        reload_tries=0
        until grep -q "reloaded: generation $reloaded\$" "$work/headgate.out"; do
            [ "$reload_tries" -lt 300 ] || die "reload $reloaded is not obeyed"
            reload_tries=$((reload_tries + 1))
            sleep 0.05
        done
    done
}

settled_memory() {
    sleep "$idle"
    own_memory_of "$server_pid"
}

# Sets height and burst_done.
send_burst() {
    # shellcheck disable=SC2034  # for park_lib.sh
    if [ "$model" = event ]; then hold_ms=120000; else hold_ms=0; fi
    start_park think "$burst"
    height=$(own_memory_of "$server_pid")
    ask 60 quick "http://$stuck_origin/release" 1
    ask 100 finish "$burst" 80
    burst_done=$(value completed "$reply")
    end_park
}

measure() {
    start_server headgate "$model" "$slots"
    reloaded=0
    reload_until 1
    first_reload=$(settled_memory)
    reload_until "$reloads"
    last_reload=$(settled_memory)
    send_burst
    first_done=$burst_done first_height=$height
    first_burst=$(settled_memory)
    send_burst
    second_burst=$(settled_memory)
    stop "$server_pid"
}

# ---- what it prints ---------------------------------------------------------------------------------

heading() {
    printf '%-9s%14s%14s%16s%14s%16s%14s\n' "KiB" "1 reload" "$reloads reloads" "first burst" \
        "after it" "second burst" "after it"
}

row() {
    printf '%-9s%14s%14s%16s%14s%16s%14s\n' "$model" "$first_reload" "$last_reload" \
        "$first_height" "$first_burst" "$height" "$second_burst"
}

judge() {
    is_part "$last_reload" "$first_reload" 1.1 ||
        miss reloads "$model" "$first_reload to $last_reload KiB"
    exceeds "$second_burst" "$(awk -v m="$first_burst" 'BEGIN { print m * 1.2 + 256 }')" &&
        miss bursts "$model" "$first_burst to $second_burst KiB"
    [ "$first_done-$burst_done" = "$burst-$burst" ] ||
        miss through "$model" "$first_done and $burst_done of $burst"
    return 0
}

verdicts() {
    printf '\n'
    verdict reloads "after $reloads reloads at most a tenth more memory than after one"
    verdict bursts "after a second burst at most a fifth and 256 KiB more than after one"
    verdict through "the bursts went through"
    return "$missed"
}

# ---- the run ----------------------------------------------------------------------------------------

need_programs "$headgate" "$build/headgate-origin" "$build/headgate-park"
# shellcheck disable=SC3045  # dash has it, and bash
ulimit -n "$(ulimit -H -n)"

start_origins
heading
for model in $models; do
    measure
    row
    judge
done
verdicts

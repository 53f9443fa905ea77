#!/bin/sh
# Thousands of exchanges stuck in every phase, on ONE thread, and nobody else notices.
#
# For each phase a fresh Headgate (event model, one child, one thread) gets PARK_N exchanges that are
# stuck in it (PARK_SLOW_N for slow readers), and then quick requests for a second origin, one after
# the other through the same thread. The same with Apache 2.4 event, 128 threads and PARK_APACHE_N
# exchanges. It ends with what the access log says of those exchanges, and what was expected.
# Threads and memory are those of the supervisor and its children together.
#
#     tests/bench/park.sh [--no-peers]
#     PARK_N=500 PARK_SLOW_N=200 PARK_APACHE_N=200 tests/bench/park.sh      a smaller run
#
#     PARK_QUICK    quick requests each time (200)         PARK_PHASES    a subset of the phases
#     HEADGATE      the binary to run                      BUILD          where the programs are
#     KEEP=1        keep logs and configurations
#
# Slow readers: the origin's SO_SNDBUF and the clients' SO_RCVBUF are small, for loopback would keep
# megabytes per unread socket, and the kernel's memory for TCP would end before ours.
# Exit status: 0 all expectations met, 1 not all, 2 it could not run.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source=park_lib.sh source-path=SCRIPTDIR
. "$here/park_lib.sh"

headgate=${HEADGATE:-$build/headgate}
park_n=${PARK_N:-5000}
slow_n=${PARK_SLOW_N:-2000}
apache_n=${PARK_APACHE_N:-400}
quick_n=${PARK_QUICK:-200}
apache_quick_n=10 # each of them waits for its limit when Apache has no thread left
phases=${PARK_PHASES:-half-head slow-upload think drip-length drip-chunked drip-close slow-reader}
apache_threads=128
headgate_threads=2 # the supervisor's and the child's
connections=16000
waiting_limit_kib=8 # memory per parked exchange
reader_limit_kib=24

peers=1
[ "${1:-}" = --no-peers ] && peers=0

# ---- one phase --------------------------------------------------------------------------------------

# measure SERVER PHASE COUNT QUICK LIMIT_MS: one row of the table.
measure() {
    server=$1 phase=$2 count=$3
    slots=$connections
    [ "$server" = apache ] && slots=$apache_threads
    start_server "$server" event "$slots"
    load "$phase" "$count" "$4" "$5"

    # Reading megabytes slowly is about the park, so a sample of those will do.
    finishing=$count
    [ "$phase" = slow-reader ] && [ "$count" -gt 100 ] && finishing=100
    [ "$server" = apache ] && finishing=0
    unload "$finishing" 180
    stop "$server_pid"
    [ "$server" = headgate ] && keep_ledger "$phase"
    row
    judge
}

# ---- what it prints ---------------------------------------------------------------------------------

heading() {
    printf '%-9s%-13s%24s   %11s %17s %17s %9s %9s %14s %10s\n' \
        "" "" "exchanges" "quick" "quick, unloaded" "quick, loaded" "threads" "KiB per" "TCP" "ended"
    printf '%-9s%-13s%8s%8s%8s   %11s %17s %17s %9s %9s %14s %10s\n' \
        server phase opened started failed "ok/failed" "median/max us" "median/max us" \
        "before/in" exchange "inuse/MiB" right
}

row() {
    printf '%-9s%-13s%8s%8s%8s   %11s %17s %17s %9s %9s %14s %10s\n' \
        "$server" "$phase" "$opened" "$started" "$failed" \
        "$(value answered "$loaded")/$(value failed "$loaded")" \
        "$(value median_us "$unloaded")/$(value max_us "$unloaded")" \
        "$(value median_us "$loaded")/$(value max_us "$loaded")" \
        "$threads_before/$threads_after" "$memory_each" "${sockets% *}/${sockets#* }" "$completed"
}

# For each phase the medians of its access log: long on the wall, short in the thread.
ledger() {
    printf '\n%-13s%7s%12s%12s%12s%10s  %-10s%s\n' \
        phase lines "wall ms" "held ms" "parked ms" releases framing end
    for phase in $phases; do
        [ -s "$work/ledger.$phase" ] || continue
        printf '%-13s%7s%12s%12s%12s%10s  %-10s%s\n' "$phase" \
            "$(wc -l <"$work/ledger.$phase")" "$(median_ms "$phase" wall)" \
            "$(median_ms "$phase" held)" "$(median_ms "$phase" parked)" \
            "$(median "$phase" releases)" "$(most "$phase" framing)" "$(most "$phase" end)"
    done
}

# ---- what was expected ------------------------------------------------------------------------------

judge() {
    if [ "$server" = apache ]; then
        [ "$(value answered "$loaded")" = 0 ] ||
            miss apache "$phase" "$(value answered "$loaded") answered"
        return
    fi
    [ "$failed-$started" = "0-$count" ] || miss started "$phase" "$started of $count, $failed failed"
    [ "$(value failed "$loaded")" = 0 ] || miss quick "$phase" "$(value failed "$loaded") failed"
    [ "$(value parked "$loaded")" = "$count" ] ||
        miss parked "$phase" "$(value parked "$loaded") of $count"
    [ "$threads_before-$threads_after" = "$headgate_threads-$headgate_threads" ] ||
        miss threads "$phase" "$threads_before to $threads_after"
    limit_kib=$waiting_limit_kib
    [ "$phase" = slow-reader ] && limit_kib=$reader_limit_kib
    exceeds "$memory_each" "$limit_kib" && miss memory "$phase" "$memory_each KiB"
    [ "$completed" = "$finishing" ] || miss completed "$phase" "$completed of $finishing"
}

judge_ledger() {
    for phase in $phases; do
        wall=$(median "$phase" wall) held=$(median "$phase" held)
        is_part "$held" "$wall" 0.1 || miss held "$phase" "$held of $wall us"
        exceeds "$(median "$phase" releases)" 0 || miss held "$phase" "no release"
        expected=length
        case $phase in drip-chunked) expected=chunked ;; drip-close) expected=close ;; esac
        framing=$(most "$phase" framing)
        case $framing in *"$expected"*) ;; *) miss framing "$phase" "$framing" ;; esac
    done
}

verdicts() {
    printf '\n'
    verdict started "every exchange got as far as its phase, none failed"
    verdict quick "every quick request past them was answered"
    verdict parked "all were still parked after that"
    verdict threads "there was one thread, and the supervisor's, before and after"
    verdict memory "at most $waiting_limit_kib KiB for each, $reader_limit_kib KiB for slow readers"
    verdict completed "let go, they ended properly, with the right content"
    verdict held "the ledger says so: released, and held for less than a tenth of the time"
    verdict framing "the ledger knows the framing"
    [ "$peers" = 1 ] && verdict apache "Apache event stops at its $apache_threads threads"
    return "$missed"
}

# ---- the run ----------------------------------------------------------------------------------------

need_programs "$headgate" "$build/headgate-origin" "$build/headgate-park"
[ "$peers" = 1 ] && need apache2 apache2-bin
# shellcheck disable=SC3045  # dash has it, and bash
ulimit -n "$(ulimit -H -n)"

start_origins
heading
for phase in $phases; do
    count=$park_n
    [ "$phase" = slow-reader ] && count=$slow_n
    measure headgate "$phase" "$count" "$quick_n" 10000
    [ "$peers" = 1 ] && measure apache "$phase" "$apache_n" "$apache_quick_n" 500
done
ledger
judge_ledger
verdicts

#!/bin/sh
# What a stuck exchange costs under each connection model: prefork and worker stop at their slots,
# as they must, and event does not; Apache 2.4 with its modules of the same names beside.
#
# For each model and phase a fresh server gets MODELS_N exchanges that are stuck in it, and then a few
# quick requests with a short limit. Prefork and worker have MODELS_SLOTS slots in both servers, and
# so has Apache's event; Headgate's event has one thread. Then the access logs: an exchange's parked
# time and its releases are the same under all models, and say under prefork and worker what event
# would have given back.
#
#     tests/bench/models.sh [--no-peers]
#
#     MODELS_N (400)   MODELS_SLOTS (64)   MODELS_QUICK (5)   MODELS_LIMIT_MS (400)
#     MODELS_PHASES    a subset of the phases             HEADGATE, BUILD, KEEP    as in park.sh
#
# `accepted` are the connections that the server has taken from its queue; a client cannot tell. For
# phases that begin before the response, `started` only means that the request is sent.
# Exit status: 0 all expectations met, 1 not all, 2 it could not run.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source=park_lib.sh source-path=SCRIPTDIR
. "$here/park_lib.sh"

headgate=${HEADGATE:-$build/headgate}
count=${MODELS_N:-400}
slots=${MODELS_SLOTS:-64}
quick_n=${MODELS_QUICK:-5}
limit_ms=${MODELS_LIMIT_MS:-400}
phases=${MODELS_PHASES:-half-head slow-upload think drip-length drip-chunked drip-close slow-reader}
models="prefork worker event"
# shellcheck disable=SC2034  # for park_lib.sh
settle_ms=1500
servers="headgate apache"
[ "${1:-}" = --no-peers ] && servers=headgate

# ---- one measurement --------------------------------------------------------------------------------

# measure SERVER MODEL PHASE: one row of the table.
measure() {
    server=$1 model=$2 phase=$3
    held_slots=$slots
    [ "$server-$model" = headgate-event ] && held_slots=16000
    start_server "$server" "$model" "$held_slots"
    load "$phase" "$count" "$quick_n" "$limit_ms"
    # As long as with servers that let those requests wait: the ledgers are compared.
    [ "$(value failed "$loaded")" = 0 ] && sleep "$((quick_n * limit_ms / 1000))"
    finishing=0
    # Those that hold a slot are the first: the queue is served in its order.
    [ "$server" = headgate ] && finishing=$slots
    unload "$finishing" 60
    stop "$server_pid"
    [ "$server" = headgate ] && keep_ledger "$phase.$model" "$slots"
    row
    judge
}

heading() {
    printf '%-13s%-10s%-9s%8s%10s%9s%8s%13s%18s%11s%10s%8s\n' phase server model opened accepted \
        started failed "quick ok/no" "median/max us" threads "KiB each" ended
}

row() {
    printf '%-13s%-10s%-9s%8s%10s%9s%8s%13s%18s%11s%10s%8s\n' "$phase" "$server" "$model" \
        "$opened" "$accepted" "$started" "$failed" \
        "$(value answered "$loaded")/$(value failed "$loaded")" \
        "$(value median_us "$loaded")/$(value max_us "$loaded")" \
        "$threads_after" "$memory_each" "$completed"
}

# For each phase and model the medians of the exchanges that had a slot.
ledger() {
    printf '\n%-13s%-9s%7s%12s%12s%12s%10s  %-10s%s\n' \
        phase model lines "wall ms" "held ms" "parked ms" releases framing end
    for phase in $phases; do
        for model in $models; do
            log=$phase.$model
            printf '%-13s%-9s%7s%12s%12s%12s%10s  %-10s%s\n' "$phase" "$model" \
                "$(wc -l <"$work/ledger.$log")" "$(median_ms "$log" wall)" \
                "$(median_ms "$log" held)" "$(median_ms "$log" parked)" \
                "$(median "$log" releases)" "$(most "$log" framing)" "$(most "$log" end)"
        done
    done
}

# ---- what was expected ------------------------------------------------------------------------------

judge() {
    answered=$(value answered "$loaded")
    at="$server $model $phase"
    [ "$failed" = 0 ] || miss failed "$at" "$failed failed"
    case $server-$model in
        headgate-event)
            [ "$accepted-$answered" = "$count-$quick_n" ] ||
                miss event "$at" "$accepted accepted, $answered of $quick_n answered"
            ;;
        headgate-*)
            [ "$accepted-$answered" = "$slots-0" ] ||
                miss headgate "$at" "$accepted accepted, $answered answered"
            ;;
        *) [ "$answered" = 0 ] || miss "apache-$model" "$at" "$answered answered" ;;
    esac
    [ "$server" = apache ] && return
    { [ "$completed" -ge "$slots" ] && [ "$broken" = 0 ]; } ||
        miss completed "$at" "$completed of $slots, $broken broken"
}

# Held is the time in which the thread was not free for others: all of it, or next to nothing.
judge_ledger() {
    for phase in $phases; do
        releases_of_event=$(median "$phase.event" releases)
        for model in $models; do
            log=$phase.$model at="$model $phase"
            wall=$(median "$log" wall) held=$(median "$log" held) parked=$(median "$log" parked)
            releases=$(median "$log" releases)
            is_part "$((wall - parked))" "$wall" 0.1 || miss parked "$at" "$parked of $wall us"
            short=$held
            [ "$model" = event ] || short=$((wall - held))
            is_part "$short" "$wall" 0.1 || miss held "$at" "$held of $wall us"
            is_like "$releases" "$releases_of_event" ||
                miss releases "$at" "$releases, event $releases_of_event"
        done
    done
}

# One sign of life more or less. How often an exchange waits for content depends on how it arrives.
is_like() {
    case $phase in
        drip-* | slow-reader) [ "$1" -gt 0 ] ;;
        *) [ "$1" -gt 0 ] && [ "$1" -le $(($2 + 1)) ] && [ "$2" -le $(($1 + 1)) ] ;;
    esac
}

verdicts() {
    printf '\n'
    verdict failed "no exchange failed"
    verdict headgate "prefork and worker take $slots connections, and no quick request passes them"
    verdict event "event takes all $count on one thread, and quick requests pass them"
    verdict completed "let go, those that had a slot ended properly"
    verdict parked "the ledger: parked for nine tenths of the time, under every model"
    verdict held "the ledger: prefork and worker held a thread all that time, event did not"
    verdict releases "the ledger: released, as often under every model where that is comparable"
    [ "$servers" = headgate ] && return "$missed"
    for model in $models; do verdict "apache-$model" "Apache's $model stops at $slots"; done
    return "$missed"
}

# ---- the run ----------------------------------------------------------------------------------------

need_programs "$headgate" "$build/headgate-origin" "$build/headgate-park"
[ "$servers" = headgate ] || need apache2 apache2-bin
# shellcheck disable=SC3045  # dash has it, and bash
ulimit -n "$(ulimit -H -n)"

start_origins
heading
for phase in $phases; do
    for model in $models; do
        for server in $servers; do measure "$server" "$model" "$phase"; done
    done
done
ledger
judge_ledger
verdicts

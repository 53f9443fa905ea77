#!/bin/sh
# Reloads, binary upgrades and killed children that no client may notice, under each model.
#
# headgate-steady keeps RELOAD_KEEP keep-alive clients, RELOAD_ONCE clients with a connection for each
# request, and RELOAD_STREAMS chunked streams of RELOAD_STREAM_MS busy, and counts what went wrong,
# while the scenario runs:
#
#     graceful   50 USR1 within 15 s, streams as well: nothing fails, no stream is cut
#     reloads    HUP every 50 ms for 30 s, without the long streams: nothing fails, at most three
#                generations at a time
#     upgrades   20 USR2 within 15 s, streams as well: nothing fails
#     kills      SIGKILL for one child every 200 ms for 10 s: only that child's own exchanges fail
#
#     tests/bench/reload.sh
#
#     RELOAD_MODELS (prefork worker event)     RELOAD_SCENARIOS (all of the above)
#     RELOAD_HUP_SECONDS (30)   RELOAD_KEEP (10)   RELOAD_ONCE (10)   RELOAD_STREAMS (20)
#     RELOAD_STREAM_MS (10000)
#     HEADGATE      the binary to run          BUILD, KEEP         as in park.sh
#
# Memory is what the whole process tree has of its own (PSS without pages of files), ten seconds after
# the last signal; memory.sh measures more of it.
# Exit status: 0 all expectations met, 1 not all, 2 it could not run.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source=park_lib.sh source-path=SCRIPTDIR
. "$here/park_lib.sh"

headgate=${HEADGATE:-$build/headgate}
models=${RELOAD_MODELS:-prefork worker event}
scenarios=${RELOAD_SCENARIOS:-graceful reloads upgrades kills}
hup_seconds=${RELOAD_HUP_SECONDS:-30}
keep=${RELOAD_KEEP:-10}
once=${RELOAD_ONCE:-10}
streams=${RELOAD_STREAMS:-20}
stream_ms=${RELOAD_STREAM_MS:-10000}

# Room for all clients in one generation of prefork and worker.
slots=$(((keep + once + streams) * 2))
threads=10 # of each child of worker
children=2 # of event

# ---- the server -------------------------------------------------------------------------------------

write_headgate() {
    printf 'MPM %s\n' "$1"
    case $1 in
        prefork)
            printf 'StartServers %s\nServerLimit %s\nMaxRequestWorkers %s\nMaxSpareServers %s\n' \
                "$slots" "$slots" "$slots" "$slots"
            ;;
        worker)
            printf 'StartServers %s\nServerLimit %s\nThreadsPerChild %s\nMaxRequestWorkers %s\n' \
                "$((slots / threads))" "$((slots / threads))" "$threads" "$slots"
            printf 'MinSpareThreads 1\nMaxSpareThreads %s\n' "$slots"
            ;;
        event) printf 'StartServers %s\n' "$children" ;;
    esac
    # With a folder for cores, or the memory of children that are somebody else's could not be read.
    [ "$(id -u)" = 0 ] && printf 'User nobody\nGroup nogroup\nCoreDumpDirectory %s\n' "$work"
    write_common headgate
}

# Without the lines that say that all is well.
complaints() {
    cat "$work/headgate.out" "$work/headgate.error" 2>/dev/null |
        grep -Ev 'reloaded: generation|listening on|draining|stopped|was ended by signal 9|Syntax OK' |
        sort | uniq -c | sort -rn | head -n 5
}

# processes_of MODEL: children of one generation.
processes_of() {
    case $1 in
        prefork) echo "$slots" ;;
        worker) echo "$((slots / threads))" ;;
        event) echo "$children" ;;
    esac
}

children_of() { process_tree "$1" | grep -vx "$1"; }

# Generations are told by their number of children, which is fixed here.
most_processes=0
note_processes() {
    now_processes=$(children_of "$server_pid" | wc -l)
    [ "$now_processes" -gt "$most_processes" ] && most_processes=$now_processes
    return 0
}

# ---- the clients ------------------------------------------------------------------------------------

# begin_clients SECONDS KEEP ONCE STREAMS
begin_clients() {
    start steady "$build/headgate-steady" --to "http://127.0.0.1:$port/" --seconds "$1" \
        --keep "$2" --once "$3" --streams "$4" --stream-ms "$stream_ms"
    steady_pid=$started_pid
    sleep 1
}

# Sets by_keep, by_once and by_stream to the lines that the client ends with.
end_clients() {
    end_tries=0
    while is_running "$steady_pid" && [ "$end_tries" -lt 900 ]; do
        sleep 0.1
        end_tries=$((end_tries + 1))
    done
    by_keep=$(grep '^keep ' "$work/steady.out") by_once=$(grep '^once ' "$work/steady.out")
    by_stream=$(grep '^stream ' "$work/steady.out")
    stop "$steady_pid"
}

# sum NAME: over the three kinds.
sum() {
    sum_all=0
    for sum_line in "$by_keep" "$by_once" "$by_stream"; do
        sum_each=$(value "$1" "$sum_line")
        sum_all=$((sum_all + ${sum_each:-0}))
    done
    echo "$sum_all"
}

# ---- the scenarios ----------------------------------------------------------------------------------

# send_signals SIGNAL COUNT PAUSE
send_signals() {
    sent=0
    while [ "$sent" -lt "$2" ]; do
        kill "-$1" "$server_pid" || break
        sent=$((sent + 1))
        [ $((sent % 5)) = 0 ] && note_processes
        sleep "$3"
    done
}

graceful() {
    begin_clients 16 "$keep" "$once" "$streams"
    send_signals USR1 50 0.28
    end_clients
}

reloads() {
    begin_clients "$((hup_seconds + 1))" "$keep" "$once" 0
    send_signals HUP "$((hup_seconds * 20))" 0.04
    end_clients
}

upgrades() {
    begin_clients 16 "$keep" "$once" "$streams"
    send_signals USR2 20 0.7
    end_clients
}

# The one that has lived longest first, as they were forked. Sets held_by_killed to the connections
# that they had.
kills() {
    begin_clients 12 "$keep" "$once" "$streams"
    sent=0 held_by_killed=0
    while [ "$sent" -lt 50 ]; do
        victim=$(children_of "$server_pid" | sort -n | head -n 1)
        held_now=$(connections_of "$victim")
        kill -KILL "$victim" 2>/dev/null && sent=$((sent + 1))
        held_by_killed=$((held_by_killed + held_now))
        sleep 0.2
    done
    end_clients
}

# connections_of PID: client connections that this process has.
connections_of() {
    find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | tr -dc '0-9\n' |
        awk -v port="$(printf '%04X' "$port")" '
            NR == FNR { its[$1] = 1; next }
            { split($2, at, ":") }
            at[2] == port && $4 != "0A" && ($10 in its) { peers[$3] }
            END { for (peer in peers) all++; print all + 0 }' - /proc/net/tcp
}

# settled_memory SECONDS
settled_memory() {
    sleep "$1"
    own_memory_of "$server_pid"
}

# ---- one model and scenario -------------------------------------------------------------------------

run_scenario() {
    scenario=$1
    start_server headgate "$model" 0
    begin_clients 3 "$slots" 0 0 # each has served, before memory is compared
    end_clients
    most_processes=0
    memory_before=$(own_memory_of "$server_pid")
    "$scenario"
    ended_at=$(is_running "$server_pid" && echo alive || echo GONE)
    memory_after=$(settled_memory 10)
    row
    judge
    stop "$server_pid"
}

heading() {
    printf '%-9s%-10s%6s%20s%20s%14s%9s%20s%9s%14s\n' model scenario sent "keep ok/failed" \
        "once ok/failed" "streams" late "max us keep/once" children "KiB"
}

# pair LINE: requests that went well, and those that failed.
pair() {
    pair_failed=$(value failed "$1")
    echo "$(($(value requests "$1") - pair_failed))/$pair_failed"
}

row() {
    printf '%-9s%-10s%6s%20s%20s%14s%9s%20s%9s%14s\n' "$model" "$scenario" "$sent" \
        "$(pair "$by_keep")" "$(pair "$by_once")" "$(pair "$by_stream")" "$(sum late)" \
        "$(value max_us "$by_keep")/$(value max_us "$by_once")" "$most_processes" \
        "$memory_before/$memory_after"
    if [ "$(sum failed)" -gt 0 ]; then
        printf '    %s refused, %s unanswered, %s incomplete, %s wrong, %s late\n' \
            "$(sum refused)" "$(sum unanswered)" "$(sum incomplete)" "$(sum wrong)" "$(sum late)"
        awk '/^failed/ { how[$2 " " $3 " " $5]++ } END { for (h in how) print "    " h ": " how[h] }' \
            "$work/steady.out"
    fi
    [ "$scenario" = kills ] && printf '    those killed had %s connections\n' "$held_by_killed"
    complaints | sed 's/^/    said: /'
}

judge() {
    at="$model $scenario"
    [ "$ended_at" = alive ] || miss alive "$at" "gone"
    if [ "$scenario" = kills ]; then
        judge_kills
    else
        [ "$(sum failed)" = 0 ] || miss "$scenario" "$model" "$(sum failed) of $(sum requests)"
    fi
    exceeds "$most_processes" "$((3 * $(processes_of "$model")))" && [ "$scenario" != kills ] &&
        miss generations "$at" "$most_processes children"
    exceeds "$memory_after" "$(awk -v m="$memory_before" 'BEGIN { print m * 1.1 + 256 }')" &&
        miss back "$at" "$memory_before to $memory_after KiB"
    return 0
}

# Kills cost at most what the children served, and what they accepted after that was counted, which
# can be one for each client without a connection of its own. All else is answered, and rightly.
judge_kills() {
    bound=$((held_by_killed + sent * once))
    case $model in
        prefork) [ "$bound" -gt "$sent" ] && bound=$sent ;;
        worker) [ "$bound" -gt "$((sent * threads))" ] && bound=$((sent * threads)) ;;
    esac
    [ "$(sum failed)" -le "$bound" ] ||
        miss kills "$model" "$(sum failed) failed, $sent children had $held_by_killed connections"
    [ "$(value failed "$by_stream")" -le "$held_by_killed" ] || miss kills "$model" "streams"
    others=$(($(sum refused) + $(sum wrong) + $(sum late)))
    [ "$others" = 0 ] || miss kills "$model" "$others refused, wrong or late"
}

verdicts() {
    printf '\n'
    for scenario in $scenarios; do
        case $scenario in
            graceful) verdict graceful "50 graceful reloads, streams as well: nothing failed" ;;
            reloads) verdict reloads "HUP every 50 ms for $hup_seconds s: nothing failed" ;;
            upgrades) verdict upgrades "20 binary upgrades, streams as well: nothing failed" ;;
            kills) verdict kills "children killed: only their own exchanges failed" ;;
        esac
    done
    verdict generations "never more than three generations"
    verdict back "ten seconds later memory was back, within a tenth and 256 KiB"
    verdict alive "the program never ended"
    return "$missed"
}

# ---- the run ----------------------------------------------------------------------------------------

need_programs "$headgate" "$build/headgate-origin" "$build/headgate-park" "$build/headgate-steady"
# shellcheck disable=SC3045  # dash has it, and bash
ulimit -n "$(ulimit -H -n)"

start_origins
heading
for model in $models; do
    for each in $scenarios; do
        run_scenario "$each"
    done
done
verdicts

#!/bin/sh
# Thousands of exchanges stuck in every phase, on ONE thread, and nobody else notices.
#
# For each phase a fresh Headgate (event model, one child, one thread) gets PARK_N exchanges that are
# stuck in it (PARK_SLOW_N for slow readers), and then quick requests for a second origin, one after
# the other through the same thread. The same with Apache 2.4 event, 128 threads and PARK_APACHE_N
# exchanges. It ends with what the access log says of those exchanges, and what was expected.
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

headgate=${HEADGATE:-$build/headgate}
park_n=${PARK_N:-5000}
slow_n=${PARK_SLOW_N:-2000}
apache_n=${PARK_APACHE_N:-400}
quick_n=${PARK_QUICK:-200}
apache_quick_n=10 # each of them waits for its limit when Apache has no thread left
phases=${PARK_PHASES:-half-head slow-upload think drip-length drip-chunked drip-close slow-reader}
apache_threads=128
waiting_limit_kib=8 # memory per parked exchange
reader_limit_kib=24

peers=1
[ "${1:-}" = --no-peers ] && peers=0

# ---- servers ----------------------------------------------------------------------------------------

start_origins() {
    free_port
    stuck_origin=127.0.0.1:$port
    start origin "$build/headgate-origin" --listen "$stuck_origin" --sndbuf 16384
    wait_for_port "$port" "$started_pid" || die "the origin does not start"
    free_port
    quick_origin=127.0.0.1:$port
    start quick-origin "$build/headgate-origin" --listen "$quick_origin"
    wait_for_port "$port" "$started_pid" || die "the second origin does not start"
}

# What both servers are told; the rest is about processes and modules.
write_common() {
    cat <<END
Listen 127.0.0.1:$port
ServerName localhost
PidFile $work/$1.pid
ErrorLog $work/$1.error
Timeout 300
ProxyTimeout 300
ProxyPass /quick/ http://$quick_origin/
ProxyPass / http://$stuck_origin/
END
}

write_headgate() {
    cat <<END
MPM event
StartServers 1
ServerLimit 1
ThreadsPerChild 1
MaxConnections 16000
LogFormat "%U wall=%D held=%{held}x parked=%{parked}x releases=%{releases}x framing=%{framing}x end=%{end}x" ledger
CustomLog $work/ledger.log ledger
END
    [ "$(id -u)" = 0 ] && printf 'User nobody\nGroup nogroup\n'
    write_common headgate
}

write_apache() {
    modules=$(dirname "$(find /usr/lib/apache2 -name mod_mpm_event.so 2>/dev/null | head -n 1)")
    cat <<END
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
ServerRoot $work
DefaultRuntimeDir $work
StartServers $((apache_threads / 64))
ServerLimit $((apache_threads / 64))
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers $apache_threads
MinSpareThreads 64
MaxSpareThreads $apache_threads
END
    [ "$(id -u)" = 0 ] && printf 'User www-data\nGroup www-data\n'
    write_common apache
}

# Sets server_pid and port.
start_server() {
    free_port
    : >"$work/ledger.log"
    chmod 666 "$work/ledger.log"
    "write_$1" >"$work/$1.conf"
    case $1 in
        headgate) start headgate "$headgate" -f "$work/headgate.conf" ;;
        apache) start apache apache2 -DFOREGROUND -f "$work/apache.conf" ;;
    esac
    server_pid=$started_pid
    wait_for_port "$port" "$server_pid" && return
    cat "$work/$1.out" "$work/$1.error" >&2
    die "$1 does not start"
}

# ---- the client -------------------------------------------------------------------------------------

# start_park MODE COUNT: opens the exchanges, and sets reply to `opened N started M failed K`.
start_park() {
    rm -f "$work/commands"
    : >"$work/park.out" # or the last one's lines would be taken for answers
    mkfifo "$work/commands"
    input=$work/commands
    start park "$build/headgate-park" --to "http://127.0.0.1:$port/" --mode "$1" --count "$2"
    input=/dev/null
    park_pid=$started_pid
    exec 3>"$work/commands"
    replies=0
    await_reply 180 "$1"
}

# ask SECONDS COMMAND...: gives a command, and sets reply to the line that answers it.
ask() {
    ask_limit=$1
    shift
    printf '%s\n' "$*" >&3
    await_reply "$ask_limit" "$*"
}

await_reply() {
    replies=$((replies + 1))
    wait_for_lines "$work/park.out" "$replies" "$1" "$park_pid" ||
        die "headgate-park does not answer: $2"
    reply=$(sed -n "${replies}p" "$work/park.out")
}

end_park() {
    printf 'quit\n' >&3
    exec 3>&-
    stop "$park_pid"
}

# ---- one phase --------------------------------------------------------------------------------------

# measure SERVER PHASE COUNT QUICK LIMIT_MS: one row of the table.
measure() {
    server=$1 phase=$2 count=$3 quick=$4 limit_ms=$5
    start_server "$server"
    quick_url=http://127.0.0.1:$port/quick/hello

    start_park think 0
    ask 60 quick "$quick_url" "$quick"
    unloaded=$reply
    end_park
    threads_before=$(threads_of "$server_pid")
    memory_before=$(memory_of "$server_pid")

    start_park "$phase" "$count"
    opened=$(word 2 "$reply") started=$(word 4 "$reply") failed=$(word 6 "$reply")
    sleep 0.5
    memory_each=$(per_exchange $(($(memory_of "$server_pid") - memory_before)) "$started")
    sockets=$(sockstat)
    ask 600 quick "$quick_url" "$quick" "$limit_ms"
    loaded=$reply
    threads_after=$(threads_of "$server_pid")

    completed=- finishing=-
    [ "$server" = headgate ] && finish
    end_park
    stop "$server_pid"
    [ "$server" = headgate ] && grep -v "^/quick" "$work/ledger.log" >"$work/ledger.$phase"
    row
    judge
}

# Lets the exchanges end. Reading megabytes slowly is about the park, so a sample of those will do.
finish() {
    finishing=$count
    [ "$phase" = slow-reader ] && [ "$count" -gt 100 ] && finishing=100
    ask 60 quick "http://$stuck_origin/release" 1
    ask 200 finish "$finishing" 180
    completed=$(value completed "$reply")
}

word() { printf '%s\n' "$2" | awk -v n="$1" '{ print $n }'; }

per_exchange() { awk -v kib="$1" -v n="$2" 'BEGIN { printf "%.1f", (n > 0) ? kib / n : 0 }'; }

exceeds() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; }

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
            "$(wc -l <"$work/ledger.$phase")" "$(median_ms wall)" "$(median_ms held)" \
            "$(median_ms parked)" "$(median releases)" "$(most framing)" "$(most end)"
    done
}

# The values that one name has in the log of $phase.
values() { tr ' ' '\n' <"$work/ledger.$phase" | sed -n "s/^$1=//p"; }

median() { values "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0 }'; }

median_ms() { awk -v us="$(median "$1")" 'BEGIN { printf "%.2f", us / 1000 }'; }

most() { values "$1" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'; }

# ---- what was expected ------------------------------------------------------------------------------

# miss EXPECTATION WHAT: notes that this phase does not meet it.
miss() { printf '%s (%s)\n' "$phase" "$2" >>"$work/missed.$1"; }

judge() {
    if [ "$server" = apache ]; then
        [ "$(value answered "$loaded")" = 0 ] || miss apache "$(value answered "$loaded") answered"
        return
    fi
    [ "$failed-$started" = "0-$count" ] || miss started "$started of $count, $failed failed"
    [ "$(value failed "$loaded")" = 0 ] || miss quick "$(value failed "$loaded") failed"
    [ "$(value parked "$loaded")" = "$count" ] || miss parked "$(value parked "$loaded") of $count"
    [ "$threads_before" = "$threads_after" ] || miss threads "$threads_before to $threads_after"
    limit_kib=$waiting_limit_kib
    [ "$phase" = slow-reader ] && limit_kib=$reader_limit_kib
    exceeds "$memory_each" "$limit_kib" && miss memory "$memory_each KiB"
    [ "$completed" = "$finishing" ] || miss completed "$completed of $finishing"
}

# A log without the numbers proves nothing.
is_brief() { awk -v held="$1" -v wall="$2" 'BEGIN { exit !(wall > 0 && held < wall / 10) }'; }

judge_ledger() {
    for phase in $phases; do
        wall=$(median wall) held=$(median held) releases=$(median releases)
        is_brief "$held" "$wall" || miss held "$held of $wall us"
        exceeds "$releases" 0 || miss held "no release"
        expected=length
        case $phase in drip-chunked) expected=chunked ;; drip-close) expected=close ;; esac
        case $(most framing) in *"$expected"*) ;; *) miss framing "$(most framing)" ;; esac
    done
}

# verdict EXPECTATION TEXT
verdict() {
    if [ -s "$work/missed.$1" ]; then
        printf 'FAIL  %s: %s\n' "$2" "$(paste -s -d ';' "$work/missed.$1" | sed 's/;/; /g')"
        missed=1
    else
        printf 'PASS  %s\n' "$2"
    fi
}

verdicts() {
    missed=0
    printf '\n'
    verdict started "every exchange got as far as its phase, none failed"
    verdict quick "every quick request past them was answered"
    verdict parked "all were still parked after that"
    verdict threads "the number of threads did not change"
    verdict memory "at most $waiting_limit_kib KiB for each, $reader_limit_kib KiB for slow readers"
    verdict completed "let go, they ended properly, with the right content"
    verdict held "the ledger says so: released, and held for less than a tenth of the time"
    verdict framing "the ledger knows the framing"
    [ "$peers" = 1 ] && verdict apache "Apache event stops at its $apache_threads threads"
    return "$missed"
}

# ---- the run ----------------------------------------------------------------------------------------

for program in "$headgate" "$build/headgate-origin" "$build/headgate-park"; do
    [ -x "$program" ] || die "$program is missing; build it: cmake --build --preset release"
done
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

# shellcheck shell=sh
# What the benchmarks of parked exchanges share: two origins, Headgate and Apache with the same number
# of slots, headgate-park, and what the access log says. To be read with `.` after lib.sh.
#
#     start_origins                      sets stuck_origin and quick_origin
#     start_server SERVER MODEL SLOTS    headgate or apache; sets server_pid and port
#     load PHASE COUNT QUICK LIMIT_MS    opens the exchanges and sends quick requests past them
#     unload COUNT SECONDS               lets the first of them end properly, then ends the client
#
# `headgate` must be set; settle_ms says how long no progress means that the rest will not start, and
# hold_ms how long an exchange is stuck when nobody lets it go.
# What is set here is read there.
# shellcheck disable=SC2034,SC2154

settle_ms=5000
hold_ms=120000

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

# write_slots MODEL SLOTS: all slots are there from the start, and stay. Both servers know these
# directives.
write_slots() {
    if [ "$1" = prefork ]; then
        cat <<END
StartServers $2
ServerLimit $2
MaxRequestWorkers $2
MinSpareServers 1
MaxSpareServers $2
END
        return
    fi
    cat <<END
StartServers 2
ServerLimit 2
ThreadLimit $(($2 / 2))
ThreadsPerChild $(($2 / 2))
MaxRequestWorkers $2
MinSpareThreads 1
MaxSpareThreads $2
END
}

# Event has one thread, and its slots are connections.
write_headgate() {
    printf 'MPM %s\n' "$1"
    if [ "$1" = event ]; then
        printf 'StartServers 1\nServerLimit 1\nThreadsPerChild 1\nMaxConnections %s\n' "$2"
    else
        write_slots "$1" "$2"
    fi
    cat <<END
LogFormat "%U wall=%D held=%{held}x parked=%{parked}x releases=%{releases}x framing=%{framing}x end=%{end}x" ledger
CustomLog $work/ledger.log ledger
END
    [ "$(id -u)" = 0 ] && printf 'User nobody\nGroup nogroup\n'
    write_common headgate
}

write_apache() {
    modules=$(dirname "$(find /usr/lib/apache2 -name mod_mpm_event.so 2>/dev/null | head -n 1)")
    cat <<END
LoadModule mpm_$1_module $modules/mod_mpm_$1.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
ServerRoot $work
DefaultRuntimeDir $work
END
    write_slots "$1" "$2"
    [ "$(id -u)" = 0 ] && printf 'User www-data\nGroup www-data\n'
    write_common apache
}

start_server() {
    free_port
    : >"$work/ledger.log"
    chmod 666 "$work/ledger.log"
    "write_$1" "$2" "$3" >"$work/$1.conf"
    case $1 in
        headgate) start headgate "$headgate" -f "$work/headgate.conf" ;;
        # In a process group of its own: Apache's prefork ends its whole group with itself.
        apache) start apache setsid apache2 -DFOREGROUND -f "$work/apache.conf" ;;
    esac
    server_pid=$started_pid
    wait_for_port "$port" "$server_pid" && return
    cat "$work/$1.out" "$work/$1.error" >&2
    die "$1 does not start"
}

# Connections that the server has accepted and not closed. One that still queues has no inode. The
# table is no snapshot: a reading may have a line twice, or miss it, so three are taken together.
accepted_on() {
    awk -v port="$(printf '%04X' "$1")" '
        { split($2, at, ":") }
        at[2] == port && ($4 == "01" || $4 == "08") && $10 != 0 { peers[$3] }
        END { for (peer in peers) all++; print all + 0 }' /proc/net/tcp /proc/net/tcp /proc/net/tcp
}

# ---- the client -------------------------------------------------------------------------------------

# start_park MODE COUNT: opens the exchanges, and sets reply to `opened N started M failed K`.
start_park() {
    rm -f "$work/commands"
    : >"$work/park.out" # or the last one's lines would be taken for answers
    mkfifo "$work/commands"
    input=$work/commands
    start park "$build/headgate-park" --to "http://127.0.0.1:$port/" --mode "$1" --count "$2" \
        --settle-ms "$settle_ms" --hold-ms "$hold_ms"
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

# ---- one measurement --------------------------------------------------------------------------------

# Sets unloaded and loaded (the quick requests), opened, started, failed, accepted, memory_each,
# sockets, threads_before and threads_after.
load() {
    quick_url=http://127.0.0.1:$port/quick/hello
    start_park think 0
    ask 60 quick "$quick_url" "$3"
    unloaded=$reply
    end_park
    threads_before=$(threads_of "$server_pid")
    memory_before=$(memory_of "$server_pid")

    start_park "$1" "$2"
    opened=$(word 2 "$reply") started=$(word 4 "$reply") failed=$(word 6 "$reply")
    sleep 0.5
    memory_each=$(per_exchange $(($(memory_of "$server_pid") - memory_before)) "$started")
    sockets=$(sockstat)
    accepted=$(accepted_on "$port")
    ask 600 quick "$quick_url" "$3" "$4"
    loaded=$reply
    threads_after=$(threads_of "$server_pid")
}

# Sets completed and broken.
unload() {
    completed=- broken=-
    if [ "$1" -gt 0 ]; then
        ask 60 quick "http://$stuck_origin/release" 1
        ask "$(($2 + 20))" finish "$1" "$2"
        completed=$(value completed "$reply") broken=$(value broken "$reply")
    fi
    end_park
}

word() { printf '%s\n' "$2" | awk -v n="$1" '{ print $n }'; }

per_exchange() { awk -v kib="$1" -v n="$2" 'BEGIN { printf "%.1f", (n > 0) ? kib / n : 0 }'; }

exceeds() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; }

# ---- what the access log says -----------------------------------------------------------------------

# keep_ledger NAME [LINES]: the log of the stuck exchanges of this measurement, all or the first.
keep_ledger() {
    grep -v "^/quick" "$work/ledger.log" | head -n "${2:-1000000}" >"$work/ledger.$1"
}

# values LEDGER NAME: the values that one name has there.
values() { tr ' ' '\n' <"$work/ledger.$1" | sed -n "s/^$2=//p"; }

median() { values "$1" "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0 }'; }

median_ms() { awk -v us="$(median "$1" "$2")" 'BEGIN { printf "%.2f", us / 1000 }'; }

most() { values "$1" "$2" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'; }

# is_part PART WHOLE FRACTION: whether it is less than that. A log without the numbers proves nothing.
is_part() {
    awk -v part="$1" -v whole="$2" -v of="$3" 'BEGIN { exit !(whole > 0 && part < whole * of) }'
}

# ---- what was expected ------------------------------------------------------------------------------

missed=0

# miss EXPECTATION WHERE WHAT: notes that it is not met there.
miss() { printf '%s (%s)\n' "$2" "$3" >>"$work/missed.$1"; }

# verdict EXPECTATION TEXT
verdict() {
    if [ -s "$work/missed.$1" ]; then
        printf 'FAIL  %s: %s\n' "$2" "$(paste -s -d ';' "$work/missed.$1" | sed 's/;/; /g')"
        missed=1
    else
        printf 'PASS  %s\n' "$2"
    fi
}

# Dies unless all programs are there.
need_programs() {
    for program in "$@"; do
        [ -x "$program" ] || die "$program is missing; build it: cmake --build --preset release"
    done
}

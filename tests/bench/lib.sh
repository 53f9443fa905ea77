# shellcheck shell=sh
# What the benchmarks share: a place to work in, processes that end with the script, and readings
# from /proc. To be read with `.` from a script in this folder. POSIX sh, no python, no curl.
#
#     work           the temporary folder of this run; removed at the end unless KEEP=1
#     start NAME COMMAND...     runs it in the background, input from $input, output in
#                               $work/NAME.out; sets started_pid
#     stop PID                  ends one of them, and waits for it
#     free_port                 prints a TCP port that nobody listens on
#     wait_for_port PORT PID    until 127.0.0.1:PORT listens; fails when PID is gone first

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2034  # for the script that reads this
build=${BUILD:-$root/build/release}

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$(basename "$0"): $*"
    exit 2
}

# ---- the run ----------------------------------------------------------------------------------------

pids=""
work=$(mktemp -d "${TMPDIR:-/tmp}/headgate-bench.XXXXXX") || exit 2
chmod 755 "$work"

cleanup() {
    status=$?
    trap - EXIT INT TERM PIPE
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    for pid in $pids; do wait_gone "$pid"; done
    if [ "${KEEP:-0}" = 1 ]; then say "kept: $work"; else rm -rf "$work"; fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 2' PIPE

start() {
    start_name=$1
    shift
    "$@" <"${input:-/dev/null}" >"$work/$start_name.out" 2>&1 &
    started_pid=$!
    pids="$pids $started_pid"
}

stop() {
    kill "$1" 2>/dev/null
    wait_gone "$1"
    kept=""
    for pid in $pids; do [ "$pid" = "$1" ] || kept="$kept $pid"; done
    pids=$kept
}

# The process and all below it are given five seconds, then no more.
wait_gone() {
    gone_tree=$(process_tree "$1")
    gone_tries=0
    while [ "$gone_tries" -lt 50 ]; do
        gone_left=""
        for gone_pid in $gone_tree; do is_running "$gone_pid" && gone_left="$gone_left $gone_pid"; done
        [ -z "$gone_left" ] && break
        sleep 0.1
        gone_tries=$((gone_tries + 1))
    done
    for gone_pid in $gone_left; do kill -9 "$gone_pid" 2>/dev/null; done
    wait "$1" 2>/dev/null
}

# A zombie does not run, though its number is still taken.
is_running() {
    is_state=$(awk '/^State:/ { print $2 }' "/proc/$1/status" 2>/dev/null)
    [ -n "$is_state" ] && [ "$is_state" != Z ]
}

# ---- ports ------------------------------------------------------------------------------------------

# Ports come from below the range that connections take theirs from (often 32768 and up), and runs
# that begin together do not begin side by side.
next_port=$((20000 + $$ % 240 * 50))

is_listening() {
    awk -v port="$(printf '%04X' "$1")" '
        $4 == "0A" { split($2, at, ":"); if (at[2] == port) found = 1 }
        END { exit !found }' /proc/net/tcp
}

# Sets `port`; a subshell could not remember which were given away.
free_port() {
    while is_listening "$next_port"; do next_port=$((next_port + 1)); done
    # shellcheck disable=SC2034  # the answer, for the caller
    port=$next_port
    next_port=$((next_port + 1))
}

wait_for_port() {
    port_tries=0
    while ! is_listening "$1"; do
        is_running "$2" || return 1
        [ "$port_tries" -lt 100 ] || return 1
        port_tries=$((port_tries + 1))
        sleep 0.1
    done
    is_running "$2" # or it is somebody else's port
}

# wait_for_lines FILE COUNT SECONDS PID: until the file has that many lines; fails when the process
# that writes them is gone first.
wait_for_lines() {
    lines_tries=0
    while [ "$(wc -l <"$1")" -lt "$2" ]; do
        is_running "$4" || return 1
        [ "$lines_tries" -lt "$(($3 * 10))" ] || return 1
        lines_tries=$((lines_tries + 1))
        sleep 0.1
    done
}

# ---- readings ---------------------------------------------------------------------------------------

# A process and everything below it.
process_tree() {
    cat /proc/[0-9]*/status 2>/dev/null | awk -v top="$1" '
        $1 == "Pid:" { pid = $2 }
        $1 == "PPid:" { parent[pid] = $2 }
        END {
            tree[top] = 1
            do {
                grown = 0
                for (p in parent) if (!(p in tree) && (parent[p] in tree)) tree[p] = grown = 1
            } while (grown)
            for (p in tree) if (p in parent) print p
        }'
}

# Threads of the whole tree.
threads_of() {
    for tree_pid in $(process_tree "$1"); do cat "/proc/$tree_pid/status" 2>/dev/null; done |
        awk '$1 == "Threads:" { all += $2 } END { print all + 0 }'
}

# Resident memory of the whole tree in KiB; pages that are shared count once (PSS).
memory_of() {
    for tree_pid in $(process_tree "$1"); do
        cat "/proc/$tree_pid/smaps_rollup" 2>/dev/null ||
            awk '$1 == "VmRSS:" { print "Pss:", $2 }' "/proc/$tree_pid/status" 2>/dev/null
    done | awk '$1 == "Pss:" { all += $2 } END { print all + 0 }'
}

# The same without pages of files: those of the program are shared with all others that run it, so
# their part depends on who else does.
own_memory_of() {
    for tree_pid in $(process_tree "$1"); do
        cat "/proc/$tree_pid/smaps_rollup" 2>/dev/null
    done | awk '$1 == "Pss_Anon:" || $1 == "Pss_Shmem:" { all += $2 } END { print all + 0 }'
}

# CPU time of the whole tree so far, user and system, in clock ticks (getconf CLK_TCK a second).
cpu_ticks_of() {
    for tree_pid in $(process_tree "$1"); do cat "/proc/$tree_pid/stat" 2>/dev/null; done |
        awk '{ sub(/^.*\) /, ""); all += $12 + $13 } END { print all + 0 }'
}

# `inuse MEM`: TCP sockets in use, and what the kernel keeps for them in MiB.
sockstat() {
    awk '$1 == "TCP:" { for (i = 2; i < NF; i += 2) v[$i] = $(i + 1) }
         END { printf "%d %.0f\n", v["inuse"], v["mem"] * 4 / 1024 }' /proc/net/sockstat
}

# value NAME LINE: from a line of NAME=VALUE words.
value() {
    printf '%s\n' "$2" | tr ' ' '\n' | awk -F= -v name="$1" '$1 == name { print $2; exit }'
}

# ---- what must be installed -------------------------------------------------------------------------

# need COMMAND PACKAGE ...: installs what is missing when it may, else says how.
need() {
    need_missing=""
    while [ $# -gt 1 ]; do
        command -v "$1" >/dev/null 2>&1 || need_missing="$need_missing $2"
        shift 2
    done
    [ -z "$need_missing" ] && return
    if [ "$(id -u)" = 0 ]; then
        # shellcheck disable=SC2086  # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
            $need_missing >"$work/apt.out" 2>&1 && return
        cat "$work/apt.out" >&2
    fi
    die "missing:$need_missing; install with: apt-get install$need_missing"
}

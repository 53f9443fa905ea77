#!/bin/sh
# How long one request takes when nothing else happens: one connection, one request after the other,
# on a kept connection and on a fresh one for each request. Headgate under each model, and nginx and
# Apache 2.4 (prefork and event) beside, all before the same origin with connections that are kept.
#
#     tests/bench/latency.sh [--no-peers]
#
#     LATENCY_ROUNDS      rounds (15)              LATENCY_REQUESTS    of each measurement (400)
#     HEADGATE, BUILD, KEEP                        as in park.sh
#
# The rounds are interleaved and begin with another server each time, so what the machine does besides
# falls on all alike; each number is the median over rounds of a round's median. `direct` is the origin
# without a proxy. The numbers belong to the machine; the ratios are what to look at.
# Exit status: 0, 1 when a request failed, 2 it could not run.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source=park_lib.sh source-path=SCRIPTDIR
. "$here/park_lib.sh"

headgate=${HEADGATE:-$build/headgate}
rounds=${LATENCY_ROUNDS:-15}
requests=${LATENCY_REQUESTS:-400}
slots=8
subjects="direct event worker prefork nginx apache-event apache-prefork"
[ "${1:-}" = --no-peers ] && subjects="direct event worker prefork"

# ---- servers ----------------------------------------------------------------------------------------

write_nginx() {
    cat <<END
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.error;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path $work/nginx.body;
    proxy_temp_path $work/nginx.proxy;
    fastcgi_temp_path $work/nginx.fastcgi;
    uwsgi_temp_path $work/nginx.uwsgi;
    scgi_temp_path $work/nginx.scgi;
    upstream origin { server $quick_origin; keepalive 16; keepalive_requests 1000000000; }
    server {
        listen 127.0.0.1:$port;
        location /quick/ {
            proxy_pass http://origin/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
}
END
}

# Nothing is logged here, and no connection ends for having served enough.
without_log() {
    grep -Ev '^(LogFormat|CustomLog)'
    printf 'MaxKeepAliveRequests 0\n'
}

# start_subject NAME: its port is in $work/NAME.port after that.
start_subject() {
    free_port
    subject_conf=$work/$1.conf
    case $1 in
        direct) port=${quick_origin#*:} ;;
        nginx)
            write_nginx >"$subject_conf"
            start nginx nginx -e "$work/nginx.error" -c "$subject_conf"
            ;;
        apache-*)
            write_apache "${1#apache-}" "$slots" | sed "s|$work/apache\.|$work/$1.|
                s|^DefaultRuntimeDir .*|&/$1|" | without_log >"$subject_conf"
            mkdir -p "$work/$1"
            start "$1" setsid apache2 -DFOREGROUND -f "$subject_conf"
            ;;
        *)
            write_headgate "$1" "$slots" | sed "s|$work/headgate\.|$work/$1.|" | without_log \
                >"$subject_conf"
            start "$1" "$headgate" -f "$subject_conf"
            ;;
    esac
    echo "$port" >"$work/$1.port"
    [ "$1" = direct ] && return
    wait_for_port "$port" "$started_pid" && return
    cat "$work/$1.out" "$work/$1.error" >&2
    die "$1 does not start"
}

# ---- one measurement --------------------------------------------------------------------------------

# measure SUBJECT HOW: adds the median of this round to $work/SUBJECT.HOW.
measure() {
    path=/quick/hello
    [ "$1" = direct ] && path=/hello
    word=keep
    [ "$2" = fresh ] && word=
    # shellcheck disable=SC2086  # the word, or none
    ask 120 quick "http://127.0.0.1:$(cat "$work/$1.port")$path" "$requests" $word
    value median_us "$reply" >>"$work/$1.$2"
    value max_us "$reply" >>"$work/$1.$2.max"
    [ "$(value failed "$reply")" = 0 ] && return
    say "$1, $2: $reply"
    faults=1
}

# The subjects, beginning with another one each time.
rotate() {
    # shellcheck disable=SC2086  # a list of words
    set -- $subjects
    turn_n=0
    while [ "$turn_n" -lt "$((round % $#))" ]; do
        first=$1
        shift
        set -- "$@" "$first"
        turn_n=$((turn_n + 1))
    done
    echo "$@"
}

middle() { sort -n "$work/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0 }'; }

# ---- what it prints ---------------------------------------------------------------------------------

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b > 0) ? a / b : 0 }'; }

table() {
    printf '%-12s%-16s%12s%14s%18s%18s\n' connection server "median us" "worst us" "to event" \
        "above direct us"
    for how in keep fresh; do
        of_event=$(middle "event.$how") of_direct=$(middle "direct.$how")
        for subject in $subjects; do
            own=$(middle "$subject.$how")
            printf '%-12s%-16s%12s%14s%18s%18s\n' "$how" "$subject" "$own" \
                "$(middle "$subject.$how.max")" "$(ratio "$own" "$of_event")" \
                "$((own - of_direct))"
        done
    done
}

# ---- the run ----------------------------------------------------------------------------------------

need_programs "$headgate" "$build/headgate-origin" "$build/headgate-park"
case $subjects in *apache*) need nginx nginx apache2 apache2-bin ;; esac

start_origins
for subject in $subjects; do start_subject "$subject"; done
start_park think 0
faults=0
round=1
while [ "$round" -le "$rounds" ]; do
    for subject in $(rotate); do
        for how in keep fresh; do measure "$subject" "$how"; done
    done
    round=$((round + 1))
done
end_park
table
exit "$faults"

#!/bin/sh
# What one exchange costs: CPU time of the proxy for a request with a 100-octet response over
# persistent connections, with Headgate, nginx and HAProxy side by side in the same run. Each has one
# thread, writes no access log, and keeps its connections to the same origin (an nginx that returns a
# constant). wrk keeps it busy, with 64 connections and with 1.
#
#     tests/bench/exchange.sh [--no-peers]
#
#     EXCHANGE_ROUNDS     rounds (5)                EXCHANGE_SECONDS    of each measurement (3)
#     HEADGATE            the binary to run         KEEP=1              keep the configurations
#
# Cost is utime + stime of the whole process tree divided by the number of exchanges. The rounds are
# interleaved, so what the machine does besides falls on all alike, and medians are compared. The
# numbers belong to the machine; the ratios are what to look at.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

headgate=${HEADGATE:-$build/headgate}
rounds=${EXCHANGE_ROUNDS:-5}
seconds=${EXCHANGE_SECONDS:-3}
subjects="headgate nginx haproxy"
[ "${1:-}" = --no-peers ] && subjects=headgate
ticks=$(getconf CLK_TCK)

# ---- servers ----------------------------------------------------------------------------------------

# write_nginx NAME: what every nginx here begins with.
write_nginx() {
    cat <<END
daemon off;
worker_processes 1;
pid $work/$1.pid;
error_log $work/$1.error;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 300;
    client_body_temp_path $work/$1.body;
    proxy_temp_path $work/$1.proxy;
    fastcgi_temp_path $work/$1.fastcgi;
    uwsgi_temp_path $work/$1.uwsgi;
    scgi_temp_path $work/$1.scgi;
END
}

origin_conf() {
    write_nginx origin
    cat <<END
    server {
        listen $origin;
        default_type text/plain;
        location / { return 200 "$(printf '%0100d' 0)"; }
    }
}
END
}

nginx_conf() {
    write_nginx nginx
    cat <<END
    upstream origin { server $origin; keepalive 128; keepalive_requests 1000000000; }
    server {
        listen 127.0.0.1:$port;
        location / {
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
}
END
}

haproxy_conf() {
    cat <<END
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 300s
    timeout server 300s
frontend clients
    bind 127.0.0.1:$port
    default_backend origin
backend origin
    server origin $origin
END
}

headgate_conf() {
    cat <<END
MPM event
StartServers 1
ServerLimit 1
ThreadsPerChild 1
Listen 127.0.0.1:$port
ServerName localhost
PidFile $work/headgate.pid
ErrorLog $work/headgate.error
MaxKeepAliveRequests 0
KeepAliveTimeout 300
ProxyPass / http://$origin/
END
    [ "$(id -u)" = 0 ] && printf 'User nobody\nGroup nogroup\n'
}

configure() {
    case $1 in
        origin) origin_conf ;;
        nginx) nginx_conf ;;
        haproxy) haproxy_conf ;;
        headgate) headgate_conf ;;
    esac
}

# start_server NAME: its pid and port are in $work/NAME.where after that.
start_server() {
    free_port
    [ "$1" = origin ] && origin=127.0.0.1:$port
    configure "$1" >"$work/$1.conf"
    case $1 in
        headgate) start headgate "$headgate" -f "$work/headgate.conf" ;;
        haproxy) start haproxy haproxy -db -f "$work/haproxy.conf" ;;
        *) start "$1" nginx -e "$work/$1.error" -c "$work/$1.conf" ;;
    esac
    echo "$started_pid $port" >"$work/$1.where"
    wait_for_port "$port" "$started_pid" && return
    cat "$work/$1.out" "$work/$1.error" >&2
    die "$1 does not start"
}

# ---- one measurement --------------------------------------------------------------------------------

# measure SUBJECT CONNECTIONS: adds a line `us_per_exchange exchanges_per_second`.
measure() {
    read -r server_pid server_port <"$work/$1.where"
    before=$(cpu_ticks_of "$server_pid")
    wrk -t 1 -c "$2" -d "${seconds}s" "http://127.0.0.1:$server_port/" >"$work/wrk.out" 2>&1
    after=$(cpu_ticks_of "$server_pid")

    if grep -E 'Socket errors|Non-2xx' "$work/wrk.out" >&2; then
        say "with $1 and $2 connections: not all exchanges were right"
        faults=1
    fi
    awk -v ticks="$((after - before))" -v hz="$ticks" '
        /requests in/ { exchanges = $1 }
        /^Requests\/sec/ { rate = $2 }
        END { if (exchanges > 0) printf "%.3f %.0f\n", ticks * 1e6 / hz / exchanges, rate }
    ' "$work/wrk.out" >>"$work/$1.$2"
}

median() {
    awk -v column="$2" '{ print $column }' "$1" | sort -n |
        awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0 }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b > 0) ? a / b : 0 }'; }

# ---- the run ----------------------------------------------------------------------------------------

[ -x "$headgate" ] || die "$headgate is missing; build it: cmake --build --preset release"
need wrk wrk nginx nginx haproxy haproxy

for server in origin $subjects; do start_server "$server"; done
faults=0
round=1
while [ "$round" -le "$rounds" ]; do
    for connections in 64 1; do
        for subject in $subjects; do measure "$subject" "$connections"; done
    done
    round=$((round + 1))
done

printf '%-12s%-10s%16s%16s%22s\n' \
    connections server "CPU us/exchange" "exchanges/s" "Headgate's CPU to its"
for connections in 64 1; do
    own=$(median "$work/headgate.$connections" 1)
    for subject in $subjects; do
        cost=$(median "$work/$subject.$connections" 1)
        printf '%-12s%-10s%16s%16s%22s\n' "$connections" "$subject" "$cost" \
            "$(median "$work/$subject.$connections" 2)" "$(ratio "$own" "$cost")"
    done
done
exit "$faults"

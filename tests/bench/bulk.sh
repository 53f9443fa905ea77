#!/bin/sh
# What moving content costs: CPU time of the proxy for each MiB relayed, responses and uploads of
# 1 MiB and 64 MiB over persistent connections, with Headgate, Headgate without splice(2), HAProxy
# with and without its own splicing, nginx and Apache side by side in the same run. Each has one
# process with one thread (Apache: 64 threads) and writes no access log. headgate-bulk is the origin
# and the client; neither looks at the content.
#
#     tests/bench/bulk.sh [--no-peers | --tunnels]
#
# With --tunnels the same through tunnels that do not know what they carry: Headgate's TunnelTo, with
# splice(2) and without, and HAProxy's mode tcp.
#
#     BULK_ROUNDS        rounds (5)               BULK_MIB     relayed in each measurement (2048)
#     BULK_CONNECTIONS   at the same time (4)     BULK_CASES   of down-1 down-64 close-64 up-1 up-64
#     HEADGATE           the binary to run        KEEP=1       keep the configurations
#
# Cost is utime + stime of the whole process tree divided by the MiB. The rounds are interleaved, so
# what the machine does besides falls on all alike, and medians are compared. The numbers belong to
# the machine; the ratios are what to look at. Exit status: 0 goal met, 1 not, 2 it could not run.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

headgate=${HEADGATE:-$build/headgate}
rounds=${BULK_ROUNDS:-5}
mib=${BULK_MIB:-2048}
connections=${BULK_CONNECTIONS:-4}
cases=${BULK_CASES:-down-1 down-64 close-64 up-1 up-64}
subjects="${BULK_SUBJECTS:-headgate headgate-copy haproxy-splice haproxy nginx apache}"
[ "${1:-}" = --no-peers ] && subjects="headgate headgate-copy"
[ "${1:-}" = --tunnels ] && subjects="headgate-tunnel headgate-tunnel-copy haproxy-tcp-splice haproxy-tcp"
own_subject=${subjects%% *}
ticks=$(getconf CLK_TCK)

# ---- servers ----------------------------------------------------------------------------------------

nginx_conf() {
    cat <<END
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.error;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path $work/nginx.body;
    proxy_temp_path $work/nginx.proxy;
    fastcgi_temp_path $work/nginx.fastcgi;
    uwsgi_temp_path $work/nginx.uwsgi;
    scgi_temp_path $work/nginx.scgi;
    upstream origin { server $origin; keepalive 16; keepalive_requests 1000000000; }
    server {
        listen 127.0.0.1:$port;
        location / {
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
            proxy_max_temp_file_size 0;
        }
    }
}
END
}

# haproxy_conf MODE [OPTION...]
haproxy_conf() {
    cat <<END
global
    nbthread 1
    maxconn 1024
defaults
    mode $1
    timeout connect 5s
    timeout client 300s
    timeout server 300s
END
    [ "$1" = http ] && printf '    option http-keep-alive\n    http-reuse always\n'
    shift
    for option; do printf '    option %s\n' "$option"; done
    cat <<END
frontend clients
    bind 127.0.0.1:$port
    default_backend origin
backend origin
    server origin $origin
END
}

apache_conf() {
    modules=$(dirname "$(find /usr/lib/apache2 -name mod_mpm_event.so 2>/dev/null | head -n 1)")
    cat <<END
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
ServerRoot $work
DefaultRuntimeDir $work
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
Listen 127.0.0.1:$port
ServerName localhost
PidFile $work/apache.pid
ErrorLog $work/apache.error
MaxKeepAliveRequests 0
LimitRequestBody 0
ProxyPass / http://$origin/
END
    [ "$(id -u)" = 0 ] && printf 'User www-data\nGroup www-data\n'
}

# headgate_conf NAME On|Off DIRECTIVE
headgate_conf() {
    cat <<END
MPM event
StartServers 1
ServerLimit 1
ThreadsPerChild 1
Listen 127.0.0.1:$port
ServerName localhost
PidFile $work/$1.pid
ErrorLog $work/$1.error
MaxKeepAliveRequests 0
EnableSplice $2
$3
END
    [ "$(id -u)" = 0 ] && printf 'User nobody\nGroup nogroup\n'
}

tunnel_host() {
    printf '<VirtualHost 127.0.0.1:%s>\nServerName localhost\nTunnelTo tcp://%s\n</VirtualHost>\n' \
        "$port" "$origin"
}

configure() {
    case $1 in
        nginx) nginx_conf ;;
        haproxy) haproxy_conf http ;;
        haproxy-splice) haproxy_conf http splice-response splice-request ;;
        haproxy-tcp) haproxy_conf tcp ;;
        haproxy-tcp-splice) haproxy_conf tcp splice-response splice-request ;;
        apache) apache_conf ;;
        headgate) headgate_conf "$1" On "ProxyPass / http://$origin/" ;;
        headgate-copy) headgate_conf "$1" Off "ProxyPass / http://$origin/" ;;
        headgate-tunnel) headgate_conf "$1" On "$(tunnel_host)" ;;
        headgate-tunnel-copy) headgate_conf "$1" Off "$(tunnel_host)" ;;
    esac
}

# start_server NAME: its pid and port are in $work/NAME.where after that.
start_server() {
    free_port
    configure "$1" >"$work/$1.conf"
    case $1 in
        headgate*) start "$1" "$headgate" -f "$work/$1.conf" ;;
        haproxy*) start "$1" haproxy -db -f "$work/$1.conf" ;;
        apache) start "$1" apache2 -DFOREGROUND -f "$work/$1.conf" ;;
        nginx) start "$1" nginx -e "$work/$1.error" -c "$work/$1.conf" ;;
    esac
    echo "$started_pid $port" >"$work/$1.where"
    wait_for_port "$port" "$started_pid" && return
    cat "$work/$1.out" "$work/$1.error" >&2
    die "$1 does not start"
}

# ---- one measurement --------------------------------------------------------------------------------

# measure SUBJECT CASE: adds a line `us_per_MiB MiB_per_second`.
measure() {
    read -r server_pid server_port <"$work/$1.where"
    size=${2#*-}
    count=$((mib / size / connections))
    [ "$count" -gt 0 ] || count=1
    before=$(cpu_ticks_of "$server_pid")
    "$build/headgate-bulk" "${2%-*}" --to "127.0.0.1:$server_port" --octets "$((size << 20))" \
        --count "$count" --connections "$connections" >"$work/bulk.out" 2>&1 || {
        say "with $1 and $2: not all exchanges were right: $(cat "$work/bulk.out")"
        faults=1
    }
    after=$(cpu_ticks_of "$server_pid")
    line=$(cat "$work/bulk.out")
    awk -v ticks="$((after - before))" -v hz="$ticks" -v octets="$(value octets "$line")" \
        -v seconds="$(value seconds "$line")" '
        BEGIN {
            moved = octets / 1048576
            if (moved > 0) printf "%.1f %.0f\n", ticks * 1e6 / hz / moved, moved / seconds
        }' >>"$work/$1.$2"
}

median() {
    awk -v column="$2" '{ print $column }' "$1" | sort -n |
        awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0 }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b > 0) ? a / b : 0 }'; }

# ---- the run ----------------------------------------------------------------------------------------

[ -x "$headgate" ] && [ -x "$build/headgate-bulk" ] ||
    die "headgate or headgate-bulk is missing; build them: cmake --build --preset release"
case $subjects in
    *nginx*) need haproxy haproxy nginx nginx apache2 apache2-bin ;;
    *haproxy*) need haproxy haproxy ;;
esac

free_port
origin=127.0.0.1:$port
start origin "$build/headgate-bulk" origin "$origin"
wait_for_port "$port" "$started_pid" || die "the origin does not start"
for server in $subjects; do start_server "$server"; done
faults=0
round=1
while [ "$round" -le "$rounds" ]; do
    for case in $cases; do
        say "round $round of $rounds: $case"
        for subject in $subjects; do measure "$subject" "$case"; done
    done
    round=$((round + 1))
done

printf '%-10s%-22s%14s%10s%22s\n' case server "CPU us/MiB" "MiB/s" "Headgate's CPU to its"
for case in $cases; do
    own=$(median "$work/$own_subject.$case" 1)
    for subject in $subjects; do
        cost=$(median "$work/$subject.$case" 1)
        printf '%-10s%-22s%14s%10s%22s\n' "$case" "$subject" "$cost" \
            "$(median "$work/$subject.$case" 2)" "$(ratio "$own" "$cost")"
    done
done
if [ -f "$work/haproxy-splice.down-64" ]; then
    awk -v a="$(median "$work/headgate.down-64" 1)" \
        -v b="$(median "$work/haproxy-splice.down-64" 1)" 'BEGIN { exit !(a <= 0.7 * b) }' || {
        say "goal missed: 64 MiB responses at most at 0.7 of HAProxy with option splice-response"
        faults=1
    }
fi
exit "$faults"

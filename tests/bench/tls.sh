#!/bin/sh
# What TLS costs beside nginx and HAProxy, in one run on one machine: CPU of the proxy per full
# handshake (ECDSA P-256, RSA 2048), per resumed one, per request on connections that persist, and per
# MiB. Each has one process with one thread and does the same work: ends TLS, and fetches the
# response in the clear from the same origin.
#
#     sh tests/bench/tls.sh [SECONDS]     of each measurement; 5
#
# Read the last table: milliseconds of CPU, and Headgate's as a ratio of the best peer.
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

seconds=${1:-5}
need wrk wrk openssl openssl nginx nginx-light haproxy haproxy
tick_ms=$((1000 / $(getconf CLK_TCK)))

for kind in ecdsa rsa; do
    if [ $kind = ecdsa ]; then algorithm="ec -pkeyopt ec_paramgen_curve:P-256"; else algorithm=rsa:2048; fi
    # shellcheck disable=SC2086  # a list of words
    openssl req -x509 -newkey $algorithm -nodes -keyout "$work/$kind.key" -out "$work/$kind.crt" \
        -subj /CN=bench.test -days 2 2>/dev/null || die "no certificate"
    cat "$work/$kind.crt" "$work/$kind.key" >"$work/$kind.pem"
done

free_port; origin=$port
start origin "$build/headgate-origin" --listen "127.0.0.1:$origin"
wait_for_port "$origin" "$started_pid" || die "the origin does not start"

free_port; headgate_ecdsa=$port; free_port; headgate_rsa=$port
cat >"$work/headgate.conf" <<CONF
Listen 127.0.0.1:$headgate_ecdsa
Listen 127.0.0.1:$headgate_rsa
StartServers 1
ThreadsPerChild 1
MaxKeepAliveRequests 0
ErrorLog $work/headgate.log
PidFile $work/headgate.pid
ProxyPass / http://127.0.0.1:$origin/
<VirtualHost *:$headgate_ecdsa>
ServerName bench.test
SSLEngine on
SSLCertificateFile $work/ecdsa.pem
</VirtualHost>
<VirtualHost *:$headgate_rsa>
ServerName bench.test
SSLEngine on
SSLCertificateFile $work/rsa.pem
</VirtualHost>
CONF
start headgate "$build/headgate" -f "$work/headgate.conf"
headgate=$started_pid
wait_for_port "$headgate_ecdsa" "$headgate" || die "Headgate: $(cat "$work/headgate.out")"

free_port; nginx_ecdsa=$port; free_port; nginx_rsa=$port
cat >"$work/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 4096; }
http {
    access_log off; keepalive_requests 100000000; ssl_session_tickets on;
    upstream origin { server 127.0.0.1:$origin; keepalive 64; }
    proxy_http_version 1.1; proxy_set_header Connection "";
    ssl_protocols TLSv1.2 TLSv1.3;
    server { listen 127.0.0.1:$nginx_ecdsa ssl; ssl_certificate $work/ecdsa.crt;
             ssl_certificate_key $work/ecdsa.key; location / { proxy_pass http://origin; } }
    server { listen 127.0.0.1:$nginx_rsa ssl; ssl_certificate $work/rsa.crt;
             ssl_certificate_key $work/rsa.key; location / { proxy_pass http://origin; } }
}
CONF
start nginx nginx -c "$work/nginx.conf" -p "$work"
nginx=$started_pid
wait_for_port "$nginx_ecdsa" "$nginx" || die "nginx: $(cat "$work/nginx.out" "$work/nginx.log")"

free_port; haproxy_ecdsa=$port; free_port; haproxy_rsa=$port
cat >"$work/haproxy.cfg" <<CONF
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
frontend ecdsa
    bind 127.0.0.1:$haproxy_ecdsa ssl crt $work/ecdsa.pem
    default_backend origin
frontend rsa
    bind 127.0.0.1:$haproxy_rsa ssl crt $work/rsa.pem
    default_backend origin
backend origin
    http-reuse always
    server origin 127.0.0.1:$origin
CONF
start haproxy haproxy -f "$work/haproxy.cfg"
haproxy=$started_pid
wait_for_port "$haproxy_ecdsa" "$haproxy" || die "HAProxy: $(cat "$work/haproxy.out")"

# handshakes PORT OPTION: prints how many were done.
handshakes() {
    openssl s_time -connect "127.0.0.1:$1" "$2" "-$version" -time "$seconds" 2>/dev/null |
        awk '/connections in [0-9]+ real seconds/ { print $1; exit }'
}
requests() {
    wrk -t1 -c32 -d"${seconds}s" "https://127.0.0.1:$1/$2" | awk '/requests in/ { print $1 }'
}

# measure NAME PID COMMAND...: CPU in ms for each of what COMMAND counts, into $work/$case.
measure() {
    name=$1 pid=$2
    shift 2
    before=$(cpu_ticks_of "$pid")
    count=$("$@")
    after=$(cpu_ticks_of "$pid")
    [ "${count:-0}" -gt 0 ] || die "$name: nothing was done in \"$case\""
    awk -v name="$name" -v ticks=$((after - before)) -v ms="$tick_ms" -v count="$count" \
        -v scale="${scale:-1}" 'BEGIN { printf "%s %.5f\n", name, ticks * ms / count / scale }' \
        >>"$work/result.$case"
}

all() {
    case=$1
    kind=$2
    shift 2
    say "$case"
    for each in headgate nginx haproxy; do
        eval "pid=\$$each; at=\$${each}_$kind"
        measure "$each" "$pid" "$1" "$at" "$2"
    done
}

version=tls1_3
all full-ecdsa-1.3 ecdsa handshakes -new
all full-rsa-1.3 rsa handshakes -new
version=tls1_2
all full-ecdsa-1.2 ecdsa handshakes -new
all resumed-1.2 ecdsa handshakes -reuse
all request ecdsa requests hello
scale=1 all mebibyte ecdsa requests 'big?bytes=1048576'

printf '%-16s %10s %10s %10s %8s\n' "ms of CPU" Headgate nginx HAProxy ratio
for case in full-ecdsa-1.3 full-rsa-1.3 full-ecdsa-1.2 resumed-1.2 request mebibyte; do
    awk -v case="$case" '{ v[$1] = $2 } END {
        best = v["nginx"] < v["haproxy"] ? v["nginx"] : v["haproxy"]
        printf "%-16s %10.4f %10.4f %10.4f %8.2f\n", case, v["headgate"], v["nginx"], v["haproxy"],
            v["headgate"] / best }' "$work/result.$case"
done

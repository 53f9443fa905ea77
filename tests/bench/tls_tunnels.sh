#!/bin/sh
# What TLS around any other protocol costs: a raw terminator (TLS in, plain TCP out: Headgate's
# TunnelTo, hitch, stunnel, HAProxy in mode tcp), and a client (plain in, TLS out: TunnelTo tls://,
# stunnel's client mode, HAProxy). CPU per tunnel with one small exchange and a full handshake, CPU
# per MiB through one tunnel in each direction, and memory per idle tunnel.
#
#     sh tests/bench/tls_tunnels.sh [CASE...]
#
#     in-asking-1.3 in-asking-1.2 in-down-1.3 in-up-1.3 in-memory-1.3      TLS ends here
#     out-asking-plain out-down-plain out-up-plain out-memory-plain        TLS 1.3 begins here
#
#     TUNNEL_ROUNDS (5)   TUNNEL_COUNT (600) tunnels and TUNNEL_MIB (256) of each measurement
#     TUNNEL_IDLE (500) tunnels   TUNNEL_SUBJECTS (headgate hitch stunnel haproxy)
#     HEADGATE, BUILD, KEEP as elsewhere
#
# Every server has one process that works, with one thread (stunnel: one for each connection), on the
# last CPU; clients, the origin and the far end of TLS, another Headgate that resumes nothing, are on
# the first. Nobody verifies the far end. Rounds are interleaved; medians are compared, with the best
# of the others. Exit status: 0 Headgate is within 1.03 of it everywhere, 1 not, 2 it could not run.
# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source=tls_lib.sh source-path=SCRIPTDIR
. "$here/tls_lib.sh"

subjects=${TUNNEL_SUBJECTS:-headgate hitch stunnel haproxy}
rounds=${TUNNEL_ROUNDS:-5}
tunnels=${TUNNEL_COUNT:-600}
mib=${TUNNEL_MIB:-256}
idle=${TUNNEL_IDLE:-500}
cases=${*:-in-asking-1.3 in-asking-1.2 in-down-1.3 in-up-1.3 out-asking-plain out-down-plain \
    out-up-plain in-memory-1.3 out-memory-plain}

# ---- configurations: NAME_conf TLS-PORT PLAIN-PORT, in place of those with HTTP ---------------------

headgate_conf() {
    cat <<CONF
Listen 127.0.0.1:$1
Listen 127.0.0.1:$2
StartServers 1
ThreadsPerChild 1
ErrorLog $work/headgate.log
PidFile $work/headgate.pid
CoreDumpDirectory $work
<VirtualHost *:$1>
SSLEngine on
SSLCertificateFile $work/ecdsa.pem
TunnelTo tcp://127.0.0.1:$origin
</VirtualHost>
<VirtualHost *:$2>
SSLProxyEngine on
SSLProxyVerify none
SSLProxyCheckPeerName off
TunnelTo tls://127.0.0.1:$far
</VirtualHost>
CONF
}

stunnel_conf() {
    cat <<CONF
foreground = yes
pid =
debug = 3
[in]
accept = 127.0.0.1:$1
connect = 127.0.0.1:$origin
cert = $work/ecdsa.pem
TIMEOUTclose = 0
[out]
client = yes
accept = 127.0.0.1:$2
connect = 127.0.0.1:$far
TIMEOUTclose = 0
CONF
}

haproxy_conf() {
    cat <<CONF
global
    nbthread 1
    maxconn 8192
    tune.ssl.cachesize 0
defaults
    mode tcp
    timeout client 300s
    timeout server 300s
    timeout connect 5s
listen in
    bind 127.0.0.1:$1 ssl crt $work/ecdsa.pem
    server origin 127.0.0.1:$origin
listen out
    bind 127.0.0.1:$2
    server far 127.0.0.1:$far ssl verify none
CONF
}

far_conf() {
    cat <<CONF
Listen 127.0.0.1:$1
StartServers 1
ThreadsPerChild 1
ErrorLog $work/far.log
PidFile $work/far.pid
CoreDumpDirectory $work
<VirtualHost *:$1>
SSLEngine on
SSLCertificateFile $work/ecdsa.pem
SSLSessionTickets off
SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256
SSLOpenSSLConfCmd Groups X25519
TunnelTo tcp://127.0.0.1:$origin
</VirtualHost>
CONF
}

start_far_end() {
    free_port
    far=$port
    far_conf "$far" >"$work/far.conf"
    start far taskset -c 0 "$headgate" -f "$work/far.conf"
    wait_for_port "$far" "$started_pid" || die "the far end: $(cat "$work/far.out")"
}

# ---- what is measured -------------------------------------------------------------------------------

memory_port() {
    case $case in in-*) of "$subject" ecdsa ;; *) of "$subject" rsa ;; esac
}

# A thread for each connection is gone with it: of stunnel ticks count.
cpu_ns_of() {
    if [ "$subject" = stunnel ]; then
        echo $(($(cpu_ticks_of "$1") * 1000000000 / $(getconf CLK_TCK)))
    else
        for tree_pid in $(process_tree "$1"); do cat "/proc/$tree_pid"/task/*/schedstat 2>/dev/null; done |
            awk '{ all += $1 } END { printf "%.0f\n", all }'
    fi
}

# Prints how often it was done.
do_case() {
    way=${case#*-}
    way=${way%-*}
    count=$mib lanes=1
    [ "$way" = asking ] && count=$tunnels lanes=4
    # shellcheck disable=SC2086  # a list of words
    $client "$(memory_port)" "$way" "${case##*-}" "$count" $lanes >"$work/facts" ||
        die "$case: $subject"
    sed "s/^/$case $subject /" "$work/facts" >>"$work/negotiated"
    echo "$count"
}

can() {
    case $subject:$case in hitch:out-*) return 1 ;; esac
}

# ---- what is printed --------------------------------------------------------------------------------

missed=0

row() {
    unit=us best=""
    case $case in *memory*) unit=B ;; esac
    line=$(printf '%-18s' "$case")
    for subject in $subjects; do
        figure=$(median "$work/result.$case.$subject")
        line="$line $(printf '%10s' "$figure")"
        [ "$subject" != headgate ] && [ "$figure" != - ] &&
            best=$(printf '%s\n%s\n' "$best" "$figure" | grep . | sort -n | head -1)
    done
    ratio=$(awk -v own="$(median "$work/result.$case.headgate")" -v best="$best" \
        'BEGIN { if (best > 0) printf "%.2f", own / best; else print "-" }')
    printf '%s %-4s %6s\n' "$line" $unit "$ratio"
    awk -v ratio="$ratio" 'BEGIN { exit ratio != "-" && ratio > 1.03 }' || missed=1
}

# ---- the run ----------------------------------------------------------------------------------------

need openssl openssl taskset util-linux
for subject in $subjects; do
    case $subject in
    headgate) ;;
    stunnel) need stunnel4 stunnel4 ;;
    *) need "$subject" "$subject" ;;
    esac
done
# shellcheck disable=SC3045  # dash has it, and bash
ulimit -n "$(ulimit -H -n)"
make_certificates
: >"$work/negotiated"
mkfifo "$work/never" # no input for those who end with it, and no end of it
exec 8<>"$work/never"
start_origin
start_far_end

for subject in $subjects; do serve "$subject"; done
for case in $cases; do
    case $case in *memory*) continue ;; esac
    round=0
    while [ $((round += 1)) -le "$rounds" ]; do
        for subject in $subjects; do if can; then measure_cpu; fi; done
    done
    say "$case done"
done
for subject in $subjects; do stop "$(of "$subject" pid)"; done
for case in $cases; do
    case $case in *memory*) ;; *) continue ;; esac
    for subject in $subjects; do if can; then measure_memory; fi; done
done
check_negotiated

printf '%-18s' ""
for subject in $subjects; do printf ' %10s' "$subject"; done
printf ' %-4s %6s\n' "" ratio
for case in $cases; do row; done
exit $missed

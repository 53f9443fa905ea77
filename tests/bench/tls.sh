#!/bin/sh
# What TLS costs beside nginx, HAProxy, Apache and hitch, in one run on one machine: CPU of the
# server per full handshake, per resumed one, per request on connections that persist, and per MiB;
# and memory per idle connection, beside a server that is nothing but OpenSSL.
#
#     sh tests/bench/tls.sh [CASE...]         all of them without; memory-1.3 memory-1.2: memory alone
#
#     TLS_ROUNDS (5)   TLS_HANDSHAKES (1500) of each measurement   TLS_SECONDS (2) of wrk's
#     TLS_IDLE (1000) connections   TLS_SUBJECTS (headgate nginx haproxy apache hitch)
#     HEADGATE, BUILD, KEEP as elsewhere
#
# Every server has one process that works, with one thread (Apache 64), on the last CPU; clients and
# the origin are on the first. The client offers one cipher and one group for each protocol: what was
# negotiated is checked and printed. CPU is what the scheduler says of the whole process tree, user
# and system. Rounds are interleaved, so what the machine does besides falls on all alike; medians
# are compared. hitch moves octets and knows no HTTP, so for requests and MiBs it stands beside, and
# is no peer. Memory is PSS of what a fresh process has of its own, after TLS_IDLE connections more.
# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source=tls_lib.sh source-path=SCRIPTDIR
. "$here/tls_lib.sh"

subjects=${TLS_SUBJECTS:-headgate nginx haproxy apache hitch}
rounds=${TLS_ROUNDS:-5}
handshakes=${TLS_HANDSHAKES:-1500}
seconds=${TLS_SECONDS:-2}
idle=${TLS_IDLE:-1000}
cases=${*:-full-ecdsa-1.3 full-rsa-1.3 full-ecdsa-1.2 full-rsa-1.2 resumed-1.3 resumed-1.2 request \
    mebibyte memory-1.3 memory-1.2}

# ---- what is measured ------------------------------------------------------------------------------

# As the client of handshakes has them, for wrk.
write_openssl_conf() {
    cat >"$work/openssl.conf" <<CONF
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = terms
[terms]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
Groups = X25519:P-256
CONF
}

# The next three print how often it was done.
shake() {
    # shellcheck disable=SC2086  # a list of words
    $client "$1" "$2" "$3" "$handshakes" 4 >"$work/facts" || die "$case: $subject"
    sed "s/^/$case $subject /" "$work/facts" >>"$work/negotiated"
    [ "$2" = resumed ] && [ "$(value resumed "$(cat "$work/facts")")" != "$handshakes" ] &&
        die "$case: $subject does not resume"
    echo "$handshakes"
}

ask() {
    OPENSSL_CONF=$work/openssl.conf taskset -c 0 \
        wrk -t1 "-c$1" "-d${seconds}s" "https://127.0.0.1:$2/$3" >"$work/wrk"
    grep -q "Socket errors\|Non-2xx" "$work/wrk" && say "$case $subject: $(grep -h errors "$work/wrk")"
    awk '/requests in/ { print $1 }' "$work/wrk"
}

do_case() {
    case $case in
    full-ecdsa-*) shake "$(of "$subject" ecdsa)" full "${case##*-}" ;;
    full-rsa-*) shake "$(of "$subject" rsa)" full "${case##*-}" ;;
    resumed-*) shake "$(of "$subject" ecdsa)" resumed "${case##*-}" ;;
    request) ask 32 "$(of "$subject" ecdsa)" hello ;;
    mebibyte) ask 8 "$(of "$subject" ecdsa)" "big?bytes=1048576" ;;
    *) die "no case $case" ;;
    esac
}

memory_port() { of "$subject" ecdsa; }

# ---- what is printed -------------------------------------------------------------------------------

row() {
    case=$1
    unit=us
    best=""
    line=$(printf '%-16s' "$case")
    case $case in memory-*) unit=B ;; esac
    for subject in $shown; do
        figure=$(median "$work/result.$case.$subject")
        line="$line $(printf '%10s' "$figure")"
        is_peer "$subject" && [ "$figure" != - ] &&
            best=$(printf '%s\n%s\n' "$best" "$figure" | grep . | sort -n | head -1)
    done
    printf '%s %-4s %6s\n' "$line" $unit "$(awk -v own="$(median "$work/result.$case.headgate")" \
        -v best="$best" 'BEGIN { if (best > 0) printf "%.2f", own / best; else print "-" }')"
}

is_peer() {
    case $1:$case in
    headgate:* | bare:* | hitch:request | hitch:mebibyte) return 1 ;;
    esac
}

table() {
    shown=$subjects
    case $cases in *memory*) shown="$subjects bare" ;; esac
    printf '%-16s' ""
    for subject in $shown; do printf ' %10s' "$subject"; done
    printf ' %-4s %6s\n' "" ratio
    for each in $cases; do row "$each"; done
    printf '\nnegotiated, and tickets of a first connection and of all that were counted:\n'
    awk '{ facts = ""; for (i = 3; i <= NF; i++) if ($i ~ /^(protocol|cipher|group|key|first_tickets|tickets)=/)
               facts = facts " " $i; print $1, $2 facts }' "$work/negotiated" | sort -u
}

# ---- the run ---------------------------------------------------------------------------------------

need wrk wrk openssl openssl taskset util-linux
for subject in $subjects; do
    case $subject in
    headgate) ;;
    nginx) need nginx nginx-light ;;
    apache) need apache2 apache2 ;;
    *) need "$subject" "$subject" ;;
    esac
done
# shellcheck disable=SC3045  # dash has it, and bash
ulimit -n "$(ulimit -H -n)"
make_certificates
write_openssl_conf
: >"$work/negotiated"
mkfifo "$work/never" # no input for those who end with it, and no end of it
exec 8<>"$work/never"
start_origin

cpu_cases=$(for each in $cases; do case $each in memory-*) ;; *) echo "$each" ;; esac; done)
if [ -n "$cpu_cases" ]; then
    for subject in $subjects; do serve "$subject"; done
    for case in $cpu_cases; do
        round=0
        while [ $((round += 1)) -le "$rounds" ]; do
            for subject in $subjects; do measure_cpu; done
        done
        say "$case done"
    done
    for subject in $subjects; do stop "$(of "$subject" pid)"; done
fi
for case in $cases; do
    case $case in memory-*) for subject in $subjects bare; do measure_memory; done ;; esac
done
check_negotiated
table

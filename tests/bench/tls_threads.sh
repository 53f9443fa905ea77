#!/bin/sh
# What OpenSSL's locks cost: full handshakes (ECDSA P-256, TLS 1.3, X25519) with so many processes
# of so many threads each. Threads of one process share one SSL_CTX and the library's tables; so
# 1x2 beside 2x1 says what sharing costs, as CPU for each handshake and as handshakes per second.
#
#     sh tests/bench/tls_threads.sh [PROCESSESxTHREADS...]     1x1 1x2 2x1 2x2 1x4 4x1
#
#     TLS_ROUNDS (5)   TLS_HANDSHAKES (4000) of each measurement   HEADGATE, BUILD, KEEP as elsewhere
#
# The server has all CPUs, and the client has them too: handshakes per second are those of both
# together, and what to look at is the difference between rows. Rounds are interleaved; medians.
# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
# shellcheck source=tls_lib.sh source-path=SCRIPTDIR
. "$here/tls_lib.sh"

rounds=${TLS_ROUNDS:-5}
handshakes=${TLS_HANDSHAKES:-4000}
combinations=${*:-1x1 1x2 2x1 2x2 1x4 4x1}
# shellcheck disable=SC2034  # for tls_lib.sh
cpus=0-$server_cpu

median() {
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# A fresh server for each measurement: which threads connections go to is chance.
measure() {
    # shellcheck disable=SC2034  # for tls_lib.sh
    processes=${combination%x*} threads=${combination#*x}
    serve headgate
    server=$(of headgate pid)
    before=$(cpu_ns_of "$server")
    "$build/headgate-tls-client" "$(of headgate ecdsa)" full 1.3 "$handshakes" 8 >"$work/facts" ||
        die "$combination: no handshakes"
    after=$(cpu_ns_of "$server")
    awk -v ns=$((after - before)) -v count="$handshakes" \
        'BEGIN { printf "%.1f\n", ns / count / 1000 }' >>"$work/cpu.$combination"
    awk -v seconds="$(value seconds "$(cat "$work/facts")")" -v count="$handshakes" \
        'BEGIN { printf "%.0f\n", count / seconds }' >>"$work/rate.$combination"
    stop "$server"
}

need openssl openssl taskset util-linux
make_certificates
start_origin
round=0
while [ $((round += 1)) -le "$rounds" ]; do
    for combination in $combinations; do measure; done
done
printf '%-20s %14s %16s\n' "processes x threads" "handshakes/s" "us of CPU each"
for combination in $combinations; do
    printf '%-20s %14s %16s\n' "$combination" "$(median "$work/rate.$combination")" \
        "$(median "$work/cpu.$combination")"
done

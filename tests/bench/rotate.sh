#!/bin/sh
# New certificates under load, under each model: a full handshake for every request all the time
# (wrk), while the certificate is replaced ROTATE_TIMES times. No handshake and no request may fail,
# each new certificate must be served within a second, and by the children that were there before.
#
#     tests/bench/rotate.sh
#
#     ROTATE_TIMES (50)   ROTATE_MODELS (prefork worker event)   ROTATE_CLIENTS (8)
#     ROTATE_WAYS (together apart links): certificate and key in one file that is replaced; in two, one
#     after the other; or behind two symbolic links that are turned round, as certbot does. Where there
#     are two, every fifth time the second comes so late that the program has met a pair that does not
#     fit: the old one must go on.
#     HEADGATE      the binary to run          BUILD, KEEP         as in park.sh
#
# Every time stands for the whole way: file written, seen, tried, told to the children, and shown to a
# client that asks 20 times a second.
# Exit status: 0 all expectations met, 1 not all, 2 it could not run.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need wrk wrk openssl openssl

headgate=${HEADGATE:-$build/headgate}
models=${ROTATE_MODELS:-prefork worker event}
times=${ROTATE_TIMES:-50}
ways=${ROTATE_WAYS:-together apart links}
clients=${ROTATE_CLIENTS:-8}

make_certificate() { # NUMBER
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -set_serial "$1" \
        -keyout "$work/new.key" -out "$work/new.crt" -subj /CN=bench.test -days 60 2>/dev/null ||
        die "no certificate"
}

# put NUMBER PAUSE: where the program looks for them.
put() {
    case $way in
    together)
        cat "$work/new.crt" "$work/new.key" >"$work/ready.pem"
        mv "$work/ready.pem" "$work/bench.pem"
        ;;
    apart)
        mv "$work/new.crt" "$work/bench.crt"
        sleep "$2"
        mv "$work/new.key" "$work/bench.key"
        ;;
    links)
        for part in crt key; do
            [ $part = crt ] || sleep "$2"
            mv "$work/new.$part" "$work/$1.$part"
            ln -s "$1.$part" "$work/link"
            mv -T "$work/link" "$work/bench.$part"
        done
        ;;
    esac
}

directives() {
    case $way in
    together) echo "SSLCertificateFile $work/bench.pem" ;;
    *) printf 'SSLCertificateFile %s\nSSLCertificateKeyFile %s\n' "$work/bench.crt" "$work/bench.key" ;;
    esac
}

# The number of the certificate that is served now.
served() {
    openssl s_client -connect "127.0.0.1:$port" -servername bench.test </dev/null 2>/dev/null |
        openssl x509 -noout -serial 2>/dev/null | sed 's/serial=//'
}

now_ms() { date +%s%3N; }

start_headgate() {
    make_certificate 1
    put 1 0
    free_port
    cat >"$work/headgate.conf" <<CONF
MPM $1
Listen 127.0.0.1:$port
ErrorLog $work/headgate.error
PidFile $work/headgate.pid
StartServers 2
MaxSpareServers 250
SSLEngine on
$(directives)
ProxyPass / http://127.0.0.1:$origin/
CONF
    start headgate "$headgate" -f "$work/headgate.conf"
    headgate_pid=$started_pid
    wait_for_port "$port" "$headgate_pid" || die "Headgate: $(cat "$work/headgate.out")"
}

# rotate NUMBER: sets `took` to milliseconds, or to "never".
rotate() {
    make_certificate "$1"
    hex=$(printf '%02X' "$1")
    pause=0
    [ $(($1 % 5)) != 0 ] || pause=1.2
    put "$1" "$pause"
    before=$(now_ms)
    took=never
    tries=0
    while [ "$tries" -lt 100 ]; do
        now_served=$(served)
        [ -n "$now_served" ] || unanswered=$((unanswered + 1))
        if [ "$now_served" = "$hex" ]; then
            took=$(($(now_ms) - before))
            return
        fi
        tries=$((tries + 1))
        sleep 0.05
    done
}

run_model() {
    start_headgate "$1"
    # Longer than all rotations take; it is ended when they are done.
    start wrk wrk -t1 -c"$clients" -d600s --timeout 10s -H 'Connection: close' \
        "https://127.0.0.1:$port/hello"
    wrk_pid=$started_pid
    sleep 1
    : >"$work/took"
    number=2 unanswered=0
    while [ "$number" -le $((times + 1)) ]; do
        rotate "$number"
        echo "$took" >>"$work/took"
        number=$((number + 1))
    done
    kill -INT "$wrk_pid" # which makes it print what it has
    wait "$wrk_pid" 2>/dev/null
    generations=$(grep -c 'reloaded: generation' "$work/headgate.out")
    judge "$1"
    stop "$headgate_pid"
}

judge() {
    requests=$(awk '/requests in/ { print $1 }' "$work/wrk.out")
    errors=$(grep -E 'Socket errors|Non-2xx' "$work/wrk.out" | tr -s ' \n' ' ')
    late=$(awk '$1 == "never" || $1 > 1000 { late++ } END { print late + 0 }' "$work/took")
    printf '%-9s%-9s%12s%12s%12s%8s%14s%12s\n' "$1" "$way" "${requests:-0}" \
        "$(sort -n "$work/took" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')" \
        "$(sort -n "$work/took" | tail -n 1)" "$late" "$generations" "$unanswered"
    [ -z "$errors" ] || say "$1, $way: $errors"
    misfits=$(grep -c 'the old ones go on' "$work/headgate.out")
    [ "$way" = together ] || [ "$times" -lt 5 ] || [ "$misfits" -gt 0 ] || {
        say "$1, $way: no pair that does not fit was met"
        missed=1
    }
    [ "${requests:-0}" -gt 0 ] && [ -z "$errors" ] && [ "$late" = 0 ] && [ "$generations" = 0 ] &&
        [ "$unanswered" = 0 ] || missed=1
}

missed=0
free_port
origin=$port
start origin "$build/headgate-origin" --listen "127.0.0.1:$origin"
wait_for_port "$origin" "$started_pid" || die "the origin does not start"
printf '%-9s%-9s%12s%12s%12s%8s%14s%12s\n' model files requests "median ms" "most ms" late generations unanswered
for way in $ways; do
    for model in $models; do
        run_model "$model"
    done
done
exit "$missed"

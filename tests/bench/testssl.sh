#!/bin/sh
# testssl.sh (Debian's package) against the default configuration, and gnutls-cli: what they find. The
# default is a certificate with its key, and no other directive of TLS than SSLEngine on.
#
#     tests/bench/testssl.sh
#
#     HEADGATE      the binary to run          BUILD, KEEP         as in park.sh
#
# Prints every finding of testssl.sh that is not "OK" or information, and fails when one is above LOW.
# Fields of responses are left out: they are the origin's. gnutls-cli then resumes sessions (tickets,
# and ids without), shows a client certificate, is refused without one, and agrees on http/1.1.
# Exit status: 0 nothing above LOW, and all of gnutls-cli's checks; 1 not all; 2 it could not run.

# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need testssl testssl.sh gnutls-cli gnutls-bin openssl openssl
headgate=${HEADGATE:-$build/headgate}

# ---- certificates -----------------------------------------------------------------------------------

# issue NAME EXTENDED-USAGE
issue() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" \
        -out "$work/$1.csr" -subj "/CN=$1" 2>/dev/null
    printf '%s\n' "subjectAltName=DNS:$1,IP:127.0.0.1" "extendedKeyUsage=$2" \
        'keyUsage=digitalSignature' 'basicConstraints=critical,CA:FALSE' \
        'authorityInfoAccess=OCSP;URI:http://127.0.0.1:1/' >"$work/$1.ext"
    openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial \
        -extfile "$work/$1.ext" -days 90 -out "$work/$1.crt" 2>/dev/null || die "no certificate"
    cat "$work/$1.crt" "$work/ca.pem" >"$work/$1.pem"
}

# staple NAME: the OCSP response of its certificate, where Headgate looks for it.
staple() {
    printf 'V\t301231235959Z\t\t%s\tunknown\t/CN=%s\n' \
        "$(openssl x509 -in "$work/$1.crt" -noout -serial | cut -d= -f2)" "$1" >"$work/index.txt"
    openssl ocsp -index "$work/index.txt" -rsigner "$work/ca.pem" -rkey "$work/ca.key" \
        -CA "$work/ca.pem" -issuer "$work/ca.pem" -cert "$work/$1.crt" -ndays 7 \
        -respout "$work/$1.pem.ocsp" >"$work/ocsp.out" 2>&1 || die "no OCSP response"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" \
    -out "$work/ca.pem" -subj /CN=Authority -days 90 2>/dev/null || die "no authority"
issue localhost serverAuth
issue client clientAuth
staple localhost

# ---- the servers ------------------------------------------------------------------------------------

free_port
origin=$port
start origin "$build/headgate-origin" --listen "127.0.0.1:$origin"
wait_for_port "$origin" "$started_pid" || die "the origin does not start"

# start_headgate NAME DIRECTIVES: sets `port`.
start_headgate() {
    free_port
    cat >"$work/$1.conf" <<CONF
Listen 127.0.0.1:$port
ErrorLog $work/$1.error
PidFile $work/$1.pid
ServerName localhost
SSLEngine on
SSLCertificateFile $work/localhost.pem
SSLCertificateKeyFile $work/localhost.key
ProxyPass / http://127.0.0.1:$origin/
$2
CONF
    start "$1" "$headgate" -f "$work/$1.conf"
    wait_for_port "$port" "$started_pid" || die "Headgate: $(cat "$work/$1.out")"
}

start_headgate plain ""
plain=$port
start_headgate stapling "SSLUseStapling on"
stapling=$port
start_headgate demanding "SSLVerifyClient require
SSLCACertificateFile $work/ca.pem"
demanding=$port
start_headgate by_id "SSLSessionTickets off
SSLSessionCache shmcb:$work/cache(512000)
MPM prefork"
by_id=$port

# ---- testssl.sh -------------------------------------------------------------------------------------

say "testssl.sh: some two minutes"
testssl --quiet --color 0 --warnings off --add-ca "$work/ca.pem" --csvfile "$work/findings.csv" \
    --protocols --server-preference --server-defaults --std --fs --grease --vulnerable \
    "https://localhost:$plain/hello" >"$work/testssl.out" 2>&1
[ -s "$work/findings.csv" ] || die "testssl.sh: $(tail -n 5 "$work/testssl.out")"
missed=0
printf 'testssl.sh: %s checks; not OK:\n' "$(($(wc -l <"$work/findings.csv") - 1))"
awk -F'","' 'NR > 1 && $4 !~ /^(OK|INFO)$/ { print "    " $4, $1, $5 }' "$work/findings.csv" | tr -d '"'
awk -F'","' 'NR > 1 && $4 ~ /^(MEDIUM|HIGH|CRITICAL)$/ { bad = 1 } END { exit !bad }' \
    "$work/findings.csv" && missed=1

# ---- gnutls-cli -------------------------------------------------------------------------------------

# gnutls PORT PRIORITY OPTION...: what it says, while it asks for one page.
gnutls() {
    gnutls_port=$1 gnutls_priority=$2
    shift 2
    { printf 'GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n'; sleep 0.5; } |
        gnutls-cli --x509cafile "$work/ca.pem" --priority "$gnutls_priority" -p "$gnutls_port" \
            "$@" localhost 2>&1
}

# expect NAME PATTERN: in what comes in.
expect() {
    if grep -q "$2"; then printf 'gnutls-cli: %s\n' "$1"; else
        printf 'gnutls-cli: NOT %s\n' "$1"
        missed=1
    fi
}

for version in 1.2 1.3; do
    priority="NORMAL:-VERS-ALL:+VERS-TLS$version"
    gnutls "$plain" "$priority" | expect "TLS $version, verified" 'certificate is trusted'
    gnutls "$plain" "$priority" --alpn=h2 --alpn=http/1.1 |
        expect "TLS $version, ALPN http/1.1" 'Application protocol: http/1.1'
    gnutls "$plain" "$priority" --resume | expect "TLS $version, resumed by ticket" 'This is a resumed session'
    gnutls "$by_id" "$priority" --resume |
        expect "TLS $version, resumed without tickets under prefork" 'This is a resumed session'
    gnutls "$demanding" "$priority" --x509certfile "$work/client.pem" --x509keyfile "$work/client.key" |
        expect "TLS $version, client certificate" 'Hello from headgate-origin'
    gnutls "$demanding" "$priority" | grep -c 'Hello from' |
        expect "TLS $version, refused without one" '^0$'
done
gnutls "$stapling" NORMAL | expect "OCSP response" 'Options:.*OCSP status request'
exit "$missed"

#!/bin/sh
# TLS with other people's clients: OpenSSL's s_client, gnutls-cli and curl at the real program. Which
# certificate a name gets, what ALPN agrees on, sessions that another child, another generation and
# another program resume, client certificates, and revocation before the start and while it runs.
#
#     sh tests/models/tls_peers.sh PROGRAM [MODEL...]
#
# bench/testssl.sh is its neighbour: testssl.sh on the default configuration.
set -eu
program=$1
shift
models=${*:-event worker prefork}
for peer in gnutls-cli curl openssl; do
    command -v "$peer" >/dev/null || { echo "FAIL: no $peer: sh docker/install.sh test" >&2; exit 1; }
done

work=$(mktemp -d)
pids=''
cleanup() {
    exec 7>&- # whoever still reads it ends
    # shellcheck disable=SC2086  # one word for each
    [ -z "$pids" ] || kill $pids 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap cleanup EXIT INT TERM
fail() {
    echo "FAIL: $model: $*" >&2
    tail -n 20 "$work"/stderr "$work"/error.log "$work"/said >&2 2>/dev/null || true
    exit 1
}

# Waits for a command to succeed, 20 seconds at most.
await() {
    await_tries=0
    until "$@"; do
        await_tries=$((await_tries + 1))
        [ "$await_tries" -lt 200 ] || fail "still waiting: $*"
        sleep 0.1
    done
}

# ---- certificates

ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
authority() { # FILE NAME
    # shellcheck disable=SC2086  # words
    openssl req -x509 $ec -days 30 -subj "/CN=$2" -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
    : >"$work/$1.index"
}
issue() { # AUTHORITY NAME: its certificate and its key, also both in one file
    # shellcheck disable=SC2086  # words
    openssl req $ec -subj "/CN=$2" -keyout "$work/$2.key" -out "$work/$2.csr" 2>/dev/null
    printf 'subjectAltName=DNS:%s,IP:127.0.0.1\nkeyUsage=digitalSignature\n' "$2" >"$work/$2.ext"
    openssl x509 -req -in "$work/$2.csr" -CA "$work/$1.pem" -CAkey "$work/$1.key" -CAcreateserial \
        -days 20 -extfile "$work/$2.ext" -out "$work/$2.crt" 2>/dev/null
    cat "$work/$2.crt" "$work/$2.key" >"$work/$2.pem"
}
cat >"$work/lists.conf" <<CONF
[ca]
default_ca = own
[own]
database = $work/ca.index
default_md = sha256
default_crl_days = 10
CONF
revoke() { # NAME...: a list with these, put in place at once
    : >"$work/ca.index"
    for name in "$@"; do
        printf 'R\t301231235959Z\t200101000000Z\t%s\tunknown\t/CN=%s\n' \
            "$(openssl x509 -in "$work/$name.crt" -noout -serial | cut -d= -f2)" "$name" >>"$work/ca.index"
    done
    openssl ca -config "$work/lists.conf" -gencrl -keyfile "$work/ca.key" -cert "$work/ca.pem" \
        -out "$work/list.new" 2>/dev/null
    mv "$work/list.new" "$work/list.pem"
}
authority ca Authority
authority elsewhere Stranger
for name in a.test b.test client.test lost.test stolen.test; do issue ca "$name"; done
issue elsewhere stranger.test

# ---- the program

# shellcheck disable=SC2046  # words
set -- $(perl -MIO::Socket::INET -e '
    @s = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") } 1 .. 5;
    print join(" ", map { $_->sockport } @s)')
origin=$1 port=$2 demanding=$3 strict=$4 by_id=$5

cat >"$work/headgate.conf" <<CONF
ServerName a.test
ErrorLog $work/error.log
LogLevel info
LogFormat "%P %{SSL_SESSION_RESUMED}x %{SSL_PROTOCOL}x %{SSL_CLIENT_S_DN_CN}x %U" who
CustomLog $work/access.log who
PidFile $work/headgate.pid
StartServers 3
ThreadsPerChild 1
SSLSessionCache shmcb:$work/cache(512000)
Listen 127.0.0.1:$port
Listen 127.0.0.1:$demanding
Listen 127.0.0.1:$strict
Listen 127.0.0.1:$by_id
SSLEngine On
SSLCertificateFile $work/a.test.pem
ProxyPass / http://127.0.0.1:$origin/
<VirtualHost *:$port>
    ServerName a.test
</VirtualHost>
<VirtualHost *:$port>
    ServerName b.test
    SSLCertificateFile $work/b.test.pem
</VirtualHost>
<VirtualHost *:$demanding>
    SSLVerifyClient require
    SSLCACertificateFile $work/ca.pem
    SSLCARevocationFile $work/list.pem
    SSLCARevocationCheck leaf
</VirtualHost>
<VirtualHost *:$strict>
    SSLStrictSNIVHostCheck On
</VirtualHost>
<VirtualHost *:$by_id>
    SSLSessionTickets Off
</VirtualHost>
CONF
"$(dirname "$program")/headgate-origin" --listen "127.0.0.1:$origin" >/dev/null &
pids="$pids $!"

children() { cat "/proc/$proxy/task/$proxy/children"; }
has_children() { [ -n "$(children)" ]; }
has_said() { grep -q "$1" "$work/stderr"; }
# No child is one of those that were before.
all_are_new() {
    all_now=$(children)
    [ -n "$all_now" ] || return 1
    for pid in $all_now; do case " $before " in *" $pid "*) return 1 ;; esac; done
}

# ---- the clients: each prints what it was told, and succeeds or not

request='GET /%s HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n'
s_client() { # PORT PATH OPTION...: until the program closes
    s_port=$1 s_path=$2
    shift 2
    # shellcheck disable=SC2059  # it is a format
    printf "$request" "$s_path" |
        timeout 20 openssl s_client -connect "127.0.0.1:$s_port" -CAfile "$work/ca.pem" -ign_eof "$@" 2>&1
}
gnutls() { # PORT OPTION...
    g_port=$1
    shift
    # It ends with its input, so that is held open until the program has closed.
    # shellcheck disable=SC2059  # it is a format
    { printf "$request" hello; sleep 0.4; } |
        timeout 20 gnutls-cli --x509cafile "$work/ca.pem" --verify-hostname a.test -p "$g_port" \
            "$@" 127.0.0.1 2>&1
}
fetch() { # PORT OPTION...
    c_port=$1
    shift
    curl -q -sS --max-time 20 --cacert "$work/ca.pem" --resolve "a.test:$c_port:127.0.0.1" \
        --resolve "b.test:$c_port:127.0.0.1" --resolve "other.test:$c_port:127.0.0.1" "$@"
}
# says TEXT COMMAND...: that is in what it prints.
says() {
    wanted=$1
    shift
    "$@" >"$work/said" 2>&1 || true
    grep -q -e "$wanted" "$work/said" || fail "$*: no \"$wanted\""
}
refused() { # by a command that would print the origin's answer
    "$@" >"$work/said" 2>&1 || true
    ! grep -q 'headgate-origin' "$work/said" || fail "$*: was served"
}

# ---- what is looked at

names() {
    for name in a.test b.test; do
        says "subject=CN = $name" s_client "$port" hello -servername "$name"
        says "subject.*CN=$name" gnutls "$port" --sni-hostname="$name" --no-ca-verification
        says "subject: CN=$name" fetch "$port" -v "https://$name:$port/hello"
    done
    says "subject=CN = a.test" s_client "$port" hello -servername unknown.test
    says "subject=CN = a.test" s_client "$port" hello -noservername
    says "403" fetch "$strict" -k -w '%{http_code}' "https://127.0.0.1:$strict/hello"
    says "200" fetch "$strict" -w '%{http_code}' "https://a.test:$strict/hello"
    says "421" fetch "$port" -H 'Host: b.test' -w '%{http_code}' "https://a.test:$port/hello"
}

protocols() {
    for version in 2 3; do
        says "ALPN protocol: http/1.1" s_client "$port" hello -tls1_$version -alpn h2,http/1.1
        says "No ALPN negotiated" s_client "$port" hello -tls1_$version
        says "alert no application protocol" s_client "$port" hello -tls1_$version -alpn h2
        says "Application protocol: http/1.1" gnutls "$port" --alpn=h2 --alpn=http/1.1 \
            --priority "NORMAL:-VERS-ALL:+VERS-TLS1.$version"
    done
    says "200 1.1" fetch "$port" --http2 -o /dev/null -w '%{http_code} %{http_version}' "https://a.test:$port/hello"
    says "200 1" fetch "$port" --http1.0 -o /dev/null -w '%{http_code} %{http_version}' "https://a.test:$port/hello"
    says "200" fetch "$port" --no-alpn -o /dev/null -w '%{http_code}' "https://a.test:$port/hello"
}

# begin VERSION PORT: a session in $work/session, whose connection is held open, so that its child is
# busy where a thread serves one at a time, and it has but one; `served_by` is the child.
begin() {
    rm -f "$work/session" "$work/input"
    mkfifo "$work/input"
    timeout 60 openssl s_client -connect "127.0.0.1:$2" -CAfile "$work/ca.pem" -servername a.test \
        -tls1_"$1" -sess_out "$work/session" <"$work/input" >"$work/first" 2>&1 &
    held=$!
    pids="$pids $held"
    exec 7>"$work/input"
    printf 'GET /first%s HTTP/1.1\r\nHost: a.test\r\n\r\n' "$1$2" >&7
    await grep -q "/first$1$2\$" "$work/access.log"
    await test -s "$work/session"
    served_by=$(awk -v path="/first$1$2" '$5 == path { print $1 }' "$work/access.log" | tail -n 1)
}
end() {
    exec 7>&-
    wait "$held" || true
}
# resume VERSION PORT PATH: a line of the log says by whom.
resume() {
    : >"$work/access.log"
    s_client "$2" "$3" -servername a.test -tls1_"$1" -sess_in "$work/session" >"$work/said" || true
    await grep -q "/$3\$" "$work/access.log"
    grep -q "^[0-9]* Resumed TLSv1.$1 .* /$3\$" "$work/access.log" ||
        fail "TLS 1.$1: $3 was not resumed: $(cat "$work/access.log")"
}
is_served_elsewhere() {
    resume "$1" "$2" other-child
    [ "$(awk '{ print $1 }' "$work/access.log")" != "$served_by" ]
}

sessions() {
    for version in 2 3; do
        for place in "$port" "$by_id"; do
            begin $version "$place"
            await is_served_elsewhere $version "$place"
            end
        done
        says "This is a resumed session" gnutls "$port" --sni-hostname=a.test --resume \
            --priority "NORMAL:-VERS-ALL:+VERS-TLS1.$version"
        : >"$work/access.log"
        fetch "$port" --tlsv1.$version --tls-max 1.$version -H 'Connection: close' -o /dev/null \
            "https://a.test:$port/hello" -o /dev/null "https://a.test:$port/again" || fail "curl: $?"
        await grep -q '/again$' "$work/access.log"
        grep -q ' Resumed .* /again$' "$work/access.log" || fail "curl was not resumed"
    done
    for place in "$port" "$by_id"; do
        begin 3 "$place"
        end
        cp "$work/session" "$work/session13"
        begin 2 "$place"
        end
        before=$(children)
        kill -HUP "$proxy"
        await all_are_new
        resume 2 "$place" after-a-reload
        mv "$work/session13" "$work/session"
        resume 3 "$place" after-a-reload
        begin 2 "$place"
        end
        before=$(children)
        kill -USR2 "$proxy"
        await all_are_new
        resume 2 "$place" by-another-program
    done
}

shown() { printf %s "$work/$1.pem"; }
certificates() {
    own=$(shown client.test)
    says "headgate-origin" s_client "$demanding" hello -cert "$own"
    says "headgate-origin" gnutls "$demanding" --x509certfile "$own" --x509keyfile "$own"
    says "headgate-origin" fetch "$demanding" --cert "$own" "https://a.test:$demanding/hello"
    await grep -q ' client.test /hello$' "$work/access.log"
    refused s_client "$demanding" hello
    refused gnutls "$demanding"
    refused fetch "$demanding" "https://a.test:$demanding/hello"
    for name in stranger.test lost.test; do
        refused s_client "$demanding" hello -cert "$(shown $name)"
        refused gnutls "$demanding" --x509certfile "$(shown $name)" --x509keyfile "$(shown $name)"
        refused fetch "$demanding" --cert "$(shown $name)" "https://a.test:$demanding/hello"
    done
    await grep -q "certificate revoked" "$work/error.log"
}

# All that were before are still there; worker may have started more, to spare.
all_remain() {
    now=$(children)
    for pid in $before; do case " $now " in *" $pid "*) ;; *) return 1 ;; esac; done
}

# A list that changes while the program runs: from some moment on.
is_refused_now() { ! fetch "$demanding" --cert "$(shown stolen.test)" -o /dev/null \
    "https://a.test:$demanding/hello" 2>/dev/null; }
revocation() {
    is_refused_now && fail "refused before it is revoked"
    before=$(children)
    revoke lost.test stolen.test
    await is_refused_now
    says "200" fetch "$demanding" --cert "$(shown client.test)" -w '%{http_code}' "https://a.test:$demanding/hello"
    all_remain || fail "other children"
}

for model in $models; do
    revoke lost.test
    : >"$work/access.log"
    : >"$work/error.log"
    "$program" --mpm "$model" -f "$work/headgate.conf" 2>"$work/stderr" &
    proxy=$!
    pids="$pids $proxy"
    await has_said "listening on"
    await has_children
    names
    protocols
    certificates
    revocation
    sessions
    kill -TERM "$proxy"
    wait "$proxy" || fail "it ended with $?"
    ! grep -q 'Sanitizer\|runtime error\|ssertion' "$work/stderr" || fail "a report"
    echo "$model: ok"
done

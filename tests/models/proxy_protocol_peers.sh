#!/bin/sh
# The PROXY protocol and raw tunnels with real peers: HAProxy and nginx in front of and behind
# Headgate, curl and OpenSSL as clients. Clients come from 127.0.0.2; everything else is 127.0.0.1.
#
#     sh tests/models/proxy_protocol_peers.sh PROGRAM [MODEL...]
set -eu
program=$1
shift
models=${*:-event worker prefork}
for peer in haproxy nginx curl openssl; do
    command -v "$peer" >/dev/null || PATH=$PATH:/usr/sbin command -v "$peer" >/dev/null || {
        echo "SKIPPED: no $peer"
        exit 0
    }
done
PATH=$PATH:/usr/sbin

work=$(mktemp -d)
pids=''
cleanup() {
    # shellcheck disable=SC2086  # one word for each
    [ -z "$pids" ] || kill $pids 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap cleanup EXIT INT TERM
fail() { echo "FAIL: $*" >&2; cat "$work"/*.log >&2 2>/dev/null; exit 1; }

# shellcheck disable=SC2046  # words
set -- $(perl -MIO::Socket::INET -e '
    @s = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") } 1 .. 14;
    print join(" ", map { $_->sockport } @s)')
nginx=$1 haproxy=$2 haproxy_tls=$3 haproxy_certificate=$4
from_v1=$5 from_v2=$6 from_v2_tls=$7
plain=$8 tls=$9
shift 9
router=$1 outwards=$2 mixed=$3 agreeing=$4 haproxy_agrees=$5

issue() {  # name: its key and its certificate in one file
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
        -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
    printf 'subjectAltName=DNS:%s,IP:127.0.0.1\n' "$1" >"$work/$1.ext"
    openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial \
        -days 90 -extfile "$work/$1.ext" -out "$work/$1.crt" 2>/dev/null
    cat "$work/$1.crt" "$work/$1.key" >"$work/$1.pem"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
    -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
for name in here.test there.test localhost client.test; do issue "$name"; done

cat >"$work/nginx.conf" <<CONF
daemon off; master_process off; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
    uwsgi_temp_path $work; scgi_temp_path $work;
    server {
        listen 127.0.0.1:$nginx proxy_protocol;
        location / { return 200 "nginx was told \$proxy_protocol_addr\n"; }
    }
}
CONF
answer='http-request return status 200 content-type text/plain lf-string'
cat >"$work/haproxy.cfg" <<CONF
global
    stats timeout 1s
defaults
    mode http
    option http-server-close
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend told
    bind 127.0.0.1:$haproxy accept-proxy
    $answer "haproxy was told %[src] of %[fc_pp_authority]\n"
frontend told_before_tls
    bind 127.0.0.1:$haproxy_tls accept-proxy ssl crt $work/there.test.pem
    $answer "haproxy was told %[src] before TLS for %[ssl_fc_sni]\n"
frontend demands
    bind 127.0.0.1:$haproxy_certificate ssl crt $work/localhost.pem ca-file $work/ca.pem verify required
    $answer "haproxy was shown %[ssl_c_s_dn(cn)]\n"
frontend agrees
    bind 127.0.0.1:$haproxy_agrees ssl crt $work/localhost.pem alpn h2,http/1.1
    $answer "haproxy agreed on %[ssl_fc_alpn]\n"
listen says_v1
    bind 127.0.0.1:$from_v1
    server headgate 127.0.0.1:$plain send-proxy
listen says_v2
    bind 127.0.0.1:$from_v2
    server headgate 127.0.0.1:$plain send-proxy-v2 proxy-v2-options crc32c,unique-id,authority
listen says_v2_before_tls
    bind 127.0.0.1:$from_v2_tls
    server headgate 127.0.0.1:$tls send-proxy-v2-ssl-cn check-send-proxy check inter 500ms rise 1 fall 60 ssl verify none sni str(here.test)
CONF
nginx -c "$work/nginx.conf" -p "$work" &
pids="$pids $!"
haproxy -db -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
pids="$pids $!"

cat >"$work/headgate.conf" <<CONF
ServerName here.test
ErrorLog $work/error.log
LogLevel info
LogFormat "%a %{c}a %{framing}x %{end}x %v" who
CustomLog $work/access.log who
PidFile $work/headgate.pid
Timeout 20
<IfModule mpm_prefork_module>
    StartServers 8
</IfModule>
SSLProxyEngine On
SSLProxyVerify require
SSLProxyCACertificateFile $work/ca.pem
SSLProxyMachineCertificateFile $work/client.test.pem
ProxyPass /nginx1 http://127.0.0.1:$nginx/told proxyprotocol=v1
ProxyPass /nginx2 http://127.0.0.1:$nginx/told proxyprotocol=v2,crc32c,ssl,alpn,authority
ProxyPass /haproxy1 http://127.0.0.1:$haproxy/told proxyprotocol=v1
ProxyPass /haproxy2 http://127.0.0.1:$haproxy/told proxyprotocol=v2,crc32c,ssl,cert-cn,alpn,authority
ProxyPass /tls https://127.0.0.1:$haproxy_tls/told proxyprotocol=v2
Listen 127.0.0.1:$plain
Listen 127.0.0.1:$tls
Listen 127.0.0.1:$router
Listen 127.0.0.1:$outwards
Listen 127.0.0.1:$mixed
Listen 127.0.0.1:$agreeing
<VirtualHost *:$plain>
    RemoteIPProxyProtocolPeers required 127.0.0.1
</VirtualHost>
<VirtualHost *:$tls>
    RemoteIPProxyProtocolPeers required 127.0.0.1
    SSLEngine On
    SSLCertificateFile $work/here.test.pem
</VirtualHost>
<VirtualHost *:$mixed>
    SSLEngine On
    SSLCertificateFile $work/here.test.pem
</VirtualHost>
<VirtualHost *:$mixed>
    ServerName there.test
    TunnelTo tcp://127.0.0.1:$haproxy_tls proxyprotocol=v2,authority
</VirtualHost>
<VirtualHost *:$router>
    SSLEngine On
    SSLCertificateFile $work/here.test.pem
    Protocols h2 http/1.1
    TunnelTo tcp://127.0.0.1:$haproxy proxyprotocol=v2,alpn,authority,ssl,crc32c
</VirtualHost>
<VirtualHost *:$outwards>
    TunnelTo tls://localhost:$haproxy_certificate
</VirtualHost>
<VirtualHost *:$agreeing>
    SSLEngine On
    SSLCertificateFile $work/here.test.pem
    Protocols h2 http/1.1 imap
    TunnelTo tls://localhost:$haproxy_agrees
</VirtualHost>
CONF

from_elsewhere="curl -sS --max-time 20 --interface 127.0.0.2 --cacert $work/ca.pem"
expect() {  # what, then a command
    wanted=$1
    shift
    said=$("$@" 2>>"$work/client.log") || true
    case $said in
    *"$wanted"*) ;;
    *) fail "$model: $*: \"$said\" is not \"$wanted\"" ;;
    esac
}

check() {
    for version in 1 2; do
        eval "port=\$from_v$version"
        # shellcheck disable=SC2154  # set by eval
        for upstream in nginx haproxy; do
            for sent in 1 2; do
                expect "$upstream was told 127.0.0.2" $from_elsewhere \
                    "http://127.0.0.1:$port/$upstream$sent"
            done
        done
        expect "told 127.0.0.2 before TLS" $from_elsewhere "http://127.0.0.1:$port/tls"
    done
    expect "told 127.0.0.2 of here.test" $from_elsewhere "http://127.0.0.1:$from_v2_tls/haproxy2"
    # curl says its own address; before TLS too.
    expect "told 127.0.0.1" curl -sS --haproxy-protocol "http://127.0.0.1:$plain/haproxy1"
    expect "told 127.0.0.1" curl -sS --haproxy-protocol --cacert "$work/ca.pem" \
        --resolve "here.test:$tls:127.0.0.1" "https://here.test:$tls/haproxy2"
    expect "" curl -sS "http://127.0.0.1:$plain/haproxy1"
    grep -q "no PROXY header from a peer that must send one" "$work/error.log" ||
        fail "$model: without a header"
    # Tunnels: TLS ends here; begins here, with a certificate; passes unread beside names of ours.
    for version in 1.1 2; do
        expect "of here.test
over HTTP/$version" $from_elsewhere --http$version \
            -w 'over HTTP/%{http_version}' --resolve "here.test:$router:127.0.0.1" \
            "https://here.test:$router/"
    done
    # What is agreed on in front is what is asked for behind.
    expect "haproxy agreed on h2" $from_elsewhere --resolve "here.test:$agreeing:127.0.0.1" \
        "https://here.test:$agreeing/"
    expect "haproxy agreed on http/1.1" $from_elsewhere --http1.1 \
        --resolve "here.test:$agreeing:127.0.0.1" "https://here.test:$agreeing/"
    expect "ALPN protocol: imap" sh -c "openssl s_client -alpn imap -connect \
        127.0.0.1:$agreeing </dev/null"
    expect "no application protocol" sh -c "openssl s_client -alpn xmpp -connect \
        127.0.0.1:$agreeing </dev/null 2>&1"
    expect "haproxy was shown client.test" $from_elsewhere "http://127.0.0.1:$outwards/"
    expect "told 127.0.0.2 before TLS for there.test" $from_elsewhere \
        --resolve "there.test:$mixed:127.0.0.1" "https://there.test:$mixed/"
    expect "nginx was told 127.0.0.2" $from_elsewhere \
        --resolve "here.test:$mixed:127.0.0.1" "https://here.test:$mixed/nginx2"
    for name in here.test there.test; do
        expect "subject=CN = $name" sh -c "openssl s_client -connect 127.0.0.1:$mixed \
            -servername $name -CAfile $work/ca.pem -verify_return_error </dev/null"
    done
    # The line follows the client's end. A client that has closed resets what the server still says
    # (its close_notify): then the line ends with that.
    tries=0
    until grep -Eq "^127.0.0.2 127.0.0.2 tunnel (ok|client/tunnel/reset) there.test\$" "$work/access.log"; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || fail "$model: no tunnel in the access log"
        sleep 0.1
    done
    if grep -q "assert" "$work/stderr.log"; then fail "$model: $(cat "$work/stderr.log")"; fi
}

# Waits for a port; curl itself retries refused connections.
await() { curl -s --retry 60 --retry-delay 1 --retry-connrefused -o /dev/null --max-time 60 \
    --haproxy-protocol "http://127.0.0.1:$1/" || true; }
await "$nginx"
await "$haproxy"
for model in $models; do
    rm -f "$work/access.log" "$work/error.log"
    "$program" --mpm "$model" -f "$work/headgate.conf" 2>"$work/stderr.log" &
    proxy=$!
    pids="$pids $proxy"
    await "$plain"
    # HAProxy's own checks send the header too (LOCAL); until one has passed it answers 503.
    curl -s --retry 60 --retry-delay 1 -o /dev/null "http://127.0.0.1:$from_v2_tls/nginx1"
    check
    kill -TERM "$proxy"
    wait "$proxy" || fail "$model: it ended with $?"
    echo "$model: ok"
done

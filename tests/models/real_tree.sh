#!/bin/sh
# Real files, real origin, real client: a tree of some thousand files, served by Debian's nginx with
# its content delimited by length, by chunks and by close, is fetched through Headgate by curl over
# keep-alive, HTTP/1.0 and Connection: close, and every file is compared with the original.
#
#     sh tests/models/real_tree.sh PROGRAM [MODEL...]
#
# With HEADGATE_TEST_TLS=1 curl speaks TLS. FILES is how many files are fetched: 2500, and 400 over TLS,
# where every file that comes without keep-alive takes curl a handshake and a reading of its authority.
set -eu
program=$1
shift
models=${*:-event worker prefork}
files=2500
[ -z "${HEADGATE_TEST_TLS:-}" ] || files=400
files=${FILES:-$files}

work=$(mktemp -d)
nginx_pid='' proxy_pid=''
cleanup() {
    [ -z "$proxy_pid" ] || kill "$proxy_pid" 2>/dev/null || true
    [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap cleanup EXIT INT TERM
fail() { echo "FAIL: $*" >&2; exit 1; }

# The headers that a build needs are on every machine that can build this.
tree=/usr/include
find -L "$tree" -type f -name '*.h*' -printf '%P\n' | LC_ALL=C sort | head -n "$files" >"$work/names"
[ "$(wc -l <"$work/names")" -ge $((files * 4 / 5)) ] || fail "too few files under $tree"
(cd "$tree" && xargs -d '\n' sha256sum <"$work/names") >"$work/wanted"

# Three free ports for the origin and one for the proxy: the kernel chooses.
ports=$(perl -MIO::Socket::INET -e '
    @s = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") } 1 .. 4;
    print join(" ", map { $_->sockport } @s)')
# shellcheck disable=SC2086  # four words
set -- $ports
length_port=$1 chunked_port=$2 close_port=$3 proxy_port=$4

scheme=http tls='' curl_tls=''
if [ -n "${HEADGATE_TEST_TLS:-}" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/certificate.pem" \
        2>/dev/null || fail "no certificate"
    scheme=https curl_tls="--cacert $work/certificate.pem"
    tls="SSLEngine On
SSLCertificateFile $work/certificate.pem
SSLCertificateKeyFile $work/key.pem"
fi

rewriting="sub_filter_types *; sub_filter 'a text that no file holds: 7f3a' '';"
cat >"$work/nginx.conf" <<CONF
daemon off; master_process off; pid $work/nginx.pid; error_log $work/nginx.err;
events { worker_connections 512; }
http {
    access_log off; root $tree; default_type text/plain; keepalive_requests 100000;
    client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
    uwsgi_temp_path $work; scgi_temp_path $work;
    server { listen 127.0.0.1:$length_port; }
    server { listen 127.0.0.1:$chunked_port; $rewriting }
    server { listen 127.0.0.1:$close_port; chunked_transfer_encoding off; $rewriting }
}
CONF
nginx -c "$work/nginx.conf" 2>>"$work/nginx.err" &
nginx_pid=$!

cat >"$work/headgate.conf" <<CONF
Listen 127.0.0.1:$proxy_port
ServerName localhost
MaxKeepAliveRequests 0
$tls
ErrorLog $work/error.log
LogFormat "%{framing}x %>s" framing
CustomLog $work/access.log framing
ProxyPass /length/  http://127.0.0.1:$length_port/
ProxyPass /chunked/ http://127.0.0.1:$chunked_port/
ProxyPass /close/   http://127.0.0.1:$close_port/
CONF

fetch() { # framing, extra curl options
    framing=$1
    shift
    rm -rf "$work/got"
    sed "s|.*|url = \"$scheme://127.0.0.1:$proxy_port/$framing/&\"\noutput = \"$work/got/&\"|" \
        "$work/names" >"$work/curl.conf"
    # shellcheck disable=SC2086  # two words or none
    curl -q $curl_tls -sS -f --create-dirs --path-as-is --retry 0 "$@" -K "$work/curl.conf" ||
        fail "curl $framing $*: exit $?"
    (cd "$work/got" && xargs -d '\n' sha256sum <"$work/names") | cmp -s - "$work/wanted" ||
        fail "content differs: $framing $*"
    echo "ok: $model, upstream $framing, $scheme client ${*:-keep-alive}: $(wc -l <"$work/names") files"
}

for model in $models; do
    : >"$work/access.log"
    "$program" --mpm "$model" -f "$work/headgate.conf" 2>"$work/stderr" &
    proxy_pid=$!
    tries=0
    # shellcheck disable=SC2086  # two words or none
    until curl -q $curl_tls -s -o /dev/null "$scheme://127.0.0.1:$proxy_port/"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { cat "$work/stderr" >&2; fail "the proxy does not answer"; }
        sleep 0.1
    done
    for framing in length chunked close; do
        fetch "$framing"
        fetch "$framing" --http1.0
        fetch "$framing" -H 'Connection: close'
    done
    kill "$proxy_pid"
    wait "$proxy_pid" || fail "exit status $? after TERM: $(cat "$work/stderr")"
    proxy_pid=''
    for framing in length chunked close; do
        seen=$(grep -c "^$framing 200" "$work/access.log")
        [ "$seen" -ge $((3 * $(wc -l <"$work/names"))) ] ||
            fail "only $seen responses were logged as $framing"
    done
done

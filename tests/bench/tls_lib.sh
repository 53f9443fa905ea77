# shellcheck shell=sh
# What tls.sh, tls_threads.sh and tls_tunnels.sh share: certificates, servers that do the same work,
# and how it is measured. Of the servers here each ends
# TLS 1.2 and 1.3 with tickets and no cache of sessions (each has its own tickets: a client sees how
# many), and fetches from the origin in the clear. To be read behind lib.sh.
#
#     make_certificates         $work/ecdsa.pem and rsa.pem, of 30 days
#     serve NAME                sets pid_NAME, ecdsa_NAME and rsa_NAME: its ports
#     cpu_ns_of PID             CPU of the whole tree so far, user and system, in nanoseconds
#     of NAME WHAT              the value of $WHAT_NAME
#     measure_cpu               of $subject in $case: adds to $work/result.$case.$subject the
#                               microseconds of each of the things that the script's do_case counts
#     measure_memory            the same with octets of each of $idle connections to memory_port
#     median FILE               of its lines; - where there are none
#     check_negotiated          dies unless $work/negotiated says one thing for each case

# shellcheck disable=SC2154  # of lib.sh: work, build, port, started_pid
headgate=${HEADGATE:-$build/headgate}
server_cpu=$(($(nproc) - 1)) # servers on the last one, the rest of the world on the first
processes=1
threads=1
client="taskset -c 0 $build/headgate-tls-client"

of() { eval "printf '%s' \"\$$2_$1\""; }

make_certificates() {
    for kind in ecdsa rsa; do
        algorithm=rsa:2048
        [ $kind = ecdsa ] && algorithm="ec -pkeyopt ec_paramgen_curve:P-256"
        # shellcheck disable=SC2086  # a list of words
        openssl req -x509 -newkey $algorithm -nodes -keyout "$work/$kind.key" -out "$work/$kind.crt" \
            -subj /CN=bench.test -days 30 2>/dev/null || die "no certificate"
        cat "$work/$kind.crt" "$work/$kind.key" >"$work/$kind.pem"
    done
    chmod 644 "$work"/*.key "$work"/*.pem # children are nobody
}

# Exact, where ticks of 10 ms are not; of threads that live.
cpu_ns_of() {
    for tree_pid in $(process_tree "$1"); do cat "/proc/$tree_pid"/task/*/schedstat 2>/dev/null; done |
        awk '{ all += $1 } END { printf "%.0f\n", all }'
}

# ---- configurations -------------------------------------------------------------------------------

headgate_conf() {
    cat <<CONF
Listen 127.0.0.1:$1
Listen 127.0.0.1:$2
StartServers $processes
ThreadsPerChild $threads
MaxKeepAliveRequests 0
KeepAliveTimeout 300
ErrorLog $work/headgate.log
PidFile $work/headgate.pid
CoreDumpDirectory $work
ProxyPass / http://127.0.0.1:$origin/
<VirtualHost *:$1>
ServerName bench.test
SSLEngine on
SSLCertificateFile $work/ecdsa.pem
</VirtualHost>
<VirtualHost *:$2>
ServerName bench.test
SSLEngine on
SSLCertificateFile $work/rsa.pem
</VirtualHost>
CONF
}

nginx_conf() {
    cat <<CONF
worker_processes $processes; daemon off; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 8192; }
http {
    access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
    ssl_session_tickets on; ssl_session_cache none; ssl_protocols TLSv1.2 TLSv1.3;
    client_body_temp_path $work/body; proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/fastcgi; uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
    upstream origin { server 127.0.0.1:$origin; keepalive 64; }
    proxy_http_version 1.1; proxy_set_header Connection "";
    server { listen 127.0.0.1:$1 ssl; ssl_certificate $work/ecdsa.crt;
             ssl_certificate_key $work/ecdsa.key; location / { proxy_pass http://origin; } }
    server { listen 127.0.0.1:$2 ssl; ssl_certificate $work/rsa.crt;
             ssl_certificate_key $work/rsa.key; location / { proxy_pass http://origin; } }
}
CONF
}

haproxy_conf() {
    cat <<CONF
global
    nbthread $threads
    maxconn 8192
    tune.ssl.cachesize 0
defaults
    mode http
    timeout client 300s
    timeout http-keep-alive 300s
    timeout server 60s
    timeout connect 5s
frontend ecdsa
    bind 127.0.0.1:$1 ssl crt $work/ecdsa.pem
    default_backend origin
frontend rsa
    bind 127.0.0.1:$2 ssl crt $work/rsa.pem
    default_backend origin
backend origin
    http-reuse always
    server origin 127.0.0.1:$origin
CONF
}

apache_conf() {
    for module in mpm_event authz_core ssl socache_shmcb proxy proxy_http; do
        printf 'LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n' $module $module
    done
    cat <<CONF
ServerRoot $work
ServerName bench.test
DefaultRuntimeDir $work
PidFile $work/apache.pid
ErrorLog $work/apache.log
User nobody
Group nogroup
Listen 127.0.0.1:$1
Listen 127.0.0.1:$2
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
AsyncRequestWorkerFactor 64
MaxKeepAliveRequests 0
KeepAliveTimeout 300
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLSessionCache none
ProxyPass / http://127.0.0.1:$origin/
<VirtualHost *:$1>
SSLEngine on
SSLCertificateFile $work/ecdsa.pem
</VirtualHost>
<VirtualHost *:$2>
SSLEngine on
SSLCertificateFile $work/rsa.pem
</VirtualHost>
CONF
}

# One certificate for a port; it knows no HTTP.
hitch_conf() {
    cat <<CONF
frontend = { host = "127.0.0.1" port = "$1" pem-file = "$work/ecdsa.pem" }
frontend = { host = "127.0.0.1" port = "$2" pem-file = "$work/rsa.pem" }
pem-file = "$work/ecdsa.pem"
backend = "[127.0.0.1]:$origin"
workers = $processes
user = "nobody"
daemon = off
log-level = 0
CONF
}

# ---- starting -------------------------------------------------------------------------------------

command_of() {
    case $1 in
    headgate) echo "$headgate -f $work/headgate.conf" ;;
    nginx) echo "nginx -c $work/nginx.conf -p $work" ;;
    haproxy) echo "haproxy -f $work/haproxy.conf" ;;
    apache) echo "apache2 -D FOREGROUND -d $work -f $work/apache.conf" ;;
    stunnel) echo "stunnel4 $work/stunnel.conf" ;;
    hitch) echo "hitch --config=$work/hitch.conf" ;;
    bare) echo "$build/headgate-bare-tls-server $2 $work/ecdsa.pem" ;;
    esac
}

serve() {
    free_port
    serve_first=$port
    free_port
    serve_second=$port
    [ "$1" = bare ] || "$1_conf" "$serve_first" "$serve_second" >"$work/$1.conf"
    # shellcheck disable=SC2046  # a list of words
    start "$1" taskset -c "${cpus:-$server_cpu}" $(command_of "$1" "$serve_first")
    wait_for_port "$serve_first" "$started_pid" || die "$1: $(cat "$work/$1.out")"
    [ "$1" = hitch ] && put_back "$started_pid" "$serve_first"
    eval "pid_$1=$started_pid ecdsa_$1=$serve_first rsa_$1=$serve_second"
}

# hitch binds its first worker to the first CPU, whatever it was given: there, beside client and
# origin, an octet never leaves a cache, and costs a tenth less. Its handshake says that it has begun.
put_back() {
    $client "$2" full 1.3 1 >/dev/null || die "hitch does not shake hands"
    for tree_pid in $(process_tree "$1"); do
        taskset -cp "${cpus:-$server_cpu}" "$tree_pid" >/dev/null || die "hitch: no CPU"
    done
}

start_origin() {
    free_port
    origin=$port
    start origin taskset -c 0 "$build/headgate-origin" --listen "127.0.0.1:$origin"
    wait_for_port "$origin" "$started_pid" || die "the origin does not start"
}

# ---- measuring ------------------------------------------------------------------------------------

measure_cpu() {
    before=$(cpu_ns_of "$(of "$subject" pid)")
    count=$(do_case) || exit 2
    after=$(cpu_ns_of "$(of "$subject" pid)")
    [ "${count:-0}" -gt 0 ] || die "$subject: nothing was done in $case"
    awk -v ns="$((after - before))" -v count="$count" 'BEGIN { printf "%.3f\n", ns / count / 1000 }' \
        >>"$work/result.$case.$subject"
}

# A fresh process; the first hundred connections pay for what all share.
measure_memory() {
    serve "$subject"
    memory_at=$(memory_port) memory_of=$(of "$subject" pid)
    hold 100 warm "$memory_at"
    memory_before=$(own_memory_of "$memory_of")
    hold "$idle" more "$memory_at"
    memory_after=$(own_memory_of "$memory_of")
    awk -v kib=$((memory_after - memory_before)) -v count="$idle" \
        'BEGIN { printf "%.0f\n", kib * 1024 / count }' >>"$work/result.$case.$subject"
    stop "$(cat "$work/warm.pid")"
    stop "$(cat "$work/more.pid")"
    stop "$memory_of"
}

# hold COUNT NAME PORT: that many connections stay open until the process in $work/NAME.pid ends.
hold() {
    : >"$work/$2.out"
    # shellcheck disable=SC2086  # a list of words
    input=$work/never start "$2" $client "$3" hold "${case##*-}" "$1"
    echo "$started_pid" >"$work/$2.pid"
    wait_for_lines "$work/$2.out" 1 60 "$started_pid" || die "$case: $subject: $(cat "$work/$2.out")"
    sed "s/^/$case $subject /" "$work/$2.out" >>"$work/negotiated"
}

median() {
    sort -n "$1" 2>/dev/null | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)]; else print "-" }'
}

# Each case has one protocol, one cipher, one group and one key on all sides, or figures lie.
check_negotiated() {
    awk '{ terms = ""; for (i = 3; i <= NF; i++) if ($i ~ /^(protocol|cipher|group|key)=/) terms = terms $i
           if ($1 in first && first[$1] != terms) { print $1, $2, terms; bad = 1 }
           first[$1] = terms } END { exit bad }' "$work/negotiated" >&2 ||
        die "not the same was negotiated everywhere"
}

"""Headgate and what is around it, for the checks: its configuration, its upstreams, and where to see
what the kernel does for it. Every connection of Headgate's is in the counters of /proc/net/tls_stat
when it is handed over; those of peers.py never are."""
import functools
import os
import re
import subprocess

import peers
from peers import Upstream, ask, connect

TLS, PLAIN, TO_TLS, TUNNEL, TUNNEL_OUT, TURNED_OFF, BROKEN, ORIGIN = range(9001, 9009)

CONFIGURATION = """
StatusListen 127.0.0.1:9000
ErrorLog /tmp/error.log
PidFile /tmp/headgate.pid
StartServers 1
ThreadsPerChild 1
MaxKeepAliveRequests 0
KeepAliveTimeout 300
GracefulShutdownTimeout 5
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCipherSuite ALL:@SECLEVEL=0
SSLCertificateFile /certificate.pem
SSLProxyVerify none
SSLProxyCheckPeerName off
SSLProxyProtocol TLSv1.2
{listens}
<VirtualHost *:{tls}>
    SSLEngine on
    ProxyPass /sink http://127.0.0.1:{sink}/sink
    ProxyPass / http://127.0.0.1:{origin}/
</VirtualHost>
<VirtualHost *:{plain}>
    SSLProxyEngine on
    ProxyPass /sink https://127.0.0.1:{tls_sink}/sink
    ProxyPass / https://127.0.0.1:{tls}/
</VirtualHost>
<VirtualHost *:{to_tls}>
    SSLEngine on
    SSLProxyEngine on
    ProxyPass / https://127.0.0.1:{tls}/
</VirtualHost>
<VirtualHost *:{tunnel}>
    SSLEngine on
    TunnelTo tcp://127.0.0.1:{echo}
</VirtualHost>
<VirtualHost *:{tunnel_out}>
    SSLProxyEngine on
    TunnelTo tls://127.0.0.1:{tls_echo}
</VirtualHost>
<VirtualHost *:{turned_off}>
    SSLEngine on
    SSLOpenSSLConfCmd Options -KTLS
    ProxyPass / http://127.0.0.1:{origin}/
</VirtualHost>
<VirtualHost *:{broken}>
    SSLProxyEngine on
    ProxyPass / https://127.0.0.1:{tls_broken}/
</VirtualHost>
"""

checks = []  # words and functions, in the order they are run


def check(words):
    def add(function):
        checks.append((words, function))
        return function
    return add


# ---- what is looked at --------------------------------------------------------------------------


def counters():
    with open("/proc/net/tls_stat") as file:
        return {name: int(value) for name, value in (line.split() for line in file)}


class Handed:
    """How many connections were handed over, each way, meanwhile."""

    def __enter__(self):
        self.before = counters()
        return self

    def __exit__(self, *_):
        after = counters()
        self.ways = tuple(after[n] - self.before[n] for n in ("TlsTxSw", "TlsRxSw"))


def expect(is_so, words):
    if not is_so:
        raise AssertionError(words)


def same(found, wanted, what):
    expect(found == wanted, f"{what}: {found}, not {wanted}")


def status():
    end = peers.plain(9000)
    return ask(end, "/?auto", "Connection: close\r\n").text.decode()


@functools.cache
def direct(path):
    return ask(peers.plain(ORIGIN), path, "Connection: close\r\n")


def is_served():
    """Also after what a check did to it."""
    same(ask(connect(TLS), "/hello").status, 200, "a request afterwards")


def log():
    with open("/tmp/error.log") as file:
        return file.read()


# ---- starting -----------------------------------------------------------------------------------


def serve_broken(upstream, end):
    path = peers.read_request(end)[0]
    end.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(30000))
    if path == "/until-close":
        end.unwrap()


CERTIFICATE = "/certificate.pem"
SINK, TLS_SINK = Upstream(peers.say_hash), Upstream(peers.say_hash, CERTIFICATE)
ECHO, TLS_ECHO = Upstream(peers.echo), Upstream(peers.echo, CERTIFICATE)
TLS_BROKEN = Upstream(serve_broken, CERTIFICATE)


def wait_for(port, process):
    while True:
        try:
            return peers.plain(port).close()
        except ConnectionRefusedError:
            if process.poll() is not None:
                raise SystemExit(open("/tmp/headgate.out").read())


def start():
    ports = dict(tls=TLS, plain=PLAIN, to_tls=TO_TLS, tunnel=TUNNEL, tunnel_out=TUNNEL_OUT,
                 turned_off=TURNED_OFF, broken=BROKEN)
    listens = "\n".join(f"Listen 127.0.0.1:{port}" for port in ports.values())
    with open("/tmp/headgate.conf", "w") as file:
        file.write(CONFIGURATION.format(
            listens=listens, origin=ORIGIN, sink=SINK.port, tls_sink=TLS_SINK.port,
            echo=ECHO.port, tls_echo=TLS_ECHO.port, tls_broken=TLS_BROKEN.port, **ports))
    origin = subprocess.Popen(["/headgate-origin", "--listen", f"127.0.0.1:{ORIGIN}"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(ORIGIN, origin)
    with open("/tmp/headgate.out", "w") as out:
        proxy = subprocess.Popen(
            ["/headgate", "-f", "/tmp/headgate.conf", *os.environ.get("MODEL", "").split()],
            stdout=out, stderr=out)
    wait_for(TLS, proxy)
    return proxy

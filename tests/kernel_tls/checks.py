"""What Headgate does with a kernel that does TLS for it: run by `init` in the machine of run.sh.
Prints PASS or FAIL and what was looked at, a line each; the status is 0 when all passed.

Every connection of Headgate's is in the counters of /proc/net/tls_stat when it is handed over; those
of peers.py never are. `checks.py --modules` prints the files of Python that it needs."""
import functools
import os
import re
import ssl
import subprocess
import sys
import traceback

import peers
from peers import InHand, Response, Upstream, ask, connect, digest, pattern, send

SIZES = {"0 B": 0, "1 B": 1, "16 KiB": 16384, "16 KiB and 1": 16385, "1 MiB": 1 << 20,
         "64 MiB": 64 << 20}
HANDED_OVER = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
               "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM"]
NOT_HANDED_OVER = ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-CCM8"]

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

checks = []


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


# ---- handing over -------------------------------------------------------------------------------


@check("-V says that the kernel does TLS")
def version():
    said = subprocess.run(["/headgate", "-V"], capture_output=True, text=True).stdout
    line = next(line for line in said.splitlines() if line.startswith("kernel TLS"))
    expect("used under TLS 1.2" in line, line)
    return line


@check("TLS 1.2 is handed over, both ways, for each cipher that the kernel knows")
def handed_over():
    for cipher in HANDED_OVER:
        with Handed() as handed:
            end = connect(TLS, cipher=cipher)
            same(end.cipher()[0], cipher, "cipher")
            same(ask(end, "/hello").status, 200, "status")
        same(handed.ways, (1, 1), f"{cipher} sent, received")
    return ", ".join(HANDED_OVER)


@check("ciphers that the kernel does not do stay with OpenSSL")
def not_handed_over():
    for cipher in NOT_HANDED_OVER:
        with Handed() as handed:
            end = connect(TLS, cipher=cipher + ":@SECLEVEL=0")
            same(end.cipher()[0], cipher, "cipher")
            same(ask(end, "/big?bytes=1000000").hash, direct("/big?bytes=1000000").hash, "content")
        same(handed.ways, (0, 0), f"{cipher} sent, received")
    return ", ".join(NOT_HANDED_OVER)


@check("TLS 1.3 is not handed over: OpenSSL 3.0 would not tell the kernel of a KeyUpdate")
def version_1_3():
    with Handed() as handed:
        end = connect(TLS, "1.3")
        same(end.version(), "TLSv1.3", "version")
        same(ask(end, "/big?bytes=1000000").hash, direct("/big?bytes=1000000").hash, "content")
    same(handed.ways, (0, 0), "sent, received")


@check("Options -KTLS takes it back")
def turned_off():
    with Handed() as handed:
        same(ask(connect(TURNED_OFF), "/hello").status, 200, "status")
    same(handed.ways, (0, 0), "sent, received")


@check("the status page counts them")
def status_counts():
    said = status()
    sends = int(re.search(r"TLSKernelSends: (\d+)", said)[1])
    receives = int(re.search(r"TLSKernelReceives: (\d+)", said)[1])
    ask(connect(TLS), "/hello")
    said = status()
    same(int(re.search(r"TLSKernelSends: (\d+)", said)[1]), sends + 1, "TLSKernelSends")
    same(int(re.search(r"TLSKernelReceives: (\d+)", said)[1]), receives + 1, "TLSKernelReceives")
    expect(sends >= len(HANDED_OVER), f"{sends} before")


@check("a resumed session is handed over too")
def resumed():
    context = peers.terms()
    first = connect(TLS, context=context)
    ask(first, "/hello")
    with Handed() as handed:
        second = connect(TLS, context=context, session=first.session)
        expect(second.session_reused, "not resumed")
        same(ask(second, "/big?bytes=100000").hash, direct("/big?bytes=100000").hash, "content")
    same(handed.ways, (1, 1), "sent, received")


# ---- contents -----------------------------------------------------------------------------------


def contents(make, ways):
    """Downloads and uploads on one connection that persists."""
    for words, size in SIZES.items():
        with Handed() as handed:
            end = make()
            for _ in range(2 if size <= 1 << 20 else 1):
                down = ask(end, f"/big?bytes={size}")
                same((down.size, down.hash), (size, direct(f"/big?bytes={size}").hash), words)
                content = pattern(size)
                up = send(end, "/sink", content)
                same(up.text.decode(), digest(content), f"{words} up")
            end.close()
        expect(all(way >= ways for way in handed.ways), f"{words}: handed over {handed.ways}")


@check("contents from client to plain upstream and back, by TLS 1.2")
def contents_1_2():
    contents(lambda: connect(TLS), 1)
    return ", ".join(SIZES)


@check("contents from plain client to an upstream by TLS 1.2, and back")
def contents_upstream():
    contents(lambda: peers.plain(PLAIN), 0)


@check("the upstream's connections are handed over as well")
def upstream_handed_over():
    with Handed() as handed:
        ask(peers.plain(PLAIN), "/hello")
        end = peers.plain(TUNNEL_OUT)
        end.sendall(b"x")
        same(end.recv(1), b"x", "echo")
        end.close()
    expect(handed.ways[0] >= 1 and handed.ways[1] >= 1, f"{handed.ways}")
    return f"{handed.ways}"


@check("contents by TLS 1.2 on both sides of two proxies")
def contents_both():
    for size in (1, 16384, 1 << 20):
        end = connect(TO_TLS)
        same(ask(end, f"/big?bytes={size}").hash, direct(f"/big?bytes={size}").hash, f"{size}")
        same(send(end, "/sink", pattern(size)).text.decode(), digest(pattern(size)), f"{size} up")


@check("200 requests on a connection that persists")
def persistent():
    end = connect(TLS)
    wanted = direct("/hello").hash
    for _ in range(200):
        same(ask(end, "/hello").hash, wanted, "content")
    end.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n" * 20)  # in one record
    for _ in range(2):
        expect(end.recv(4096).startswith(b"HTTP/1.1 200"), "pipelined")


@check("records of one octet each")
def small_records():
    end = connect(TLS)
    for octet in b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n":
        end.send(bytes([octet]))
    for octet in pattern(300):
        end.send(bytes([octet]))
    same(Response(end).text.decode(), digest(pattern(300)), "content")


@check("records that come in pieces, and many in one piece")
def pieces():
    for step in (1, 7, 4000):
        client = InHand(TLS)
        client.end.setsockopt(peers.socket.IPPROTO_TCP, peers.socket.TCP_NODELAY, 1)
        content = pattern(3000 if step == 1 else 40000)
        octets = client.record(
            b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(content))
        for at in range(0, len(content), 3000):
            octets += client.record(content[at : at + 3000])
        for at in range(0, len(octets), step):
            client.end.sendall(octets[at : at + step])
        expect(digest(content).encode() in client.read(), f"pieces of {step}")


# ---- ends ---------------------------------------------------------------------------------------


@check("the end of the server is announced by close_notify")
def server_ends():
    end = connect(TLS)
    response = ask(end, "/big?bytes=100000", "Connection: close\r\n")
    expect(response.is_whole, "content")
    same(end.recv(1), b"", "after it")  # SSLEOFError without
    response = ask(connect(TLS), "/close?bytes=50000", "Connection: close\r\n")
    expect(response.text.endswith(b"0\r\n\r\n"), "one whose end the upstream's is")


@check("a client's close_notify is the end of its side, in a tunnel: the rest still comes")
def client_ends():
    content = pattern(1 << 20)
    end = connect(TUNNEL)
    end.sendall(b"first")
    same(end.recv(5), b"first", "echo")
    for at in range(0, len(content), 16384):
        end.sendall(content[at : at + 16384])
        got = b""
        while len(got) < len(content[at : at + 16384]):
            got += end.recv(16384)
        same(digest(got), digest(content[at : at + 16384]), "echo")
    end.unwrap()
    same(ECHO.seen[-1], "end", "what the other end saw")


@check("a tunnel out by TLS: the client's end becomes close_notify")
def tunnel_out():
    end = peers.plain(TUNNEL_OUT)
    end.sendall(pattern(100000))
    got = b""
    while len(got) < 100000:
        got += end.recv(65536)
    same(digest(got), digest(pattern(100000)), "echo")
    before = len(TLS_ECHO.seen)
    end.shutdown(peers.socket.SHUT_WR)
    same(end.recv(1), b"", "the end")
    same(TLS_ECHO.seen[before:], ["end"], "what the other end saw")


@check("an end without close_notify is no end of a content")
def upstream_cut():
    response = b""
    end = peers.plain(BROKEN)
    try:
        got = ask(end, "/until-close-without-notice", "Connection: close\r\n")
        response = "whole" if got.text.endswith(b"0\r\n\r\n") else "cut"
    except (EOFError, ConnectionResetError):
        response = "cut"
    same(response, "cut", "the response")
    got = ask(peers.plain(BROKEN), "/until-close", "Connection: close\r\n")
    expect(got.text.endswith(b"0\r\n\r\n"), "one that was announced is whole")


@check("a client that renegotiates is refused")
def renegotiates():
    said = subprocess.run(
        ["/usr/bin/openssl", "s_client", "-connect", f"127.0.0.1:{TLS}", "-tls1_2"],
        input=b"R\n", capture_output=True, timeout=peers.PATIENCE)
    words = (said.stdout + said.stderr).decode(errors="replace")
    expect("no renegotiation" in words, words[-600:])
    is_served()


@check("a client's fatal alert ends the connection")
def fatal_alert():
    client = InHand(TLS)
    client.incoming.write(b"\x17\x03\x03\x00\x20" + bytes(32))  # nobody's record: it says so
    try:
        client.tls.read(1)
        raise AssertionError("a false record was taken")
    except ssl.SSLError:
        pass
    alert = client.outgoing.read()
    same(alert[0], 21, "its kind of record")
    client.end.sendall(alert)
    while client.end.recv(4096):
        pass
    is_served()


@check("a record that was changed on its way is refused with an alert")
def changed_record():
    for at in (5, 20, -1):
        client = InHand(TLS)
        octets = client.record(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        octets[at] ^= 1
        client.end.sendall(octets)
        try:
            client.read()
            raise AssertionError("answered")
        except ssl.SSLError as error:
            expect("BAD_RECORD_MAC" in str(error), f"octet {at}: {error}")
    is_served()


@check("records of no known kind or version, and of too great a length, are refused")
def false_records():
    for head in (b"\x63\x03\x03\x00\x20", b"\x17\x09\x09\x00\x20", b"\x17\x03\x03\xff\xff",
                 b"\x17\x03\x03\x00\x01"):
        client = InHand(TLS)
        client.end.sendall(head + bytes(40))
        try:
            client.read()
            raise AssertionError(f"{head}: answered")
        except (ssl.SSLError, ConnectionResetError):
            pass
    is_served()


@check("a record that is cut, and the connection with it")
def cut_record():
    for left in (1, 5, 6, 100):
        client = InHand(TLS)
        octets = client.record(
            b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + bytes(500))
        client.end.sendall(octets + client.record(bytes(500))[:left])
        client.end.shutdown(peers.socket.SHUT_WR)
        got = b""
        try:
            got = client.read()
        except (ssl.SSLError, OSError):
            pass
        expect(b" 200 " not in got, f"{left} octets: {got}")
    expect(("/sink", 1000, 1000) not in SINK.seen, "taken for whole")
    is_served()


@check("clients that reset while there is much to send")
def resets():
    for _ in range(20):
        end = connect(TLS, receive_buffer=8192)
        end.sendall(b"GET /big?bytes=10000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        end.recv(100)
        end.setsockopt(peers.socket.SOL_SOCKET, peers.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        end.close()
    is_served()


@check("a client that stops reading, and goes on once all stands still")
def stops_reading():
    end = connect(TLS, receive_buffer=8192)
    size = 32 << 20
    wanted = direct(f"/big?bytes={size}").hash
    end.sendall(b"GET /big?bytes=%d HTTP/1.1\r\nHost: a\r\n\r\n" % size)
    until_parked("client-write")
    response = Response(end)
    same((response.size, response.hash), (size, wanted), "content")


def until_parked(phase):
    """The status page says in which phase the exchange is."""
    for _ in range(10000):
        if re.search(rf"{phase}\S* [1-9]", status()):
            return
    raise AssertionError(status())


@check("a slow client gets the last octets too, though the server has ended the connection")
def last_octets():
    lost = []
    for size in list(range(20000, 420000, 21001)) + [16384, 32768, 65536, 131072, 262144]:
        wanted = direct(f"/big?bytes={size}").hash
        end = connect(TLS, receive_buffer=4096)
        end.sendall(
            b"GET /big?bytes=%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % size)
        port = end.getsockname()[1]
        try:
            # Nothing is read while the server has something to do.
            response = Response(end, piece=2048, between=lambda: stand_still(port))
            if response.hash != wanted:
                lost.append((size, response.size))
            elif end.recv(1) != b"":
                lost.append((size, "more"))
        except OSError as error:
            lost.append((size, str(error)))
    expect(not lost, f"{len(lost)} sizes lost something: {lost}")


def stand_still(port):
    """Until the kernel's queue towards that port is the same twice: what was given is on its way."""
    before = None
    while (now := queue_towards(port)) != before:
        before = now


def queue_towards(port):
    with open("/proc/net/tcp") as file:
        for line in file:
            words = line.split()
            if words[2].endswith(f":{port:04X}"):
                return words[3], words[4]
    return None


@check("no process has died of it, and nothing was asserted")
def alive():
    with open("/tmp/headgate.out") as file:
        said = file.read() + log()
    for word in ("assert", "Assert", "signal 6", "signal 11", "AH00052", "died"):
        expect(word not in said, said[-2000:])
    errors = {name: value for name, value in counters().items() if "Error" in name and value}
    return f"kernel counted {errors or 'no errors'}"


# ---- the run ------------------------------------------------------------------------------------


def serve_broken(upstream, end):
    path = peers.read_request(end)[0]
    end.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(30000))
    if path == "/until-close":
        end.unwrap()


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


def main():
    global SINK, TLS_SINK, ECHO, TLS_ECHO, TLS_BROKEN
    certificate = "/certificate.pem"
    SINK, TLS_SINK = Upstream(peers.say_hash), Upstream(peers.say_hash, certificate)
    ECHO, TLS_ECHO = Upstream(peers.echo), Upstream(peers.echo, certificate)
    TLS_BROKEN = Upstream(serve_broken, certificate)
    proxy = start()
    failed = 0
    for words, function in checks:
        try:
            more = function()
            print(f"PASS {words}" + (f" ({more})" if more else ""), flush=True)
        except Exception as error:  # whatever it is, the next one is tried
            failed += 1
            print(f"FAIL {words}: {type(error).__name__}: {error}", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
    if failed:
        print(log()[-3000:], flush=True)
    proxy.terminate()
    proxy.wait(60)
    return 1 if failed else 0


def modules():
    import encodings.idna, encodings.ascii, encodings.latin_1  # noqa: loaded when they are needed
    import linecache, tokenize  # of tracebacks
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.startswith("/usr/lib"):
            print(file)


if __name__ == "__main__":
    sys.exit(modules() if sys.argv[1:] == ["--modules"] else main())

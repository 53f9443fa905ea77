"""How connections end, and what is no end: alerts, false and cut records, clients that are slow, that
renegotiate, or leave."""
import re
import ssl
import subprocess

import peers
from peers import InHand, Response, ask, connect, digest, pattern
from rig import BROKEN, ECHO, SINK, TLS, TLS_ECHO, TUNNEL, TUNNEL_OUT
from rig import check, counters, direct, expect, is_served, log, same, status

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

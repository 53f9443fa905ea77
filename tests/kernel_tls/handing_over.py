"""What is handed over to the kernel, what is not, and that contents are the same afterwards."""
import re
import subprocess

import peers
from peers import InHand, Response, ask, connect, digest, pattern, send
from rig import PLAIN, TLS, TO_TLS, TUNNEL_OUT, TURNED_OFF, Handed, check, direct, expect, same, status

SIZES = {"0 B": 0, "1 B": 1, "16 KiB": 16384, "16 KiB and 1": 16385, "1 MiB": 1 << 20,
         "64 MiB": 64 << 20}
HANDED_OVER = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
               "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM"]
NOT_HANDED_OVER = ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-CCM8"]

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

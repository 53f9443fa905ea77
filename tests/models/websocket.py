#!/usr/bin/env python3
"""A real WebSocket client and server through the real program, under each connection model: echo of
text and of large binary messages, pings, subprotocols, the closing handshake, a silent tunnel that
is given up; tunnels of which one direction ends before the other; and many idle tunnels under one
event thread, with the memory that each takes.

    python3 tests/models/websocket.py PROGRAM [MODEL...]

With HEADGATE_TEST_TLS=1 the client speaks TLS (wss).
TUNNELS (2000) is how many idle tunnels are opened. Needs python3-websockets.
"""
import asyncio
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

import websockets
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

PATIENCE = 30  # seconds, for anything; passing runs do not come near
TLS = bool(os.environ.get("HEADGATE_TEST_TLS"))
# KiB that a tunnel may take: what OpenSSL keeps for a connection (13.3 to 14.3) comes on top.
MOST_OF_EACH = 32 if TLS else 16
LARGE = bytes(range(256)) * (16 << 10)


def threads_of(pid):
    tasks = [f"/proc/{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task")]
    if "libtsan" not in open(f"/proc/{pid}/maps").read():
        return len(tasks)
    # ThreadSanitizer has threads of its own, without such names.
    return 1 + sum(open(f"{task}/comm").read().startswith("loop ") for task in tasks)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def echo(connection):
    """The origin: says back what it hears; /bye closes at once, /large says much."""
    if connection.path == "/bye":
        await connection.close(4001, "bye")
        return
    try:
        if connection.path == "/large":
            await connection.send(LARGE)
        async for message in connection:
            await connection.send(message)
    except websockets.ConnectionClosed:
        pass  # tunnels that are cut are what this is about


def make_certificate(folder):
    """For localhost, signed by itself; the directives that show it, and a context that trusts it."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"],
        check=True, stderr=subprocess.DEVNULL,
    )
    directives = (
        f"SSLEngine On\nSSLCertificateFile {folder}/certificate.pem\n"
        f"SSLCertificateKeyFile {folder}/key.pem\n"
    )
    return directives, ssl.create_default_context(cafile=f"{folder}/certificate.pem")


class Proxy:
    """The program under test, on a configuration of its own."""

    def __init__(self, program, model, origin, directives):
        self.folder = tempfile.TemporaryDirectory()
        self.port = free_port()
        self.tls = None
        if TLS:
            terms, self.tls = make_certificate(self.folder.name)
            directives = terms + directives
        path = os.path.join(self.folder.name, "headgate.conf")
        with open(path, "w") as conf:
            conf.write(
                f"Listen 127.0.0.1:{self.port}\nServerName localhost\n"
                "GracefulShutdownTimeout 1\n"
                f"ErrorLog {self.folder.name}/error.log\n{directives}\n"
                f"ProxyPass / http://127.0.0.1:{origin}/\n"
                f'CustomLog {self.folder.name}/access.log "%>s %{{framing}}x %{{end}}x %O"\n'
            )
        self.process = subprocess.Popen([program, "--mpm", model, "-f", path])

    async def wait(self):
        """Until it listens."""
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            except OSError:
                assert self.process.poll() is None, "the proxy did not start"
                await asyncio.sleep(0.01)

    def open(self, path="/", **options):
        """A WebSocket connection of a client."""
        if self.tls:
            options |= {"ssl": self.tls, "server_hostname": "localhost"}
        scheme = "wss" if self.tls else "ws"
        return websockets.connect(f"{scheme}://127.0.0.1:{self.port}{path}", **options)

    def processes(self):
        found = [self.process.pid]
        for pid in found:
            with open(f"/proc/{pid}/task/{pid}/children") as children:
                found += [int(word) for word in children.read().split()]
        return found

    def memory(self):
        """Octets; pages that are shared count once."""
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/smaps_rollup") as lines:
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total * 1024

    async def stop(self):
        """Tunnels that are still open are cut after GracefulShutdownTimeout."""
        self.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self.process.wait, PATIENCE)
        with open(os.path.join(self.folder.name, "access.log")) as log:
            lines = log.read().splitlines()
        self.folder.cleanup()
        return lines


async def talk(proxy):
    large = os.urandom(4 << 20)
    async with proxy.open(max_size=None, compression=None, subprotocols=["chat"]) as connection:
        assert connection.subprotocol == "chat"
        for message in ("hello", "", "\u00e9" * 1000, b"\x00\xff", large, large[: 65536 + 7]):
            await connection.send(message)
            assert await connection.recv() == message
        await (await connection.ping())
    async with proxy.open(max_size=None) as connection:  # permessage-deflate
        await connection.send("x" * 1_000_000)
        assert await connection.recv() == "x" * 1_000_000
    assert connection.close_code == 1000
    async with proxy.open("/bye") as connection:
        try:
            await connection.recv()
            raise AssertionError("the origin's close got lost")
        except websockets.ConnectionClosed as closed:
            assert (closed.code, closed.reason) == (4001, "bye"), closed


async def be_silent(proxy):
    async with proxy.open(ping_interval=None) as connection:
        try:
            await connection.recv()
            raise AssertionError("a silent tunnel stays")
        except websockets.ConnectionClosed as closed:
            assert closed.code == 1006, closed  # no closing handshake: the connection ended


# ---- one direction ends before the other: the library cannot, so sockets with its frames


async def open_raw(proxy, path):
    """A client's connection, with the handshake behind it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    key = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455 section 1.3
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    assert accept_key(key).encode() in head, head
    return reader, writer


def frame(text, mask):
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=mask)


async def read_frame(reader):
    """The octets of a frame's payload; None at the end of the connection."""
    first = await reader.read(1)
    if not first:
        return None
    size = (await reader.readexactly(1))[0]
    is_masked, size = size & 0x80, size & 0x7F
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    key = await reader.readexactly(4) if is_masked else bytes(4)
    payload = await reader.readexactly(size)
    return bytes(octet ^ key[i % 4] for i, octet in enumerate(payload)) if is_masked else payload


class HalfClosing:
    """An origin that keeps one direction open when the other has ended, as the library's does not. It
    shakes hands, and gives its ends of the connection to the test."""

    async def serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = head.lower().index("sec-websocket-key: ") + len("sec-websocket-key: ")
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Accept: {accept_key(head[key:].split()[0])}\r\n\r\n".encode()
        )
        self.reader, self.writer = reader, writer
        self.is_open.set()

    async def start(self):
        self.is_open = asyncio.Event()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]


async def end_first(ending, going_on, is_client):
    """`ending` and `going_on` are the reader and writer of the two ends of one tunnel. One end says
    its last words; then five frames go the other way, each when the one before was heard."""
    ending[1].write(frame("last words", is_client))
    ending[1].write_eof()
    assert await read_frame(going_on[0]) == b"last words"
    assert await read_frame(going_on[0]) is None, "the end was not passed on"
    for number in range(5):
        going_on[1].write(frame(f"go on {number}", not is_client))
        assert await read_frame(ending[0]) == f"go on {number}".encode()
    going_on[1].write_eof()
    assert await read_frame(ending[0]) is None, "the other end was not passed on"
    for _, writer in (ending, going_on):
        writer.close()


async def half_close(program, model):
    origin = HalfClosing()
    port = await origin.start()

    async def both_ways(proxy):
        for is_client in (True, False):
            origin.is_open.clear()
            client = await open_raw(proxy, "/")
            await origin.is_open.wait()
            server = origin.reader, origin.writer
            await (end_first(client, server, True) if is_client
                   else end_first(server, client, False))

    lines = await with_proxy(program, model, port, "", both_ways)
    assert [line[:14] for line in lines if line.startswith("101")] == ["101 tunnel ok "] * 2, lines
    origin.server.close()


async def end_and_read_on(proxy):
    """A client that ends its direction while the real server says much: it gets all of it."""
    reader, writer = await open_raw(proxy, "/large")
    writer.write(frame("heard me?", True))
    await reader.readexactly(1)
    writer.write_eof()
    head = await reader.readexactly(9)
    assert int.from_bytes(head[1:], "big") == len(LARGE), head
    assert await reader.readexactly(len(LARGE)) == LARGE
    await reader.read()  # whatever the server says to the end that it finds
    writer.close()


async def with_proxy(program, model, origin, directives, talk_to):
    proxy = Proxy(program, model, origin, directives)
    try:
        await asyncio.wait_for(proxy.wait(), PATIENCE)
        await asyncio.wait_for(talk_to(proxy), PATIENCE)
    finally:
        lines = await proxy.stop()
    return lines


async def many_idle(program, origin, count):
    """One event thread holds them all, and still serves the next client."""

    async def open_all(proxy):
        held = []
        for i in range(50):  # what the program takes once is not a tunnel's
            held.append(await proxy.open(ping_interval=None))
        before = proxy.memory()
        for i in range(count):
            held.append(await proxy.open(ping_interval=None))
        each = (proxy.memory() - before) / count
        print(f"{count} idle tunnels under one event thread: {each / 1024:.1f} KiB each")
        threads = sum(threads_of(pid) for pid in proxy.processes())
        assert threads == 2, f"{threads} threads, the supervisor's among them"
        async with proxy.open() as quick:
            await quick.send("quick")
            assert await quick.recv() == "quick"
        for connection in (held[0], held[-1]):
            await connection.send("alive")
            assert await connection.recv() == "alive"
        for connection in held:
            connection.transport.abort()
        assert each < MOST_OF_EACH * 1024 or "asan" in program or "tsan" in program

    one = "StartServers 1\nThreadsPerChild 1\nMaxRequestWorkers 1\nMaxConnections 10000"
    await with_proxy(program, "event", origin, one, open_all)


async def main(program, models):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    count = min(int(os.environ.get("TUNNELS", "2000")), limit // 2 - 200)
    origin = free_port()
    async with websockets.serve(
        echo, "127.0.0.1", origin, max_size=None, subprotocols=["chat"], ping_interval=None
    ):
        for model in models:
            lines = await with_proxy(program, model, origin, "", talk)
            done = [line for line in lines if line.startswith("101 tunnel ok ")]
            assert len(done) == 3, lines
            lines = await with_proxy(
                program, model, origin, "ProxyWebsocketIdleTimeout 300ms", be_silent
            )
            assert "101 tunnel timeout/tunnel/both-silent" in "\n".join(lines), lines
            if not TLS:  # asyncio cannot end one direction of TLS; tunnels_test.cpp does
                lines = await with_proxy(program, model, origin, "", end_and_read_on)
                assert "101 tunnel ok " in "\n".join(lines), lines
                await half_close(program, model)
            print(f"{model}: passed")
        if "event" in models:
            await many_idle(program, origin, count)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:] or ["event", "worker", "prefork"]))

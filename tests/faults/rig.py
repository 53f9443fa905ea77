"""What every fault is tried with: Headgate under one model, an origin, clients that keep asking.

All in one asyncio loop. A fault is a coroutine that takes a Rig:

    async def disk_full(rig):
        proxy = await rig.proxy("ProxyPass / http://127.0.0.1:%d/" % origin.port)
        ...
        rig.expect(load.failed == 0, "a request failed")   # collected, not raised
        rig.note("512 requests")                           # a figure for the line that is printed
"""

import asyncio
import collections
import itertools
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

PATIENCE = 15  # seconds; a fault sets Load.patience where less is asked for

SIZES = {
    "event": "StartServers 2\nThreadsPerChild 1\n",
    "worker": "StartServers 2\nThreadsPerChild 32\nMaxRequestWorkers 64\n",
    "prefork": "StartServers 64\nServerLimit 64\nMaxRequestWorkers 64\nMaxSpareServers 64\n",
}

CONFIGURATION = """
ServerName proxy.test
Listen 127.0.0.1:{port}
PidFile {work}/headgate.pid
ErrorLog {work}/error.log
CustomLog {work}/access.log "status=%>s end=%{{end}}x attempts=%{{attempts}}x at=%{{%s}}t %r"
{sizes}
<Location /status>
SetHandler server-status
</Location>
{directives}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def until(condition, seconds):
    """Whether it came true within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True


# ---- messages ---------------------------------------------------------------------------------------

async def read_message(reader):
    """A message with a length, as (head, content). None: ended before an octet of it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head, await reader.readexactly(length)


def request(target, content=b"", fields="", method=None):
    method = method or ("POST" if content else "GET")
    length = f"Content-Length: {len(content)}\r\n" if content else ""
    return f"{method} {target} HTTP/1.1\r\nHost: proxy.test\r\n{length}{fields}\r\n".encode() + content


def response(content=b"", fields=""):
    return f"HTTP/1.1 200 OK\r\n{fields}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def ask(port, octets, patience=PATIENCE, source=None):
    """One request on a connection of its own. Returns (outcome, content): the outcome is the status,
    or refused, reset, unanswered, incomplete, late."""
    writer = None
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source)
            return await ask_on(reader, writer, octets)
    except TimeoutError:
        return "late", b""
    except ConnectionRefusedError:
        return "refused", b""
    except OSError as error:
        return ("reset" if isinstance(error, ConnectionError) else "no socket"), b""
    finally:
        if writer:
            writer.transport.abort() if writer.is_closing() else writer.close()


async def ask_on(reader, writer, octets):
    try:
        writer.write(octets)
        await writer.drain()
        message = await read_message(reader)
    except asyncio.IncompleteReadError:
        return "incomplete", b""
    if message is None:
        return "unanswered", b""
    return message[0].split(b" ")[1].decode(), message[1]


def reset(writer):
    """Closes so that the peer is sent RST, not FIN."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


# ---- an origin --------------------------------------------------------------------------------------

class Origin:
    """Answers every request with the target that it has read; /hold waits until release() is called.
    Counts what it has read in `seen`, by target."""

    def __init__(self, name=b"", fields=""):
        self.name, self.fields = name, fields
        self.seen = collections.Counter()
        self.holding = 0
        self.released = asyncio.Event()

    async def start(self, address="127.0.0.1", port=0):
        self.server = await asyncio.start_server(self.serve, address, port, backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def release(self):
        self.released.set()

    async def serve(self, reader, writer):
        try:
            while (message := await read_message(reader)) is not None:
                target = message[0].split(b" ")[1]
                self.seen[target] += 1
                await self.answer(target, message[1], writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def answer(self, target, content, writer):
        if target.startswith(b"/hold"):
            self.holding += 1
            try:
                await self.released.wait()
            finally:
                self.holding -= 1
        if target.startswith(b"/octets/"):
            content = b"x" * int(target.split(b"/")[2])
        writer.write(response(content or self.name + target, self.fields))
        await writer.drain()
        if "close" in self.fields:
            writer.close()


# ---- load -------------------------------------------------------------------------------------------

class Load:
    """Clients that ask, pause and ask again until stop(), for one target after the other.
    `outcomes` counts how it went."""

    def __init__(self, port, clients=8, pause=0.01, targets=("/load",), patience=PATIENCE):
        self.port, self.pause, self.patience = port, pause, patience
        self.targets = itertools.cycle(targets)
        self.outcomes = collections.Counter()
        self.answers = []  # (when, outcome, seconds it took)
        self.ended = False
        self.tasks = [asyncio.ensure_future(self.run()) for _ in range(clients)]

    async def run(self):
        while not self.ended:
            began = time.monotonic()
            target = next(self.targets)
            outcome, content = await ask(self.port, request(target), patience=self.patience)
            if outcome == "200" and not content.endswith(target.encode()):
                outcome = "wrong"
            now = time.monotonic()
            self.outcomes[outcome] += 1
            self.answers.append((now, outcome, now - began))
            await asyncio.sleep(self.pause)

    async def stop(self):
        self.ended = True
        await asyncio.gather(*self.tasks)
        return self

    @property
    def asked(self):
        return sum(self.outcomes.values())

    @property
    def failed(self):
        return self.asked - self.outcomes["200"]

    @property
    def slowest(self):
        return max((took for _, _, took in self.answers), default=0.0)

    def back_after(self, moment):
        """Seconds from this moment to the first request answered well that was asked after it."""
        return min((when - moment for when, outcome, took in self.answers
                    if outcome == "200" and when - took >= moment), default=float("inf"))

    def failures(self):
        return ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items())
                         if outcome != "200") or "none failed"


# ---- the proxy --------------------------------------------------------------------------------------

class Proxy:
    def __init__(self, rig, port, process):
        self.rig, self.port, self.process = rig, port, process

    @property
    def pid(self):
        return self.process.pid

    def children(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as file:
            return [int(word) for word in file.read().split()]

    def is_running(self):
        return self.process.poll() is None

    def errors(self):
        with open(os.path.join(self.rig.work, "error.log")) as file:
            return file.read()

    async def status(self, key):
        """A number of the status page; None when there is none."""
        _, content = await ask(self.port, request("/status?auto"))
        for line in content.decode().splitlines():
            name, _, value = line.partition(": ")
            if name == key:
                return float(value)
        return None

    def stop(self):
        if self.is_running():
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "never"


class Rig:
    """One fault under one model."""

    def __init__(self, headgate, model, quick):
        self.headgate, self.model, self.quick = headgate, model, quick
        self.work = tempfile.mkdtemp(prefix="headgate-fault-")
        os.chmod(self.work, 0o755)
        self.notes, self.missed, self.proxies = [], [], []

    def note(self, text):
        self.notes.append(text)

    def expect_soon(self, seconds, otherwise):
        """A second is what people are promised. The quick run must hold on any machine, also beside
        other tests and with sanitizers: there it is only not for ever."""
        self.expect(seconds < (10 if self.quick else 1), otherwise)

    def expect(self, holds, otherwise):
        if not holds:
            self.missed.append(otherwise)
        return holds

    async def proxy(self, directives, environment=None, sizes=None, logs=None, port=None):
        """Starts Headgate; returns when it serves."""
        port = port or free_port()
        text = CONFIGURATION.format(port=port, work=self.work, directives=directives,
                                    sizes=SIZES[self.model] if sizes is None else sizes)
        if logs:
            text = text.replace(self.work + "/error.log", logs + "/error.log")
            text = text.replace(self.work + "/access.log", logs + "/access.log")
        path = os.path.join(self.work, "headgate.conf")
        with open(path, "w") as file:
            file.write(text)
        said = open(os.path.join(self.work, "said"), "ab")
        proxy = Proxy(self, port, subprocess.Popen(
            [self.headgate, "-f", path, "--mpm", self.model], stdout=said, stderr=said,
            env={**os.environ, **(environment or {})}))
        self.proxies.append(proxy)
        for _ in range(250):
            if (await ask(port, request("/status?auto"), patience=2))[0] == "200":
                return proxy
            if not proxy.is_running():
                break
            await asyncio.sleep(0.02)
        with open(said.name) as file:
            raise RuntimeError("Headgate does not start: " + file.read()[-500:])

    def end(self):
        for proxy in self.proxies:
            self.expect(proxy.is_running(), "the program ended")
            status = proxy.stop()
            self.expect(status == 0, f"exit status {status}")
        with open(os.path.join(self.work, "said")) as file:
            said = file.read()
        self.expect("Sanitizer" not in said, "a sanitizer reported: " + said[-2000:])
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.work, ignore_errors=True)

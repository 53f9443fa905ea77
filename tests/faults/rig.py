"""What every fault is tried with: Headgate under one model, an origin, and a load beside the fault
(load.py).

All in one asyncio loop. A fault is a coroutine that takes a Rig:

    async def disk_full(rig):
        proxy = await rig.proxy("ProxyPass / http://127.0.0.1:%d/" % origin.port)
        load = rig.load(proxy, may={"503": 10})   # what may fail, and how often; else nothing may
        ...
        await load.stop()                         # is judged at the end of the fault, by `may`
        rig.expect(lost >= 100, "lost lines were not counted")   # collected, not raised
        rig.note("512 requests")                  # a figure for the line that is printed
"""

import asyncio
import collections
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from load import Load
# Faults find these here too.
from messages import (PATIENCE, ask, ask_on, read_chunked, read_message, request,  # noqa: F401
                      reset, response)

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
CustomLog {work}/access.log "status=%>s end=%{{end}}x attempts=%{{attempts}}x at=%{{sec}}t %r"
{sizes}
<Location /status>
SetHandler server-status
</Location>
ProxyPass /load http://127.0.0.1:{load_port}/load
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


# ---- an origin --------------------------------------------------------------------------------------

class Origin:
    """Answers every request with its content or, when it has none, its target; /octets/N and
    /chunked/N with so many octets; /hold waits until release() is called. Counts what it has read in
    `seen`, by target, and the connections on which it has something to do in `busy`."""

    def __init__(self, name=b"", fields=""):
        self.name, self.fields = name, fields
        self.seen = collections.Counter()
        self.holding = self.busy = 0
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
                self.busy += 1
                try:
                    if target.startswith(b"/hold"):
                        await self.hold(reader)
                    await self.answer(target, message[1], writer)
                finally:
                    self.busy -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def hold(self, reader):
        """Until release(), or until who asked has gone."""
        self.holding += 1
        released = asyncio.ensure_future(self.released.wait())
        end = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((released, end), return_when=asyncio.FIRST_COMPLETED)
            if not self.released.is_set():
                raise ConnectionError
        finally:
            self.holding -= 1
            for task in (released, end):
                task.cancel()
            await asyncio.gather(released, end, return_exceptions=True)

    async def answer(self, target, content, writer):
        if b"/octets/" in target:
            content = b"x" * int(target.split(b"/octets/")[1])
        if b"/chunked/" in target:
            size = int(target.split(b"/chunked/")[1])
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(0, size, 10_000):
                writer.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
            writer.write(b"0\r\n\r\n")
            return await writer.drain()
        writer.write(response(content or self.name + target, self.fields))
        await writer.drain()
        if "close" in self.fields:
            writer.close()


# ---- the proxy --------------------------------------------------------------------------------------

class Proxy:
    def __init__(self, rig, port, process):
        self.rig, self.port, self.process = rig, port, process
        self.is_to_run = True  # until the end of the fault

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

    async def serves_with(self, threads, seconds=20):
        """Whether so many threads were up within the time: a child that still starts has not got yet
        what it cannot be without."""
        end = time.monotonic() + seconds
        while await self.status("BusyWorkers") + await self.status("IdleWorkers") < threads:
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.05)
        return True

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
        self.notes, self.missed, self.proxies, self.loads = [], [], [], []
        self.load_origin = None

    def note(self, text):
        self.notes.append(text)

    def load(self, proxy, may=None, **options):
        """Clients beside the fault, at once. `may`: outcomes other than 200, and how many of each."""
        load = Load(proxy.port, **options)
        self.loads.append((load, may or {}))
        return load

    async def judge_loads(self):
        for load, may in self.loads:
            await load.stop()
            self.note(f"load: {load.asked} requests, {load.failures()}, "
                      f"slowest {load.slowest * 1000:.0f} ms")
            self.expect(load.outcomes["200"] > 0, "the load was never served")
            for outcome, count in load.outcomes.items():
                most = may.get(outcome, 0)
                self.expect(outcome == "200" or count <= most,
                            f"beside the fault {count} requests ended {outcome}, not {most}")

    def expect_back(self, load, moment):
        """Of a load that has been stopped: within a second of this moment it was served again, and
        from then on nothing failed."""
        back = load.back_after(moment)
        self.note(f"back after {back * 1000:.0f} ms")
        self.expect_soon(back, "not back after a second")
        self.expect(not load.failed_after(moment + (10 if self.quick else 1)),
                    f"requests later than that: {load.failed_after(moment + 1)}")

    def expect_soon(self, seconds, otherwise):
        """A second is what people are promised. The quick run must hold on any machine, also beside
        other tests and with sanitizers: there it is only not for ever."""
        self.expect(seconds < (10 if self.quick else 1), otherwise)

    def expect(self, holds, otherwise):
        if not holds:
            self.missed.append(otherwise)
        return holds

    async def proxy(self, directives, environment=None, sizes=None, logs=None, port=None,
                    load_port=None):
        """Starts Headgate; returns when it serves. The load's requests go to an origin of their own,
        or to the one at `load_port`."""
        port = port or free_port()
        self.load_origin = self.load_origin or await Origin().start()
        text = CONFIGURATION.format(port=port, work=self.work, directives=directives,
                                    load_port=load_port or self.load_origin.port,
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
        raise RuntimeError("Headgate does not start: " + self.said()[-500:])

    def said(self):
        """What the program has written to its standard error."""
        with open(os.path.join(self.work, "said")) as file:
            return file.read()

    def end(self):
        for proxy in self.proxies:
            if not proxy.is_to_run:
                continue
            self.expect(proxy.is_running(), "the program ended")
            status = proxy.stop()
            self.expect(status == 0, f"exit status {status}")
        said = self.said()
        self.expect("Sanitizer" not in said, "a sanitizer reported: " + said[-2000:])
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.work, ignore_errors=True)

"""Faults of what runs out: memory, ports, room on the disk. Descriptors and log FIFOs are those of
tests/models/exhaustion_test.cpp."""

import asyncio
import collections
import os
import resource
import subprocess
import time

import rig as rigs

LARGE_HEADS = "LimitRequestFieldSize 65536\nLimitRequestFields 0\nRequestReadTimeout header=20\n"


def data_octets(pid):
    """What RLIMIT_DATA bounds."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no VmData")


class Flood:
    """Clients that send most of a large head and wait; each comes again when it is cut off."""

    HEAD = b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(
        b"A%d: " % i + b"x" * 8000 + b"\r\n" for i in range(7))

    def __init__(self, port, clients):
        self.port = port
        self.cut = 0
        self.ended = False
        self.tasks = [asyncio.ensure_future(self.one()) for _ in range(clients)]

    async def one(self):
        while not self.ended:
            writer = None
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(self.HEAD)
                await reader.read(1)
            except OSError:
                pass
            finally:
                if writer:
                    writer.transport.abort()
            self.cut += not self.ended
            await asyncio.sleep(0.05)

    async def stop(self):
        self.ended = True
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


# The allocator keeps nothing in reserve: a process has no memory but what the limit counts.
NO_RESERVE = {"MALLOC_TOP_PAD_": "0", "MALLOC_TRIM_THRESHOLD_": "0"}
# Clients of the flood, and how much more memory a process may have than it has at rest.
PRESSURE = {"event": (1200, 8 << 20), "worker": (48, 512 << 10), "prefork": (40, 64 << 10)}


async def memory(rig):
    """Memory runs out (RLIMIT_DATA) under a flood of large heads: children may die of it and are
    replaced, the program does not, and a second after the flood everything is served."""
    origin = await rigs.Origin().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/\n" + LARGE_HEADS,
                            environment=NO_RESERVE)
    clients, room = PRESSURE[rig.model]
    warm = rigs.Load(proxy.port, 8)
    await asyncio.sleep(0.3)
    await warm.stop()
    first = proxy.children()
    limit = max(data_octets(child) for child in first) + room
    for pid in [proxy.pid] + first:
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))
    load = rigs.Load(proxy.port, 4, patience=2)
    flood = Flood(proxy.port, clients)
    await asyncio.sleep(3)
    await flood.stop()
    during, ended = len(load.answers), time.monotonic()
    dead = len(set(first) - set(proxy.children()))
    await asyncio.sleep(2)
    await load.stop()
    back = load.back_after(ended)
    later = [outcome for when, outcome, took in load.answers[during:] if when - took > ended + 1]
    rig.note(f"{dead} of {len(first)} children died, {flood.cut} of the flood cut off, "
             f"{load.asked} requests, {load.failures()}, back after {back * 1000:.0f} ms")
    rig.expect(dead + flood.cut > 0, "memory did not run out")
    rig.expect_soon(back, "not back a second after the flood")
    rig.expect(later and set(later) == {"200"}, f"later requests: {collections.Counter(later)}")


# Threads that the proxy has; ports that there are; those that somebody else takes meanwhile.
SLOTS, PORTS, TAKEN = 16, 32, 24
SIXTEEN = {
    "event": "StartServers 2\nThreadsPerChild 1\n",
    "worker": "StartServers 2\nServerLimit 2\nThreadsPerChild 8\nMaxRequestWorkers 16\n",
    "prefork": "StartServers 16\nServerLimit 16\nMaxRequestWorkers 16\nMaxSpareServers 16\n",
}


async def ports(rig):
    """Somebody else has taken most local ports towards the upstream. Exchanges that got one go on,
    the others are answered 503 at once; when the ports are given back, all is served."""
    origin = await rigs.Origin().start(port=8000)
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as file:
        file.write(f"50000 {50000 + PORTS - 1}")
    proxy = await rig.proxy("ProxyPass / http://127.0.0.1:8000/", sizes=SIXTEEN[rig.model], port=8080)
    taken = [(await asyncio.open_connection("127.0.0.1", 8000))[1] for _ in range(TAKEN)]
    sources = iter(range(20000, 40000))

    def ask(target):
        return rigs.ask(proxy.port, rigs.request(target), source=("127.0.0.1", next(sources)))

    began = time.monotonic()
    asked = [asyncio.ensure_future(ask("/hold")) for _ in range(SLOTS)]
    left = PORTS - TAKEN
    await rigs.until(lambda: origin.holding + sum(task.done() for task in asked) == SLOTS, 10)
    took = time.monotonic() - began
    shed = collections.Counter(task.result()[0] for task in asked if task.done())
    origin.release()
    outcomes = collections.Counter([(await task)[0] for task in asked])
    for writer in taken:
        rigs.reset(writer)
    later = collections.Counter()
    for _ in range(10):
        answers = await asyncio.gather(*(ask("/later") for _ in range(SLOTS)))
        later.update(outcome for outcome, _ in answers)
    rig.note(f"{left} ports for {SLOTS}: {dict(outcomes)} within {took * 1000:.0f} ms, "
             f"then {dict(later)}")
    rig.expect(shed == {"503": SLOTS - left}, f"without a port: {dict(shed)}")
    rig.expect(outcomes["200"] == left, "an exchange that had its port was lost")
    rig.expect(set(later) == {"200"}, "not back when the ports were")
    rig.expect("HG0303" in proxy.errors(), "the error log does not say it")


async def disk_full(rig):
    """The disk of the logs is full: requests go on, lost lines are counted; when there is room again
    lines are written again."""
    disk = os.path.join(rig.work, "disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    os.chmod(disk, 0o777)
    origin = await rigs.Origin().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/", logs=disk)
    load = rigs.Load(proxy.port, 8)
    full = await rigs.until(lambda: os.statvfs(disk).f_bavail == 0, 30)
    lost, asked, ends = 0, load.asked, time.monotonic() + 10
    while lost < 100 and time.monotonic() < ends:
        await asyncio.sleep(0.1)
        lost, asked = await proxy.status("LogLinesLost"), load.asked
    path = os.path.join(disk, "access.log")
    os.truncate(path, 0)
    written = await rigs.until(lambda: os.path.getsize(path) > 0, 5)
    await load.stop()
    subprocess.run(["umount", "--lazy", disk], check=True)  # or the folder could not be removed
    rig.note(f"{load.asked} requests, {load.failures()}, slowest {load.slowest * 1000:.0f} ms, "
             f"{lost:.0f} lines lost of {asked}")
    rig.expect(full, "the disk was not full")
    rig.expect(load.failed == 0, "a request failed")
    rig.expect_soon(load.slowest, "a request waited for the disk")
    rig.expect(lost >= 100, "lost lines were not counted")
    rig.expect(written, "nothing was written when there was room again")

"""Faults of what runs out: descriptors, slots, memory, ports. Room on disks: logs.py."""

import asyncio
import collections
import os
import resource
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
    """Memory runs out (RLIMIT_DATA) under a flood of large heads, again and again: no child dies of
    it, exchanges under way end well, and a second after the flood everything is served. Under event
    once more where a process has several loops: what one of them has freed serves the others."""
    await run_out_of_memory(rig, None)
    if rig.model == "event":
        await run_out_of_memory(rig, "StartServers 1\nThreadsPerChild 4\n")


async def run_out_of_memory(rig, sizes):
    origin = await rigs.Origin().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/\n" + LARGE_HEADS,
                            sizes=sizes, environment=NO_RESERVE)
    clients, room = PRESSURE[rig.model]
    warm = rig.load(proxy)
    await asyncio.sleep(0.3)
    await warm.stop()
    held = [asyncio.ensure_future(rigs.ask(proxy.port, rigs.request("/hold"))) for _ in range(5)]
    await rigs.until(lambda: origin.holding == 5, 10)
    first = proxy.children()
    limit = max(data_octets(child) for child in first) + room
    for pid in [proxy.pid] + first:
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))
    # Whose connection idles just then, or is new, may find it closed; the flood fills the queue of the
    # listener. What has begun is not cut.
    many = 10 ** 6
    load = rig.load(proxy, clients=4, patience=2, may={
        "late": many, "reset": many, "unanswered": many, "503": many})
    flood = Flood(proxy.port, clients)
    await asyncio.sleep(3)
    await flood.stop()
    ended = time.monotonic()
    origin.release()
    outcomes = collections.Counter([(await each)[0] for each in held])
    await asyncio.sleep(2)
    await load.stop()
    rig.note(f"{flood.cut} of the flood cut off")
    rig.expect(flood.cut > 0, "memory did not run out")
    rig.expect("HG0301" in proxy.errors(), "the error log does not say it")
    rig.expect(first == proxy.children(), "a child died")
    rig.expect(outcomes == {"200": 5}, f"exchanges under way: {dict(outcomes)}")
    rig.expect_back(load, ended)


# Requests that are held; ports that there are; those that somebody else takes meanwhile. The proxy has
# threads for those that are held and for the load.
HELD, PORTS, TAKEN = 16, 48, 40
THIRTY_TWO = {
    "event": "StartServers 2\nThreadsPerChild 1\n",
    "worker": "StartServers 2\nServerLimit 2\nThreadsPerChild 16\nMaxRequestWorkers 32\n",
    "prefork": "StartServers 32\nServerLimit 32\nMaxRequestWorkers 32\nMaxSpareServers 32\n",
}


async def ports(rig):
    """Somebody else has taken most local ports towards an upstream. Exchanges that got one go on, the
    others are answered 503 at once; when the ports are given back, all is served within a second. A
    load for another upstream, which has ports, loses nothing."""
    origin = await rigs.Origin().start(port=8000)
    proxy = await rig.proxy("ProxyPass / http://127.0.0.1:8000/", sizes=THIRTY_TWO[rig.model],
                            port=8080)
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as file:
        file.write(f"50000 {50000 + PORTS - 1}")
    taken = [(await asyncio.open_connection("127.0.0.1", 8000))[1] for _ in range(TAKEN)]
    sources = iter(range(10000, 40000))

    def source():
        return "127.0.0.1", next(sources)

    load = rig.load(proxy, clients=4, source=source)
    began = time.monotonic()
    asked = [asyncio.ensure_future(rigs.ask(proxy.port, rigs.request("/hold"), source=source()))
             for _ in range(HELD)]
    left = PORTS - TAKEN
    await rigs.until(lambda: origin.holding + sum(task.done() for task in asked) == HELD, 10)
    took = time.monotonic() - began
    shed = collections.Counter(task.result()[0] for task in asked if task.done())
    # For the same upstream, which has no port left: nothing but 503 until there are some.
    late = rig.load(proxy, clients=4, prefix="/same", source=source, may={"503": 10 ** 6})
    await asyncio.sleep(0.5)
    early = dict(late.outcomes)
    for writer in taken:
        rigs.reset(writer)
    given_back = time.monotonic()
    await asyncio.sleep(1.5)
    origin.release()
    outcomes = collections.Counter([(await task)[0] for task in asked])
    await asyncio.gather(load.stop(), late.stop())
    rig.note(f"{left} ports for {HELD}: {dict(outcomes)} within {took * 1000:.0f} ms")
    rig.expect_back(late, given_back)
    rig.expect(shed == {"503": HELD - left}, f"without a port: {dict(shed)}")
    rig.expect(set(early) == {"503"}, f"later, without a port: {early}")
    rig.expect(outcomes["200"] == left, "an exchange that had its port was lost")
    rig.expect("HG0303" in proxy.errors(), "the error log does not say it")


def next_descriptor(pid):
    """What the process's next one would be."""
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    return next(number for number in range(len(used) + 1) if number not in used)


async def descriptors(rig):
    """No child can open another descriptor: exchanges under way end well, new clients wait in the
    queue, what needs a further descriptor is answered 503, the log says why; when there are
    descriptors again, everybody is served within a second."""
    origin = await rigs.Origin().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/",
                            sizes=THIRTY_TWO[rig.model])
    rig.expect(await proxy.serves_with(2 if rig.model == "event" else 32), "it did not start whole")
    load = rig.load(proxy, may={"503": 10 ** 6})
    held = [asyncio.ensure_future(rigs.ask(proxy.port, rigs.request("/hold"))) for _ in range(5)]
    await rigs.until(lambda: origin.holding == 5, 10)
    before = {child: resource.prlimit(child, resource.RLIMIT_NOFILE) for child in proxy.children()}
    began = time.monotonic()
    for child, (_, hard) in before.items():
        resource.prlimit(child, resource.RLIMIT_NOFILE, (next_descriptor(child), hard))
    # Children that happened to have a descriptor open just now may have one again: these keep them
    # busy, and come to the others.
    burst = [asyncio.ensure_future(rigs.ask(proxy.port, rigs.request("/hold"))) for _ in range(40)]
    said = await rigs.until(lambda: "HG0301" in proxy.errors(), 10)
    await asyncio.sleep(1)
    origin.release()
    outcomes = collections.Counter([(await each)[0] for each in held])
    lines, seconds = proxy.errors().count("HG0301"), time.monotonic() - began
    for child, limit in before.items():
        resource.prlimit(child, resource.RLIMIT_NOFILE, limit)
    back = time.monotonic()
    await asyncio.gather(*burst)
    await asyncio.sleep(1.5)
    await load.stop()
    rig.note(f"{lines} lines in the log in {seconds:.1f} s")
    rig.expect_back(load, back)
    rig.expect(said, "the error log does not say it")
    rig.expect(lines <= seconds + 1, f"{lines} lines of it in the error log, not one a second")
    rig.expect(outcomes == {"200": 5}, f"exchanges under way: {dict(outcomes)}")
    rig.expect(set(before) == set(proxy.children()), "a child ended")


async def slots(rig):
    """More connections than slots, for a second: clients wait in the queue, none is refused, and all
    are served within a second when the others leave."""
    few = {"event": "StartServers 2\nThreadsPerChild 1\nMaxConnections 6\n",
           "worker": "StartServers 2\nServerLimit 2\nThreadsPerChild 3\nMaxRequestWorkers 6\n",
           "prefork": "StartServers 6\nServerLimit 6\nMaxRequestWorkers 6\nMaxSpareServers 6\n"}
    proxy = await rig.proxy("", sizes=few[rig.model])
    load = rig.load(proxy)
    await asyncio.sleep(0.3)
    flood = [(await asyncio.open_connection("127.0.0.1", proxy.port))[1] for _ in range(100)]
    await asyncio.sleep(1)
    for writer in flood:
        writer.close()
    left = time.monotonic()
    await asyncio.sleep(1.5)
    await load.stop()
    rig.expect_back(load, left)

"""Faults of the name server: gone, flapping, malformed. A scripted one on 127.0.0.1:53, in a network
namespace of its own; every answer is good for one second, and no upstream connection is used twice,
so that every request needs the name."""

import asyncio
import collections
import os
import random
import struct
import subprocess
import time

import rig as rigs
from load import Load

PASS = "ProxyPass {0} http://{1}.test:8000{0} enablereuse=off connectiontimeout=5\n"
A_RECORD = 1
# Codes of answers, RFC 1035 section 4.1.1.
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5


def header(query, code=0, answers=0, flags=0x8180):
    return query[:2] + struct.pack(">HHHHH", flags | code, 1, answers, 0, 0)


def record(kind, data, ttl=1, length=None, name=b"\xc0\x0c"):
    length = len(data) if length is None else length
    return name + struct.pack(">HHIH", kind, 1, ttl, length) + data


def question_of(query):
    end = query.index(b"\0", 12) + 5
    return query[12:end]


def wants_v4(query):
    return struct.unpack(">H", question_of(query)[-4:-2])[0] == A_RECORD


def good(query, address="127.0.0.1"):
    records = b""
    if wants_v4(query):
        records = record(A_RECORD, bytes(int(each) for each in address.split(".")))
    return header(query, 0, 1 if records else 0) + question_of(query) + records


def bad(query, code):
    return header(query, code) + question_of(query)


# What is no answer. Each gets the query.
MALFORMED = (
    lambda q: b"",
    lambda q: q[:3],
    lambda q: header(q, 0, 65535),
    lambda q: q[:2] + random.randbytes(62),
    lambda q: q[:2] + b"\x81\x80" + b"\xff" * 500,
    lambda q: q[:2] + b"\x81\x80" + bytes(510),
    lambda q: bytes(2) + good(q)[2:],
    lambda q: q,
    lambda q: header(q, 0, 1) + question_of(q).replace(b"test", b"none")
    + record(A_RECORD, b"\xc0\0\2\1"),
    lambda q: header(q, 0, 1) + question_of(q) + record(A_RECORD, b"\x7f\0\0"),
    lambda q: header(q, 0, 1) + question_of(q) + record(A_RECORD, b"\x7f\0\0\1", length=4000),
    lambda q: header(q, 0, 1) + question_of(q) + record(A_RECORD, b"\x7f\0\0\1", name=b"\xc0\xff"),
    lambda q: header(q, 0, 1) + question_of(q)
    + record(A_RECORD, b"\x7f\0\0\1", name=b"\xc0" + bytes([12 + len(question_of(q))])),
    lambda q: header(q, 0, 1) + question_of(q) + record(5, b"\xc0\x0c"),
    lambda q: header(q, 0, 0, flags=0x8380) + question_of(q),
    lambda q: good(q)[:-1] if wants_v4(q) else good(q)[:-2],
    lambda q: header(q, 0, 4000) + question_of(q) + b"".join(
        record(16, b"x" * 10) for _ in range(2000)),
)


class NameServer(asyncio.DatagramProtocol):
    """Answers by `script`, a function from a query to octets or None."""

    def __init__(self, script=good):
        self.script, self.asked = script, 0

    async def start(self):
        self.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, ("127.0.0.1", 53))
        return self

    def stop(self):
        """From here on the kernel says that nobody listens there."""
        self.transport.abort()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, query, source):
        self.asked += 1
        reply = self.script(query)
        if reply is not None:
            self.transport.sendto(reply, source)


def use_it(rig):
    """This namespace's name server is 127.0.0.1, for the programs started from now on."""
    path = os.path.join(rig.work, "resolv.conf")
    with open(path, "w") as file:
        file.write("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", path, "/etc/resolv.conf"], check=True)


async def serving(rig, server, rules=PASS.format("/", "origin"), targets=("/named",)):
    """Two origins behind the names, the proxy, and the first good answers. The proxy's threads learn
    names each for itself, so all of them are given work."""
    use_it(rig)
    await server.start()
    origins = [await rigs.Origin(name).start(address, 8000)
               for name, address in ((b"one", "127.0.0.1"), (b"two", "127.0.0.2"))]
    proxy = await rig.proxy(rules, sizes=FEW[rig.model])
    first = named_load(proxy, targets, 16, 0)
    await asyncio.sleep(1.5)
    await first.stop()
    rig.expect(first.failed == 0, f"before the fault: {first.failures()}")
    return proxy, origins


def named_load(proxy, targets, clients=8, pause=0.01):
    """Requests that each need a name. There are few threads: who kept a connection would keep others
    waiting."""
    return Load(proxy.port, clients, pause, prefix="", kept_for=1,
                kinds=[("GET", target, b"", None) for target in targets])


# Few enough for every thread to have learnt the name before it is lost.
FEW = {
    "event": "StartServers 2\nThreadsPerChild 1\n",
    "worker": "StartServers 1\nServerLimit 1\nThreadsPerChild 4\nMaxRequestWorkers 4\n",
    "prefork": "StartServers 4\nServerLimit 4\nMaxRequestWorkers 4\nMaxSpareServers 4\n",
}


async def load_for(rig, proxy, seconds, what, targets=("/named",)):
    """Load during a fault of names that are known: nothing may fail, or wait long."""
    load = named_load(proxy, targets)
    await asyncio.sleep(seconds)
    await load.stop()
    rig.note(f"{what}: {load.asked} requests, {load.failures()}, "
             f"slowest {load.slowest * 1000:.0f} ms")
    rig.expect(load.failed == 0, f"{what}: a request failed")
    rig.expect_soon(load.slowest, f"{what}: a request waited for the name server")


async def gone(rig):
    """Silent for five seconds, then refusing: the last good answer serves. Children that never had
    one answer 502 or 504; they serve within five seconds of the name server's return."""
    server = NameServer()
    proxy, _ = await serving(rig, server)
    server.script = lambda query: None
    await load_for(rig, proxy, 5, "silent")
    server.stop()
    await load_for(rig, proxy, 3, "refusing")
    await strangers(rig, proxy, "/named")
    await NameServer().start()
    await is_back(rig, proxy)


async def strangers(rig, proxy, *targets):
    """Children that know no name yet."""
    before = proxy.children()
    for child in before:
        os.kill(child, 9)
    await rigs.until(lambda: not set(before) & set(proxy.children()), 5)
    for outcome, _ in await asyncio.gather(
            *(rigs.ask(proxy.port, rigs.request(target)) for target in targets)):
        rig.expect(outcome in ("502", "504"), f"without a name: {outcome}")


async def is_back(rig, proxy, targets=("/named",)):
    """The name server answers well again."""
    began = time.monotonic()
    load = named_load(proxy, targets)
    await rigs.until(lambda: load.outcomes["200"] >= 100, 10)
    took = time.monotonic() - began
    await load.stop()
    rig.note(f"back after {took:.1f} s")
    rig.expect(took < 5, "not back five seconds after the name server")


async def flapping(rig):
    """Each answer is good, another address, a failure, empty, or missing, at random: no request
    fails or waits for it, and the addresses that were answered are used."""
    chance = random.Random(2)
    choices = (good, good, lambda q: good(q, "127.0.0.2"), lambda q: good(q, "127.0.0.2"),
               lambda q: bad(q, SERVFAIL), lambda q: bad(q, NXDOMAIN), lambda q: bad(q, REFUSED),
               lambda q: bad(q, 0), lambda q: None)
    server = NameServer()
    proxy, origins = await serving(rig, server)
    server.script = lambda query: chance.choice(choices)(query)
    await load_for(rig, proxy, 8, "flapping")
    seen = [sum(origin.seen.values()) for origin in origins]
    rig.note(f"{server.asked} queries, the addresses served {seen[0]} and {seen[1]}")
    rig.expect(min(seen) > 0, "an address that was answered was not used")


async def malformed(rig):
    """Answers that are none, a name for each kind: no child ends, what is known serves, and what is
    not known is answered 502 or 504 in time."""
    counts = collections.Counter()

    def by_name(query):
        kind = int(query[13:15])
        counts[kind] += 1
        return MALFORMED[kind](query)

    targets = [f"/{kind}/named" for kind in range(len(MALFORMED))]
    rules = "".join(PASS.format(f"/{kind}/", f"{kind:02}") for kind in range(len(MALFORMED)))
    server = NameServer()
    proxy, _ = await serving(rig, server, rules, targets)
    children = proxy.children()
    server.script = by_name
    await load_for(rig, proxy, 4 if rig.quick else 8, "malformed", targets)
    rig.expect(set(children) <= set(proxy.children()), "a child ended")
    await strangers(rig, proxy, *targets[::5])
    rig.note(f"{sum(counts.values())} such answers of {len(counts)} kinds")
    rig.expect(len(counts) == len(MALFORMED), "a kind was never asked for")
    server.script = good
    await is_back(rig, proxy, targets)

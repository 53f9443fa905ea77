"""An upstream whose connection dies while it is idle, or at the moment at which it is used again
(10,000 tries)."""

import asyncio
import collections
import random

import rig as rigs

TRIES, QUICK_TRIES, CLIENTS = 10_000, 1_000, 16

# What a connection does after its first response. The first three race with the next request; the
# others have read all of it, or part of it.
DEATHS = ("close at once", "close soon", "reset soon", "close after the request",
          "reset after the request", "close inside the request")


class Dying:
    """Serves one request on each connection. Counts each request that it has read whole, whether it
    answered or not: that is what may have had an effect."""

    def __init__(self):
        self.seen = collections.Counter()
        self.deaths = collections.Counter()
        self.chance = random.Random(1)

    async def start(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def serve(self, reader, writer):
        try:
            await self.read_one(reader)
            writer.write(rigs.response(b"ok"))
            await self.die(self.chance.choice(DEATHS), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def read_one(self, reader):
        message = await rigs.read_message(reader)
        if message is None:
            raise ConnectionError
        self.seen[message[0].split(b" ")[1].decode()] += 1

    async def die(self, death, reader, writer):
        self.deaths[death] += 1
        if "soon" in death:
            await asyncio.sleep(self.chance.random() * 0.004)
        elif "inside" in death:
            await reader.read(1)
        elif "after" in death:
            await self.read_one(reader)
        if "reset" in death:
            rigs.reset(writer)


async def dies_at_reuse(rig):
    """No GET fails; no POST is read twice by the origin, and one that fails is answered 502."""
    origin = await Dying().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/\n"
                            "MaxKeepAliveRequests 0")
    load = rig.load(proxy, clients=4)
    tries = QUICK_TRIES if rig.quick else TRIES
    numbers = iter(range(tries))
    outcomes = collections.Counter()

    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        for number in numbers:
            method = ("GET", "POST")[number % 2]
            content = b"effect" if number % 4 == 1 else b""
            outcome = await one(reader, writer, method, content, number)
            outcomes[method, outcome] += 1
            if outcome not in ("200", "502"):
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.close()

    async def one(reader, writer, method, content, number):
        length = f"Content-Length: {len(content)}\r\n" if method == "POST" else ""
        head = f"{method} /{method}/{number} HTTP/1.1\r\nHost: h\r\n{length}\r\n"
        try:
            async with asyncio.timeout(rigs.PATIENCE):
                return (await rigs.ask_on(reader, writer, head.encode() + content))[0]
        except TimeoutError:
            return "late"
        except ConnectionError:
            return "reset"

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    await load.stop()
    judge(rig, origin, outcomes, tries)


def judge(rig, origin, outcomes, tries):
    twice = sum(1 for target, count in origin.seen.items()
                if target.startswith("/POST") and count > 1)
    failed_gets = {key[1]: n for key, n in outcomes.items() if key[0] == "GET" and key[1] != "200"}
    posts = {key[1]: n for key, n in outcomes.items() if key[0] == "POST"}
    repeated = sum(count - 1 for target, count in origin.seen.items() if target.startswith("/GET"))
    rig.note(f"{tries} tries, {sum(origin.deaths.values())} connections died, "
             f"{repeated} GETs sent again, POSTs {posts}")
    rig.expect(sum(outcomes.values()) == tries, f"only {sum(outcomes.values())} tries ended")
    rig.expect(not failed_gets, f"GETs failed: {failed_gets}")
    rig.expect(twice == 0, f"{twice} POSTs were sent twice")
    rig.expect(set(posts) <= {"200", "502"}, f"POSTs ended with {set(posts)}")


class Idling(rigs.Origin):
    """Ends each connection when its response has been read, in the way that the target names; `gone`
    says when the proxy has let it go as well."""

    STRAY = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"

    def __init__(self):
        super().__init__()
        self.gone = asyncio.Queue()

    async def serve(self, reader, writer):
        message = await rigs.read_message(reader)
        target = message[0].split(b" ")[1]
        self.seen[target] += 1
        writer.write(rigs.response(target))
        await writer.drain()
        # The proxy has read it: its client has it too, and says so with the next line.
        await self.read.get()
        if b"reset" in target:
            rigs.reset(writer)
        elif b"stray" in target:
            writer.write(self.STRAY)
        else:
            writer.write_eof()
        try:
            at_its_end = b"reset" in target or await reader.read(1) == b""
        except ConnectionError:
            at_its_end = True
        writer.close()
        self.gone.put_nowait(at_its_end)


async def dies_when_idle(rig):
    """An idle connection ends by FIN, by RST, or with octets that nobody asked for: it is let go at
    once and never used, so that no POST fails."""
    origin = Idling()
    origin.read = asyncio.Queue()
    await origin.start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/\nMaxKeepAliveRequests 0")
    load = rig.load(proxy)
    outcomes, used = collections.Counter(), 0
    connection = await asyncio.open_connection("127.0.0.1", proxy.port)
    for number in range(30 if rig.quick else 300):
        end = ("fin", "reset", "stray")[number % 3]
        outcome, content = await rigs.ask_on(
            *connection, rigs.request(f"/{end}/{number}", b"effect"))
        outcomes[outcome if content == f"/{end}/{number}".encode() else "wrong " + outcome] += 1
        origin.read.put_nowait(True)
        used += not await origin.gone.get()
        await asyncio.sleep(0.005)
    connection[1].close()
    await load.stop()
    rig.note(f"POSTs after a connection that died: {dict(outcomes)}")
    rig.expect(set(outcomes) == {"200"}, f"POSTs: {dict(outcomes)}")
    rig.expect(used == 0, f"{used} connections that had ended were used")
    rig.expect(set(origin.seen.values()) == {1}, "a POST was sent twice")

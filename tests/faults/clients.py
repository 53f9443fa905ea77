"""Clients that leave in each phase, and clients that send octet by octet."""

import asyncio
import collections
import itertools

import rig as rigs

# How far a client comes before it leaves.
PHASES = {
    "idle": b"",
    "half a head": b"GET / HTTP/1.1\r\nHo",
    "half an upload": b"POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nxxx",
    "waiting": rigs.request("/hold"),
    "downloading": rigs.request("/octets/8000000"),
    "downloading chunks": rigs.request("/chunked/8000000"),
    "between requests": rigs.request("/first"),
}
ENDS = ("close", "reset")


async def come_and_leave(port, phase, end):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    writer.write(PHASES[phase])
    if phase == "between requests":
        await rigs.read_message(reader)
    if phase.startswith("downloading"):
        await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(0.05)  # most have been read by then; those that were not are a phase too
    if end == "reset":
        rigs.reset(writer)
    else:
        writer.close()


async def leave(rig):
    """Clients close or reset in each phase, under load: the load loses nothing, upstreams are let go
    and the log says of each how far it had come."""
    origin = await rigs.Origin().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/")
    load = rig.load(proxy)
    kinds = list(itertools.product(PHASES, ENDS))
    rounds, released = 2 if rig.quick else 6, []
    for number in range(1, rounds + 1):
        await asyncio.gather(*(come_and_leave(proxy.port, *each) for each in kinds))
        # A FIN alone is no abort: who closed while it waited is answered first.
        released.append(await rigs.until(lambda: origin.busy == origin.holding == number, 5))
    waiting = origin.holding
    origin.release()
    all_gone = await rigs.until(lambda: origin.busy == 0, 5)
    # Of each round: in the upload and waiting; of the four downloads the status had been sent.
    logged = await rigs.until(
        lambda: (count(rig, "status=499 "), count(rig, "status=200 end=client/")) ==
        (2 * rounds, 4 * rounds), 5)
    await load.stop()
    rig.note(f"{rounds * len(kinds)} left, {count(rig, 'status=499 ')} of them logged as 499, "
             f"{count(rig, 'status=200 end=client/')} inside their response, {waiting} answered "
             "behind their FIN")
    rig.expect(all(released) and all_gone, "an upstream was not let go")
    rig.expect(logged, "the log does not say so of all that left")
    rig.expect_soon(load.slowest, "another client's request waited")


def count(rig, beginning):
    with open(f"{rig.work}/access.log") as file:
        return sum(line.startswith(beginning) for line in file)


REQUEST = (b"POST /slow HTTP/1.1\r\nHost: proxy.test\r\nTransfer-Encoding: chunked\r\n\r\n"
           b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n")
RESPONSE = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer-Of: it\r\n\r\n")


async def by_octets(writer, octets, pause):
    for at in range(len(octets)):
        writer.write(octets[at:at + 1])
        await writer.drain()
        if at % pause == 0:
            await asyncio.sleep(0)


class Slow(rigs.Origin):
    """Reads a chunked request strictly, and answers octet by octet."""

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                is_chunked = b"transfer-encoding: chunked" in head.lower()
                content = await rigs.read_chunked(reader) if is_chunked else None
                self.seen[content] += 1
                await by_octets(writer, RESPONSE, 1)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()


async def octet_by_octet(rig):
    """Requests and responses that come one octet at a time, under load: the same as whole."""
    origin = await Slow().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/")
    load = rig.load(proxy)
    outcomes, each = collections.Counter(), 5 if rig.quick else 20

    async def client(pause):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        for _ in range(each):
            await by_octets(writer, REQUEST, pause)
            head = await reader.readuntil(b"\r\n\r\n")
            content = await rigs.read_chunked(reader)
            outcomes[head.split(b" ")[1].decode(), content] += 1
        writer.close()

    async with asyncio.timeout(60):
        await asyncio.gather(*(client(pause) for pause in (1, 2, 3, 7)))
    await load.stop()
    rig.note(f"{4 * each} exchanges octet by octet")
    rig.expect(outcomes == {("200", b"abcdefg"): 4 * each}, f"answers: {dict(outcomes)}")
    rig.expect(origin.seen == {b"hello, world": 4 * each}, f"requests: {dict(origin.seen)}")

"""An upstream that dies inside its responses: in the head, in the content, in each framing, by FIN and
by RST, beside a load for the same upstream."""

import asyncio
import collections
import random

import rig as rigs

HEAD = b"HTTP/1.1 200 OK\r\n"
CONTENT = b"0123456789" * 40
WHOLE = {
    "length": HEAD + b"Content-Length: 400\r\n\r\n" + CONTENT,
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"190\r\n" + CONTENT + b"\r\n0\r\n\r\n",
    # Until close is whole only when it ends by FIN: it is cut by RST.
    "close": HEAD + b"\r\n" + CONTENT,
}


class Breaking(rigs.Origin):
    """For /FRAMING/END/AT sends that response up to its octet AT, and dies."""

    async def answer(self, target, content, writer):
        if target.startswith(b"/load"):
            return await super().answer(target, content, writer)
        _, framing, end, at = target.decode().split("/")
        whole = WHOLE[framing]
        writer.write(whole[:int(at)])
        await writer.drain()
        if end == "reset":
            await asyncio.sleep(0.002)  # or nothing of it arrives
            rigs.reset(writer)
        raise ConnectionError


async def outcome_of(port, target):
    """The status, or how it ended: what a client believes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(rigs.request(target))
        head = await reader.readuntil(b"\r\n\r\n")
        status = head.split(b" ")[1].decode()
        if b"transfer-encoding" in head.lower():
            content = await rigs.read_chunked(reader)
        else:
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
            content = await reader.readexactly(length)
        return "taken for whole" if status == "200" and content != CONTENT else status
    except (asyncio.IncompleteReadError, ConnectionError):
        return "cut"
    finally:
        writer.transport.abort()


async def die(rig, places, allowed):
    """Responses that break at one of `places(whole)`. `allowed` is how their clients may see it; the
    load for the same upstream loses nothing."""
    origin = await Breaking().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/", load_port=origin.port)
    load = rig.load(proxy)
    chance = random.Random(3)
    outcomes = collections.Counter()
    for _ in range(20 if rig.quick else 60):
        targets = [f"/{framing}/{end}/{chance.choice(places(WHOLE[framing]))}" for framing in WHOLE
                   for end in ("fin", "reset") for _ in range(2) if (framing, end) != ("close", "fin")]
        async with asyncio.timeout(rigs.PATIENCE):
            outcomes.update(await asyncio.gather(*(outcome_of(proxy.port, each) for each in targets)))
    await load.stop()
    rig.note(f"{sum(outcomes.values())} responses that broke: {dict(outcomes)}")
    rig.expect(set(outcomes) <= allowed, f"broken responses: {dict(outcomes)}")


async def in_head(rig):
    """Inside the head, or before it: 502."""
    await die(rig, lambda whole: range(whole.index(b"\r\n\r\n") + 4), {"502"})


async def in_content(rig):
    """Inside the content: the client gets an end that it cannot take for the whole; or 502, when
    nothing had been sent to it yet."""
    await die(rig, lambda whole: range(whole.index(b"\r\n\r\n") + 4, len(whole)), {"cut", "502"})

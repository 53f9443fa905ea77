"""An upstream that dies inside its responses, under load: in the head, in the content, in each
framing, by FIN and by RST."""

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
    """For /FRAMING/END/AT sends that response up to AT of a thousand parts, and dies."""

    async def answer(self, target, content, writer):
        if target.startswith(b"/load"):
            return await super().answer(target, content, writer)
        _, framing, end, at = target.decode().split("/")
        whole = WHOLE[framing]
        writer.write(whole[:int(at) * len(whole) // 1000])
        await writer.drain()
        if end == "reset":
            await asyncio.sleep(0.002)  # or nothing of it arrives
            rigs.reset(writer)
        raise ConnectionError


async def read_chunked(reader):
    content = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        content += (await reader.readexactly(size + 2))[:size]
    await reader.readexactly(2)
    return content


async def outcome_of(port, target):
    """The status, or how it ended: what a client believes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(rigs.request(target))
        head = await reader.readuntil(b"\r\n\r\n")
        status = head.split(b" ")[1].decode()
        if b"transfer-encoding" in head.lower():
            content = await read_chunked(reader)
        else:
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
            content = await reader.readexactly(length)
        return "taken for whole" if status == "200" and content != CONTENT else status
    except (asyncio.IncompleteReadError, ConnectionError):
        return "cut"
    finally:
        writer.transport.abort()


async def dies_under_load(rig):
    """Cut responses are answered 502 or cut so that it shows; everybody else is served."""
    origin = await Breaking().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/")
    load = rigs.Load(proxy.port, 8)
    chance = random.Random(3)
    outcomes = collections.Counter()
    for _ in range(20 if rig.quick else 100):
        targets = [f"/{framing}/{end}/{chance.randrange(1000)}" for framing in WHOLE
                   for end in ("fin", "reset") for _ in range(2) if (framing, end) != ("close", "fin")]
        async with asyncio.timeout(rigs.PATIENCE):
            outcomes.update(await asyncio.gather(*(outcome_of(proxy.port, each) for each in targets)))
    await load.stop()
    rig.note(f"{sum(outcomes.values())} responses that broke: {dict(outcomes)}; beside them "
             f"{load.asked} requests, {load.failures()}")
    rig.expect(set(outcomes) <= {"502", "cut"}, f"broken responses: {dict(outcomes)}")
    rig.expect(load.failed == 0, "a request to the same upstream failed")

"""Messages as clients and origins of the faults read and write them."""

import asyncio
import socket
import struct

PATIENCE = 15  # seconds; a fault sets the patience of its load where less is asked for


async def read_message(reader):
    """A message by length or chunked, as (head, content). None: ended before an octet of it."""
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
        if name.lower() == b"transfer-encoding":
            return head, await read_chunked(reader)
    return head, await reader.readexactly(length)


async def read_chunked(reader):
    """The content; trailers are read and left out."""
    content = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        content += (await reader.readexactly(size + 2))[:size]
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return content


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

"""A strict reader of the requests on one connection, and of nothing else: RFC 9112 as it is
written, without any tolerance. It shares nothing with the proxy's own parser, and says why what it
refuses is not right."""

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
LINE = re.compile(rb"(%s) ([!-\"$-~]+) HTTP/1\.1" % TOKEN)
FIELD = re.compile(rb"(%s): ?((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)" % TOKEN)
HOST = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+;=%]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
NEVER_FORWARDED = {b"keep-alive", b"proxy-connection"}


class Malformed(Exception):
    pass


class Request:
    def __init__(self, method, target):
        self.method, self.target = method, target
        self.fields = []
        self.content = b""
        self.complete = False


def fields_of(lines):
    found = []
    for line in lines:
        match = FIELD.fullmatch(line)
        if not match:
            raise Malformed(f"field line {line[:80]!r}")
        found.append((match[1].lower(), match[2]))
    return found


def values(fields, name):
    return [value for each, value in fields if each == name]


def read_head(octets):
    """The head at the front and where it ends, or None when it has not ended."""
    end = octets.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = octets[:end].split(b"\r\n")
    match = LINE.fullmatch(lines[0])
    if not match:
        raise Malformed(f"request line {lines[0][:80]!r}")
    request = Request(match[1], match[2])
    request.fields = fields_of(lines[1:])
    hosts = values(request.fields, b"host")
    if len(hosts) != 1 or not HOST.fullmatch(hosts[0]):
        raise Malformed(f"Host {hosts!r}")
    named = {option.strip().lower() for value in values(request.fields, b"connection")
             for option in value.split(b",")}
    for name, _ in request.fields:
        if name in NEVER_FORWARDED or name in (named - {b"upgrade", b"te", b"close", b"keep-alive"}):
            raise Malformed(f"hop-by-hop field {name!r}")
    return request, end + 4


def read_chunks(request, octets, at):
    """From the first chunk on. The end of the message, or None when it has not come."""
    while True:
        end = octets.find(b"\r\n", at)
        if end < 0:
            return None
        if not SIZE.fullmatch(octets[at:end]):
            raise Malformed(f"chunk line {octets[at:end][:80]!r}")
        size = int(octets[at:end], 16)
        at = end + 2
        if size == 0:
            break
        request.content += octets[at:at + size]
        if len(octets) < at + size + 2:
            return None
        if octets[at + size:at + size + 2] != b"\r\n":
            raise Malformed("no CR LF behind the data of a chunk")
        at += size + 2
    trailer = b"\r\n" + octets[at:]
    end = trailer.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = [line for line in trailer[2:end].split(b"\r\n") if line]
    for name, _ in fields_of(lines):
        if name in (b"content-length", b"transfer-encoding", b"host", b"connection", b"trailer"):
            raise Malformed(f"{name!r} in the trailers")
    return at + end + 2


def read_content(request, octets, at):
    lengths = values(request.fields, b"content-length")
    codings = values(request.fields, b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Malformed(f"framed twice: {lengths!r} {codings!r}")
    if codings:
        if codings[0].lower() != b"chunked":
            raise Malformed(f"Transfer-Encoding {codings[0]!r}")
        return read_chunks(request, octets, at)
    if not lengths:
        return at
    if not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
        raise Malformed(f"Content-Length {lengths[0]!r}")
    end = at + int(lengths[0])
    request.content = octets[at:end]
    return end if len(octets) >= end else None


def requests_of(octets):
    """Every request of the connection; only the last may be incomplete. Raises Malformed."""
    found, at = [], 0
    while at < len(octets):
        head = read_head(octets[at:])
        if head is None:
            if not re.match(rb"%s( |$)" % TOKEN, octets[at:]):
                raise Malformed(f"not the beginning of a request: {octets[at:at + 80]!r}")
            found.append(Request(b"", b""))
            return found
        request, size = head
        found.append(request)
        end = read_content(request, octets[at:], size)
        if end is None:
            return found
        request.complete = True
        at += end
    return found

"""The hostile requests, and the harmless ones beside them, made from tables of mutations.

A case is what one client sends on one connection. Every request in it that a reader could find has
a name of its own in its target: /c0007a is the first of case 7, /c0007b the one behind it, and
/c0007x is hidden in what should be content, a field or a line: nobody may ever see it as a request
unless the framing before it makes it one.
"""

from dataclasses import dataclass


@dataclass
class Case:
    name: str
    raw: bytes
    well_formed: bool = False  # has to be answered, every request of it
    requests: int = 1          # in a well-formed case


# ---- tables -----------------------------------------------------------------------------------

TRANSFER_ENCODINGS = [  # lines that some reader takes for chunked, and another does not
    "Transfer-Encoding: chunked", "Transfer-Encoding:chunked", "Transfer-Encoding:\tchunked",
    "Transfer-Encoding: \tchunked\t ", "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked",
    " Transfer-Encoding: chunked", "\tTransfer-Encoding: chunked", "Transfer-Encoding: chunked ,",
    "Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunkedx", "Transfer-Encoding: chun ked", "Transfer-Encoding: chunked;a=b",
    "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'", "Transfer-Encoding: x",
    "Transfer-Encoding:", "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: \x0cchunked",
    "Transfer-Encoding: chunked\x0b", "Transfer-Encoding: \x00chunked",
    "Transfer-Encoding: chunked\x00", "Transfer-Encoding: \x7fchunked", "Transfer-Encoding: \xa0chunked",
    "Transfer-Encoding: \xffchunked", "Transfer-Encoding: CHUNKED", "Transfer-Encoding: cHuNkEd",
    "Transfer_Encoding: chunked", "Transfer Encoding: chunked", "Transfer-Encoding\x00: chunked",
    "Transfer-Encoding\xa0: chunked", "Transfer-Encoding:\r\n chunked", "Transfer-Encoding:\r\n\tchunked",
    "Transfer-Encoding\r\n : chunked", "X: y\rTransfer-Encoding: chunked",
    "X: y\nTransfer-Encoding: chunked", "X: y\r\n\r Transfer-Encoding: chunked",
    "X: y\r\rTransfer-Encoding: chunked", "Transfer-Encoding: chunked\rX: y",
    "Transfer-Encoding: chunked\nX: y", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "Transfer-Encoding:\r\nTransfer-Encoding: chunked", "Transfer-Encoding=chunked",
    "Transfer-Encoding chunked", ":Transfer-Encoding: chunked", "Transfer-Encoding;: chunked",
    "X-Transfer-Encoding: chunked", "Transfer-Encoding: {chunked}", "Transfer-Encoding: chunked\\",
    "Transfer-\rEncoding: chunked", "\x00Transfer-Encoding: chunked", "TE: chunked",
    "Transfer-Encoding: chunked, \"\"", "Transfer-Encoding: deflate;q=0, chunked",
]

CONTENT_LENGTHS = [  # for content of 5 octets, or so one reader says
    "Content-Length: 5", "Content-Length:5", "Content-Length: 05", "Content-Length: +5",
    "Content-Length: -5", "Content-Length: 0x5", "Content-Length: 5e0", "Content-Length: 5.0",
    "Content-Length: 5 ", "Content-Length: 5,5", "Content-Length: 5, 5", "Content-Length: 5,6",
    "Content-Length: 0,5", "Content-Length: ,5", "Content-Length: 5,", "Content-Length: 5 5",
    "Content-Length: 5;a=b", "Content-Length: \"5\"", "Content-Length: 5a", "Content-Length: a5",
    "Content-Length:", "Content-Length: ", "Content-Length: \x0b5", "Content-Length: 5\x0b",
    "Content-Length: \x005", "Content-Length: 5\x00", "Content-Length: \xa05", "Content-Length : 5",
    "Content-Length\t: 5", " Content-Length: 5", "Content-Length:\r\n 5", "Content-Length\r\n: 5",
    "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length: 0",
    "Content-Length: 0\r\nContent-Length: 5", "Content-Length: 5\r\ncontent-length: 6",
    "Content-Length: 5\r\nContent-Length:", "Content-Length: 18446744073709551621",
    "Content-Length: 9223372036854775813", "Content-Length: 4294967301",
    "Content-Length: 00000000000000000000000000005", "Content_Length: 5", "Content Length: 5",
    "Content-Length=5", "Content-Length 5", "X: y\rContent-Length: 5", "X: y\nContent-Length: 5",
    "Content-Length: 5\rX: y", "Content-Length: 5\nX: y", "Content-Length: 1_0", "Content-Length: 0b101",
    "Content-Length: \xb2", "Content-Length: 5 bytes", "Content-Length: infinity", "Content-Length\x00: 5",
]

CHUNKED_BODIES = [  # behind a head that says chunked; {x} is the hidden request
    "5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "5\t\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n", "5h\r\nhello\r\n0\r\n\r\n", "5.\r\nhello\r\n0\r\n\r\n",
    "5;\r\nhello\r\n0\r\n\r\n", "5;a\r\nhello\r\n0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n",
    "5;a=\"\r\nb\"\r\nhello\r\n0\r\n\r\n", "5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n",
    "5;\nhello\r\n0\r\n\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n", "5;\x00\r\nhello\r\n0\r\n\r\n",
    "5;\x01\x02\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n",
    "5\r\rhello\r\n0\r\n\r\n", "5\n\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\r\n0\n\n",
    "5\r\nhello\r\n0\r\n\n", "5\r\nhello\r\n0\n\r\n", "5\r\nhello\r\n0\r\r\n", "5\r\nhello\r\n\r\n0\r\n\r\n",
    "5\r\nhello\r\n00000\r\n\r\n", "5\r\nhello\r\n0;a\r\n\r\n", "5\r\nhello\r\n0 \r\n\r\n",
    "5\r\nhello\r\n-0\r\n\r\n", "5\r\nhello\r\n0x0\r\n\r\n", "5\r\nhello\r\n+0\r\n\r\n",
    "0005\r\nhello\r\n0\r\n\r\n", "00000000000000000000000005\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    "8000000000000000\r\nhello\r\n0\r\n\r\n", "ffffffff00000005\r\nhello\r\n0\r\n\r\n",
    "100000005\r\nhello\r\n0\r\n\r\n", "\r\n5\r\nhello\r\n0\r\n\r\n", "\r\nhello", "hello",
    "0\r\n\r\n", "0\r\nX: y\r\n\r\n", "0\r\nContent-Length: 9\r\n\r\n", "0\r\nHost: evil\r\n\r\n",
    "0\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\nX: y\n\r\n", "0\r\nX\r\n\r\n",
    "0\r\n X: y\r\n\r\n", "0\r\nX: y\r\n z\r\n\r\n", "0\r\nX: \x00\r\n\r\n", "0\r\nX: y\rZ: w\r\n\r\n",
    "0\r\n{x}", "0\r\nX: {x}", "5;{x}\r\nhello\r\n0\r\n\r\n", "2\r\nxx{x}0\r\n\r\n", "0{x}",
    "1;\"\r\n{x}\"\r\na\r\n0\r\n\r\n", "0;\r{x}", "0;\n{x}", "5\r\nhello\r\n0;\n\r\n\r\n",
    "5" + ";" * 1100 + "\r\nhello\r\n0\r\n\r\n", "5;" + "a" * 20000 + "\r\nhello\r\n0\r\n\r\n",
    "0\r\n" + "X: y\r\n" * 120 + "\r\n", "0\r\nX: " + "y" * 9000 + "\r\n\r\n",
]

REQUEST_LINES = [
    "GET  {t} HTTP/1.1", "GET\t{t} HTTP/1.1", "GET {t}  HTTP/1.1", "GET {t}\tHTTP/1.1",
    "GET {t} HTTP/1.1 ", " GET {t} HTTP/1.1", "\tGET {t} HTTP/1.1", "GET {t} HTTP/1.1\t",
    "GET {t}", "GET {t} ", "GET {t} http/1.1", "GET {t} HTTP/1.2", "GET {t} HTTP/1.10",
    "GET {t} HTTP/01.1", "GET {t} HTTP/1.01", "GET {t} HTTP/2.0", "GET {t} HTTP/2", "GET {t} HTTP/0.9",
    "GET {t} HTTP/1", "GET {t} HTTP/1.", "GET {t} HTTP/.1", "GET {t} HTTP/1,1", "GET {t} HTTP/-1.1",
    "GET {t} HTTP /1.1", "GET {t} HTTP/ 1.1", "GET {t} HTTP/1.1x", "GET {t} XHTTP/1.1",
    "GET {t} HTTPS/1.1", "GET {t} HTTP\\1.1", "GET {t} HTTP/1.1 HTTP/1.1", "GET {t}HTTP/1.1",
    "GET{t} HTTP/1.1", "GET HTTP/1.1", "GET  HTTP/1.1", "{t} HTTP/1.1", "GET {t} {t} HTTP/1.1",
    "GET {t}\x00 HTTP/1.1", "GET {t}\x01 HTTP/1.1", "GET {t}\x0b HTTP/1.1", "GET {t}\x7f HTTP/1.1",
    "GET {t}\xe9 HTTP/1.1", "GET {t}\xff HTTP/1.1", "GET {t}\r HTTP/1.1", "GET {t}\rHTTP/1.1",
    "G\x00ET {t} HTTP/1.1", "GET\x00 {t} HTTP/1.1", "GET\xa0{t} HTTP/1.1", "GET\x0b{t} HTTP/1.1",
    "G ET {t} HTTP/1.1", "G:ET {t} HTTP/1.1", "G/ET {t} HTTP/1.1", "(GET) {t} HTTP/1.1",
    "G\xc9T {t} HTTP/1.1", "get {t} HTTP/1.1", "GeT {t} HTTP/1.1", "GET! {t} HTTP/1.1",
    "TRACE {t} HTTP/1.1", "TRACK {t} HTTP/1.1", "DEBUG {t} HTTP/1.1", "CONNECT {t} HTTP/1.1",
    "CONNECT h:80 HTTP/1.1", "CONNECT h HTTP/1.1", "PRI * HTTP/2.0", "OPTIONS * HTTP/1.1",
    "GET * HTTP/1.1", "QQ" * 40 + " {t} HTTP/1.1",
    "GET {t}#x HTTP/1.1", "GET {t}?a#b HTTP/1.1", "GET #{t} HTTP/1.1", "GET ?{t} HTTP/1.1",
    "GET x{t} HTTP/1.1", "GET \\{t} HTTP/1.1", "GET {t}\\..\\x HTTP/1.1", "GET //{t} HTTP/1.1",
    "GET /.{t} HTTP/1.1", "GET /..{t} HTTP/1.1", "GET /../..{t} HTTP/1.1", "GET {t}/../../x HTTP/1.1",
    "GET {t}/%2e%2e/%2e%2e/x HTTP/1.1", "GET {t}/..;/x HTTP/1.1", "GET {t}/;/x HTTP/1.1",
    "GET {t}%2f..%2fx HTTP/1.1", "GET {t}%252f HTTP/1.1", "GET {t}%00 HTTP/1.1", "GET {t}%0d%0aX: y HTTP/1.1",
    "GET {t}%0d%0aX:%20y HTTP/1.1", "GET {t}%20HTTP/1.1%0d%0a HTTP/1.1", "GET {t}% HTTP/1.1",
    "GET {t}%g0 HTTP/1.1", "GET {t}%u0041 HTTP/1.1", "GET {t}%5c.. HTTP/1.1", "GET {t}%c0%af HTTP/1.1",
    "GET {t}\"<> HTTP/1.1", "GET {t}{}|^` HTTP/1.1", "GET {t}?" + "a" * 9000 + " HTTP/1.1",
    "GET http://h{t} HTTP/1.1", "GET http://evil{t} HTTP/1.1", "GET HTTP://H{t} HTTP/1.1",
    "GET http:{t} HTTP/1.1", "GET http:/{t} HTTP/1.1", "GET http://{t} HTTP/1.1",
    "GET http://u:p@h{t} HTTP/1.1", "GET http://h:80{t} HTTP/1.1", "GET http://h:{t} HTTP/1.1",
    "GET http://h:99999{t} HTTP/1.1", "GET http://h:8a{t} HTTP/1.1", "GET https://h{t} HTTP/1.1",
    "GET ftp://h{t} HTTP/1.1", "GET file://{t} HTTP/1.1", "GET http://[::1]{t} HTTP/1.1",
    "GET http://[::1{t} HTTP/1.1", "GET http://h\x00{t} HTTP/1.1", "GET http://h#{t} HTTP/1.1",
    "GET http://h?{t} HTTP/1.1", "GET http://a b{t} HTTP/1.1", "GET h:80 HTTP/1.1", "GET @h{t} HTTP/1.1",
]

HOSTS = [
    "", "Host:", "Host: ", "Host: h\r\nHost: h", "Host: h\r\nHost: i", "Host: h\r\nhost: h",
    "Host : h", "Host\t: h", " Host: h", "Host: h\r\n i", "Host:\r\n h", "Host: a b", "Host: a\tb",
    "Host: a, b", "Host: a;b", "Host: h/x", "Host: h?x", "Host: h#x", "Host: u@h", "Host: h:80a",
    "Host: h:80:80", "Host: h:-1", "Host: h:99999", "Host: h:", "Host: :80", "Host: [::1", "Host: ::1",
    "Host: [::1]]", "Host: [::1]x", "Host: h\x00", "Host: \x00h", "Host: h\x0b", "Host: h\x7f",
    "Host: h\xe9", "Host: h\\", "Host: h\"", "Host: <h>", "Host: h%00", "Host: h%0d%0aX: y",
    "Host: ..", "Host: .", "Host: h..i", "Host: " + "h" * 300, "Host: " + "h." * 4100,
    "Host: h\nX: y", "Host: h\rX: y", "H\x00ost: h", "Host\x00: h", "Host: http://h",
]

FIELDS = [
    "X : y", "X\t: y", " X: y", "\tX: y", "X", "X y", ": y", ":", "X\r\n: y", "X: y\r\n z", "X: y\r\n\tz",
    "X: y\r\n \r\n z", "X: y\rZ: w", "X: y\nZ: w", "X: y\r\rZ: w", "X: \x00", "X: \x01", "X: \x08",
    "X: \x0b", "X: \x0c", "X: \x1b[0m", "X: \x7f", "X\x00: y", "X\x01: y", "X\x7f: y", "X\xe9: y",
    "X(: y", "X): y", "X,: y", "X/: y", "X;: y", "X<: y", "X=: y", "X>: y", "X?: y", "X@: y", "X[: y",
    "X\\: y", "X]: y", "X{: y", "X}: y", "\"X\": y", "X: y\r", "X: y\r\r\n", "\x00", "\r", "\n", " ",
    "\t", "X: y\n\nZ: w", "X: " + "y" * 9000, "X" * 9000 + ": y", "\r\n".join(f"X{i}: y" for i in range(120)),
    "Connection: content-length", "Connection: transfer-encoding", "Connection: host",
    "Connection: Host, close", "Connection: close, x\r\nX: y", "Connection: \x00", "Connection: keep-alive\r\n , close",
    "Keep-Alive: timeout=9999", "Proxy-Connection: keep-alive", "TE: trailers, chunked",
    "Trailer: Content-Length", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",
    "Upgrade: websocket", "Upgrade: HTTP/2.0\r\nConnection: upgrade", "Expect: 100-continue", "Expect: x",
    "Expect: 100-continue, x", "Expect: ", "Expect: 100-continue\r\nExpect: 100-continue", "Max-Forwards: 0",
    "Max-Forwards: -1", "X-Forwarded-For: 1.2.3.4\r\n\t, 5.6.7.8", "X-Forwarded-For: {x}",
    "X_Forwarded_For: 1.2.3.4", "X-HTTP-Method-Override: DELETE", "Range: bytes=0-" + ",0-" * 500,
    "Cookie: \"\r\n{x}", "Content-Encoding: \x00",
]

METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]
PATHS = ["", "/", "/a/b", "?q=1", "?a=b&c=d", "/%20", "/~u", "/a.b", "/a+b", "/%C3%A9", "/a;b=c", "/a,b",
         "?x=/../", "?", "/a=b", "/(a)", "/a'b", "/!$&*"]
GOOD_FIELDS = ["Accept: */*", "X: ", "X:y", "X: \t y \t", "X: caf\xe9", "X: a\tb", "Connection: keep-alive",
               "Connection: X\r\nX: y", "Cookie: a=b; c=\"d\"", "X!#$%&'*+.^`|~: y", "TE: trailers",
               "X: y\r\nX: z", "User-Agent: " + "a" * 2000, "Accept-Encoding: gzip, deflate",
               "If-None-Match: \"a\", W/\"b\"", "Range: bytes=0-1", "Via: 1.0 a"]
GOOD_HOSTS = ["h", "h:80", "h.example", "127.0.0.1:81", "[::1]", "[::1]:80", "h-1.example."]


# ---- cases ------------------------------------------------------------------------------------

def hostile():
    """(name, text) of every hostile case; {t} is its first target, {b} the next one, {x} hidden."""
    hidden = "GET {x} HTTP/1.1\r\nHost: h\r\n\r\n"
    behind = "GET {b} HTTP/1.1\r\nHost: h\r\n\r\n"
    chunked = "0\r\n\r\n"
    post = "POST {t} HTTP/1.1\r\nHost: h\r\n"
    for i, line in enumerate(TRANSFER_ENCODINGS):
        yield f"te {i}", f"{post}{line}\r\n\r\n{chunked}{behind}"
        yield f"cl.te {i}", f"{post}Content-Length: {len(chunked) + 48}\r\n{line}\r\n\r\n{chunked}{hidden}"
        yield f"te.cl {i}", f"{post}{line}\r\nContent-Length: 4\r\n\r\n2f\r\n{hidden}\r\n0\r\n\r\n"
        yield f"te 1.0 {i}", f"{post}{line}\r\n\r\n{chunked}{behind}".replace("HTTP/1.1", "HTTP/1.0", 1)
    for i, line in enumerate(CONTENT_LENGTHS):
        yield f"cl {i}", f"{post}{line}\r\n\r\nhello{behind}"
        yield f"cl get {i}", f"GET {{t}} HTTP/1.1\r\nHost: h\r\n{line}\r\n\r\n{hidden}"
        yield f"cl chunked {i}", f"{post}{line}\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}{hidden}"
    for i, body in enumerate(CHUNKED_BODIES):
        yield f"chunks {i}", f"{post}Transfer-Encoding: chunked\r\n\r\n" + body.replace("{x}", hidden) + behind
    for i, line in enumerate(REQUEST_LINES):
        yield f"line {i}", f"{line}\r\nHost: h\r\n\r\n{behind}"
    for i, line in enumerate(HOSTS):
        yield f"host {i}", "GET {t} HTTP/1.1\r\n" + (line and line + "\r\n") + f"\r\n{behind}"
        yield f"host absolute {i}", "GET http://h{t} HTTP/1.1\r\n" + (line and line + "\r\n") + f"\r\n{behind}"
    for i, line in enumerate(FIELDS):
        text = line.replace("{x}", hidden)
        yield f"field first {i}", f"GET {{t}} HTTP/1.1\r\n{text}\r\nHost: h\r\n\r\n{behind}"
        yield f"field last {i}", f"{post}Content-Length: 5\r\n{text}\r\n\r\nhello{behind}"
    for name, eol in (("lf", "\n"), ("cr", "\r"), ("cr cr lf", "\r\r\n"), ("lf cr", "\n\r")):
        plain = f"{post}Content-Length: 5\r\n\r\n"
        yield f"all lines {name}", plain.replace("\r\n", eol) + f"hello{behind}"
        for at in range(plain.count("\r\n")):
            parts = plain.split("\r\n")
            cut = "\r\n".join(parts[:at + 1]) + eol + "\r\n".join(parts[at + 1:])
            yield f"line {at} {name}", f"{cut}hello{behind}"
    for name, front in (("crlf", "\r\n"), ("two crlf", "\r\n\r\n"), ("lf", "\n"), ("nul", "\x00"), ("space", " "),
                        ("bom", "\xef\xbb\xbf"), ("tls", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
                        ("proxy", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), ("h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")):
        yield f"front {name}", f"{front}GET {{t}} HTTP/1.1\r\nHost: h\r\n\r\n{behind}"
    for cut in (1, 10, 25, 40, 60):
        yield f"cut at {cut}", f"{post}Content-Length: 5\r\n\r\nhello"[:cut]
    yield "content too short", f"{post}Content-Length: 500\r\n\r\n{hidden}"


def well_formed():
    """(name, text, requests) of every harmless case."""
    for method in METHODS:
        yield f"plain {method}", f"{method} {{t}} HTTP/1.1\r\nHost: h\r\n\r\n", 1
        yield f"1.0 {method}", f"{method} {{t}} HTTP/1.0\r\nHost: h\r\n\r\n", 1
        yield f"close {method}", f"{method} {{t}} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 1
        yield f"length {method}", f"{method} {{t}} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 1
        yield f"chunked {method}", (f"{method} {{t}} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "5\r\nhello\r\n0\r\n\r\n"), 1
        yield f"pair {method}", (f"{method} {{t}} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
                                 "GET {b} HTTP/1.1\r\nHost: h\r\n\r\n"), 2
    for path in PATHS:
        yield f"path {path}", f"GET {{t}}{path} HTTP/1.1\r\nHost: h\r\n\r\n", 1
        yield f"absolute {path}", f"GET http://h{{t}}{path} HTTP/1.1\r\nHost: h\r\n\r\n", 1
    for field in GOOD_FIELDS:
        yield f"field {field[:20]}", f"GET {{t}} HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n", 1
        yield f"post field {field[:20]}", (f"POST {{t}} HTTP/1.1\r\nHost: h\r\n{field}\r\nContent-Length: 2\r\n\r\nhi"
                                           "GET {b} HTTP/1.1\r\nHost: h\r\n\r\n"), 2
    for host in GOOD_HOSTS:
        yield f"host {host}", f"GET {{t}} HTTP/1.1\r\nHost: {host}\r\n\r\n", 1
    for length in ("0", "1", "05"):
        yield f"length {length}", (f"POST {{t}} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n"
                                   + "x" * int(length) + "GET {b} HTTP/1.1\r\nHost: h\r\n\r\n"), 2
    for body in ("1\r\na\r\n0\r\n\r\n", "A\r\n0123456789\r\n0\r\n\r\n", "1;a=b\r\na\r\n0\r\n\r\n",
                 "1\r\na\r\n000\r\n\r\n", "1\r\na\r\n0\r\nX-T: y\r\n\r\n", "0\r\n\r\n"):
        yield f"chunks {body!r}", ("POST {t} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body
                                   + "GET {b} HTTP/1.1\r\nHost: h\r\n\r\n"), 2
    yield "stray line", "\r\nGET {t} HTTP/1.1\r\nHost: h\r\n\r\n", 1


def cases():
    made = [Case(name, text, False, 1) for name, text in hostile()]
    made += [Case("well-formed: " + name, text, True, count) for name, text, count in well_formed()]
    for i, case in enumerate(made):
        text = case.raw
        for mark, letter in (("{t}", "a"), ("{b}", "b"), ("{x}", "x")):
            text = text.replace(mark, f"/c{i:04}{letter}")
        case.raw = text.encode("latin-1")
    return made


if __name__ == "__main__":
    everything = cases()
    print(sum(not case.well_formed for case in everything), "hostile,",
          sum(case.well_formed for case in everything), "well-formed")

"""Clients and upstreams for checks.py: TLS by Python's own OpenSSL on sockets that the kernel does no
TLS for, so that only Headgate's connections are in the kernel's counters."""
import hashlib
import socket
import ssl
import threading

ADDRESS = "127.0.0.1"
PATIENCE = 120  # seconds; a wait that is longer is a failure
PIECE = 64 * 1024


def pattern(size):
    """Octets that are told apart wherever they are cut or repeated."""
    block = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(2048))
    whole = block * (size // len(block) + 1)
    return memoryview(whole)[:size]


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


def terms(version="1.2", cipher=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    only = ssl.TLSVersion.TLSv1_3 if version == "1.3" else ssl.TLSVersion.TLSv1_2
    context.minimum_version = context.maximum_version = only
    if cipher:
        context.set_ciphers(cipher)
    return context


def plain(port, receive_buffer=None):
    end = socket.socket()
    end.settimeout(PATIENCE)
    if receive_buffer:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    end.connect((ADDRESS, port))
    return end


def connect(port, version="1.2", cipher=None, session=None, receive_buffer=None, context=None):
    context = context or terms(version, cipher)
    under = plain(port, receive_buffer)
    # An end without close_notify raises SSLEOFError.
    return context.wrap_socket(
        under, server_hostname="ktls.test", session=session, suppress_ragged_eofs=False)


class Response:
    """Read as HTTP/1.1 says, by Content-Length or until the end; the content only as its hash."""

    def __init__(self, end, piece=PIECE, between=None):
        head = b""
        while b"\r\n\r\n" not in head:
            more = end.recv(piece)
            if not more:
                raise EOFError("no response")
            head += more
        head, rest = head.split(b"\r\n\r\n", 1)
        self.status = int(head.split(b" ", 2)[1])
        fields = {}
        for line in head.split(b"\r\n")[1:]:
            name, value = line.split(b":", 1)
            fields[name.lower()] = value.strip()
        due = int(fields[b"content-length"]) if b"content-length" in fields else None
        content = hashlib.sha256()
        self.size = 0
        self.text = rest
        while True:
            content.update(rest)
            self.size += len(rest)
            if self.size == due:
                break
            if between:
                between()
            rest = end.recv(piece)
            if not rest:
                break
            if self.size < PIECE:
                self.text += rest
        self.hash = content.hexdigest()
        self.is_whole = due is None or self.size == due


def ask(end, path, fields="", **reading):
    end.sendall(f"GET {path} HTTP/1.1\r\nHost: ktls.test\r\n{fields}\r\n".encode())
    return Response(end, **reading)


def send(end, path, content):
    head = f"POST {path} HTTP/1.1\r\nHost: ktls.test\r\nContent-Length: {len(content)}\r\n\r\n"
    end.sendall(head.encode())
    for at in range(0, len(content), PIECE):
        end.sendall(content[at : at + PIECE])
    return Response(end)


class InHand:
    """A client whose records are in the test's hands: they can be cut, changed and invented."""

    def __init__(self, port, cipher=None):
        self.end = plain(port)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = terms("1.2", cipher).wrap_bio(self.incoming, self.outgoing)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.feed()
        self.flush()

    def feed(self):
        octets = self.end.recv(PIECE)
        if octets:
            self.incoming.write(octets)
        else:
            self.incoming.write_eof()
        return len(octets)

    def flush(self):
        self.end.sendall(self.outgoing.read())

    def record(self, octets):
        self.tls.write(octets)
        return bytearray(self.outgoing.read())

    def read(self):
        """Decrypted octets; raises what the peer's alert, or its end, is."""
        while True:
            try:
                return self.tls.read(PIECE)
            except ssl.SSLWantReadError:
                self.feed()


class Upstream(threading.Thread):
    """Serves each connection with `serve(end)`; TLS 1.2 when there is a certificate."""

    def __init__(self, serve, certificate=None, version=ssl.TLSVersion.TLSv1_2):
        super().__init__(daemon=True)
        self.serve = serve
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
            self.context.maximum_version = version
        self.listener = socket.create_server((ADDRESS, 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.seen = []
        self.start()

    def run(self):
        while True:
            end, _ = self.listener.accept()
            end.settimeout(PATIENCE)
            threading.Thread(target=self.one, args=(end,), daemon=True).start()

    def one(self, end):
        try:
            if self.context:
                end = self.context.wrap_socket(end, server_side=True, suppress_ragged_eofs=False)
            self.serve(self, end)
        except (OSError, EOFError) as error:
            self.seen.append(type(error).__name__)
        finally:
            end.close()


def read_request(end):
    """Its path, and how much of its content came, with the hash of that."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = end.recv(PIECE)
        if not more:
            raise EOFError
        head += more
    head, rest = head.split(b"\r\n\r\n", 1)
    due = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            due = int(line.split(b":")[1])
    content, size = hashlib.sha256(rest), len(rest)
    while size < due:
        more = end.recv(PIECE)
        if not more:
            break
        content.update(more)
        size += len(more)
    return head.split(b" ")[1].decode(), size, due, content.hexdigest()


def say_hash(upstream, end):
    """Answers with the hash of what was sent; keeps what came short."""
    while True:
        path, size, due, content = read_request(end)
        upstream.seen.append((path, size, due))
        if size < due:
            return
        answer = content.encode()
        end.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


def echo(upstream, end):
    """Everything back, until the end; then an end."""
    while octets := end.recv(PIECE):
        end.sendall(octets)
    upstream.seen.append("end")
    if isinstance(end, ssl.SSLSocket):
        end.unwrap()

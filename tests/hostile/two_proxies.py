"""Headgate in front of another proxy or server, fed the hostile requests of corpus.py.

    python3 tests/hostile/two_proxies.py HEADGATE [PEER[:MODEL] ...]

PEER is raw (an origin that only records; the default under each model), nginx, apache, haproxy or
node. Between Headgate and the peer every octet is recorded, and read by the strict reader of
strict.py. What has to hold:

    nothing malformed reaches the peer;
    the peer sees every request that Headgate forwards exactly once: none as two, none as fewer;
    every response answers the request it stands behind;
    no well-formed request is refused.

With HEADGATE_TEST_TLS=1 the clients speak TLS.

Prints a line for each run, and what did not hold. Exits 1 when something did not.
"""

import asyncio
import collections
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corpus  # noqa: E402
import peers   # noqa: E402
import strict  # noqa: E402

IDENTITY = re.compile(rb"c(\d{4})([abx])")
ECHO = re.compile(rb"\r\nX-Echo: [^\r\n]*?c(\d{4})([abx])", re.IGNORECASE)
AT_ONCE = 16
PATIENCE = 20

HEADGATE = """
ServerName h
Listen 127.0.0.1:{port}
ErrorLog {work}/error.log
CustomLog {work}/access.log "%{{attempts}}x %>s %r"
MaxKeepAliveRequests 0
{tls}
{sizes}
ProxyPass / http://127.0.0.1:{upstream}/
"""
SIZES = {
    "event": "",
    "worker": "ThreadsPerChild 16\nMaxRequestWorkers 16\nStartServers 1",
    "prefork": "ServerLimit 16\nStartServers 16\nMaxRequestWorkers 16",
}


TLS = """
SSLEngine On
SSLCertificateFile {0}/certificate.pem
SSLCertificateKeyFile {0}/key.pem
"""


def make_tls(work):
    """The directives of TLS and a client's context; nothing where clients are plain."""
    if not os.environ.get("HEADGATE_TEST_TLS"):
        return "", None
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "30", "-subj", "/CN=h", "-addext", "subjectAltName=DNS:h",
                    "-keyout", f"{work}/key.pem", "-out", f"{work}/certificate.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    return TLS.format(work), ssl.create_default_context(cafile=f"{work}/certificate.pem")


def identities(text):
    return [match[0].decode() for match in IDENTITY.finditer(text)]


class Recorder:
    """Listens for Headgate, writes down what it sends, and passes it on, or answers itself."""

    def __init__(self, peer_port):
        self.peer_port = peer_port
        self.recordings = []

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        recording = bytearray()
        self.recordings.append(recording)
        try:
            if self.peer_port:
                await self.relay(reader, writer, recording)
            else:
                await self.answer(reader, writer, recording)
        except (ConnectionError, strict.Malformed, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def relay(self, reader, writer, recording):
        peer_reader, peer_writer = await asyncio.open_connection("127.0.0.1", self.peer_port)

        async def up():
            while octets := await reader.read(65536):
                recording.extend(octets)
                peer_writer.write(octets)
                await peer_writer.drain()
            peer_writer.write_eof()

        async def down():
            while octets := await peer_reader.read(65536):
                writer.write(octets)
                await writer.drain()

        tasks = [asyncio.ensure_future(up()), asyncio.ensure_future(down())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done() and not tasks[1].done():
                await asyncio.wait(tasks[1:], timeout=5)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            peer_writer.close()

    async def answer(self, reader, writer, recording):
        answered = 0
        while octets := await reader.read(65536):
            recording.extend(octets)
            complete = [each for each in strict.requests_of(bytes(recording)) if each.complete]
            for request in complete[answered:]:
                length = b"" if request.method == b"HEAD" else b"ok"
                writer.write(b"HTTP/1.1 200 OK\r\nX-Echo: " + request.target
                             + b"\r\nContent-Length: 2\r\n\r\n" + length)
            answered = len(complete)
            await writer.drain()


async def talk(reader, writer, raw):
    writer.write(raw)
    writer.write_eof()
    return await reader.read(-1)


async def talk_tls(reader, writer, raw, context):
    """The same under TLS; asyncio's own cannot half-close."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = context.wrap_bio(incoming, outgoing, server_hostname="h")

    async def do(action):
        while True:
            try:
                return action()
            except ssl.SSLWantReadError:
                if outgoing.pending:
                    writer.write(outgoing.read())
                if octets := await reader.read(65536):
                    incoming.write(octets)
                else:
                    incoming.write_eof()

    await do(end.do_handshake)
    end.write(raw)
    try:
        end.unwrap()  # a close_notify, whose answer is not waited for
    except ssl.SSLWantReadError:
        pass
    writer.write(outgoing.read())
    writer.write_eof()
    output = b""
    try:
        while octets := await do(lambda: end.read(65536)):
            output += octets
    except ssl.SSLError:
        pass  # the end, announced or not
    return output


async def run_case(port, case, limit, context):
    """Sends the case, and returns all that came back; None when it never ended."""
    async with limit:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            talking = talk_tls(reader, writer, case.raw, context) if context else talk(reader, writer, case.raw)
            return await asyncio.wait_for(talking, PATIENCE)
        except ConnectionError:
            return b""
        except asyncio.TimeoutError:
            return None
        finally:
            writer.close()


class Verdict:
    def __init__(self):
        self.wrong = []

    def __call__(self, what, case=None):
        self.wrong.append(what + (f"\n        {case.name}: {case.raw[:160]!r}" if case else ""))


def read_recordings(recordings, cases, wrong):
    """Complete and incomplete requests that Headgate has sent, by the strict reader."""
    complete, incomplete = [], []
    for recording in recordings:
        try:
            for request in strict.requests_of(bytes(recording)):
                (complete if request.complete else incomplete).append(request)
        except strict.Malformed as fault:
            found = identities(bytes(recording))
            wrong(f"malformed: {fault}", cases[int(found[-1][1:5])] if found else None)
    return complete, incomplete


def compare(complete, incomplete, seen, attempts, cases, wrong):
    """What was forwarded with what the peer says that it saw. A request may be sent a second time
    when the connection of the first proved dead; the log says so, and the peer sees it once."""
    forwarded = collections.Counter(name for each in complete for name in identities(each.target)[:1])
    begun = collections.Counter(name for each in incomplete for name in identities(each.target)[:1])
    at_peer = collections.Counter(name for line in seen for name in identities(line)[:1])
    refused = sum(line == peers.REFUSED for line in seen)
    missing = [name for name in forwarded if not at_peer[name]]
    if len(missing) > refused:  # a refusal has no name
        for name in missing:
            wrong(f"{name}: forwarded, and never seen", cases[int(name[1:5])])
    for name, count in at_peer.items():
        if count > min(1, forwarded[name] + begun[name]):
            wrong(f"{name}: forwarded {forwarded[name]} times, seen {count} times", cases[int(name[1:5])])
    again = 0
    for name, count in forwarded.items():
        again += count - 1
        if count > attempts[name]:
            wrong(f"{name}: sent {count} times in {attempts[name]} attempts", cases[int(name[1:5])])
    if not len(complete) - again <= len(seen) <= len(complete) - again + len(incomplete):
        wrong(f"{len(complete)} requests forwarded (and {len(incomplete)} begun, {again} again), "
              f"{len(seen)} seen")
    return f", {refused} refused by the peer, {again} sent again over a fresh connection"


def judge_client(number, case, output, logged, forwarded, wrong):
    if output is None:
        wrong("the connection never ended", case)
        return
    echoes = [f"c{match[1].decode()}{match[2].decode()}" for match in ECHO.finditer(output)]
    if any(int(name[1:5]) != number for name in echoes):
        wrong(f"the answer to another client's request: {echoes}", case)
    if echoes != [name for name in logged if name in echoes]:
        wrong(f"answers {echoes} to the requests {logged}", case)
    if not all(name in forwarded for name in echoes):
        wrong(f"answers {echoes} to what was never forwarded", case)
    wanted = [f"c{number:04}a", f"c{number:04}b"][:case.requests]
    if case.well_formed and [name for name in logged if name in forwarded] != wanted:
        wrong(f"refused a well-formed request: {output[:60]!r}", case)


async def run(program, peer_name, model, work):
    cases = corpus.cases()
    wrong, more = Verdict(), ""
    peer = peers.Peer(peer_name, work) if peer_name != "raw" else None
    recorder = Recorder(peer.port if peer else None)
    port, upstream = peers.free_port(), await recorder.start()
    tls, context = make_tls(work)
    path = os.path.join(work, "headgate.conf")
    with open(path, "w") as file:
        file.write(HEADGATE.format(port=port, work=work, upstream=upstream, tls=tls, sizes=SIZES[model]))
    with open(os.path.join(work, "headgate.err"), "w") as error:
        proxy = subprocess.Popen([program, "-f", path, "--mpm", model], stderr=error)
    try:
        peers.wait_for_port(port, proxy)
        limit = asyncio.Semaphore(AT_ONCE)
        outputs = await asyncio.gather(*[run_case(port, case, limit, context) for case in cases])
        proxy.terminate()
        if await asyncio.to_thread(proxy.wait) != 0:
            wrong(f"headgate ended with {proxy.returncode}")
        recorder.server.close()
        await asyncio.sleep(0)
    finally:
        if proxy.poll() is None:
            proxy.kill()
        if peer:
            peer.stop()

    complete, incomplete = read_recordings(recorder.recordings, cases, wrong)
    attempts = collections.Counter()
    log = collections.defaultdict(list)
    with open(os.path.join(work, "access.log"), "rb") as file:
        for line in file:
            for name in identities(line)[:1]:
                log[int(name[1:5])].append(name)
                attempts[name] += int(line.split()[0].replace(b"-", b"0"))
    if peer:
        more = compare(complete, incomplete, peer.seen(), attempts, cases, wrong)
    forwarded = {name for each in complete for name in identities(each.target)[:1]}
    for number, (case, output) in enumerate(zip(cases, outputs)):
        judge_client(number, case, output, log[number], forwarded, wrong)
    hostile = sum(not case.well_formed for case in cases)
    print(f"{peer_name:8} {model:8} {'TLS' if context else 'plain':5} {hostile} hostile cases, {len(cases) - hostile} well-formed: "
          f"{len(complete)} requests forwarded, {len(incomplete)} begun and broken off{more}; "
          f"{len(wrong.wrong)} wrong", flush=True)
    for each in wrong.wrong[:40]:
        print("    " + each, flush=True)
    return not wrong.wrong


def is_malformed(raw):
    try:
        strict.requests_of(raw)
        return False
    except strict.Malformed:
        return True


def check_instruments():
    """A reader that sees nothing, or a corpus that is harmless, would prove nothing."""
    cases = corpus.cases()
    bad = sum(is_malformed(case.raw) for case in cases if not case.well_formed)
    hostile = sum(not case.well_formed for case in cases)
    if bad < 500 or hostile < 500 or len(cases) - hostile < 100:
        raise SystemExit(f"the strict reader refuses only {bad} of {hostile} hostile cases")


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    check_instruments()
    chosen = sys.argv[2:] or ["raw:event", "raw:worker", "raw:prefork"] + list(peers.NAMES)
    good = True
    for each in chosen:
        peer, _, model = each.partition(":")
        work = tempfile.mkdtemp(prefix="headgate-hostile-")
        os.chmod(work, 0o755)
        good = asyncio.run(run(sys.argv[1], peer, model or "event", work)) and good
        if good and not os.environ.get("KEEP"):
            shutil.rmtree(work)
        elif not good:
            print(f"    kept: {work}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

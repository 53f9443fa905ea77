"""Faults of the network, in a network namespace of its own: clients that vanish, packets that are
lost."""

import asyncio
import collections
import shutil
import subprocess
import time

import rig as rigs

# No ARP, no address and no reset: the packets of 127.0.0.2 go nowhere, both ways.
VANISHED = "127.0.0.2"
LIMITS = "Timeout 3\nKeepAliveTimeout 3\nRequestReadTimeout header=3 body=3\n"


def packets(*rules):
    """Has nftables treat incoming packets like this."""
    if not shutil.which("nft"):
        raise RuntimeError("nft is not installed: sh docker/install.sh test")
    text = "flush ruleset\ntable ip faults { chain input { type filter hook input priority 0\n"
    text += "".join(rule + "\n" for rule in rules) + "}\n}\n"
    subprocess.run(["nft", "-f", "-"], input=text.encode(), check=True)


class Vanishing:
    """A client that comes as far as its phase says, and is never heard of again."""

    PHASES = {
        "idle": b"",
        "half a head": b"GET / HTTP/1.1\r\nHo",
        "half an upload": b"POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nxxx",
        "waiting": rigs.request("/hold"),
        "downloading": rigs.request("/octets/8000000"),
        "between requests": rigs.request("/first"),
    }

    @classmethod
    async def start(cls, port, phase):
        self = cls()
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=(VANISHED, 0), limit=4096)
        self.writer.write(cls.PHASES[phase])
        if phase == "between requests":
            await rigs.read_message(self.reader)
        if phase == "downloading":
            await self.reader.readuntil(b"\r\n\r\n")
        return self


def held(port):
    """Connections with the vanished that a process still has: the kernel's own have no inode."""
    with open("/proc/net/tcp") as file:
        lines = [line.split() for line in file][1:]
    return sum(1 for line in lines if line[1].endswith(f":{port:04X}") and
               line[2].startswith("0200007F") and line[9] != "0")


async def clients_vanish(rig):
    """Clients whose packets are dropped from one moment on, some in each phase: others are served
    meanwhile, and what the vanished held is let go within the timeouts."""
    origin = await rigs.Origin().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/\n" + LIMITS)
    each = 5
    clients = await asyncio.gather(*(Vanishing.start(proxy.port, phase)
                                     for phase in Vanishing.PHASES for _ in range(each)))
    await rigs.until(lambda: origin.holding == each and held(proxy.port) == len(clients), 5)
    before = held(proxy.port)
    packets(f"ip saddr {VANISHED} drop", f"ip daddr {VANISHED} drop")
    load = rig.load(proxy)
    began = time.monotonic()
    await asyncio.sleep(1)
    origin.release()
    gone = await rigs.until(lambda: held(proxy.port) == 0, 20)
    took = time.monotonic() - began
    await load.stop()
    rig.note(f"{len(clients)} vanished, held for {took:.1f} s")
    rig.expect(before == len(clients), f"only {before} came as far as they should")
    rig.expect(gone, f"{held(proxy.port)} connections are still held")
    rig.expect_soon(load.slowest, "another client's request waited")


async def loss(rig):
    """One packet of twenty is lost, everywhere: downloads, uploads and short exchanges are slow, and
    all of them whole and right."""
    origin = await rigs.Origin().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/")
    packets("numgen random mod 20 0 counter drop")
    load = rig.load(proxy, clients=4, patience=60)
    outcomes, tries = collections.Counter(), 20 if rig.quick else 40
    content = bytes(range(256)) * 800

    async def short(number):
        outcome, answer = await rigs.ask(proxy.port, rigs.request(f"/short/{number}"), 60)
        return outcome if answer == f"/short/{number}".encode() else "not right: " + outcome

    async def down(number):
        outcome, answer = await rigs.ask(proxy.port, rigs.request("/octets/200000"), 60)
        return outcome if answer == b"x" * 200_000 else "not right: " + outcome

    async def up(number):
        outcome, answer = await rigs.ask(proxy.port, rigs.request(f"/up/{number}", content), 60)
        return outcome if answer == content else "not right: " + outcome

    began = time.monotonic()
    for outcome in await asyncio.gather(
            *(kind(number) for number in range(tries) for kind in (short, down, up))):
        outcomes[outcome] += 1
    listing = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout
    dropped = int(listing.split("packets ")[1].split()[0])
    packets()
    await load.stop()
    rig.note(f"{dict(outcomes)} in {time.monotonic() - began:.1f} s, {dropped} packets lost")
    rig.expect(set(outcomes) == {"200"}, f"not all went well: {dict(outcomes)}")
    rig.expect(dropped > 0, "no packet was lost")

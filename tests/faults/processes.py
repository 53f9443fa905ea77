"""Faults of processes: children and the supervisor are killed; the wall clock jumps."""

import asyncio
import collections
import glob
import os
import signal
import time

import rig as rigs


# What happens to the connections of a child that is killed.
LOST = ("reset", "unanswered", "incomplete")


async def kill(rig, rounds, pause, victims, most):
    """SIGKILL for victims(children), so many rounds, under load: `most` requests may be lost, nobody
    is refused, no answer is wrong, and service is back within a second."""
    proxy = await rig.proxy("")
    load = rig.load(proxy, may=dict.fromkeys(LOST, most))
    kills = []
    for _ in range(rounds):
        await asyncio.sleep(pause)
        kills.append(time.monotonic())
        for child in victims(proxy.children()):
            os.kill(child, signal.SIGKILL)
    await asyncio.sleep(1.5)
    await load.stop()
    for at in kills[:-1]:
        rig.expect_soon(load.back_after(at), "service was away for a second")
    rig.expect_back(load, kills[-1])
    rig.note(f"{rounds} times, {load.failed} requests lost")
    rig.expect(load.failed <= most, "more was lost than was under way")


async def child_killed(rig):
    """One child after the other gets SIGKILL: only its own connections are lost."""
    rounds = 5 if rig.quick else 12
    # A child of prefork has one connection; of the others it may have all eight.
    each = 1 if rig.model == "prefork" else 8
    await kill(rig, rounds, 0.2, lambda children: children[:1], rounds * each)


async def all_children_killed(rig):
    """Every child gets SIGKILL at the same time."""
    rounds = 2 if rig.quick else 5
    await kill(rig, rounds, 0.7, lambda children: children, rounds * 8)


def is_alive(pid):
    """Neither gone nor a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def supervisor_killed(rig):
    """The supervisor gets SIGKILL under load: its children finish what they have and end; a new start
    binds the address at once. Until it does, clients may be refused, and connections that nobody had
    accepted, or that were idle, end; no exchange is cut."""
    origin = await rigs.Origin().start()
    rules = f"ProxyPass / http://127.0.0.1:{origin.port}/\nGracefulShutdownTimeout 10"
    proxy = await rig.proxy(rules)
    children = proxy.children()
    many = 10 ** 6
    load = rig.load(proxy, may={"refused": many, "reset": many, "unanswered": 8})
    held = [asyncio.ensure_future(rigs.ask(proxy.port, rigs.request("/hold"))) for _ in range(5)]
    await rigs.until(lambda: origin.holding == 5, 10)
    await asyncio.sleep(0.5)
    proxy.is_to_run = False
    proxy.process.kill()
    proxy.process.wait()
    killed = time.monotonic()
    again = await rig.proxy(rules, port=proxy.port)
    # Children of the one that was killed may have answered meanwhile.
    listens = await rigs.until(lambda: rig.said().count("listening on") == 2, 5)
    took = time.monotonic() - killed
    rig.note(f"a new start listened after {took * 1000:.0f} ms")
    rig.expect(listens, "the new start does not listen")
    rig.expect_soon(took, "the address was not free at once")
    await asyncio.sleep(1.5)
    alive = sum(map(is_alive, children))
    origin.release()
    outcomes = collections.Counter([(await each)[0] for each in held])
    gone = await rigs.until(lambda: not any(map(is_alive, children)), 10)
    await load.stop()
    rig.expect_back(load, killed)
    rig.expect(alive > 0, "the children did not wait for what they had")
    rig.expect(outcomes == {"200": 5}, f"exchanges under way: {dict(outcomes)}")
    rig.expect(gone, "children stay without their supervisor")
    rig.expect(again.is_running() and again.children(), "the new start did not last")


LIBRARY = "/usr/lib/*/faketime/libfaketime.so.1"


async def clock_jumps(rig):
    """CLOCK_REALTIME jumps by years, forth and back, under load; what runs on the monotonic clock
    must not notice, and the log must show the new time."""
    libraries = glob.glob(LIBRARY)
    if not libraries:
        raise RuntimeError("libfaketime is not installed: sh docker/install.sh test")
    clock = os.path.join(rig.work, "clock")

    def jump(offset):
        with open(clock + ".new", "w") as file:
            file.write(offset + "\n")
        os.chmod(clock + ".new", 0o644)
        os.rename(clock + ".new", clock)

    jump("+0")
    origin = await rigs.Origin().start()
    proxy = await rig.proxy(
        f"ProxyPass / http://127.0.0.1:{origin.port}/\nKeepAliveTimeout 30",
        {"LD_PRELOAD": libraries[0], "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": "1",
         "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    children = proxy.children()
    idle = await asyncio.open_connection("127.0.0.1", proxy.port)
    await rigs.ask_on(*idle, rigs.request("/idle"))
    load = rig.load(proxy, clients=4, patience=3)
    for offset in ("+3650d", "-3650d", "+1d", "-1h", "+0"):
        jump(offset)
        await asyncio.sleep(0.6)
    outcome, _ = await rigs.ask_on(*idle, rigs.request("/idle"))
    await load.stop()
    with open(os.path.join(rig.work, "access.log")) as file:
        seconds = [int(line.split(" at=")[1].split(" ")[0]) for line in file]
    jumped = max(seconds) - min(seconds)
    rig.note(f"times of the log {jumped // 86400} days apart")
    rig.expect(jumped > 7200 * 86400, "the clock did not jump")
    rig.expect(outcome == "200", f"an idle connection was {outcome}")
    rig.expect_soon(load.slowest, "a request waited for the clock")
    rig.expect(set(children) <= set(proxy.children()), "a child ended")

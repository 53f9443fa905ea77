"""Faults of processes: all children killed at once; the wall clock jumps."""

import asyncio
import glob
import os
import signal
import time

import rig as rigs


async def all_children_killed(rig):
    """Every child gets SIGKILL at the same time, five times, under load. Only exchanges under way
    are lost, nobody is refused, and service is back within a second."""
    origin = await rigs.Origin().start()
    proxy = await rig.proxy(f"ProxyPass / http://127.0.0.1:{origin.port}/")
    clients, rounds = 8, 2 if rig.quick else 5
    load = rigs.Load(proxy.port, clients)
    kills = []
    for _ in range(rounds):
        await asyncio.sleep(0.7)
        kills.append(time.monotonic())
        for child in proxy.children():
            os.kill(child, signal.SIGKILL)
    await asyncio.sleep(1.5)
    await load.stop()
    slowest = max(load.back_after(kill) for kill in kills)
    rig.note(f"{load.asked} requests, {load.failures()}, back after {slowest * 1000:.0f} ms")
    rig.expect_soon(slowest, "service was away for a second")
    rig.expect(load.failed <= clients * rounds, "more was lost than was under way")
    rig.expect(load.outcomes["refused"] == 0, "a connection was refused")
    rig.expect(load.outcomes["wrong"] + load.outcomes["late"] == 0, "an answer was wrong or late")


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
    load = rigs.Load(proxy.port, 4, patience=3)
    for offset in ("+3650d", "-3650d", "+1d", "-1h", "+0"):
        jump(offset)
        await asyncio.sleep(0.6)
    outcome, _ = await rigs.ask_on(*idle, rigs.request("/idle"))
    await load.stop()
    with open(os.path.join(rig.work, "access.log")) as file:
        seconds = [int(line.split(" at=")[1].split(" ")[0]) for line in file]
    jumped = max(seconds) - min(seconds)
    rig.note(f"{load.asked} requests, {load.failures()}, slowest {load.slowest * 1000:.0f} ms, "
             f"times of the log {jumped // 86400} days apart")
    rig.expect(jumped > 7200 * 86400, "the clock did not jump")
    rig.expect(load.failed == 0, "a request failed")
    rig.expect(outcome == "200", f"an idle connection was {outcome}")
    rig.expect_soon(load.slowest, "a request waited for the clock")
    rig.expect(set(children) <= set(proxy.children()), "a child ended")

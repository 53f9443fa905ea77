"""Faults of the logs: no room on their disk, a file that cannot grow, a FIFO that nobody reads, a name
that is gone. Requests never wait for a log, and none fails."""

import asyncio
import os
import signal
import subprocess
import time

import rig as rigs


async def disk_full(rig):
    """The disk of the logs is full: requests go on, lost lines are counted; when there is room again
    lines are written again."""
    disk = os.path.join(rig.work, "disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    os.chmod(disk, 0o777)
    proxy = await rig.proxy("", logs=disk)
    load = rig.load(proxy)
    full = await rigs.until(lambda: os.statvfs(disk).f_bavail == 0, 30)
    lost, asked, ends = 0, load.asked, time.monotonic() + 10
    while lost < 100 and time.monotonic() < ends:
        await asyncio.sleep(0.1)
        lost, asked = await proxy.status("LogLinesLost"), load.asked
    path = os.path.join(disk, "access.log")
    os.truncate(path, 0)
    written = await rigs.until(lambda: os.path.getsize(path) > 0, 5)
    await load.stop()
    subprocess.run(["umount", "--lazy", disk], check=True)  # or the folder could not be removed
    rig.note(f"{lost:.0f} lines lost of {asked}")
    rig.expect(full, "the disk was not full")
    rig.expect_soon(load.slowest, "a request waited for the disk")
    rig.expect(lost >= 100, "lost lines were not counted")
    rig.expect(written, "nothing was written when there was room again")


async def lose_lines(rig, path, at_least):
    """A second access log at `path` takes nothing: requests go on, lost lines are counted and said."""
    proxy = await rig.proxy(f'CustomLog {path} "%r %{{X-Padding}}i"')
    load = rig.load(proxy)
    padding = "X-Padding: " + "x" * 4000 + "\r\n"
    lost, ends = 0, time.monotonic() + 10
    while lost < at_least and time.monotonic() < ends:
        await asyncio.gather(*(rigs.ask(proxy.port, rigs.request("/load/padded", fields=padding))
                               for _ in range(8)))
        lost = await proxy.status("LogLinesLost")
    said = await rigs.until(lambda: f" lines of {path} were lost" in proxy.errors(), 5)
    await asyncio.sleep(0.5)
    await load.stop()
    with open(os.path.join(rig.work, "access.log")) as file:
        written = sum(1 for _ in file)
    rig.note(f"{lost:.0f} lines lost, {written} written to the log beside it")
    rig.expect(lost >= at_least, "lost lines were not counted")
    rig.expect(said, "the error log does not say it")
    rig.expect_soon(load.slowest, "a request waited for a log")


async def cannot_grow(rig):
    """/dev/full: no write ever succeeds."""
    await lose_lines(rig, "/dev/full", 200)


async def fifo_blocked(rig):
    """A FIFO that takes 64 KiB, and that nobody reads."""
    path = os.path.join(rig.work, "fifo")
    os.mkfifo(path)
    os.chmod(path, 0o666)
    await lose_lines(rig, path, 200)


async def deleted(rig):
    """The name of the access log goes away under load: requests go on, and no file of that name comes
    back before a reload, which makes a new one that is written."""
    proxy = await rig.proxy("")
    load = rig.load(proxy)
    path = os.path.join(rig.work, "access.log")
    await asyncio.sleep(0.3)
    os.unlink(path)
    await asyncio.sleep(1)
    came_back = os.path.exists(path)
    proxy.process.send_signal(signal.SIGUSR1)
    written = await rigs.until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, 10)
    await load.stop()
    rig.expect(not came_back, "the file came back by itself")
    rig.expect(written, "a reload did not open a new one")
    rig.expect_soon(load.slowest, "a request waited for a log")

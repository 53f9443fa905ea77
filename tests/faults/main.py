"""One fault under one model: python3 tests/faults/main.py HEADGATE NAME MODEL [quick]

Prints one line, beginning with `survived`, `FAILED` or `skipped`; exits 1 when it failed. A fault
of the network, of mounts or of the name server is made in a network and mount namespace of its own:
main.py enters it by itself, so that no fault can reach the machine. `main.py --list` prints the names.
"""

import asyncio
import logging
import os
import subprocess
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import breaks     # noqa: E402
import clients    # noqa: E402
import logs       # noqa: E402
import names      # noqa: E402
import network    # noqa: E402
import processes  # noqa: E402
import resources  # noqa: E402
import rig        # noqa: E402
import reuse      # noqa: E402

# Name, what it is, whether it needs namespaces.
FAULTS = (
    ("child-killed", processes.child_killed, "here"),
    ("all-children-killed", processes.all_children_killed, "here"),
    ("supervisor-killed", processes.supervisor_killed, "here"),
    ("dies-in-head", breaks.in_head, "here"),
    ("dies-in-content", breaks.in_content, "here"),
    ("dies-when-idle", reuse.dies_when_idle, "here"),
    ("dies-at-reuse", reuse.dies_at_reuse, "here"),
    ("dns-gone", names.gone, "apart"),
    ("dns-flapping", names.flapping, "apart"),
    ("dns-malformed", names.malformed, "apart"),
    ("descriptors", resources.descriptors, "here"),
    ("slots", resources.slots, "here"),
    ("memory", resources.memory, "here"),
    ("ports", resources.ports, "apart"),
    ("disk-full", logs.disk_full, "apart"),
    ("log-cannot-grow", logs.cannot_grow, "here"),
    ("log-fifo-blocked", logs.fifo_blocked, "here"),
    ("log-deleted", logs.deleted, "here"),
    ("clock-jumps", processes.clock_jumps, "here"),
    ("clients-leave", clients.leave, "here"),
    ("clients-vanish", network.clients_vanish, "apart"),
    ("one-octet-segments", clients.octet_by_octet, "here"),
    ("loss", network.loss, "apart"),
)


async def run(headgate, name, model, quick):
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it warns of peers that are gone
    fault = {each: function for each, function, _ in FAULTS}[name]
    a_rig = rig.Rig(headgate, model, quick)
    try:
        async with asyncio.timeout(100):
            await fault(a_rig)
            await a_rig.judge_loads()
    except Exception as error:  # the line has to be printed, and the proxy has to end
        where = traceback.extract_tb(error.__traceback__)[-1]
        a_rig.missed.append(f"{type(error).__name__} {error} ({where.filename}:{where.lineno})")
    a_rig.end()
    verdict = "FAILED  " if a_rig.missed else "survived"
    text = " ".join("; ".join(a_rig.missed + a_rig.notes).split())  # in one line
    print(f"{verdict} {name:20} {model:8} {text}", flush=True)
    return 1 if a_rig.missed else 0


def main():
    if sys.argv[1:] == ["--list"]:
        for name, _, where in FAULTS:
            print(name)
        return 0
    headgate, name, model = sys.argv[1:4]
    where = {each: where for each, _, where in FAULTS}[name]
    if where == "apart" and "apart" not in sys.argv[4:]:
        return go_apart(name, model)
    return asyncio.run(run(os.path.abspath(headgate), name, model, "quick" in sys.argv[4:]))


def go_apart(name, model):
    """Becomes the same program in namespaces of its own. Returns only where there are none."""
    unshare = ["unshare", "--net", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    if subprocess.run(unshare + ["ip", "link", "set", "lo", "up"], capture_output=True).returncode:
        print(f"skipped  {name:20} {model:8} no namespaces here, or no iproute2", flush=True)
        return 0
    then = 'ip link set lo up && exec "$@"'
    sys.stdout.flush()
    os.execvp("unshare", unshare + ["sh", "-c", then, "sh", sys.executable] + sys.argv + ["apart"])


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # connections that are still open need no goodbye

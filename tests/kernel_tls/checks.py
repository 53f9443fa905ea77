"""What Headgate does with a kernel that does TLS for it: run by `init` in the machine of run.sh.
Prints PASS or FAIL and what was looked at, a line each; the status is 0 when all passed.

`checks.py --modules` prints the files of Python that it needs."""
import sys
import traceback

import peers  # noqa: for --modules


def main():
    import handing_over, ends, rig  # in this order; rig begins with the upstreams

    proxy = rig.start()
    failed = 0
    for words, function in rig.checks:
        try:
            more = function()
            print(f"PASS {words}" + (f" ({more})" if more else ""), flush=True)
        except Exception as error:  # whatever it is, the next one is tried
            failed += 1
            print(f"FAIL {words}: {type(error).__name__}: {error}", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
    if failed:
        print(rig.log()[-3000:], flush=True)
    proxy.terminate()
    proxy.wait(60)
    return 1 if failed else 0


def modules():
    import functools, re, ssl, subprocess  # of the others here
    import encodings.idna, encodings.ascii, encodings.latin_1  # noqa: loaded when they are needed
    import linecache, tokenize  # of tracebacks
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.startswith("/usr/lib"):
            print(file)


if __name__ == "__main__":
    sys.exit(modules() if sys.argv[1:] == ["--modules"] else main())

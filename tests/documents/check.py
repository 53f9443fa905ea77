#!/usr/bin/env python3
"""Holds the documents against the tree and the program.

    tests/documents/check.py build/release/headgate

In every *.md of the tree: files that are named exist, directives are known to `headgate -L`, numbers
of messages to `headgate explain`, long options to `headgate --help`; a folder's README knows all of
the folder's sources. Every directive's help says something by itself. The configurations that are
shipped load.
"""
import pathlib
import re
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("conf", "docker", "mpm", "proxy", "tests", "upstream")
# Where a document may mean a path to begin, beside its own folder.
ROOMS = ("", "tests", "proxy")
SHIPPED = ("conf/quickstart/headgate.conf", "docker/headgate.conf")
# Words of the documents that look like directives: limits of systemd, flags of sockets, names.
NO_DIRECTIVES = {"LimitDATA"}
# Others' options, which documents name as well.
OTHERS_OPTIONS = {"--http1.0", "--health-cmd", "--rm", "--all", "--quick", "--tunnels", "--preset"}

NAMES = {path.name for folder in FOLDERS for path in (TREE / folder).rglob("*")}
program = str(pathlib.Path(sys.argv[1]).resolve())
problems = []


def run(*arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, cwd=TREE)
    return done.returncode, done.stdout + done.stderr


def quoted(text):
    """What stands in `backquotes`, and what links lead to."""
    return re.findall(r"`([^`\n]+)`", text) + re.findall(r"\]\(([^)\s]+)\)", text)


def exists(name, document):
    name = name.rstrip("/.")
    if "/" not in name and name in NAMES:
        return True
    for room in (document.parent, *(TREE / room for room in ROOMS)):
        if any(room.glob(name)) or any(room.glob(name + ".*")):
            return True
    return False


def check_files(document, text):
    named = re.findall(r"(?<![\w./])(?:%s)/[\w./*-]+" % "|".join(FOLDERS), text)
    named += [word for words in quoted(text) for word in words.split()
              if re.fullmatch(r"[\w./*-]+\.(?:h|cpp|sh|py|md|conf|txt|yaml)", word)]
    for name in set(named):
        if name.startswith("/") or name in ("site.conf",):  # a file of the reader's
            continue
        if not exists(name, document) and run("explain", name)[0] != 0:
            yield f"no file {name}"


def directives_in(text):
    """First words of lines of configurations, and words in backquotes that look like one."""
    for block in re.findall(r"```apache\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            found = re.match(r"\s*<?(\w+)", line)
            if found and not line.lstrip().startswith(("#", "</")):
                yield found.group(1)
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    known_form = r"\b(?:SSL|Proxy|RemoteIP|Limit|ThreadsPer|MaxConn)[A-Z]?[a-z]\w+(?!\w|\.\.\.)"
    yield from re.findall(known_form, prose)


def check_folder(document, text):
    """Each file of a folder stands in its README: by its name, a type's, or what it is a part of."""
    for source in (*document.parent.glob("*.h"), *document.parent.glob("*.cpp")):
        words = source.stem.split("_")
        parts = {"_".join(words[:count]) for count in range(1, len(words) + 1)}
        names = parts | {"".join(word.capitalize() for word in words)}
        if not any(re.search(r"\b%s\b" % re.escape(name), text) for name in names):
            yield f"{source.name} is not in it"


def check_directives(text, known):
    for name in set(directives_in(text)) - NO_DIRECTIVES:
        if name.lower() not in known and name[0].isupper():
            yield f"no directive {name}"


def check_numbers(text, numbers):
    for number in set(re.findall(r"\bHG\d{4}\b", text)) - numbers:
        yield f"no message {number}"


def check_options(text, help_text):
    for words in quoted(text):
        if re.search(r"\bheadgate\b", words) or words.startswith("-"):
            for option in set(re.findall(r"(?<!\S)--[a-z][\w.-]*", words)) - OTHERS_OPTIONS:
                if not re.search(re.escape(option) + r"\b", help_text):
                    yield f"no option {option}"


def check_helps(names):
    for name in names:
        status, text = run("-L", name)
        lines = text.splitlines()
        told = " ".join(line.strip() for line in lines[1:] if line.startswith("    "))
        told = re.sub(r"(default|allowed in): .*", "", told).strip()
        if status != 0 or len(told) < 12 or not told.endswith("."):
            problems.append(f"headgate -L {name} says too little: {told!r}")
        if told.startswith("The same") or told == "Only Off.":
            problems.append(f"headgate -L {name} cannot be read by itself: {told!r}")


def main():
    listed = [re.match(r"<?(\w+)", line).group(1) for line in run("-L")[1].splitlines()]
    known = {name.lower() for name in listed}
    numbers = set(re.findall(r"HG\d{4}", run("explain")[1]))
    help_text = run("--help")[1]
    if len(known) < 100 or len(numbers) < 20:
        problems.append("the program's own lists are too short to be believed")
    documents = [path for path in TREE.rglob("*.md")
                 if path.relative_to(TREE).parts[0] != "build"]
    if len(documents) < 10:
        problems.append("too few documents were found")
    for document in documents:
        text = document.read_text()
        for problem in (*check_folder(document, text), *check_files(document, text),
                        *check_directives(text, known), *check_numbers(text, numbers),
                        *check_options(text, help_text)):
            problems.append(f"{document.relative_to(TREE)}: {problem}")
    check_helps(listed)
    for number in numbers:
        if run("explain", number)[0] != 0:
            problems.append(f"headgate explain {number} fails")
    for configuration in SHIPPED:
        status, text = run("-t", "-f", configuration)
        if status != 0 or "warning" in text:
            problems.append(f"{configuration}: {text}")
    for problem in sorted(set(problems)):
        print(problem)
    print(f"{len(documents)} documents, {len(listed)} directives, {len(numbers)} messages: "
          f"{len(set(problems))} problems")
    return 1 if problems else 0


sys.exit(main())

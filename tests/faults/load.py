"""The load that runs beside every fault: clients that ask, judge the answer, and ask again.

Short and long contents, by length and chunked, downloads and uploads; half of the clients keep their
connection for some requests, half take one for each. An answer is "200" only when each of its octets
is right; `wrong` is what must never happen, whatever breaks.
"""

import asyncio
import collections
import itertools
import time

import messages

UPLOAD = bytes(range(256)) * 80
KEPT_FOR = 20  # requests on a connection, so that those who wait for a slot get one

# Method, what follows the prefix, content sent, content expected (None: the name of the origin and
# the target).
KINDS = (
    ("GET", "/short", b"", None),
    ("GET", "/octets/50000", b"", b"x" * 50_000),
    ("GET", "/chunked/50000", b"", b"x" * 50_000),
    ("POST", "/up", UPLOAD, UPLOAD),
)


class Load:
    """Runs until stop(). `outcomes` counts how it went: the status, or wrong, refused, reset,
    unanswered, incomplete, late. `kept_for` is how many requests a connection that is kept serves;
    `source` makes local addresses, where they must not be the
    kernel's choice."""

    def __init__(self, port, clients=8, pause=0.01, prefix="/load", patience=messages.PATIENCE,
                 kinds=KINDS, source=lambda: None, kept_for=KEPT_FOR):
        self.port, self.pause, self.patience, self.source = port, pause, patience, source
        self.works = itertools.cycle([(*each, prefix + each[1]) for each in kinds])
        self.outcomes = collections.Counter()
        self.answers = []  # (when, outcome, seconds it took)
        self.ended = False
        self.tasks = [asyncio.ensure_future(self.run(kept_for if number % 2 else 1))
                      for number in range(clients)]

    async def run(self, most):
        """One client, with up to so many requests on a connection."""
        connection, used = None, 0
        while not self.ended:
            began = time.monotonic()
            outcome, connection = await self.ask_one(connection, used + 1 < most)
            used = used + 1 if connection else 0
            now = time.monotonic()
            self.outcomes[outcome] += 1
            self.answers.append((now, outcome, now - began))
            await asyncio.sleep(self.pause)
        if connection:
            connection[1].close()

    async def ask_one(self, connection, is_kept):
        """The outcome, and the connection if it can be used again."""
        method, _, content, expected, target = next(self.works)
        fields = "" if is_kept else "Connection: close\r\n"
        try:
            async with asyncio.timeout(self.patience):
                connection = connection or await asyncio.open_connection(
                    "127.0.0.1", self.port, local_addr=self.source())
                connection[1].write(messages.request(target, content, fields, method))
                message = await messages.read_message(connection[0])
            outcome = self.judge(message, expected, target)
            is_kept = is_kept and message and b"connection: close" not in message[0].lower()
        except (OSError, asyncio.IncompleteReadError) as error:
            outcome, is_kept = name_of(error), False
        if connection and not is_kept:
            connection[1].transport.abort() if outcome == "late" else connection[1].close()
        return outcome, connection if is_kept else None

    @staticmethod
    def judge(message, expected, target):
        if message is None:
            return "unanswered"
        status = message[0].split(b" ")[1].decode()
        is_right = (message[1] == expected if expected is not None
                    else message[1].endswith(target.encode()))
        return "wrong" if status == "200" and not is_right else status

    async def stop(self):
        self.ended = True
        await asyncio.gather(*self.tasks)
        return self

    @property
    def asked(self):
        return sum(self.outcomes.values())

    @property
    def failed(self):
        return self.asked - self.outcomes["200"]

    @property
    def slowest(self):
        return max((took for _, _, took in self.answers), default=0.0)

    def back_after(self, moment):
        """Seconds from this moment to the first request answered well that was asked after it."""
        return min((when - moment for when, outcome, took in self.answers
                    if outcome == "200" and when - took >= moment), default=float("inf"))

    def failed_after(self, moment):
        """How those went that were asked later than this and not answered well."""
        return dict(collections.Counter(outcome for when, outcome, took in self.answers
                                        if outcome != "200" and when - took > moment))

    def failures(self):
        return ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items())
                         if outcome != "200") or "none failed"


def name_of(error):
    if isinstance(error, asyncio.IncompleteReadError):
        return "incomplete"
    if isinstance(error, TimeoutError):
        return "late"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "reset" if isinstance(error, ConnectionError) else "no socket"

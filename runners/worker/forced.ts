/* What a replay forces on a program, so that two runs that differ without it agree, or two runs that
 * agree differ by the one thing that was changed: where random numbers begin, and what time it is.
 *
 * It is a `sitecustomize.py`, first on PYTHONPATH, which every Python reads before the program: the
 * program itself stays as it is. A program that seeds its numbers is not touched by it. Time goes on
 * by a fixed step each time that it is asked for. Not touched: programs that are not Python, Python
 * with -I or -S, time.monotonic (timeouts would never come), and clocks that compiled code reads. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TrialWork } from '../../api/attempts.ts'
import { emptyFolder } from '../remove-folder.ts'

type Forced = NonNullable<TrialWork['forced']>

/** Writes the folder; answers what it adds to an order. */
export async function writeForced(
  folder: string,
  { seed, clock }: Forced,
): Promise<{ forced: string; env: Record<string, string> }> {
  await emptyFolder(folder)
  await writeFile(join(folder, 'sitecustomize.py'), SCRIPT, { mode: 0o644 })
  const env = {
    KAOS_SEED: String(seed),
    KAOS_CLOCK: String(Date.parse(clock) / 1000),
    PYTHONHASHSEED: String(seed),
  }
  return { forced: folder, env }
}

const SCRIPT = `"""Read before the program by a replay of kaos: forces seeds and clocks."""

import os
import sys

STEP = 1_000_000  # nanoseconds by which a clock goes on whenever it is read


def force_seeds(seed):
    import hashlib

    drawn = 0

    def urandom(size, flags=0):
        nonlocal drawn
        out = b""
        while len(out) < size:
            drawn += 1
            out += hashlib.sha256(b"%d %d" % (seed, drawn)).digest()
        return out[:size]

    os.urandom = urandom
    if hasattr(os, "getrandom"):
        os.getrandom = urandom
    import random

    random._urandom = urandom
    plain = random.Random.seed

    def seeded(self, a=None, version=2):
        plain(self, int.from_bytes(urandom(8), "big") if a is None else a, version)

    random.Random.seed = seeded
    random.seed = random._inst.seed
    random.seed(seed)


def force_clock(start):
    import _thread
    import time

    passed = 0
    turn = _thread.allocate_lock()

    def go(nanoseconds=STEP):
        nonlocal passed
        with turn:
            passed += nanoseconds
            return passed

    def now():
        return (start + go()) / 1e9

    def beginning_now(plain):
        return lambda seconds=None: plain(now() if seconds is None else seconds)

    local, asctime, strftime, sleep = time.localtime, time.asctime, time.strftime, time.sleep

    def slept(seconds):
        sleep(seconds)
        go(int(seconds * 1e9))

    time.time, time.time_ns, time.sleep = now, lambda: start + go(), slept
    for name in ("perf_counter", "process_time", "thread_time"):
        setattr(time, name, lambda: go() / 1e9)
        setattr(time, name + "_ns", go)
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, beginning_now(getattr(time, name)))
    time.asctime = lambda t=None: asctime(local(now()) if t is None else t)
    time.strftime = lambda form, t=None: strftime(form, local(now()) if t is None else t)
    force_dates(now)


def force_dates(now):
    import datetime as dates

    class Kind(type):
        def __instancecheck__(cls, one):
            return isinstance(one, cls.plain) if "plain" in vars(cls) else super().__instancecheck__(one)

        def __subclasscheck__(cls, other):
            return issubclass(other, cls.plain) if "plain" in vars(cls) else super().__subclasscheck__(other)

    class date(dates.date, metaclass=Kind):
        plain = dates.date

        @classmethod
        def today(cls):
            return cls.fromtimestamp(now())

    class datetime(dates.datetime, metaclass=Kind):
        plain = dates.datetime

        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(now(), tz)

        @classmethod
        def today(cls):
            return cls.fromtimestamp(now())

        @classmethod
        def utcnow(cls):
            return cls.fromtimestamp(now(), dates.timezone.utc).replace(tzinfo=None)

    for one in (date, datetime):
        one.__module__, one.__qualname__ = "datetime", one.__name__
        setattr(dates, one.__name__, one)


def read_the_next():
    """What this file stands before is read as well."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path or ".") != here]
    found = PathFinder.find_spec("sitecustomize", others)
    if found is not None and found.loader is not None:
        found.loader.exec_module(module_from_spec(found))


if "KAOS_SEED" in os.environ:
    force_seeds(int(os.environ["KAOS_SEED"]))
if "KAOS_CLOCK" in os.environ:
    force_clock(int(float(os.environ["KAOS_CLOCK"]) * 1e9))
read_the_next()
`

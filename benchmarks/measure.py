"""Two functions timed beside each other: rounds in turn in one process, and medians."""

import statistics
import time

# A round lasts at least this long, rounds go on until there are enough or the time is used up.
ROUND, ROUNDS, TIME = 0.004, 9, 0.6
# Calls that take less than this together are timed together.
BATCH = 0.00005
# Before a round is timed: a million elements take five calls, in either module, until caches and clocks have settled.
WARM = 0.002
# Both begin with threads asleep: those of OpenMP look for work some milliseconds after a loop, those of OpenBLAS for up
# to a tenth of a second, and take a core from the library that comes next. They are asleep when the process takes no
# time for so long; after so many looks they are left as they are.
REST, LOOKS = 0.004, 100


def settle():
    for _ in range(LOOKS):
        begun = time.process_time()
        time.sleep(REST)
        if time.process_time() - begun < REST / 10:
            return


def seconds(run, calls, batches):
    """The median over batches of calls, each timed together: what stops the machine for a while is in few of them."""
    settle()
    begun = time.perf_counter()
    while time.perf_counter() - begun < WARM:
        run()
    times = []
    for _ in range(batches):
        begun = time.perf_counter()
        for _ in range(calls):
            run()
        times.append((time.perf_counter() - begun) / calls)
    return statistics.median(times)


def loops_of(run):
    """How many calls are timed together, and how often, so that a round lasts long enough."""
    once = min(seconds(run, 1, 1), seconds(run, 1, 1))
    calls = max(1, min(200, int(BATCH / once)))
    return calls, max(1, int(ROUND / (once * calls)))


def measure(ours, theirs, rounds=ROUNDS, limit=TIME):
    """Median seconds of both, and the ratio of each round, ours over theirs."""
    loops = loops_of(ours), loops_of(theirs)
    times, begun = [], time.perf_counter()
    while len(times) < 3 or (len(times) < rounds and time.perf_counter() - begun < limit):
        times.append((seconds(ours, *loops[0]), seconds(theirs, *loops[1])))
    mine, yours = zip(*times)
    return statistics.median(mine), statistics.median(yours), [a / b for a, b in times]

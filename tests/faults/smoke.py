"""A few training steps and their derivatives, once each: what `make valgrind` looks at."""

import no_memory

for work in no_memory.WORKS.values():
    once = work()
    for phase in once.phases:
        getattr(once, phase)()

"""Signals whose handlers wait until a section that must not be cut in two is over."""

import signal
import threading

# Those that a program may have handlers for which raise.
WAITING = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
]


class postponed:
    """Within it no handler of a signal runs; those of signals that came run at its end.

    What the system has handed out and nobody holds yet, a descriptor or a process, is lost to an exception that comes
    then. To mask the signals is not enough: another thread takes them, BLAS's for one, and Python runs the handlers in
    the main one all the same.
    """

    # The one that is entered: handlers are run by the main thread alone, which is in one at a time.
    entered = None

    def __enter__(self):
        # Until all handlers are replaced, and once it is over, what was replaced is called as it was.
        self.over = True
        self.came, self.handlers = [], {}
        if postponed.entered is not None or threading.current_thread() is not threading.main_thread():
            return
        for number in WAITING:
            handler = signal.getsignal(number)
            if callable(handler):
                self.handlers[number] = handler
                signal.signal(number, self.note)
        postponed.entered = self
        self.over = False

    def note(self, number, frame):
        if not self.over:
            self.came.append((number, frame))
            return
        handler = self.handlers[number]
        signal.signal(number, handler)
        handler(number, frame)

    def __exit__(self, *_):
        if postponed.entered is not self:
            return
        postponed.entered = None
        self.over = True
        try:
            for number, frame in self.came:
                self.handlers[number](number, frame)
        finally:
            self.put_back()

    def put_back(self):
        for number, handler in self.handlers.items():
            if signal.getsignal(number) == self.note:
                signal.signal(number, handler)


def forget_postponed():
    """In a child that was forked within: what came before is the parent's to answer."""
    entered, postponed.entered = postponed.entered, None
    if entered is not None:
        entered.over = True
        entered.put_back()

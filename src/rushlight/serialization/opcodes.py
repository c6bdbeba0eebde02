"""Runs pickles, opcode by opcode, without Python's unpickler: nothing is called but what `Builder` allows.

What a pickle makes takes memory in proportion to its bytes: a length is believed when the bytes are there, the memo is a
dictionary, and nothing recurses.
"""

import struct

from .damage import Ended, unreadable

# Keys of dictionaries and elements of sets: most are these; tuples may have this many items in all.
_PLAIN_KEYS = (str, int, float, complex, bool, bytes, type(None))
_UNFIT_KEYS = (list, dict, set, frozenset, bytearray, slice)
_ITEMS_OF_KEY = 1000
# Integers are hashed digit by digit, each time.
_BITS_OF_KEY = 1 << 13


class Machine:
    """The stack and the memo of a pickle that begins at `at`; `builder` says what its names mean."""

    def __init__(self, data, builder, at=0):
        self._data, self._builder, self.at = data, builder, at
        self._stack, self._marks, self._memo = [], [], {}

    def run(self):
        """The object; Ended where the bytes end before the pickle does, UnpicklingError for what is no pickle."""
        data, at = self._data, self.at
        while True:
            if self.at >= len(data):
                raise Ended
            op = data[self.at]
            self.at += 1
            if op == 0x2E:  # STOP
                break
            step = _STEPS.get(op)
            if step is None:
                raise unreadable(f"Unsupported operand {op}")
            try:
                step(self)
            except IndexError:
                raise unreadable(
                    f"the pickle takes more from its stack than there is, at byte {self.at - at}"
                ) from None
        if len(self._stack) != 1 or self._marks:
            raise unreadable("the pickle ends with a stack of more than its object")
        return self._stack[0]

    # -- bytes
    def _take(self, count):
        begin = self.at
        if count < 0 or count > len(self._data) - begin:
            raise Ended
        self.at = begin + count
        return self._data[begin : self.at]

    def _number(self, size, signed=False):
        return int.from_bytes(self._take(size), "little", signed=signed)

    def _line(self):
        end = self._data.find(b"\n", self.at)
        if end < 0:
            raise Ended
        begin, self.at = self.at, end + 1
        return _text(self._data[begin:end])

    # -- stack
    def _push(self, value):
        self._stack.append(value)

    def _mark(self):
        self._marks.append(self._stack)
        self._stack = []

    def _pop_mark(self):
        items, self._stack = self._stack, self._marks.pop()
        return items

    def _pop(self):
        if self._stack:
            self._stack.pop()
        else:
            self._pop_mark()

    def _dup(self):
        self._push(self._stack[-1])

    def _tuple(self, count):
        items = self._stack[-count:]
        if len(items) < count:
            raise IndexError
        self._stack[-count:] = [tuple(items)]

    # -- memo
    def _get(self, key):
        if key not in self._memo:
            raise unreadable(f"Memo value not found at index {key}")
        self._push(self._memo[key])

    def _put(self, key):
        self._memo[key] = self._stack[-1]

    # -- what numbers and texts are
    def _float(self):
        self._push(struct.unpack(">d", self._take(8))[0])

    def _proto(self):
        if self._number(1) > 5:
            raise unreadable("the pickle is of a protocol after 5")

    def _bytes_text(self, size):
        self._push(self._builder.old_text(self._take(size)))

    # -- containers
    def _append(self):
        value = self._stack.pop()
        self._builder.extend(self._stack[-1], [value])

    def _appends(self):
        items = self._pop_mark()
        self._builder.extend(self._stack[-1], items)

    def _set_item(self):
        value, key = self._stack.pop(), self._stack.pop()
        self._builder.update(self._stack[-1], [key, value])

    def _set_items(self):
        items = self._pop_mark()
        self._builder.update(self._stack[-1], items)

    def _dict(self):
        made = {}
        self._builder.update(made, self._pop_mark())
        self._push(made)

    def _add_items(self):
        items = self._pop_mark()
        self._builder.add(self._stack[-1], items)

    def _frozenset(self):
        made = set()
        self._builder.add(made, self._pop_mark())
        self._push(frozenset(made))

    # -- names and calls
    def _global(self):
        module = self._line()
        self._push(self._builder.find(module, self._line()))

    def _stack_global(self):
        name, module = self._stack.pop(), self._stack.pop()
        if type(name) is not str or type(module) is not str:
            raise unreadable("the name of a global is no text")
        self._push(self._builder.find(module, name))

    def _reduce(self):
        args, function = self._stack.pop(), self._stack.pop()
        self._push(self._builder.call(function, args))

    def _newobj(self):
        args, cls = self._stack.pop(), self._stack.pop()
        self._push(self._builder.new(cls, args, {}))

    def _newobj_ex(self):
        kwargs, args, cls = self._stack.pop(), self._stack.pop(), self._stack.pop()
        self._push(self._builder.new(cls, args, kwargs))

    def _build(self):
        state = self._stack.pop()
        self._builder.set_state(self._stack[-1], state)

    def _persistent(self):
        self._push(self._builder.storage(self._stack.pop()))


def _text(data):
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise unreadable("a text of the pickle is not UTF-8") from None


def check_key(key):
    """UnpicklingError for a key that would take long to hash: long integers, sets, and tuples within tuples without end."""
    if isinstance(key, _PLAIN_KEYS) and not isinstance(key, int):
        return
    waiting, count = [key], 0
    while waiting:
        item = waiting.pop()
        count += 1
        if isinstance(item, tuple):
            waiting.extend(item[:_ITEMS_OF_KEY])
        if isinstance(item, int) and item.bit_length() > _BITS_OF_KEY:
            raise unreadable(f"an integer of {item.bit_length()} bits is a key")
        if isinstance(item, _UNFIT_KEYS) or count + len(waiting) > _ITEMS_OF_KEY:
            raise unreadable(f"keys are numbers, texts and short tuples of them, not {type(item).__name__}")


_STEPS = {
    ord("("): Machine._mark,
    ord("0"): Machine._pop,
    ord("1"): Machine._pop_mark,
    ord("2"): Machine._dup,
    ord("N"): lambda m: m._push(None),
    0x88: lambda m: m._push(True),
    0x89: lambda m: m._push(False),
    ord("J"): lambda m: m._push(m._number(4, True)),
    ord("K"): lambda m: m._push(m._number(1)),
    ord("M"): lambda m: m._push(m._number(2)),
    0x8A: lambda m: m._push(m._number(m._number(1), True)),
    0x8B: lambda m: m._push(m._number(m._number(4, True), True)),
    ord("G"): Machine._float,
    ord("U"): lambda m: m._bytes_text(m._number(1)),
    ord("T"): lambda m: m._bytes_text(m._number(4, True)),
    ord("X"): lambda m: m._push(_text(m._take(m._number(4)))),
    0x8C: lambda m: m._push(_text(m._take(m._number(1)))),
    0x8D: lambda m: m._push(_text(m._take(m._number(8)))),
    ord("B"): lambda m: m._push(m._take(m._number(4))),
    ord("C"): lambda m: m._push(m._take(m._number(1))),
    0x8E: lambda m: m._push(m._take(m._number(8))),
    0x96: lambda m: m._push(bytearray(m._take(m._number(8)))),
    ord(")"): lambda m: m._push(()),
    0x85: lambda m: m._tuple(1),
    0x86: lambda m: m._tuple(2),
    0x87: lambda m: m._tuple(3),
    ord("t"): lambda m: m._push(tuple(m._pop_mark())),
    ord("]"): lambda m: m._push([]),
    ord("l"): lambda m: m._push(m._pop_mark()),
    ord("a"): Machine._append,
    ord("e"): Machine._appends,
    ord("}"): lambda m: m._push({}),
    ord("d"): Machine._dict,
    ord("s"): Machine._set_item,
    ord("u"): Machine._set_items,
    0x8F: lambda m: m._push(set()),
    0x90: Machine._add_items,
    0x91: Machine._frozenset,
    ord("h"): lambda m: m._get(m._number(1)),
    ord("j"): lambda m: m._get(m._number(4)),
    ord("q"): lambda m: m._put(m._number(1)),
    ord("r"): lambda m: m._put(m._number(4)),
    0x94: lambda m: m._put(len(m._memo)),
    ord("c"): Machine._global,
    0x93: Machine._stack_global,
    ord("R"): Machine._reduce,
    0x81: Machine._newobj,
    0x92: Machine._newobj_ex,
    ord("b"): Machine._build,
    ord("Q"): Machine._persistent,
    0x80: Machine._proto,
    0x95: lambda m: m._number(8),
}

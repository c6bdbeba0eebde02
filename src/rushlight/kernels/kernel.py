"""What the core asks of a kernel: arrays in, an array out, or NotImplemented for what it does not handle."""


class Kernel:
    """The fast path of one operation on arrays. Uncompiled there is none, and nothing is ever handled."""

    def call1(self, x):
        return NotImplemented

    def call2(self, x, y):
        return NotImplemented

    def call3(self, x, y, z):
        return NotImplemented

    def into1(self, x):
        """x = op(x) in place; whether that was done."""
        return False

    def into2(self, x, y):
        """x = op(x, y) in place, y of x's shape or a number; whether that was done."""
        return False

    def __call__(self, x, y=NotImplemented):
        return self.call1(x) if y is NotImplemented else self.call2(x, y)

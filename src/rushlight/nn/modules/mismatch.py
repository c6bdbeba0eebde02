"""Notes of exceptions that tell in which module they were raised, and what it was given."""

import weakref

from ...tensor import Tensor

_SENTENCES = (
    (" and ", "{} got an input of shape {}", "{} got inputs of shapes {}", "; it is {} of {}"),
    ("、", "{} 的输入形状为 {}", "{} 的输入形状为 {}", "；它是 {1} 中的 {0}"),
)


def tell_module(error, module, args, kwargs):
    """Note at which module an exception came up; the modules it then goes through add the path to it.

    Only the kinds that a wrong input raises are told: a program may have its own for leaving a model.
    """
    place = getattr(error, "_rushlight_place", None)
    if place is not None:
        if isinstance(place, _Place):
            place.within(module, error)
    elif type(error).__module__ == "builtins" and not isinstance(error, RecursionError):
        shapes = [v.shape for v in (*args, *kwargs.values()) if isinstance(v, Tensor)]
        if shapes:
            error._rushlight_place = _Place(module, shapes, error)


class _Place:
    """The innermost module that an exception went through, and its path from the outermost so far."""

    def __init__(self, module, shapes, error):
        from ...codes import language

        # No exception shall keep a model alive.
        self.found = weakref.ref(module)
        self.both, one, several, self.path = _SENTENCES[language() == "zh"]
        shown = self.both.join([str(tuple(shape)) for shape in shapes])
        self.sentence = (one if len(shapes) == 1 else several).format(_named(module), shown)
        error.add_note(self.sentence)
        self.position = len(error.__notes__) - 1

    def __reduce__(self):
        # Sent to another process, an exception takes its notes with it, and not the model.
        return str, (self.sentence,)

    def within(self, module, error):
        """Tell the path from a module further out."""
        for path, part in module.named_modules(remove_duplicate=False):
            if part is self.found() and path:
                told = self.sentence + self.path.format(path, type(module).__name__)
                error.__notes__[self.position] = told
                return


def _named(module):
    """The module with its options, without the modules inside it."""
    options = module.extra_repr()
    return f"{module._get_name()}({options})" if "\n" not in options else module._get_name()

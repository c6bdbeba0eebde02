"""What the catalogue says of a code."""

from collections import namedtuple

# Each text is a pair, English and Chinese. `facts` is a template for what is known of the case at hand, None where
# there is nothing more to say. `wrong` is a program that ends in the code, `right` what to write instead; in both
# `torch` is rushlight, `nn` and `F` are torch.nn and torch.nn.functional.
Entry = namedtuple("Entry", ("title", "explanation", "remedy", "wrong", "right", "facts"), defaults=(None,))

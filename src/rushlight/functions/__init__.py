"""Floor 3: the functions people call, with PyTorch's names and arguments, over the operations of `ops`.

Each module states what it offers: `FUNCTIONS` become `rushlight.<name>`, `METHODS` become `Tensor.<name>` (the first
argument is the tensor), `INPLACE` maps names such as `exp_` to their functions.
"""

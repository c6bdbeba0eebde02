"""On the path of worker processes that import the program anew, where `import torch` means Rushlight in their parent."""

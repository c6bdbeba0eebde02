"""The recorded graph of a loss: what it reaches, by how many ways, and what of its values is not finite."""

import numpy as np

from ...core import Node, TensorBase
from ..rules import kept


class Graph:
    """All nodes that a loss came from, the last one first; `leaves` are the tensors where it ends."""

    def __init__(self, root):
        self.root = root
        self.leaves = {}
        found = {root} if isinstance(root, Node) else set()
        if not found:
            self.leaves[id(root)] = root
        stack = list(found)
        while stack:
            node = stack.pop()
            for i in range(node.count):
                edge = node.edge_at(i)
                if isinstance(edge, TensorBase):
                    self.leaves[id(edge)] = edge
                elif edge is not None and edge not in found:
                    found.add(edge)
                    stack.append(edge)
        self.nodes = sorted(found, key=lambda node: -node.sequence)

    def toward(self, target, number):
        """The nodes that lead to output `number` of `target`, a node or leaf, each with the number of ways there."""
        ways = {}
        for node in reversed(self.nodes):
            count = 0
            for i in range(node.count):
                edge = node.edge_at(i)
                if edge is target:
                    count += node.number_at(i) == number
                elif isinstance(edge, Node):
                    count += ways.get(edge, 0)
            if count:
                ways[node] = count
        return ways

    def constants(self):
        """[(node, name of the input), ...] of inputs from which nothing leads further, in the order of the program."""
        found = []
        for node in reversed(self.nodes):
            names = node.op.inputs
            held = kept(node)
            for i in range(node.count):
                name = names[i] if i < len(names) else None
                value = held.get(name)
                if node.edge_at(i) is None and isinstance(value, np.ndarray) and value.dtype.kind in "fcV":
                    found.append((node, name))
        return found

    def not_finite(self):
        """(node, whether it made the value rather than used it) of the earliest value held that is not finite."""
        for node in reversed(self.nodes):
            for name, value in kept(node).items():
                if not isinstance(value, np.ndarray) or value.dtype.kind not in "fcV" or np.isfinite(value).all():
                    continue
                if name not in node.op.inputs:
                    return node, True
                edge = node.edge_at(node.op.inputs.index(name))
                return (edge, True) if isinstance(edge, Node) else (node, False)
        return None

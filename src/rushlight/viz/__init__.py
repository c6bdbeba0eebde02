"""Pictures of the recorded graph, and the chain rule step by step."""

from .calls import record
from .chain import Steps, steps
from .picture import Picture, graph
from .scripts import script

__all__ = ["Picture", "Steps", "graph", "record", "script", "steps"]

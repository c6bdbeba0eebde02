"""Written by tools/stubs.py."""

from .calls import record as record
from .chain import Steps as Steps, steps as steps
from .learning import curves as curves
from .picture import Picture as Picture, graph as graph
from .scripts import script as script
from .table import Summary as Summary, summary as summary
from .watcher import Watch as Watch, watch as watch

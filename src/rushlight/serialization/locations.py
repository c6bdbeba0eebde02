"""Where storages are to be: `map_location`, of which everything ends on the CPU."""

from ..device import device
from ..errors import coded
from ..functions.storage import TypedStorage, UntypedStorage
from ..spelling import spell
from .building import storage_of
from .damage import Outside, outside


def restoring(map_location):
    """restore(storage, location): the storage to be used for one that was at a location when it was saved."""
    if map_location is None:
        return _restored
    if isinstance(map_location, dict):
        return lambda storage, location: _restored(storage, map_location.get(location, location))
    if isinstance(map_location, (str, device)):
        return lambda storage, location: _restored(storage, str(map_location))
    if not callable(map_location):
        raise TypeError(f"'{type(map_location).__name__}' object is not callable")
    return lambda storage, location: _chosen(outside(map_location, _bytes(storage), location), storage, location)


def _bytes(storage):
    return storage.untyped() if isinstance(storage, TypedStorage) else storage


def _chosen(result, storage, location):
    """What a function of the user's made of a storage; None for one that is left as it is."""
    if result is None:
        return _restored(storage, location)
    if not isinstance(result, UntypedStorage):
        raise Outside(TypeError(f"map_location must return a storage or None, but returned {type(result)}"))
    if result is storage or result == _bytes(storage):
        return storage
    return storage_of(_bytes(result)._array, storage.dtype if isinstance(storage, TypedStorage) else None)


def _restored(storage, location):
    if location == "cpu":
        return storage
    if location.startswith("cuda"):
        raise coded(
            "RL704",
            RuntimeError(
                "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running "
                "on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to "
                "the CPU."
            ),
        )
    raise coded(
        "RL704",
        RuntimeError(
            f"don't know how to restore data location of {spell('storage.UntypedStorage')} (tagged with {location})"
        ),
    )

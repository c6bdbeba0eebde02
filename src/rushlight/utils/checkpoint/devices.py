"""What PyTorch remembers of other devices for a checkpoint: nothing, since there is only the CPU."""


class DefaultDeviceType:
    """Remembers the name of a device type, which nothing here asks for."""

    _name = "cpu"

    @classmethod
    def set_device_type(cls, device="cuda"):
        cls._name = device

    @classmethod
    def get_device_type(cls):
        return cls._name


def get_device_states(*args):
    """The random states of the devices that the tensors in `args` are on, other than the CPU: ([], [])."""
    return [], []


def set_device_states(devices, states, *, device_type=None):
    """Put back what `get_device_states` returned."""

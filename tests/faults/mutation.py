"""Changes files as someone would who knows their format: opcodes of pickles, records of archives, headers."""

import io
import json
import pickletools
import re
import struct
import warnings
import zipfile

NUMBERS = [
    0,
    1,
    2,
    3,
    7,
    127,
    128,
    255,
    256,
    65535,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**62,
    2**63 - 1,
    2**63,
    2**64 - 1,
]
# Opcodes by themselves, and pieces that do something.
PIECES = [bytes([op]) for op in b"(012N)t]lade}dsu\x81\x88\x89\x8f\x90\x91\x92\x93\x94\x85\x86\x87RQb."]
PIECES += [
    b"h\0",
    b"h\1",
    b"q\0",
    b"q\1",
    b"j\0\0\0\0",
    b"r\xff\xff\xff\xff",
    b"K\xff",
    b"J\xff\xff\xff\xff",
    b"\x80\x05",
]
PIECES += [
    b"X\1\0\0\0a",
    b"X\xff\xff\xff\xff",
    b"\x8d" + b"\xff" * 8,
    b"\x96" + b"\xff" * 8,
    b"U\1\xe9",
    b"C\1b",
    b"\x8c\1a",
]
PIECES += [b"\x8a\x08" + n.to_bytes(8, "little") for n in (2**31, 2**62, 2**63 - 1, 2**64 - 1)]
PIECES += [
    b"\x8b\x60\0\0\0" + b"\x7f" * 96,
    b"G\x7f\xf8\0\0\0\0\0\0",
    b"G\xff\xf0\0\0\0\0\0\0",
    b"\x82\1",
    b"P0\n",
    b"I1\n",
]
GLOBALS = [
    "builtins\nset", "builtins\nfrozenset", "builtins\nbytearray", "builtins\nbytes", "builtins\ncomplex", "builtins\nslice",
    "builtins\nint", "builtins\ndict", "builtins\ngetattr", "builtins\neval", "builtins\nexec", "os\nsystem", "posix\nsystem",
    "builtins\n__import__", "pickle\nloads", "torch\nload", "torch._utils\n_rebuild_tensor_v2", "torch._utils\n_rebuild_tensor",
    "torch._utils\n_rebuild_tensor_v3", "torch._utils\n_rebuild_parameter", "torch._utils\n_rebuild_parameter_with_state",
    "torch._tensor\n_rebuild_from_type_v2", "torch\nTensor", "torch.nn.parameter\nParameter", "torch\nSize", "torch\ndevice",
    "torch\nfloat32", "torch\nbool", "torch\nFloatStorage", "torch\nHalfStorage", "torch.storage\nUntypedStorage",
    "torch.serialization\n_get_layout", "collections\nOrderedDict", "collections\nCounter", "collections\ndefaultdict",
    "_codecs\nencode", "torch\ncontiguous_format", "numpy\nndarray", "rushlight.core\nwrap", "faults.fuzz\ntripwire",
]  # fmt: skip
PIECES += [b"c" + name.encode() + b"\n" for name in GLOBALS]
PIECES += [b"c" + name.encode() + b"\n)R" for name in GLOBALS] + [
    b"c" + name.encode() + b"\n(h\0h\1tR" for name in GLOBALS
]


def changed(random, kind, data, others):
    """A file made of `data`; `others` are of the same kind, and pieces are taken of them."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        data = random.choice(CHANGES[kind])(random, data, others)
    return data


# -- of any kind
def some_bytes(random, data, others):
    """Bytes that are changed, left out, or put in."""
    if not data:
        return b"P"
    data, at = bytearray(data), random.randrange(len(data))
    way = random.randrange(5)
    if way == 0:
        data[at] ^= 1 << random.randrange(8)
    elif way == 1:
        data[at] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))
    elif way == 2:
        del data[at : at + random.choice((1, 2, 4, 30))]
    elif way == 3:
        data[at:at] = data[at : at + random.choice((1, 4, 46))]
    else:
        wide = random.choice("BHIQ")
        place = struct.pack("<" + wide, random.choice(NUMBERS) % 256 ** struct.calcsize(wide))
        data[at : at + len(place)] = place
    return bytes(data)


def cut(random, data, others):
    return data[: random.randrange(len(data) + 1)]


def joined(random, data, others):
    other = random.choice(others)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


# -- pickles
def opcodes(data):
    """The opcodes of a pickle with their arguments, each as bytes; what cannot be told apart is the last one."""
    begins = []
    try:
        for _, _, place in pickletools.genops(data):
            begins.append(place)
    except Exception:
        pass
    ends = [*begins[1:], len(data)]
    return [data[begin:end] for begin, end in zip(begins, ends)] or [data]


def other_opcodes(random, data, others):
    ops = opcodes(data)
    at = random.randrange(len(ops))
    way = random.randrange(7)
    if way == 0:
        del ops[at : at + random.choice((1, 1, 2, 5))]
    elif way == 1:
        ops.insert(at, random.choice(PIECES))
    elif way == 2:
        ops[at] = random.choice(PIECES)
    elif way == 3:
        to = random.randrange(len(ops))
        ops[at], ops[to] = ops[to], ops[at]
    elif way == 4:
        ops[at:at] = ops[at : at + random.choice((1, 2, 8))] * random.choice((1, 2, 50))
    elif way == 5:
        ops[at] = other_argument(random, ops[at])
    else:
        given = opcodes(random.choice(others))
        begin = random.randrange(len(given))
        ops[at:at] = given[begin : begin + random.choice((1, 3, 10))]
    return b"".join(ops)


def other_argument(random, op):
    """The opcode with another number or text."""
    number = random.choice(NUMBERS)
    if op[:1] in b"KMJ\x8a\x8b":
        data = (number if random.random() < 0.8 else -number).to_bytes(9, "little", signed=True)
        return b"\x8a\x09" + data
    if op[:1] in b"hqr j":
        return op[:1] + (number % 256 ** (len(op) - 1)).to_bytes(len(op) - 1, "little")
    if op[:1] == b"c":
        return b"c" + random.choice(GLOBALS).encode() + b"\n"
    return some_bytes(random, op, ())


# -- archives
def records(data):
    """[(name, bytes)] of an archive, or None."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return [(name, file.read(name)) for name in file.namelist()]
    except Exception:
        return None


def zipped(pieces):
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as made:
        warnings.simplefilter("ignore")
        for name, piece in pieces:
            made.writestr(name, piece)
    return file.getvalue()


def of_an_archive(change_body, body=".pkl"):
    """A change of a record whose name ends with `body`, so that checksums are right."""

    def change(random, data, others):
        pieces = records(data)
        found = [i for i, (name, _) in enumerate(pieces or ()) if name.endswith(body)]
        if not found:
            return some_bytes(random, data, others)
        i = random.choice(found)
        name, piece = pieces[i]
        given = [p for n, p in records(random.choice(others)) or () if n.endswith(body)]
        pieces[i] = name, change_body(random, piece, given or [piece])
        return zipped(pieces)

    return change


def other_records(random, data, others):
    """Records left out, doubled, renamed, longer or shorter, in another order."""
    pieces = records(data)
    if not pieces:
        return some_bytes(random, data, others)
    at = random.randrange(len(pieces))
    name, piece = pieces[at]
    way = random.randrange(6)
    if way == 0:
        del pieces[at]
    elif way == 1:
        pieces.append((name, piece))
    elif way == 2:
        pieces[at] = random.choice(("", "/", "../", "archive/", "archive/data/")) + name, piece
    elif way == 3:
        pieces[at] = name, piece[: random.randrange(len(piece) + 1)] + bytes(random.choice((0, 1, 4, 8)))
    elif way == 4:
        pieces.append((random.choice(("archive/byteorder", "archive/constants.pkl", "a/data.pkl")), b"big"))
    else:
        random.shuffle(pieces)
    return zipped(pieces)


def other_fields(random, data, others):
    """A number in a header of a record, in the directory, or at its end."""
    marks = [match.start() for match in re.finditer(rb"PK[\x01\x03\x05\x06][\x02\x04\x06\x07]", data)]
    if not marks:
        return some_bytes(random, data, others)
    at = random.choice(marks) + random.choice((4, 6, 8, 10, 12, 14, 16, 20, 24, 26, 28, 30, 32, 40, 42, 46, 48))
    wide = random.choice("BHIQ")
    place = struct.pack("<" + wide, random.choice([*NUMBERS, len(data), at]) % 256 ** struct.calcsize(wide))
    return data[:at] + place + data[at + len(place) :]


# -- safetensors
def other_json(random, data, others):
    """Another header, with its right length."""
    try:
        (length,) = struct.unpack_from("<Q", data)
        header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
        name = random.choice(list(header))
        entry = header[name]
        key = random.choice(list(entry))
    except Exception:
        return some_bytes(random, data, others)
    way = random.randrange(6)
    if way == 0:
        header["copy"] = entry
    elif way == 1:
        del entry[key]
    elif way == 2:
        entry[key] = random.choice((None, [], {}, "F32", -1, 2**64, [2**40, 2**40], [0, 2**62, 2**62], [1] * 100))
    elif way == 3:
        entry["dtype"] = random.choice(
            ("F16", "BF16", "F8_E4M3", "F4", "U16", "U32", "U64", "C64", "BOOL", "I8", "F64")
        )
    elif isinstance(entry.get("shape"), list) and random.random() < 0.5:
        entry["shape"].insert(random.randrange(len(entry["shape"]) + 1), random.choice([0, 1, *NUMBERS]))
    else:
        entry["data_offsets"] = sorted(random.choices([0, 1, 8, len(body), *NUMBERS], k=2))
    made = json.dumps(header).encode()
    return struct.pack("<Q", len(made)) + made + body


# -- .npy
def other_header(random, data, others):
    """Other words in the header, with its right length."""
    if data[:6] != b"\x93NUMPY" or len(data) < 10:
        return some_bytes(random, data, others)
    (length,) = struct.unpack_from("<H", data, 8)
    header, body = data[10 : 10 + length], data[10 + length :]
    way = random.randrange(4)
    if way == 0:
        shape = random.choice(
            ("(3,)", "()", "(0, 9999999999)", "(-1,)", "(2, -3)", "(65536, 65536)", f"{(1,) * 70}", "(2.5,)")
        )
        header = re.sub(rb"\([^)]*\)", shape.encode(), header, count=1)
    elif way == 1:
        kinds = ("<f4", ">f8", "|O", "<M8[s]", "|S0", "<U0", "|V3", "<c32", "|b1", "<i8", "<f2", "|S9")
        header = re.sub(rb"'[<>|][^']*'", repr(random.choice(kinds)).encode(), header, count=1)
    elif way == 2:
        header = header.replace(b"False", b"True") if b"False" in header else header.replace(b"True", b"False")
    else:
        header = some_bytes(random, header, others)
    return data[:8] + struct.pack("<H", len(header) % 65536) + header + body


_ANY = [some_bytes, some_bytes, cut, joined]
_IN_PICKLE = of_an_archive(other_opcodes)
CHANGES = {
    "checkpoint": [*_ANY, *[_IN_PICKLE] * 8, of_an_archive(some_bytes), other_records, other_fields, other_fields],
    "old checkpoint": [*_ANY, *[other_opcodes] * 6],
    "safetensors": [*_ANY, *[other_json] * 8],
    "npy": [*_ANY, *[other_header] * 6, of_an_archive(other_header, ".npy"), other_records, other_fields],
}

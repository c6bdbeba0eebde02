"""Embeddings as the projector reads them: tables and a picture in files of their own, and a list of them all."""

import math
import os

import numpy as np

from ...missing import of_module
from ...serialization.png import png
from .pictures import arranged, grid


def write(folder, within, matrix, metadata, header, pictures):
    """Write the files of one embedding into `folder/within`; what the list says of it."""
    if matrix.ndim != 2:
        raise AssertionError("mat should be 2D, where mat.size(0) is the number of data points")
    if metadata is not None and len(metadata) != len(matrix):
        raise AssertionError("#labels should equal with #data points")
    if metadata is not None and header and len(header) != len(metadata[0]):
        raise AssertionError("len of header must be equal to the number of columns in metadata")
    if pictures is not None and len(pictures) != len(matrix):
        raise AssertionError("#images should equal with #data points")
    place = os.path.join(folder, *within.split("/"))
    os.makedirs(place, exist_ok=True)
    _table(place, "tensors.tsv", matrix.tolist())
    told = [f'tensor_path: "{within}/tensors.tsv"']
    if metadata is not None:
        _table(place, "metadata.tsv", [header, *metadata] if header else [[label] for label in metadata])
        told.append(f'metadata_path: "{within}/metadata.tsv"')
    if pictures is not None:
        pictures = arranged(pictures, "NCHW")
        columns = math.ceil(math.sqrt(len(pictures)))
        with open(os.path.join(place, "sprite.png"), "wb") as file:
            file.write(png(_square(grid(pictures, columns), columns * pictures.shape[1])))
        height, width = pictures.shape[1:3]
        sizes = f"single_image_dim: {width} single_image_dim: {height}"
        told.append(f'sprite {{ image_path: "{within}/sprite.png" {sizes} }}')
    return told


def _table(place, name, rows):
    with open(os.path.join(place, name), "w", encoding="utf-8", newline="\n") as file:
        file.writelines(["\t".join(map(str, row)) + "\n" for row in rows])


def _square(picture, height):
    """A picture as high as all rows would be, whether they are there or not."""
    missing = np.zeros((height - picture.shape[0], *picture.shape[1:]), np.uint8)
    return np.concatenate([picture, missing])


def write_list(folder, embeddings):
    with open(os.path.join(folder, "projector_config.pbtxt"), "w", encoding="utf-8", newline="\n") as file:
        file.writelines(["embeddings {\n" + "".join([f"  {line}\n" for line in told]) + "}\n" for told in embeddings])


def folder_name(tag):
    """A tag as the name of one folder."""
    return tag.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")


__getattr__ = of_module(__name__)

"""Files of PyTorch, which this library reads only where PyTorch is installed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np


def read_tensors(path: str | os.PathLike) -> Any:
    """Reads what `torch.save` wrote, if it is made of tensors, numbers and containers alone.

    `torch.load` with `weights_only=True` makes nothing else, so that no code in the file is run.

    Args:
        path: The file.

    Returns:
        The same lists, tuples and dictionaries with NumPy arrays in place of tensors.

    Raises:
        ImportError: If PyTorch is not installed.
        ValueError: If the file is damaged, holds other objects, or a tensor says that it is larger
            than the file.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "files of PyTorch are read by PyTorch, which makes sure that no code in them is run; "
            "it is not installed: see pytorch.org for a build that suits the machine"
        ) from error
    size = os.path.getsize(path)

    def converted(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if value.numel() * value.element_size() > size:
                raise ValueError("it has a tensor that is larger than the file")
            value = value.detach().to_dense() if value.is_sparse else value.detach()
            short = value.dtype in (torch.float16, torch.bfloat16)
            return np.array((value.float() if short else value).numpy())
        if isinstance(value, Mapping):
            return {str(key): converted(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [converted(one) for one in value]
        return value

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # PyTorch's own text advises to let the file run code
        raise ValueError(
            "PyTorch refuses it: it is damaged, no file of PyTorch, or holds more than tensors"
        ) from error
    return converted(content)

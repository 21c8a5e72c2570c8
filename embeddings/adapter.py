"""What the encoder learnt for late interaction: a low-rank change of its upper layers, and how their token vectors are read.

The change is that of LoRA (Hu et al., arXiv 2106.09685), merged into the weights when the model is loaded, so that it costs
nothing afterwards. Token vectors are then centred and brought to unit length; a question's token counts by a weight of its own.
`training/` makes the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.errors import ModelDamaged

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Adapter:
    """`change` maps the name of a weight, (out, in), to the factors (out, rank) and (rank, in) of what is added to it.

    A token vector x is read as the unit vector along x / |x| - center; `center` and `gate` are (dimension,). A question's token
    with the read vector z weighs softplus(z @ gate + bias).
    `source` says what it was trained on and by which command.
    """

    change: Mapping[str, tuple[Floats, Floats]]
    center: Floats
    gate: Floats
    bias: float
    source: str = ""

    @classmethod
    def plain(cls, center: Floats) -> Adapter:
        """For a model that learnt nothing for late interaction: its vectors centred, each token of the same weight."""
        return cls({}, center, np.zeros_like(center), 0.0)

    @classmethod
    def load(cls, path: Path) -> Adapter:
        """Raises `ModelDamaged` when the file is not one that `save` wrote."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
                source = (file.metadata() or {}).get("source", "")
            names = sorted(name.removesuffix(".up") for name in arrays if name.endswith(".up"))
            change = {name: (arrays[f"{name}.up"], arrays[f"{name}.down"]) for name in names}
            return cls(change, arrays["center"], arrays["gate"], float(arrays["bias"][0]), source)
        except (OSError, SafetensorError, KeyError) as error:
            raise ModelDamaged(path, f"cannot be read ({error})", "Install release-qa anew.") from error

    def save(self, path: Path) -> None:
        """In half precision: 1 MB for rank 16 in four layers of 384 dimensions."""
        from safetensors.numpy import save_file

        arrays = {"center": self.center, "gate": self.gate, "bias": np.array([self.bias])}
        for name, (up, down) in self.change.items():
            arrays |= {f"{name}.up": up, f"{name}.down": down}
        halves = {name: np.ascontiguousarray(array, dtype=np.float16) for name, array in arrays.items()}
        save_file(halves, path, metadata={"source": self.source})

    def merge_into(self, model: Any) -> None:
        """Add the change to the weights of a torch module. Raises `KeyError` when it lacks one of them."""
        import torch

        weights = dict(model.named_parameters())
        with torch.no_grad():
            for name, (up, down) in self.change.items():
                weights[name].copy_(weights[name].float() + torch.from_numpy(up @ down))

    def read(self, vectors: Floats) -> Floats:
        """(t, dimension) token vectors as the model gives them -> as many unit vectors."""
        return unit(np.asarray(unit(vectors) - self.center, dtype=np.float32))

    def weights(self, tokens: Floats) -> Floats:
        """(t,) weights of a question's (t, dimension) read vectors, 0 to 1, 1 in sum."""
        raw = np.logaddexp(0, tokens @ self.gate + self.bias)
        return np.asarray(raw / max(float(raw.sum()), 1e-12), dtype=np.float32)


def unit(vectors: Floats) -> Floats:
    """Rows of unit length; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

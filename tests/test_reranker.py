from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from embeddings.errors import ModelUnavailable
from embeddings.reranker import Reranker, load_reranker
from qa.retrieve import Retriever
from tests.conftest import FakeEncoder
from tests.library import GRAIN, VISA, write_corpus

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "korea", "grain", "visa", "port"]


def save_cross_encoder(folder: Path, labels: int) -> str:
    """A cross-encoder of one small layer, its weights drawn once, saved as sentence-transformers loads it."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertForSequenceClassification(BertConfig(vocab_size=len(WORDS), num_labels=labels, **sizes)).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return str(folder)


def test_a_folder_loads_and_scores_each_text_from_0_to_1(tmp_path: Path) -> None:
    reranker = load_reranker(save_cross_encoder(tmp_path, 1))
    scores = reranker.scores("korea grain", ["grain port", "visa", "grain port"])
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores < 1)).all()
    assert scores[0] == pytest.approx(scores[2], abs=1e-6)
    assert scores[0] != scores[1]


def test_a_classifier_of_several_outputs_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="needs one output and has 3"):
        load_reranker(save_cross_encoder(tmp_path, 3))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelUnavailable):
        load_reranker(str(tmp_path / "empty"))


class Backwards:
    """A cross-encoder for which what speaks of visas is best, whatever is asked."""

    def predict(self, pairs: list[tuple[str, str]], **_: object) -> np.ndarray:
        return np.array([0.9 if VISA in text else 0.1 for _, text in pairs], np.float32)


def test_the_reranker_has_the_last_word_on_the_order(tmp_path: Path) -> None:
    from qa.rebuild import rebuild

    rebuild([write_corpus(tmp_path / "corpus")], tmp_path / "index", encoder=FakeEncoder())
    plain = Retriever.load(tmp_path / "index", encoder=FakeEncoder())
    turned = Retriever.load(tmp_path / "index", encoder=FakeEncoder(), reranker=Reranker("backwards", Backwards()))
    assert plain.retrieve("grain for Kenya")[0].text == GRAIN
    hits = turned.retrieve("grain for Kenya")
    assert hits[0].text == VISA
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0 <= hit.score <= 1 for hit in hits)

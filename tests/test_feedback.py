from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qa.errors import QaError
from qa.feedback import Feedback, feedback_questions, keep_feedback, read_feedback

TOLD = Feedback("1-1", "Who agreed?", (), "m_5676-1", "The two ministers agreed.", True)


def test_what_is_kept_is_read_again_and_second_thoughts_replace_the_first(tmp_path: Path) -> None:
    path = tmp_path / "new" / "feedback.sqlite"
    keep_feedback(path, TOLD)
    other = Feedback("1-2", "언제요?", ("Who agreed?",), None, None, False, "'); DROP TABLE feedback; --")
    keep_feedback(path, other)
    second = dataclasses.replace(TOLD, up=False, remark="Not this one.")
    keep_feedback(path, second)
    assert read_feedback(path) == [second, other]


def test_thumbs_up_make_questions_whose_answers_are_put_together(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    again = dataclasses.replace(TOLD, id="2-1", release="m_5676-9")
    nothing = Feedback("3-none", "How many zebras?", ("Who agreed?",), None, None, True)
    for each in (TOLD, again, nothing, dataclasses.replace(TOLD, id="4-1", question="When?", up=False)):
        keep_feedback(path, each)
    first, second = feedback_questions(path)
    assert (first.question, first.history, first.kind) == ("Who agreed?", (), "feedback")
    assert first.answers == (("m_5676-1", TOLD.sentence), ("m_5676-9", TOLD.sentence))
    assert (second.question, second.history, second.answers) == ("How many zebras?", ("Who agreed?",), ())


def test_ten_readers_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    with ThreadPoolExecutor(10) as readers:
        list(readers.map(lambda at: keep_feedback(path, dataclasses.replace(TOLD, id=str(at))), range(30)))
    assert len(read_feedback(path)) == 30


def test_a_file_that_is_missing_foreign_or_without_a_thumb_up_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    with pytest.raises(QaError, match=r"feedback\.sqlite is not there"):
        feedback_questions(path)
    path.write_bytes(b"no database, but long enough to be taken for one" * 40)
    for use in (lambda: keep_feedback(path, TOLD), lambda: feedback_questions(path)):
        with pytest.raises(QaError, match=r"cannot be used for feedback: .*QA_FEEDBACK"):
            use()
    path.unlink()
    keep_feedback(path, dataclasses.replace(TOLD, up=False))
    with pytest.raises(QaError, match="holds no thumb up"):
        feedback_questions(path)

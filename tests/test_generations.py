from __future__ import annotations

import os
from pathlib import Path

import pytest

from qa.errors import IndexUnusable
from qa.generations import being_built, building, check_files, current_generation, holder, publish, read_manifest

FORMAT = 7


def put(folder: Path, text: str) -> str:
    with building(folder) as scratch:
        (scratch / "deep").mkdir()
        (scratch / "deep" / "a.txt").write_text(text)
        publish(scratch, folder, {"format": FORMAT, "note": "한국"})
    return current_generation(folder)


def test_what_was_published_reads_back(tmp_path: Path) -> None:
    name = put(tmp_path / "index", "first")
    manifest = read_manifest(tmp_path / "index", name, FORMAT)
    assert (manifest["note"], list(manifest["files"])) == ("한국", ["deep/a.txt"])
    check_files(tmp_path / "index", name, manifest["files"])
    assert (tmp_path / "index" / name / "deep" / "a.txt").read_text() == "first"


def test_every_file_is_on_the_disk_before_the_pointer_is_flipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append("sync " + Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def replaced(source: Path, target: Path) -> None:
        done.append(f"replace {Path(target).name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    name = put(tmp_path / "index", "first")
    order = ["sync a.txt", "sync manifest.json", "sync deep", f"replace {name}", "sync .CURRENT", "replace CURRENT"]
    places = [done.index(step) for step in order]
    assert sorted(places[:3]) < places[3:]
    assert places[3:] == sorted(places[3:])
    assert done[-1] == "sync index"


def test_a_file_that_reads_back_otherwise_is_never_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = put(tmp_path / "index", "first")

    def spoilt(path: Path) -> None:
        if path.name == "a.txt":
            path.write_text("spoilt")

    monkeypatch.setattr("qa.generations._sync", spoilt)
    with pytest.raises(OSError, match="reads back otherwise"):
        put(tmp_path / "index", "second")
    assert current_generation(tmp_path / "index") == name


def test_the_second_builder_is_told_whom_it_waits_for(tmp_path: Path) -> None:
    told: list[str] = []
    assert not being_built(tmp_path)

    class Stop(Exception):
        pass

    def stop(who: str) -> None:
        told.append(who)
        raise Stop

    with building(tmp_path):
        assert being_built(tmp_path)
        assert holder(tmp_path).startswith(f"process {os.getpid()} on ")
        with pytest.raises(Stop), building(tmp_path, stop):
            pass
    assert told[0].startswith(f"process {os.getpid()} on ")
    assert holder(tmp_path) == "another process"


def test_a_large_file_is_hashed_only_where_that_is_asked_for(tmp_path: Path) -> None:
    name = put(tmp_path / "index", "first")
    files = read_manifest(tmp_path / "index", name, FORMAT)["files"]
    (tmp_path / "index" / name / "deep" / "a.txt").write_text("firsT")
    check_files(tmp_path / "index", name, files, hashed_to=4)
    with pytest.raises(IndexUnusable, match=r"deep/a.txt is damaged"):
        check_files(tmp_path / "index", name, files)

"""Whatever the files of an index hold, it it answers or is refused: `python tests/fuzz/indexes.py -max_total_time=300`.

The bytes choose a file of a whole index and what is written over some place in it; the manifest is made to vouch for that.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["qa", "embeddings"]):
    from embeddings.errors import EmbeddingsError
    from qa.errors import QaError
    from qa.generations import files_of, sha256
    from qa.rebuild import rebuild
    from qa.retrieve import Retriever
    from tests.conftest import FakeEncoder
    from tests.library import RECORDS, write_corpus

HOME = Path(tempfile.mkdtemp())
ENCODER = FakeEncoder()
rebuild([write_corpus(HOME / "corpus", RECORDS)], HOME / "index", encoder=ENCODER)
WHOLE = HOME / "index" / (HOME / "index" / "CURRENT").read_text().strip()
MANIFEST = json.loads((WHOLE / "manifest.json").read_bytes())
NAMES = sorted(MANIFEST["files"])


def one(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    name = NAMES[provider.ConsumeIntInRange(0, len(NAMES) - 1)]
    folder = HOME / "other"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(WHOLE, folder / "made")
    content = bytearray((folder / "made" / name).read_bytes())
    at = provider.ConsumeIntInRange(0, len(content))
    new = provider.ConsumeBytes(64)
    content[at : at + (len(new) if provider.ConsumeBool() else 0)] = new
    (folder / "made" / name).write_bytes(content)
    (folder / "made" / "manifest.json").unlink()
    files = files_of(folder / "made", {})
    (folder / "made" / "manifest.json").write_text(json.dumps({**MANIFEST, "files": files}))
    generation = f"generation-{sha256(folder / 'made' / 'manifest.json')[:16]}"
    (folder / "made").rename(folder / generation)
    (folder / "CURRENT").write_text(generation)
    try:
        retriever = Retriever.load(folder, encoder=ENCODER)
        answer = retriever.ask("Who agreed to widen the harbour of Busan?")
    except (QaError, EmbeddingsError):
        return
    json.dumps(answer.record(), allow_nan=False)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()

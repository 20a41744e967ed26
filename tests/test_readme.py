"""The README's pieces of Python run as they stand, on a small store of the schema they speak of."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from synth.store.create import create_store
from synth.store.samples import sample_schema
from synth.store.seal import seal
from synth.store.writer import ShardWriter

README = Path(__file__).resolve().parents[1] / "README.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def mosaics(tmp_path, monkeypatch):
    """A sealed store `mosaics.zarr` in the working folder: 4 samples of the mosaics' schema, values made up."""
    schema = sample_schema(shard_size=4)
    path = tmp_path / "mosaics.zarr"
    create_store(path, schema, 4, recipe_hash="r", attributes={})
    with ShardWriter(path, 0) as writer:
        for sample in range(4):
            writer.add(images=np.full((220, 220, 3), sample, np.uint8))
        rows = {
            array.name: np.zeros((4, *array.inner_shape), array.numpy_dtype)
            for array in schema.arrays
            if array.name not in ("images", "valid")
        }
        writer.commit(rows, {})
    seal(path)
    monkeypatch.chdir(tmp_path)
    return path


def run(snippets):
    """What the pieces leave behind, one after the other."""
    names: dict[str, object] = {}
    for snippet in snippets:
        exec(compile(snippet, str(README), "exec"), names)
    return names


def test_python_of_the_readme_runs(mosaics):
    pytest.importorskip("tensorstore", reason="tensorstore is not installed: the README's second snippet")
    plain = [snippet for snippet in SNIPPETS if "import torch" not in snippet]
    assert len(plain) >= 2
    names = run(plain)
    assert names["image"].shape == (220, 220, 3)
    assert names["pose"].shape == (17, 3)
    assert names["batch"].shape == (4, 220, 220, 3)
    assert names["batch"][:, 0, 0, 0].tolist() == [0, 1, 2, 3]


def test_torch_of_the_readme_trains(mosaics):
    pytest.importorskip("tensorstore", reason="tensorstore is not installed: the README's second snippet")
    torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")
    (number,) = [number for number, snippet in enumerate(SNIPPETS) if "import torch" in snippet]
    torch.manual_seed(0)
    names = run(SNIPPETS[: number + 1])
    assert names["pictures"].shape == (4, 3, 220, 220)
    assert names["poses"].shape == (4, 17, 3)
    assert 0 < names["loss"].item() < 1
    assert names["network"][2].weight.grad.abs().max() > 0

from __future__ import annotations

import pickle
from itertools import chain, zip_longest
from types import SimpleNamespace

import pytest
import store_samples as samples

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from synth.errors import InputError, StoreError  # noqa: E402 - torch may be missing
from synth.store.create import unseal  # noqa: E402
from synth.train.dataset import StoreDataset  # noqa: E402

NAMES = ("images", "source")


@pytest.fixture
def store(tmp_path):
    samples.finish(tmp_path / "s", 20)
    return tmp_path / "s"


def make(*stores, **options):
    options = {"batch_size": 4, "split": None, "drop_last": False, **options}
    return StoreDataset(stores, NAMES, **options)


def ids(batches):
    return [batch["ids"].tolist() for batch in batches]


def test_an_epoch_holds_every_sample_once_as_tensors(store):
    dataset = make(store)
    batches = list(dataset)
    assert len(batches) == 5
    assert sorted(chain.from_iterable(ids(batches))) == list(range(20))
    for batch in batches:
        images = torch.from_numpy(samples.images(20))[batch["ids"]]
        assert torch.equal(batch["images"], images)
        assert torch.equal(batch["source"], batch["ids"].to(torch.int32) % 4)


def test_epochs_follow_from_their_number(store):
    dataset = make(store, seed=5)
    first, second = ids(dataset), ids(dataset)  # a pass that ends is followed by the next epoch
    assert first != second
    dataset.set_epoch(0)
    assert ids(dataset) == first
    again = make(store, seed=5)
    again.set_epoch(1)
    assert ids(again) == second


def in_workers(dataset, count, monkeypatch):
    """What a `DataLoader` with `count` workers gives: copies of the dataset, asked in turn."""
    passes = []
    for number in range(count):
        worker = SimpleNamespace(id=number, num_workers=count)
        monkeypatch.setattr("synth.train.dataset.get_worker_info", lambda worker=worker: worker)
        passes.append(list(pickle.loads(pickle.dumps(dataset))))
    return [batch for turn in zip_longest(*passes) for batch in turn if batch is not None]


def test_workers_take_turns(store, monkeypatch):
    found = in_workers(make(store), 2, monkeypatch)
    assert [batch["number"] for batch in found] == list(range(5))
    monkeypatch.undo()
    assert ids(found) == ids(make(store))


def test_workers_go_on_after_the_last_batch_used(store, monkeypatch):
    whole = list(make(store))
    dataset = make(store)
    dataset.load_state_dict(dataset.state_dict(after=whole[1]))
    assert ids(in_workers(dataset, 2, monkeypatch)) == ids(whole[2:])


def test_a_data_loader_passes_batches_on(store):
    loader = torch.utils.data.DataLoader(make(store), batch_size=None)
    assert len(loader) == 5
    assert ids(loader) == ids(make(store))


@pytest.mark.parametrize("taken", [0, 1, 4, 5])
def test_resumed_in_the_middle_of_an_epoch(store, taken):
    dataset = make(store)
    whole = ids(make(store))
    batches = iter(dataset)
    start = [next(batches)["ids"].tolist() for _ in range(taken)]
    state = dataset.state_dict()
    assert start == whole[:taken]
    assert state == ({"epoch": 0, "number": taken} if taken < 5 else {"epoch": 1, "number": 0})
    resumed = make(store)
    resumed.load_state_dict(state)
    resumed.set_epoch(state["epoch"])
    assert len(resumed) == 5 - state["number"]
    if taken < 5:
        assert ids(resumed) == whole[taken:]


def test_ranks_share_an_epoch(store):
    ranks = [make(store, rank=rank, world=2) for rank in range(2)]
    whole = ids(make(store))
    shared = [[left, right] for left, right in zip(*map(ids, ranks), strict=True)]
    assert [sorted(left + right) for left, right in shared] == [sorted(batch) for batch in whole]
    assert all(len(left) == len(right) == 2 for left, right in shared)


def test_the_process_group_decides_by_itself(store, tmp_path):
    torch.distributed.init_process_group(
        "gloo", store=torch.distributed.FileStore(str(tmp_path / "group"), 1), rank=0, world_size=1
    )
    try:
        assert ids(make(store)) == ids(make(store, rank=0, world=1))
    finally:
        torch.distributed.destroy_process_group()


def test_stores_are_mixed_in_proportion(store, tmp_path):
    samples.finish(tmp_path / "other", 5)
    dataset = StoreDataset(
        {store: 3.0, tmp_path / "other": 1.0}, NAMES, batch_size=4, split=None, epoch_batches=6
    )
    batches = list(dataset)
    assert len(batches) == 6
    assert [batch["sources"].bincount().tolist() for batch in batches] == [[3, 1]] * 6


def test_what_is_refused(store):
    with pytest.raises(InputError, match="both rank and world"):
        make(store, rank=1)
    with pytest.raises(InputError, match="an epoch of this data has 5 batches"):
        make(store).load_state_dict({"epoch": 0, "number": 5})
    unseal(store)
    with pytest.raises(StoreError, match="is not sealed"):
        make(store)

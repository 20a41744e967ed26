"""Where a process trains: its device, and which of several processes it is (``torchrun``)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from synth.errors import InputError


@dataclass(frozen=True)
class Place:
    """One of the processes that train a network together.

    Parameters
    ----------
    device : torch.device
    rank, world : int
        Number of this process, and how many there are.
    """

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes and tells."""
        return self.rank == 0

    def spread(self, module: nn.Module, several_updates: bool) -> nn.Module:
        """Have the gradients of a module averaged over all processes; itself where there is one alone."""
        if self.world == 1:
            return module
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=devices, find_unused_parameters=several_updates)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process, told to all of them."""
        if self.world == 1:
            return flag
        flags = torch.tensor(float(flag), device=self.device)
        distributed.all_reduce(flags, distributed.ReduceOp.MAX)
        return bool(flags.item())

    def from_first(self, value: float) -> float:
        """Tell the first process's number to all of them."""
        if self.world == 1:
            return value
        told = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.broadcast(told, 0)
        return float(told.item())

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.world > 1:
            distributed.barrier()


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """Device of a name: ``"cpu"``, ``"cuda"``, or ``"auto"``, which is a GPU if there is one.

    Raises
    ------
    InputError
        If there is no GPU and one is asked for, or fewer than processes on this host.
    """
    count = torch.cuda.device_count()
    if name == "cpu" or (name == "auto" and count == 0):
        return torch.device("cpu")
    if local_rank >= count:
        raise InputError(
            f"device {name}: this host has {count} CUDA devices, process {local_rank} finds none; choose "
            "--device cpu, or fewer processes"
        )
    return torch.device("cuda", local_rank)


@contextmanager
def joined(device: str) -> Iterator[Place]:
    """Join the processes that ``torchrun`` has started, if it has.

    Parameters
    ----------
    device : str
        As of `choose_device`.
    """
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    own = choose_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if own.type == "cuda":
        torch.cuda.set_device(own)
    if world == 1:
        yield Place(own)
        return
    distributed.init_process_group("nccl" if own.type == "cuda" else "gloo")
    try:
        yield Place(own, rank, world)
    finally:
        distributed.destroy_process_group()

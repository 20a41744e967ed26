"""What the tests of networks share: training on one tiny batch, and what gradients reach. Needs torch."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")
torch.set_num_threads(1)


def parameter_count(make: Callable[[], torch.nn.Module]) -> int:
    """Parameters of a network that is made without memory for them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in make().parameters())


def unreached(network: torch.nn.Module, loss: torch.Tensor) -> list[str]:
    """Parameters without a gradient that differs from 0."""
    network.zero_grad()
    loss.backward()
    return [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]


def overfit(
    network: torch.nn.Module, loss: Callable[[], torch.Tensor], steps: int, rate: float = 1e-3
) -> list[float]:
    """Losses of Adam's steps on one batch; the network ends in evaluation mode."""
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    losses = []
    network.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * (1.0 - step / steps) + 1e-6
        optimiser.zero_grad()
        value = loss()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    network.eval()
    return losses


def settle(network: torch.nn.Module, run: Callable[[], object], passes: int = 20) -> None:
    """Let batch normalisation see the batch with the final weights, then evaluate."""
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = None
            module.reset_running_stats()
    network.train()
    with torch.no_grad():
        for _ in range(passes):
            run()
    network.eval()


def saved_and_loaded(network: torch.nn.Module, other: torch.nn.Module) -> torch.nn.Module:
    """The other network with the first one's weights, by way of a file's bytes."""
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    return other.eval()


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

"""Weights that were trained elsewhere, such as torchvision's on ImageNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from synth.errors import InputError


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], skip: Sequence[str] = ()) -> None:
    """Copy weights into a network by their names.

    Parameters
    ----------
    network : Module
        Changed in place.
    weights : mapping of str to Tensor
        A state dict.
    skip : sequence of str
        Starts of names that are left as they are, in the network, and not looked at in the weights: the last
        layer (``"classifier.6."``, ``"fc."``) of a network that is fine-tuned for other outputs.

    Raises
    ------
    InputError
        If names or shapes don't agree, naming the first that don't.
    """
    start = tuple(skip)
    given = {name: value for name, value in weights.items() if not name.startswith(start)}
    wanted = {name: value for name, value in network.state_dict().items() if not name.startswith(start)}
    # counters of batches that older files lack; they change nothing with torch's default momentum
    missing = sorted(n for n in wanted.keys() - given.keys() if not n.endswith("num_batches_tracked"))
    unknown = sorted(given.keys() - wanted.keys())
    if missing or unknown:
        lacking = f"they lack {missing[0]} and {len(missing) - 1} more" if missing else ""
        extra = f"the network has no {unknown[0]} and {len(unknown) - 1} more of theirs" if unknown else ""
        raise InputError(
            f"these weights are of another network: {'; '.join(filter(None, (lacking, extra)))}. "
            "Give the same architecture, or skip layers by the start of their names"
        )
    for name, value in given.items():
        if value.shape != wanted[name].shape:
            raise InputError(
                f"weight {name} has shape {tuple(value.shape)}, but the network's has {tuple(wanted[name].shape)}; "
                "give the same width and outputs, or skip this layer"
            )
    network.load_state_dict(given, strict=False)

"""The blend's vector operations, which numba has no name for: 16 counts at once, an RGB sample at once."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_BYTE, _SHORT, _WORD, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))


def _vector(lane: Any, count: int) -> Any:
    return ir.VectorType(lane, count)


def _splat(builder: Any, value: Any, count: int) -> Any:
    """One value in all lanes."""
    none = ir.Constant(_vector(value.type, count), ir.Undefined)
    single = builder.insert_element(none, value, _WORD(0))
    return builder.shuffle_vector(single, none, ir.Constant(_vector(_WORD, count), [0] * count))


def _picked(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    """Lanes of two vectors side by side."""
    return builder.shuffle_vector(a, b, ir.Constant(_vector(_WORD, len(lanes)), lanes))


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Where an array's elements begin."""
    return context.make_array(kind)(context, builder, array).data


def _load(builder: Any, data: Any, place: Any, kind: Any) -> Any:
    """Load a vector that begins at an element of an array, aligned or not."""
    value = builder.load(builder.bitcast(builder.gep(data, [place]), kind.as_pointer()))
    value.align = 1
    return value


def _store(builder: Any, value: Any, data: Any, place: Any) -> None:
    builder.store(value, builder.bitcast(builder.gep(data, [place]), value.type.as_pointer())).align = 1


@intrinsic
def add_bilinear(
    typing_context: Any,
    total: Any,
    place: Any,
    pixels: Any,
    above: Any,
    below: Any,
    fx: Any,
    fy: Any,
    weight: Any,
) -> Any:
    """Add `weight` times a bilinear sample of an RGB picture to three sums, all channels at once.

    Parameters
    ----------
    total : (T,) int32
        Sums; `total[place]` to `total[place + 2]` grow by weight * 32 * (red, green, blue), each
        sample rounded, and the next one by something of no meaning.
    place : int64
        First of the four sums.
    pixels : (P,) uint8
        RGB bytes. Eight are read from `above`, and eight that end with the sixth after `below`.
    above, below : uint64
        Where the upper left and the lower left of the four pixels begin. No bounds are checked.
    fx, fy : int32
        Place between them in units of 2^-12, under 2^12.
    weight : int32
        Factor, under 2^15.
    """
    signature = types.void(
        total, place, pixels, types.uint64, types.uint64, types.int32, types.int32, types.int32
    )

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, bytes_ = (_data(context, builder, signature.args[n], arguments[n]) for n in (0, 2))
        place, above, below, fx, fy, weight = (arguments[n] for n in (1, 3, 4, 5, 6, 7))

        eight = _vector(_BYTE, 8)

        def mixed(a: Any, b: Any, fraction: Any, bits: int) -> Any:
            """Add (b - a) fraction to a, less `bits` of 12; all factors have 16 bits: they multiply fastest."""

            def all_lanes(value: int) -> Any:
                return ir.Constant(a.type, [value] * a.type.count)

            share = builder.and_(_splat(builder, fraction, a.type.count), all_lanes(0xFFF))
            rise = builder.mul(builder.sub(b, a), share)
            start = builder.add(builder.shl(a, all_lanes(12)), all_lanes(1 << (bits - 1)))
            return builder.ashr(builder.add(start, rise), all_lanes(bits))

        wide = _vector(_WORD, 8)
        upper = builder.zext(_load(builder, bytes_, above, eight), wide)
        # Two bytes earlier, so that nothing behind the last pixel is read.
        earlier = _load(builder, bytes_, builder.sub(below, below.type(2)), _LONG)
        lower = builder.zext(builder.bitcast(builder.lshr(earlier, _LONG(16)), eight), wide)
        column = mixed(upper, lower, fy, 8)
        left, right = (_picked(builder, column, column, [n, n + 1, n + 2, n + 3]) for n in (0, 3))
        sample = mixed(left, right, fx, 11)
        four = sample.type
        weighted = builder.mul(sample, _splat(builder, builder.and_(weight, _WORD(0x7FFF)), 4))
        _store(builder, builder.add(_load(builder, sums, place, four), weighted), sums, place)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def sum_indicators(
    typing_context: Any, labels: Any, start: Any, count: Any, table: Any, above: Any, here: Any
) -> Any:
    """Fill a row of a summed-area table of the indicator functions of 16 labels.

    Parameters
    ----------
    labels : (L,) uint8
        Labels, 0 to 15; `count` of them from `start` on are the row.
    start, count : uint64
        The row; at least one label.
    table : (T,) uint16
        Sixteen sums an element. Element n from `here` on becomes that from `above` on plus the number of each
        label among the row's first n + 1.
    above, here : uint64
        Places in `table`.
    """
    signature = types.void(labels, types.uint64, types.uint64, table, types.uint64, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bytes_, sums = (_data(context, builder, signature.args[n], arguments[n]) for n in (0, 3))
        _, start, count, _, above, here = arguments
        lanes = _vector(_SHORT, 16)
        before = builder.basic_block
        loop = builder.append_basic_block("row")
        after = builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        n, row = builder.phi(_LONG), builder.phi(lanes)
        label = builder.load(builder.gep(bytes_, [builder.add(start, n)]))
        same = builder.icmp_unsigned(
            "==", _splat(builder, builder.zext(label, _SHORT), 16), ir.Constant(lanes, list(range(16)))
        )
        new_row = builder.sub(row, builder.sext(same, lanes))
        place = builder.mul(n, _LONG(16))
        old = _load(builder, sums, builder.add(above, place), lanes)
        _store(builder, builder.add(old, new_row), sums, builder.add(here, place))
        following = builder.add(n, _LONG(1))
        for phi, first, later in ((n, _LONG(0), following), (row, ir.Constant(lanes, [0] * 16), new_row)):
            phi.add_incoming(first, before)
            phi.add_incoming(later, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, count), loop, after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def window_counts(
    typing_context: Any,
    table: Any,
    lower_right: Any,
    upper_left: Any,
    upper_right: Any,
    lower_left: Any,
    counts: Any,
    first: Any,
) -> Any:
    """Count 16 labels in a window from its corners in a summed-area table; tells which of them occur.

    Parameters
    ----------
    table : (T,) uint16
        From `sum_indicators`.
    lower_right, upper_left, upper_right, lower_left : uint64
        Places of the four corners.
    counts : (C,) uint16
        Sixteen of them are filled.
    first : uint64
        The first of them.

    Returns
    -------
    uint64
        Bit s is set where `counts[first + s]` isn't 0.
    """
    place = types.uint64
    signature = types.uint64(table, place, place, place, place, counts, place)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, found = (_data(context, builder, signature.args[n], arguments[n]) for n in (0, 5))
        lanes = _vector(_SHORT, 16)
        a, b, c, d = (_load(builder, sums, corner, lanes) for corner in arguments[1:5])
        difference = builder.sub(builder.add(a, b), builder.add(c, d))
        _store(builder, difference, found, arguments[6])
        there = builder.icmp_unsigned("!=", difference, ir.Constant(lanes, [0] * 16))
        return builder.zext(builder.bitcast(there, _SHORT), _LONG)

    return signature, generate

"""Machine operations that numba has no name for: vectors of distances, fetching ahead, bits of a number."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
"""Columns of a tile of `squared_distances`."""


@intrinsic
def squared_distances(
    typing_context: Any, point: Any, first: Any, tiles: Any, tile: Any, dims: Any, out: Any
) -> Any:
    """Squared distances of one point to the 16 points of a tile, in float64.

    Each is the sum over the coordinates in order, by fused multiply-add: the same bits on every machine.

    Parameters
    ----------
    point : (P,) float32
        Coordinates `first` to `first + dims - 1` are the point's. No bounds are checked.
    first : int64
    tiles : (T,) float64
        From element `tile` on, `dims` rows of `LANES`: one coordinate of all 16 points.
    tile, dims : int64
    out : (LANES,) float64
        The result.
    """
    signature = types.void(point, types.int64, tiles, types.int64, types.int64, out)
    wide = ir.VectorType(ir.DoubleType(), LANES)
    zero = ir.Constant(wide, [0.0] * LANES)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        points, columns, result = (
            context.make_array(signature.args[n])(context, builder, arguments[n]).data for n in (0, 2, 5)
        )
        own = builder.gep(points, [arguments[1]])
        others = builder.gep(columns, [arguments[3]])
        name = f"llvm.fma.v{LANES}f64"
        fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(wide, [wide] * 3), name)
        total = cgutils.alloca_once_value(builder, zero)
        with cgutils.for_range(builder, arguments[4]) as loop:
            value = builder.fpext(builder.load(builder.gep(own, [loop.index])), ir.DoubleType())
            single = builder.insert_element(ir.Constant(wide, ir.Undefined), value, ir.IntType(32)(0))
            lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            spread = builder.shuffle_vector(single, ir.Constant(wide, ir.Undefined), lanes)
            place = builder.gep(others, [builder.mul(loop.index, loop.index.type(LANES))])
            row = builder.load(builder.bitcast(place, wide.as_pointer()))
            row.align = 8
            away = builder.fsub(row, spread)
            builder.store(builder.call(fma, [away, away, builder.load(total)]), total)
        place = builder.bitcast(result, wide.as_pointer())
        builder.store(builder.load(total), place).align = 8
        return context.get_dummy_value()

    return signature, generate


BLOCK = 8
"""Coordinates that `squared_distance` takes at a time."""


@intrinsic
def squared_distance(typing_context: Any, points: Any, first: Any, second: Any, blocks: Any) -> Any:
    """Squared distance of two points in float32, as eight sums that are added at the end in a fixed order.

    Parameters
    ----------
    points : (P,) float32
        The points' coordinates are the `blocks` * `BLOCK` elements from `first` and from `second` on. No
        bounds are checked.
    first, second, blocks : int64
    """
    wide = ir.VectorType(ir.FloatType(), BLOCK)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        function = ir.FunctionType(wide, [wide] * 3)
        fma = cgutils.get_or_insert_function(builder.module, function, f"llvm.fma.v{BLOCK}f32")
        total = cgutils.alloca_once_value(builder, ir.Constant(wide, [0.0] * BLOCK))

        def eight(start: Any, block: Any) -> Any:
            place = builder.gep(data, [builder.add(start, builder.mul(block, block.type(BLOCK)))])
            value = builder.load(builder.bitcast(place, wide.as_pointer()))
            value.align = 4
            return value

        with cgutils.for_range(builder, arguments[3]) as loop:
            away = builder.fsub(eight(arguments[1], loop.index), eight(arguments[2], loop.index))
            builder.store(builder.call(fma, [away, away, builder.load(total)]), total)
        sums = builder.load(total)
        for half in (4, 2, 1):
            order = ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(half)))
            upper = ir.Constant(ir.VectorType(ir.IntType(32), half), list(range(half, 2 * half)))
            undefined = ir.Constant(sums.type, ir.Undefined)
            sums = builder.fadd(
                builder.shuffle_vector(sums, undefined, order),
                builder.shuffle_vector(sums, undefined, upper),
            )
        return builder.extract_element(sums, ir.IntType(32)(0))

    return types.float32(points, types.int64, types.int64, types.int64), generate


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of an array's element `index`; never faults, also past the array's end."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        integer = ir.IntType(32)
        operation = builder.module.declare_intrinsic(
            "llvm.prefetch",
            [place.type],
            ir.FunctionType(ir.VoidType(), [place.type, integer, integer, integer]),
        )
        builder.call(operation, [place, integer(0), integer(3), integer(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


@intrinsic
def float_bits(typing_context: Any, value: Any) -> Any:
    """Bits of a float32 as int32. Bits of floats that aren't negative are in the floats' order."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(value), generate


@intrinsic
def trailing_zeros(typing_context: Any, value: Any) -> Any:
    """Count the zero bits below the lowest set bit of a uint64 that isn't 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(value), generate

"""Machine operations that numba has no name for: vectors of bytes, fetching ahead, bits of a number."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


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
        Sums; `total[place]` to `total[place + 2]` grow by weight * 64 * (red, green, blue), and the
        next one by something of no meaning.
    place : int64
        First of the four sums.
    pixels : (P,) uint8
        RGB bytes. Eight are read from `above`, and eight that end with the sixth after `below`.
    above, below : uint64
        Where the upper left and the lower left of the four pixels begin. No bounds are checked.
    fx, fy : int32
        Place between them in units of 2^-13.
    weight : int32
        Factor.
    """
    signature = types.void(
        total, place, pixels, types.uint64, types.uint64, types.int32, types.int32, types.int32
    )

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, bytes_ = (
            context.make_array(signature.args[n])(context, builder, arguments[n]).data for n in (0, 2)
        )
        lane, wide = ir.IntType(32), ir.VectorType(ir.IntType(32), 8)

        def spread(value: Any) -> Any:
            single = builder.insert_element(ir.Constant(wide, ir.Undefined), value, lane(0))
            return builder.shuffle_vector(single, ir.Constant(wide, ir.Undefined), ir.Constant(wide, [0] * 8))

        def eight_bytes(at: Any) -> Any:
            eight = ir.VectorType(ir.IntType(8), 8)
            value = builder.load(builder.bitcast(builder.gep(bytes_, [at]), eight.as_pointer()))
            value.align = 1
            return builder.zext(value, wide)

        def shifted(value: Any, by: int) -> Any:
            order = ir.Constant(wide, [min(n + by, 7) for n in range(8)])
            return builder.shuffle_vector(value, ir.Constant(wide, ir.Undefined), order)

        def constant(value: int) -> Any:
            return ir.Constant(wide, [value] * 8)

        place, above, below, fx, fy, weight = (arguments[n] for n in (1, 3, 4, 5, 6, 7))
        upper = eight_bytes(above)
        # Two bytes earlier, so that nothing behind the last pixel is read.
        lower = shifted(eight_bytes(builder.sub(below, below.type(2))), 2)
        rise = builder.mul(builder.sub(lower, upper), spread(fy))
        column = builder.add(builder.add(builder.shl(upper, constant(13)), rise), constant(64))
        column = builder.ashr(column, constant(7))
        slope = builder.mul(builder.sub(shifted(column, 3), column), spread(fx))
        sample = builder.add(column, builder.ashr(builder.add(slope, constant(4096)), constant(13)))
        four = ir.VectorType(lane, 4)
        weighted = builder.mul(sample, spread(weight))
        first = builder.shuffle_vector(
            weighted, ir.Constant(wide, ir.Undefined), ir.Constant(four, [0, 1, 2, 3])
        )
        target = builder.bitcast(builder.gep(sums, [place]), four.as_pointer())
        old = builder.load(target)
        old.align = 4
        builder.store(builder.add(old, first), target).align = 4
        return context.get_dummy_value()

    return signature, generate


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

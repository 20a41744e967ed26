"""Eight samples of a triangle at once: the vector operation of the z-buffer that numba doesn't find by itself.

Triangles of a body are a few samples wide. Written sample by sample, every second branch would be foreseen
wrongly; here there is none.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

SPAN = 8
"""Samples in a row that are drawn together. Buffers have as many elements more than are used."""

_FLOATS, _INTEGERS = (ir.VectorType(kind, SPAN) for kind in (ir.FloatType(), ir.IntType(32)))
_PAIRS = ir.VectorType(ir.IntType(32), 2 * SPAN)


@intrinsic
def draw_span(
    typing_context: Any,
    seen: Any,
    nearness: Any,
    barycentric: Any,
    place: Any,
    count: Any,
    triangle: Any,
    edges: Any,
    steps: Any,
    depth: Any,
) -> Any:
    """Draw a triangle at eight samples of a row where it is the nearest so far.

    Parameters
    ----------
    seen : (N + 8,) int32
        Becomes the triangle where it is seen.
    nearness : (N + 8,) float32
        Becomes the triangle's.
    barycentric : (2 N + 16,) float32 or None
        Becomes the weights of the second and the third vertex.
    place : int64
        The first sample. No bounds are checked.
    count : int64
        So many samples from there may change.
    triangle : int64
        Number of the triangle; triangles come in the order of their numbers.
    edges : (int64, int64, int64)
        At the first sample: twice the areas opposite the three vertices, positive inside; below 2^31 at all
        eight.
    steps : (int64, int64, int64)
        What is added to them from sample to sample.
    depth : (float32, float32, float32, float32, float32)
        Nearness of the first vertex; what each unit of the second and third area adds to it; what each
        unit, divided by the nearness, adds to the weights of the second and the third vertex.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place, count, number = arguments[3:6]
        first, step, (base, slope_b, slope_c, share_b, share_c) = (
            [_spread(builder, one, kind) for one in cgutils.unpack_tuple(builder, arguments[n])]
            for n, kind in ((6, _INTEGERS), (7, _INTEGERS), (8, _FLOATS))
        )
        along = ir.Constant(_INTEGERS, list(range(SPAN)))
        areas = [
            builder.add(start, builder.mul(along, slope)) for start, slope in zip(first, step, strict=True)
        ]
        area_b, area_c = (builder.sitofp(area, _FLOATS) for area in areas[1:])
        here = builder.fadd(builder.fadd(base, builder.fmul(area_b, slope_b)), builder.fmul(area_c, slope_c))

        def buffer(n: int, kind: Any, at: Any) -> Any:
            data = context.make_array(signature.args[n])(context, builder, arguments[n]).data
            return builder.bitcast(builder.gep(data, [at]), kind.as_pointer())

        depths = buffer(1, _INTEGERS, place)
        before = builder.bitcast(_load(builder, depths), _FLOATS)
        wins = builder.icmp_signed("<", along, _spread(builder, count, _INTEGERS))
        # no area is negative if the sign bit is set in none
        signs = builder.or_(builder.or_(areas[0], areas[1]), areas[2])
        wins = builder.and_(wins, builder.icmp_signed(">=", signs, ir.Constant(_INTEGERS, None)))
        mask = builder.sext(builder.and_(wins, builder.fcmp_ordered(">", here, before)), _INTEGERS)
        # the nearest and, of triangles that come in their order, the last one so far are the greatest: as
        # selections these would become masked stores, which take some processors dozens of cycles each
        _store_greatest(builder, builder.and_(builder.bitcast(here, _INTEGERS), mask), depths)
        mine = builder.or_(_spread(builder, number, _INTEGERS), builder.not_(mask))
        _store_greatest(builder, mine, buffer(0, _INTEGERS, place))
        if not isinstance(signature.args[2], types.NoneType):
            shares = builder.fmul(area_b, share_b), builder.fmul(area_c, share_c)
            _store_weights(builder, shares, here, mask, buffer(2, _PAIRS, builder.mul(place, place.type(2))))
        return context.get_dummy_value()

    signature = types.void(seen, nearness, barycentric, place, count, triangle, edges, steps, depth)
    return signature, generate


def _store_weights(builder: Any, shares: tuple[Any, Any], nearness: Any, mask: Any, at: Any) -> None:
    """Write the weights of the second and the third vertex where the mask's bits are 1."""
    inverse = builder.fdiv(ir.Constant(_FLOATS, [1.0] * SPAN), nearness)
    weights = (builder.bitcast(builder.fmul(share, inverse), _INTEGERS) for share in shares)
    kept = _load(builder, at)
    change = builder.xor(kept, _interleaved(builder, *weights))
    _store(builder, builder.xor(kept, builder.and_(change, _interleaved(builder, mask, mask))), at)


def _spread(builder: Any, value: Any, kind: Any) -> Any:
    """Vector whose elements are all one value, whole numbers cut to their size."""
    if isinstance(kind.element, ir.IntType) and value.type.width > kind.element.width:
        value = builder.trunc(value, kind.element)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    nowhere = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    return builder.shuffle_vector(single, ir.Constant(kind, ir.Undefined), nowhere)


def _interleaved(builder: Any, a: Any, b: Any) -> Any:
    """Elements of two vectors in turn."""
    order = [n // 2 + (n % 2) * SPAN for n in range(2 * SPAN)]
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), 2 * SPAN), order))


def _store_greatest(builder: Any, new: Any, at: Any) -> None:
    """Replace whole numbers by greater ones."""
    name = f"llvm.smax.v{SPAN}i32"
    signature = ir.FunctionType(new.type, [new.type, new.type])
    operation = cgutils.get_or_insert_function(builder.module, signature, name)
    _store(builder, builder.call(operation, [_load(builder, at), new]), at)


def _load(builder: Any, at: Any) -> Any:
    value = builder.load(at)
    value.align = 4
    return value


def _store(builder: Any, value: Any, at: Any) -> None:
    builder.store(value, at).align = 4

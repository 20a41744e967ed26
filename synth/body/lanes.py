"""Vector operations of skinning that numba doesn't find by itself: whole matrices in one register."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_FLOAT = ir.FloatType()
_FOUR = ir.VectorType(_FLOAT, 4)
_SIXTEEN = ir.VectorType(_FLOAT, 16)
_LANE = ir.IntType(32)


@intrinsic
def store_skinned(
    typing_context: Any,
    posed: Any,
    place: Any,
    columns: Any,
    bones: Any,
    weights: Any,
    vertex: Any,
    rest: Any,
) -> Any:
    """Blend the matrices of a vertex's four bones and write the posed vertex.

    Parameters
    ----------
    posed : (3 V + 1,) float32
        `posed[place]` to `posed[place + 2]` become the vertex, the next one something of no meaning.
    place : int64
        Three times the vertex.
    columns : (16 B,) float32
        Matrices, four columns of four floats each, the last of each 0.
    bones : (4 V,) uint8
        Bones of each vertex. No bounds are checked.
    weights : (4 V,) float32
        Their weights.
    vertex : int64
        Which vertex.
    rest : (3 V,) float32
        Vertices at rest.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place, vertex = arguments[1], arguments[5]
        out, matrices, bone_list, weight_list, points = (
            context.make_array(signature.args[n])(context, builder, arguments[n]).data
            for n in (0, 2, 3, 4, 6)
        )
        first = builder.mul(vertex, vertex.type(4))
        blended = ir.Constant(_SIXTEEN, None)
        for k in range(4):
            at = builder.add(first, vertex.type(k))
            bone = builder.zext(builder.load(builder.gep(bone_list, [at])), vertex.type)
            weight = builder.load(builder.gep(weight_list, [at]))
            source = builder.gep(matrices, [builder.mul(bone, vertex.type(16))])
            blended = _multiply_add(builder, _load(builder, source, _SIXTEEN), weight, blended)
        total = _quarter(builder, blended, 3)
        for axis in range(3):
            coordinate = builder.load(builder.gep(points, [builder.add(place, place.type(axis))]))
            total = _multiply_add(builder, _quarter(builder, blended, axis), coordinate, total)
        _store(builder, total, builder.gep(out, [place]), _FOUR)
        return context.get_dummy_value()

    return types.void(posed, place, columns, bones, weights, vertex, rest), generate


@intrinsic
def add_normal(typing_context: Any, sums: Any, vertices: Any, i: Any, j: Any, k: Any) -> Any:
    """Add the normal of a triangle, twice its area long, to the sums of its three vertices.

    Parameters
    ----------
    sums : (4 V,) float32
        Normals; the fourth of each gets something of no meaning.
    vertices : (3 V + 1,) float32
        Positions; the last element is read and means nothing.
    i, j, k : int64
        The triangle, counter-clockwise seen from outside. No bounds are checked.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        normals, points = (
            context.make_array(signature.args[n])(context, builder, arguments[n]).data for n in (0, 1)
        )
        corners = arguments[2:]
        a, b, c = (_load(builder, builder.gep(points, [builder.mul(v, v.type(3))]), _FOUR) for v in corners)
        normal = _cross(builder, builder.fsub(b, a), builder.fsub(c, a))
        for v in corners:
            at = builder.gep(normals, [builder.mul(v, v.type(4))])
            _store(builder, builder.fadd(_load(builder, at, _FOUR), normal), at, _FOUR)
        return context.get_dummy_value()

    return types.void(sums, vertices, i, j, k), generate


def _load(builder: Any, at: Any, kind: Any) -> Any:
    value = builder.load(builder.bitcast(at, kind.as_pointer()))
    value.align = 4
    return value


def _store(builder: Any, value: Any, at: Any, kind: Any) -> None:
    builder.store(value, builder.bitcast(at, kind.as_pointer())).align = 4


def _multiply_add(builder: Any, vector: Any, scalar: Any, total: Any) -> Any:
    """Vector times scalar plus a vector; one instruction where the machine has it."""
    kind = vector.type
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, _LANE(0))
    order = ir.Constant(ir.VectorType(_LANE, kind.count), [0] * kind.count)
    spread = builder.shuffle_vector(single, ir.Constant(kind, ir.Undefined), order)
    signature = ir.FunctionType(kind, [kind, kind, kind])
    name = f"llvm.fmuladd.v{kind.count}f32"
    operation = cgutils.get_or_insert_function(builder.module, signature, name)
    return builder.call(operation, [vector, spread, total])


def _quarter(builder: Any, vector: Any, which: int) -> Any:
    """Four of sixteen lanes."""
    order = ir.Constant(ir.VectorType(_LANE, 4), list(range(4 * which, 4 * which + 4)))
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), order)


def _cross(builder: Any, a: Any, b: Any) -> Any:
    """Cross product of the first three lanes."""

    def rotated(vector: Any) -> Any:
        order = ir.Constant(ir.VectorType(_LANE, 4), [1, 2, 0, 3])
        return builder.shuffle_vector(vector, ir.Constant(_FOUR, ir.Undefined), order)

    turned = builder.fsub(builder.fmul(a, rotated(b)), builder.fmul(rotated(a), b))
    return rotated(turned)

"""What may stand beside a sequence: states before the first step, and a mask, known by its type."""

from collections.abc import Sequence

from lamina_server.errors import LayerError
from lamina_server.layers.base import Output, plural, require_number, require_type
from lamina_server.layers.requirements import require_mask
from lamina_server.layers.tensors import INTEGERS, DType, Spec


def check_types(inputs: Sequence[Spec], takes: frozenset[DType]) -> None:
    """Raises LayerError unless the numbers are of one type that is taken, and all else of bool."""
    first = inputs[0].dtype
    for i, x in enumerate(inputs, 1):
        if i == 1:
            require_type(x, takes, i)
        elif x.dtype in (first, DType.BOOL):
            continue
        elif x.dtype in INTEGERS:
            text = f'takes a mask of bool, but {{input_{i}}} is {x.dtype.value}: put Cast("bool") before it'
            raise _type(text, x, DType.BOOL, i)
        else:
            text = f"brings together {first.value} ({{input_1}}) and {x.dtype.value} ({{input_{i}}}); one type is "
            raise _type(f'{text}computed in: put Cast("{first.value}") behind {{input_{i}}}', x, first, i)


def _type(text: str, x: Spec, cast: DType, position: int) -> LayerError:
    facts = {"got": x.dtype.value, "cast": cast.value, "position": position}
    return LayerError("DTYPE_MISMATCH", text, field="inputs", **facts)


def check_masks(inputs: Sequence[Spec]) -> None:
    """Raises LayerError for more than one mask, or one that is not true or false of each step."""
    places = [place for place, x in enumerate(inputs) if x.dtype is DType.BOOL]
    if len(places) > 1:
        text = f"takes one mask of bool, but {{input_{places[0] + 1}}} and {{input_{places[1] + 1}}} are of bool"
        raise LayerError("INPUT_COUNT", text, field="inputs", given=len(inputs), wanted=len(inputs) - len(places) + 1)
    for place in places:
        require_mask(inputs[place], inputs[0].shape[:2], place + 1)


def check_initial(inputs: Sequence[Spec], wanted: Sequence[Output]) -> None:
    """Raises LayerError where the states before the first step are too few or too many, or of another shape."""
    places = [place for place, x in enumerate(inputs) if place and x.dtype is not DType.BOOL]
    given = [inputs[place] for place in places]
    if not given:
        return
    if len(given) != len(wanted):
        names = ", ".join(name for name, _ in wanted)
        are = "is" if len(given) == 1 else "are"
        raise LayerError(
            "INPUT_COUNT",
            f"takes the sequence alone, or with it {plural(len(wanted), 'state')} to begin with ({names}), but "
            f"{len(given)} {are} given",
            field="inputs",
            given=len(given) + 1,
            wanted=len(wanted) + 1,
        )
    for i, x, (name, spec) in zip((place + 1 for place in places), given, wanted, strict=True):
        text = f"begins with {name} ({spec}), but {{input_{i}}} is {x}"
        if x.rank != spec.rank:
            raise LayerError("RANK_MISMATCH", text, field="inputs")
        for found, axis in zip(x.axes, spec.axes, strict=True):
            if isinstance(axis.size, int):
                require_number(found.size, f"{name}'s {axis.role.value}", f"of which the state has {axis.size}")
        if x.shape != spec.shape:
            more = (
                {"have": x.shape[-1], "wanted": spec.shape[-1], "position": i}
                if x.shape[:-1] == spec.shape[:-1]
                else {}
            )
            raise LayerError("SIZE_MISMATCH", text, field="inputs", **more)

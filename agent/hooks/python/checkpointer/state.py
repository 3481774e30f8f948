"""From a nested state to named leaves with their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .errors import StateTypeError, StateValueError
from .tensors import Leaf, leaf_of

#: Deepest nesting of dicts and lists: beyond it a state contains itself.
MAX_DEPTH = 64
#: Ranks are numbered below this.
MAX_RANKS = 1_000_000


class Sharded:
    """A slice of a tensor of the whole model, at home on this rank.

    Tensors wrapped so can be restored into another number of ranks; others only by the rank that saved them.

    :param tensor: the slice that this rank holds: a torch tensor or NumPy array.
    :param global_shape: shape of the whole tensor, in elements, as many dimensions as ``tensor`` has.
    :param offsets: where the slice begins in each dimension, in elements.
    :param replicas: ranks that hold the very same slice, this one among them; one of them will store it.
        ``None``: this rank alone.

    All ranks that have a tensor of this name must wrap it, with equal ``global_shape`` and dtype, and together their
    slices must cover every element exactly once (replicas counting once); a checkpoint for which that does not hold is
    refused as ``checkpoint_incoherent``.
    """

    __slots__ = ("tensor", "global_shape", "offsets", "replicas")

    def __init__(self, tensor, global_shape, offsets, replicas=None):
        self.tensor = tensor
        self.global_shape = _whole_numbers(global_shape, "global_shape")
        self.offsets = _whole_numbers(offsets, "offsets")
        self.replicas = None if replicas is None else _whole_numbers(replicas, "replicas")
        if self.replicas is not None:
            if not self.replicas or any(a >= b for a, b in zip(self.replicas, self.replicas[1:])):
                raise StateValueError(f"replicas {list(self.replicas)} must be ranks in strictly rising order.")
            if self.replicas[-1] >= MAX_RANKS:
                raise StateValueError(f"replicas has rank {self.replicas[-1]}; ranks are below {MAX_RANKS}.")

    def __repr__(self) -> str:
        return f"Sharded(global_shape={self.global_shape}, offsets={self.offsets}, replicas={self.replicas})"


class NamedLeaf:
    """One tensor of a state: its name in the layout, the leaf, and where it has its place in the model, if anywhere."""

    __slots__ = ("name", "leaf", "place")

    def __init__(self, name: str, leaf: Leaf, place: Sharded | None):
        self.name = name
        self.leaf = leaf
        self.place = place

    def signature(self) -> tuple:
        """Equal for two leaves that a layout describes equally."""
        place = self.place
        placed = None if place is None else (place.global_shape, place.offsets, place.replicas)
        return self.name, self.leaf.dtype, self.leaf.shape, placed


def flatten(state, rank: int) -> list:
    """The tensors of ``state`` as :class:`NamedLeaf`, named by their path: ``{"model": {"w": t}}`` gives ``model.w``.

    Keys are strings or integers; items of lists and tuples are named by their number.
    """
    if isinstance(state, Sharded) or not _is_container(state):
        raise StateTypeError(f"The state is a {type(state).__qualname__}; it must be a dict, list or tuple of tensors.")
    leaves: list = []
    _walk(state, "", rank, leaves, 1)
    if not leaves:
        raise StateValueError("The state holds no tensor at all.")
    names = set()
    for named in leaves:
        if named.name in names:
            raise StateValueError(f"Two tensors of the state have the name '{named.name}'.")
        names.add(named.name)
    return leaves


def _is_container(value) -> bool:
    return isinstance(value, (Mapping, list, tuple))


def _walk(container, prefix: str, rank: int, leaves: list, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise StateValueError(f"The state is nested deeper than {MAX_DEPTH} at '{prefix}': does it contain itself?")
    items = container.items() if isinstance(container, Mapping) else enumerate(container)
    for key, value in items:
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            raise StateTypeError(f"The state has the key {key!r} at '{prefix}'; keys are strings or integers.")
        name = f"{prefix}.{key}" if prefix else str(key)
        if _is_container(value):
            _walk(value, name, rank, leaves, depth + 1)
        elif isinstance(value, Sharded):
            leaf = leaf_of(name, value.tensor)
            _check_place(name, leaf, value, rank)
            leaves.append(NamedLeaf(name, leaf, value))
        else:
            leaves.append(NamedLeaf(name, leaf_of(name, value), None))


def _check_place(name: str, leaf: Leaf, place: Sharded, rank: int) -> None:
    shape = leaf.shape
    if len(place.global_shape) != len(shape) or len(place.offsets) != len(shape):
        raise StateValueError(
            f"'{name}' has {len(shape)} dimensions, its global_shape {len(place.global_shape)} and its offsets "
            f"{len(place.offsets)}."
        )
    for whole, offset, length in zip(place.global_shape, place.offsets, shape):
        if offset + length > whole:
            raise StateValueError(
                f"'{name}' of shape {shape} at {place.offsets} reaches beyond its global_shape {place.global_shape}."
            )
    if place.replicas is not None and rank not in place.replicas:
        raise StateValueError(f"'{name}' is on rank {rank}, which is not among its replicas {place.replicas}.")


def _whole_numbers(values, what: str) -> tuple:
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, range)):
        try:
            values = tuple(values)
        except TypeError:
            raise StateTypeError(f"{what} is {values!r}; it must be a sequence of whole numbers.") from None
    numbers = []
    for value in values:
        try:
            number = value.__index__()
        except AttributeError:
            raise StateTypeError(f"{what} has {value!r}; it must hold whole numbers.") from None
        if number < 0:
            raise StateValueError(f"{what} has {number}; it must not be negative.")
        numbers.append(number)
    return tuple(numbers)

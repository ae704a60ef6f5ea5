"""Registered stacks: what is in the store, as plans and numbers; and a registration, weight by weight."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

from google.protobuf import json_format, timestamp_pb2

from lamina.v1 import layers_pb2, service_pb2, trace_pb2
from lamina_server.errors import (
    ConflictError,
    CorruptDataError,
    InvalidRequestError,
    LaminaError,
    NotFoundError,
    UnavailableError,
)
from lamina_server.layers.base import Weight, plural
from lamina_server.layers.tensors import DType
from lamina_server.lru import Lru
from lamina_server.runtime import Workers
from lamina_server.services.engine import Array, Engine, Numbers, Plan
from lamina_server.stack import NAME
from lamina_server.store import (
    CorruptStackError,
    InvalidManifestError,
    InvalidNameError,
    InvalidPageError,
    Manifest,
    NameTakenError,
    StackNotFoundError,
    StackStore,
    Staging,
    StoreError,
    StoreUnavailableError,
    WeightRef,
    WeightSizeError,
    WeightWriter,
)
from lamina_server.weights import check_given, weights_of
from lamina_server.wire.identity import Digest, stack_id
from lamina_server.wire.tensors import array_of, check_shape, data_type, decode_dtype
from lamina_server.words import nearest, shortened

T = TypeVar("T")

_DEFAULT_PAGE, _MOST_PAGE = 100, 1000


class Found(NamedTuple):
    """A registered stack, ready to be used."""

    manifest: Manifest
    message: layers_pb2.Stack
    plan: Plan
    numbers: Numbers


class Registry:
    """The store as the services see it. File work runs in threads."""

    def __init__(self, store: StackStore, engine: Engine, workers: Workers) -> None:
        self._store, self._engine, self._workers = store, engine, workers
        self._found: Lru[str, Found] = Lru(256)

    async def find(self, key: str) -> Found:
        """A registered stack by name or id. Raises NotFoundError, CorruptDataError, UnavailableError."""
        with _translated("stack_id"):
            known = self._found.get(self._store.id_of(key) or "")
        return known or await self._read(key)

    async def _read(self, key: str) -> Found:
        manifest = await self._call(lambda: self._store.get(key), "stack_id")
        message = _message(manifest)
        numbers = Numbers(manifest.id, manifest.seed, lambda: self._arrays(manifest))
        found = Found(manifest, message, await self._engine.planned(message), numbers)
        self._found.put(manifest.id, found)
        return found

    async def list(self, page_size: int, page_token: str) -> tuple[list[service_pb2.StackInfo], str]:
        """A page of registered stacks, by name, and the next page's token. Raises InvalidRequestError."""
        if page_size < 0:
            raise InvalidRequestError(
                f"page_size is {page_size}; it is 0 or more.", reason="BAD_PAGE", field="page_size"
            )
        size = min(page_size or _DEFAULT_PAGE, _MOST_PAGE)
        entries, token = await self._call(lambda: self._store.list(size, page_token))
        return [stack_info(entry.name or "", entry.manifest, entry.error or "") for entry in entries], token

    async def delete(self, name: str) -> None:
        """Forgets a name. Raises NotFoundError."""
        await self._call(lambda: self._store.delete(name), "name")

    async def register(
        self, requests: AsyncIterator[service_pb2.RegisterStackRequest]
    ) -> tuple[service_pb2.StackInfo, bool]:
        """Takes a registration to its end; what is checked is checked as it comes. Returns it and whether it is new."""
        first = await anext(requests, None)
        if first is None or first.WhichOneof("part") != "header":
            raise _order("the first message must be the header")
        header = first.header
        if not NAME.fullmatch(header.name):
            raise InvalidRequestError(
                f"header.name is {shortened(header.name)}; a name starts with a letter, digit or "
                'underscore and goes on with those, ".", "-", at most 128 in all.',
                reason="BAD_NAME",
                field="header.name",
            )
        if not header.HasField("stack"):
            raise InvalidRequestError(
                "header.stack is not set: there is nothing to register.", reason="NO_STACK", field="header.stack"
            )
        plan = await self._engine.planned(header.stack)
        staged: list[Staging] = []
        try:
            with _translated():
                await _to_its_end(self._workers, lambda: staged.append(self._store.stage()))
            taking = _Taking(plan, staged[0], self._workers, header.HasField("seed"), header.weight_count)
            refs = await taking.all(requests)
            manifest = _manifest(header, plan, refs)
            with _translated():
                done = await _to_its_end(self._workers, lambda: staged[0].commit(manifest, header.name, header.replace))
        finally:
            for staging in staged:
                await _to_its_end(self._workers, staging.close)
        kept = await self._call(lambda: self._store.get(done.id))
        known = self._found.get(done.id)
        if known is not None:  # it was forgotten meanwhile, and is registered anew, at another time
            self._found.put(done.id, known._replace(manifest=kept))
        return stack_info(header.name, kept, ""), done.created

    def _arrays(self, manifest: Manifest) -> dict[str, Array]:
        with _translated():
            return {
                ref.name: array_of(self._store.open_weight(manifest, ref), DType(ref.dtype), ref.shape)  # type: ignore[arg-type]
                for ref in manifest.weights
            }

    async def _call(self, function: Any, field: str = "header.name") -> Any:
        with _translated(field):
            return await self._workers.call(function)


@dataclass
class _Taking:
    """The weights of a registration under way."""

    plan: Plan
    staging: Staging
    workers: Workers
    drawn: bool
    announced: int

    async def all(self, requests: AsyncIterator[service_pb2.RegisterStackRequest]) -> list[WeightRef]:
        """Every weight, written to the staging area as its bytes come."""
        needed = dict(weights_of(self.plan.trace))
        refs: dict[str, WeightRef] = {}
        writer: WeightWriter | None = None
        async for request in requests:
            part = request.WhichOneof("part")
            if part == "weight":
                await self._finish(writer, refs)
                writer = await self._begin(request.weight, needed, refs)
            elif part == "chunk" and writer is not None:
                with _translated():
                    write = partial(writer.write, request.chunk)
                    await _to_its_end(self.workers, write)
            else:
                raise _order(
                    "a chunk needs a weight before it"
                    if part == "chunk"
                    else f"{part or 'an empty message'} came there"
                )
        await self._finish(writer, refs)
        if len(refs) != self.announced:
            raise InvalidRequestError(
                f"The header announces {plural(self.announced, 'weight')}; {len(refs)} came. Nothing is registered.",
                reason="WEIGHT_COUNT",
                field="header.weight_count",
                facts={"announced": self.announced, "came": len(refs)},
            )
        check_given(
            self.plan.trace,
            {name: (ref.dtype, ref.shape) for name, ref in refs.items()},
            rest_drawn=self.drawn or not refs,
        )
        return list(refs.values())

    async def _begin(
        self, start: service_pb2.WeightStart, needed: dict[str, Weight], refs: dict[str, WeightRef]
    ) -> WeightWriter:
        if start.name in refs:
            raise InvalidRequestError(
                f"{shortened(start.name)} is sent twice.", reason="DUPLICATE_NAME", field="weight.name"
            )
        if start.name not in needed:
            raise InvalidRequestError(
                f"{shortened(start.name)} is no weight of this stack; {nearest(start.name, needed)}",
                reason="UNKNOWN_WEIGHT",
                field="weight.name",
            )
        dtype = decode_dtype(start.data_type, "weight")
        check_shape(start.shape, "weight")
        shape = tuple(start.shape)
        check_given(self.plan.trace, {start.name: (dtype.value, shape)}, rest_drawn=True)
        nbytes = math.prod(shape) * dtype.nbytes
        with _translated():
            begin = partial(self.staging.begin_weight, start.name, dtype.value, shape, nbytes)
            return await _to_its_end(self.workers, begin)

    async def _finish(self, writer: WeightWriter | None, refs: dict[str, WeightRef]) -> None:
        if writer is not None:
            with _translated():
                ref = await _to_its_end(self.workers, writer.close)
            refs[ref.name] = ref


async def _to_its_end(workers: Workers, function: Callable[[], T]) -> T:
    """What `function` returns, from a thread. A cancelled caller waits for it: files are not dropped under it."""
    work = asyncio.ensure_future(workers.call(function))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def stack_info(name: str, manifest: Manifest | None, error: str) -> service_pb2.StackInfo:
    """A registered stack's message."""
    info = service_pb2.StackInfo(name=name, error=error)
    if manifest is not None:
        created = timestamp_pb2.Timestamp()
        created.FromJsonString(manifest.created)
        info.MergeFrom(
            service_pb2.StackInfo(
                id=manifest.id,
                create_time=created,
                seed=manifest.seed,
                weight_bytes=sum(ref.nbytes for ref in manifest.weights),
                weights=[
                    trace_pb2.WeightSpec(
                        name=ref.name, data_type=data_type(DType(ref.dtype)), shape=ref.shape, trainable=True
                    )
                    for ref in manifest.weights
                ],
            )
        )
    return info


def seed_of(message: service_pb2.Weights | service_pb2.RegisterHeader, given: int) -> int | None:
    """The seed from which missing weights are drawn: as said, or 0 where no weight is given, or none."""
    if message.HasField("seed"):
        return message.seed
    return None if given else 0


def _manifest(header: service_pb2.RegisterHeader, plan: Plan, refs: list[WeightRef]) -> Manifest:
    spec, seed = plan.spec, seed_of(header, len(refs))
    if len(refs) == sum(1 for _ in weights_of(plan.trace)):
        seed = None  # nothing is drawn, so a seed is no part of the content
    digests = {ref.name: Digest(ref.dtype, ref.shape, ref.sha256) for ref in refs}
    created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Manifest(stack_id(spec, digests, seed), spec, tuple(refs), seed, created)


def _message(manifest: Manifest) -> layers_pb2.Stack:
    try:
        return json_format.ParseDict(json.loads(manifest.spec), layers_pb2.Stack())
    except (ValueError, json_format.ParseError) as error:
        raise CorruptDataError(f"What is stored of stack {manifest.id} cannot be read: {error}") from None


def _order(what: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"A registration is a header, then for each weight its start and its chunks; {what}.", reason="MESSAGE_ORDER"
    )


@contextmanager
def _translated(field: str = "header.name") -> Iterator[None]:
    """The store's errors as Lamina's; `field` is where the request has the name."""
    try:
        yield
    except StoreError as error:
        raise _lamina_error(error, field) from None


def _lamina_error(error: StoreError, field: str) -> LaminaError:
    text = str(error)
    text = f"{text[0].upper()}{text[1:]}."
    match error:
        case StackNotFoundError():
            return NotFoundError(text, field=field, facts={"stack": error.key[:128]})
        case NameTakenError():
            return ConflictError(
                f"{text} Use replace to move the name.", facts={"name": error.name, "existing_id": error.existing_id}
            )
        case CorruptStackError():
            return CorruptDataError(text, facts={"stack": error.stack[:128], "weight": error.weight or ""})
        case StoreUnavailableError():
            return UnavailableError(text, reason="STORE_UNAVAILABLE")
        case InvalidNameError():
            return InvalidRequestError(text, reason="BAD_NAME", field=field)
        case InvalidPageError():
            return InvalidRequestError(text, reason="BAD_PAGE", field="page_token")
        case WeightSizeError():
            return InvalidRequestError(text, reason="BYTES_MISMATCH", field="chunk")
        case InvalidManifestError():
            return InvalidRequestError(text, reason="BAD_REGISTRATION", field="header")
    return UnavailableError(text, reason="STORE_UNAVAILABLE")

"""gRPC's errors as this package's, from either client."""

import pytest

import lamina as lm
from lamina.errors import BY_CODE
from lamina.v1 import service_pb2
from tests.client import samples
from tests.client.clients import connected
from tests.client.fakes import FakeServer, at, reason, refuse, serving

STACK = lm.Stack([lm.Input((68,)), lm.Conv1D(64, 2, name="convLayer")])

pytestmark = pytest.mark.parametrize("flavour", ["sync", "async"])


def failed(flavour: str, fake: FakeServer) -> lm.LaminaError:
    with connected(flavour, fake.address) as client, pytest.raises(lm.LaminaError) as caught:
        client.call("trace", STACK)
    return caught.value


def test_a_shape_error_has_its_layer_and_fixes_that_apply(flavour: str) -> None:
    diagnostic = samples.rank_mismatch()
    with serving() as fake:
        fake.answers["Trace"] = lambda _, context: refuse(
            context,
            "INVALID_ARGUMENT",
            diagnostic.message,
            reason("RANK_MISMATCH", rank="2"),
            at(diagnostic.field),
            diagnostic,
        )
        error = failed(flavour, fake)
        sent = fake.received[0]
    assert isinstance(error, lm.LayerShapeError)
    assert isinstance(error, ValueError)
    assert (error.code, error.reason, error.field) == ("INVALID_ARGUMENT", "RANK_MISMATCH", "stack.layers[1].conv")
    assert (error.layer, error.kind, error.details) == ("convLayer", "Conv1D", {"rank": "2"})
    assert error.diagnostic is not None
    assert error.diagnostic.expected == ("batch", "steps", "channels")
    assert error.diagnostic.got[0].shape == (None, 68)
    assert error.diagnostic.index == 1
    assert error.fixes[0].apply(STACK)[1] == lm.Reshape((68, 1))
    assert error.fixes[1].apply(STACK)["convLayer"] == lm.Dense(64, name="convLayer")
    assert error.request_id == sent.metadata["x-request-id"]
    assert str(error).splitlines() == [
        "convLayer (Conv1D) needs batch, steps, channels. It gets batch, 68: one axis is missing.",
        "  1  68 moments of one signal: put Reshape((68, 1)) before it  convLayer: batch, 68, 64",
        "  2  68 features, no order: use Dense(64) instead              convLayer: batch, 64",
        f"at stack.layers[1].conv, request {error.request_id}",
    ]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_ARGUMENT", lm.InvalidArgumentError),
        ("NOT_FOUND", lm.NotFoundError),
        ("ALREADY_EXISTS", lm.AlreadyExistsError),
        ("RESOURCE_EXHAUSTED", lm.ResourceExhaustedError),
        ("FAILED_PRECONDITION", lm.FailedPreconditionError),
        ("DATA_LOSS", lm.DataLossError),
        ("INTERNAL", lm.InternalError),
        ("PERMISSION_DENIED", lm.PermissionDeniedError),
        ("UNAUTHENTICATED", lm.PermissionDeniedError),
        ("CANCELLED", lm.CancelledError),
        ("OUT_OF_RANGE", lm.InvalidArgumentError),
        ("UNKNOWN", lm.LaminaError),
    ],
)
def test_every_code_has_its_class(flavour: str, code: str, kind: type[lm.LaminaError]) -> None:
    with serving() as fake:
        fake.answers["Trace"] = lambda _, context: refuse(context, code, "so it is", reason("BECAUSE", a="1"))
        error = failed(flavour, fake)
    assert type(error) is kind
    assert (error.code, error.reason, error.details, error.message) == (code, "BECAUSE", {"a": "1"}, "so it is")
    assert error.fixes == ()
    assert error.diagnostic is None
    assert len(BY_CODE) == 15


def test_a_fault_outside_the_layers_is_no_layer_error(flavour: str) -> None:
    diagnostic = samples.rank_mismatch()
    diagnostic.layer, diagnostic.index = "", -1
    with serving() as fake:
        fake.answers["Trace"] = lambda _, context: refuse(context, "INVALID_ARGUMENT", "no", diagnostic)
        error = failed(flavour, fake)
    assert type(error) is lm.InvalidArgumentError
    assert error.diagnostic is not None
    assert error.diagnostic.index is None
    assert len(error.fixes) == 2
    assert error.field == "stack.layers[1].conv"


def test_when_to_try_again(flavour: str) -> None:
    from google.protobuf.duration_pb2 import Duration
    from google.rpc.error_details_pb2 import RetryInfo

    busy = RetryInfo(retry_delay=Duration(nanos=250_000_000))
    with serving() as fake:
        fake.answers["Trace"] = lambda _, context: refuse(
            context, "RESOURCE_EXHAUSTED", "busy", reason("TOO_MANY_CALLS"), busy
        )
        assert failed(flavour, fake).retry_after == 0.25


def test_a_status_of_more_than_8_kib_arrives_whole(flavour: str) -> None:
    diagnostic = samples.rank_mismatch()
    diagnostic.fixes[0].title = "x" * 20_000
    with serving() as fake:
        fake.answers["Trace"] = lambda _, context: refuse(context, "INVALID_ARGUMENT", "no", reason("R"), diagnostic)
        errors = [failed(flavour, fake) for _ in range(5)]
    assert all(len(error.fixes[0].title) == 20_000 for error in errors)


def test_a_status_that_gRPC_drops_still_has_its_message(flavour: str) -> None:  # noqa: N802
    with serving() as fake:
        fake.answers["Trace"] = lambda _, context: refuse(
            context, "INVALID_ARGUMENT", "no", reason("R", a="x" * 100_000)
        )
        error = failed(flavour, fake)
    assert error.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")
    assert error.message


def test_a_status_that_contradicts_itself(flavour: str) -> None:
    def answer(_: object, context: object) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff"),))  # type: ignore[attr-defined]
        context.abort(__import__("grpc").StatusCode.NOT_FOUND, "gone")  # type: ignore[attr-defined]

    with serving() as fake:
        fake.answers["Trace"] = answer
        error = failed(flavour, fake)
    assert type(error) is lm.NotFoundError
    assert error.message == "gone"
    assert error.reason == "NOT_FOUND"


def test_nobody_there(flavour: str) -> None:
    with serving() as fake:
        address = fake.address
    with connected(flavour, address) as client, pytest.raises(lm.UnavailableError) as caught:
        client.call("info")
    assert caught.value.message == (
        f"No Lamina server answers at {address}: connection refused. "
        "Start one with `lamina serve`, or use lm.LocalServer()."
    )


def test_another_service_there(flavour: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    server = grpc.server(ThreadPoolExecutor(1))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with connected(flavour, address) as client, pytest.raises(lm.UnimplementedError) as caught:
            client.call("info")
    finally:
        server.stop(None).wait()
    assert f"What answers at {address} does not know GetServerInfo" in str(caught.value)


def test_too_late(flavour: str) -> None:
    from threading import Event

    over = Event()
    with serving() as fake:
        fake.answers["GetServerInfo"] = lambda *_: (over.wait(30), service_pb2.GetServerInfoResponse())[1]
        with connected(flavour, fake.address) as client, pytest.raises(lm.DeadlineExceededError) as caught:
            client.call("info", timeout=0.2)
        over.set()
    assert isinstance(caught.value, TimeoutError)
    assert f"no answer from {fake.address} within 0.2 s" in str(caught.value)

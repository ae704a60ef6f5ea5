"""What is N in the fully connected layer?"""

import pytest

import lamina as lm
from tests.acceptance.words import answered, fixed, never_says, refused, says


def network(
    *tail: lm.Layer, strides: tuple[int | None, int | None] = (1, 1), image: lm.Layer | None = None
) -> lm.Stack:
    """The question's network; a stride of None leaves it to the default."""
    layers = [image or lm.Input((128, 128, 3))]
    for i, (filters, stride) in enumerate(zip((25, 50), strides, strict=True), 1):
        layers.append(lm.Conv2D(filters, 4, padding="same", activation="relu", name=f"relu{i}"))
        layers.append(lm.MaxPooling2D(2, strides=stride, padding="same", name=f"pool{i}"))
    return lm.Stack([*layers, *tail])


FLATTEN = lm.Flatten(name="flatten")


def test_as_written_nothing_shrinks(client: lm.Client) -> None:
    trace = answered(client, network(FLATTEN), samples=1)
    shapes = [layer.output_shape for layer in trace.layers[1:]]
    assert shapes == [(None, 128, 128, n) for n in (25, 25, 50, 50)] + [(None, 819_200)]
    assert [trace[name].params for name in ("relu1", "relu2")] == [1225, 20_050]
    says(trace["flatten"].explanation, r"128 x 128 x 50 = 819 200", r"batch( axis)? is never counted")
    says(trace["flatten"].how, r"128 x 128 x 50 = 819 200")


@pytest.mark.parametrize("strides", [(2, 2), (None, None)])
def test_with_the_default_stride_it_halves_twice(client: lm.Client, strides: tuple[int | None, int | None]) -> None:
    trace = answered(client, network(FLATTEN, strides=strides), samples=1)
    shapes = [layer.output_shape for layer in trace.layers[2:]]
    assert shapes == [(None, 64, 64, 25), (None, 64, 64, 50), (None, 32, 32, 50), (None, 51_200)]
    says(trace["pool1"].explanation, r"height 128 -> 64", r"ceil\(128 / 2\) = 64")
    says(trace["flatten"].explanation, r"32 x 32 x 50 = 51 200")
    assert trace.notes == ()


@pytest.mark.parametrize("pool", ["pool1", "pool2"])
def test_a_pool_that_stands_still_gets_a_note(client: lm.Client, pool: str) -> None:
    (note,) = client.trace(network(FLATTEN))[pool].notes
    assert note.reason == "POOL_STRIDE_ONE"
    says(note.text, r"size 2, stride 1", r"keeps 128", r"the stride, not the size, divides the length")
    says(note.text, r"Keras and PyTorch default to .*pool size", r"given as 1")
    says(note.text, r"stride 2 here alone,? N would be 204 800", r"stride 2 in both pools,? 51 200")


@pytest.mark.parametrize("strides", [(1, 2), (2, 1)])
def test_the_note_counts_the_pools_that_stand_still(client: lm.Client, strides: tuple[int, int]) -> None:
    trace = client.trace(network(FLATTEN, strides=strides))
    ((name, note),) = trace.notes
    assert name == f"pool{strides.index(1) + 1}"
    says(note.text, r"stride 2,? N would be 51 200")
    never_says(note.text, r"both", r"204 800")


def test_the_numbers_of_the_note_are_true(client: lm.Client) -> None:
    assert client.trace(network(FLATTEN, strides=(2, 1)))["flatten"].output_shape == (None, 204_800)
    assert client.trace(network(FLATTEN, strides=(1, 2)))["flatten"].output_shape == (None, 204_800)


@pytest.mark.parametrize("wrong", [51_200 * 128, 819_200, 28 * 28 * 50])
def test_a_dense_for_the_wrong_n_is_told_the_right_one(client: lm.Client, wrong: int) -> None:
    stack = network(FLATTEN, lm.Dense(1024, in_features=wrong, name="fc"), strides=(2, 2))
    error = refused(client, stack)
    assert (error.layer, error.reason) == ("fc", "DECLARED_MISMATCH")
    assert error.field == "stack.layers[6].dense.in_features"
    says(error.message, rf"fc \(Dense\).*in_features={wrong}\b", r"51 ?200")
    assert error.details["found"] == "51200"
    says(error.fixes[0].title, r"in_features=51200")
    assert fixed(client, stack, error)[0]["fc"].output_shape == (None, 1024)
    assert error.fixes[0].apply(stack).layers[6].proto.dense.in_features == 51_200


@pytest.mark.parametrize("layer", [lm.GlobalAveragePooling2D(name="pool"), lm.GlobalMaxPooling2D(name="pool")])
def test_a_global_pool_takes_any_image(client: lm.Client, layer: lm.Layer) -> None:
    assert client.trace(network(layer, strides=(2, 2)))["pool"].output_shape == (None, 50)
    anything = network(layer, lm.Dense(10), strides=(2, 2), image=lm.Input(("H", "W", 3)))
    trace = client.trace(anything)
    assert trace["pool"].output_shape == (None, 50)
    assert str(trace["pool1"].output_shape[1]) == "ceil(H / 2)"
    assert str(trace["pool2"].output_shape[2]) == "ceil(W / 4)"
    says(trace["pool"].explanation, r"any size of input gives 50 channels")
    assert trace.symbols == {"H": 1, "W": 1}
    for height, width in ((128, 128), (7, 30), (1, 1)):
        answered(client, anything, samples=1, H=height, W=width)


def test_a_flatten_does_not(client: lm.Client) -> None:
    stack = network(FLATTEN, lm.Dense(10, name="fc"), strides=(2, 2), image=lm.Input(("H", "W", 3)))
    error = refused(client, stack)
    says(error.message, r"fc \(Dense\)", r"depends on H and W", r"50 \* ceil\(H / 4\) \* ceil\(W / 4\)")
    (pooled, *_) = fixed(client, stack, error)
    assert pooled["fc"].output_shape == (None, 10)


@pytest.mark.parametrize(
    ("stride", "pads", "size", "arithmetic"),
    [
        (1, 0, 5, r"7 - 3 \+ 1 = 5"),
        (2, 0, 3, r"floor\(\(7 - 3\) / 2\) \+ 1 = 3"),
        (1, 1, 7, r"7 \+ 1 \+ 1 - 3 \+ 1 = 7"),
        (2, 1, 4, r"floor\(\(7 \+ 1 \+ 1 - 3\) / 2\) \+ 1 = 4"),
        (3, 0, 2, r"floor\(\(7 - 3\) / 3\) \+ 1 = 2"),
    ],
)
def test_w_minus_f_plus_2p_over_s_plus_1(client: lm.Client, stride: int, pads: int, size: int, arithmetic: str) -> None:
    convolution = lm.Conv2D(4, 3, strides=stride, padding=((pads, pads), (pads, pads)))
    layer = answered(client, lm.Stack([lm.Input((7, 7, 1)), convolution]))["conv2d"]
    assert layer.output_shape == (None, size, size, 4)
    says(layer.explanation, arithmetic)
    assert [(one.role, one.count) for one in layer.unused] == ([("height", 1), ("width", 1)] if stride == 3 else [])

"""The output of every layer in one call, by name, beside the shape that was traced for it."""

import numpy as np

import lamina as lm

stack = lm.Stack(
    [
        lm.Input((28, 28, 1)),
        lm.Conv2D(8, 3, padding="same", activation=lm.activations.leaky_relu(0.1), name="edges"),
        lm.MaxPooling2D(2, name="half"),
        lm.Conv2D(16, 3, activation="relu", name="corners"),
        lm.Flatten(name="flat"),
        lm.Dense(10, activation="softmax", name="digit"),
    ]
)

with lm.LocalServer() as server, lm.Client(server.address) as client:
    image = np.random.default_rng(1).uniform(size=(1, 28, 28, 1))
    result = client.infer(stack, image, fetch="*")
    for layer in result.trace:
        values = result[layer.name]
        print(f"{layer.name:8} {values.shape!s:16} from {values.min():6.3f} to {values.max():6.3f}  {layer.how}")

    some = client.infer(stack, image, fetch=["edges", "corners"], trace=False)
    print(f"fetched {', '.join(some.fetched)}; the digit is {some.output.argmax()}")

"""What a refusal says, and how its fixes are applied: to the stack, or to the array."""

import numpy as np

import lamina as lm

with lm.LocalServer() as server, lm.Client(server.address) as client:
    # A convolution over a vector: one axis is missing.
    stack = lm.Stack([lm.Input((68,)), lm.Conv1D(64, 2, activation="relu", padding="same", name="convLayer")])
    try:
        client.trace(stack)
    except lm.LayerShapeError as error:
        print(error.message)
        for fix in error.fixes:
            print(f"  {fix.title}  ->  {fix.outcome}")
        stack = error.fixes[0].apply(stack)
    print(stack)
    print(client.trace(stack)["convLayer"].output_shape)

    # An array without its batch axis.
    x = np.ones(68)
    try:
        result = client.infer(stack, x)
    except lm.LaminaError as error:
        print(error.message)
        result = client.infer(stack, error.fixes[0].apply_to(x))
    print(result.output.shape)

    # What is wrong before anything is sent is an error of the same tree.
    try:
        lm.Conv1D(64, 2, padding="smae", name="convLayer")  # type: ignore[arg-type]
    except lm.LaminaError as error:
        print(error)

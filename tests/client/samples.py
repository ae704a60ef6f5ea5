"""Messages as a server would send them, for tests of what the SDK makes of them."""

from lamina.v1 import core_pb2, layers_pb2, options_pb2, tensor_pb2, trace_pb2

ROLES = {
    "batch": trace_pb2.AXIS_ROLE_BATCH,
    "steps": trace_pb2.AXIS_ROLE_STEPS,
    "height": trace_pb2.AXIS_ROLE_HEIGHT,
    "width": trace_pb2.AXIS_ROLE_WIDTH,
    "channels": trace_pb2.AXIS_ROLE_CHANNELS,
    "features": trace_pb2.AXIS_ROLE_FEATURES,
}
FLOAT32 = tensor_pb2.DATA_TYPE_FLOAT32


def dim(size: int | str) -> tensor_pb2.Dim:
    return tensor_pb2.Dim(size=size) if isinstance(size, int) else tensor_pb2.Dim(expression=size)


def spec(name: str, **axes: int | str) -> trace_pb2.TensorSpec:
    """A tensor of a batch and the axes given."""
    roles = {"batch": "batch", **axes}
    return trace_pb2.TensorSpec(
        name=name,
        data_type=FLOAT32,
        axes=[trace_pb2.Axis(role=ROLES[role], size=dim(size)) for role, size in roles.items()],
    )


def layer(name: str, kind: str, summary: str, output: trace_pb2.TensorSpec, **parts: object) -> trace_pb2.LayerTrace:
    return trace_pb2.LayerTrace(name=name, kind=kind, summary=summary, outputs=[output], **parts)  # type: ignore[arg-type]


def har() -> trace_pb2.StackTrace:
    """voice.md's trace: Conv1D(100, 10), a global pool, Dense(6)."""
    fed = spec("input", steps=128, channels=9)
    conv = layer(
        "conv1d", "Conv1D", "Conv1D(100, 10)", spec("conv1d", steps=119, channels=100),
        inputs=[fed],
        how="steps 128 - 10 + 1 = 119",
        explanation="channels 9 -> 100. Every filter spans all 9 input channels.",
        params=trace_pb2.Quantity(value=dim(9100), formula="filters * (k * c + 1)", substitution="100 * (10 * 9 + 1)"),
        trainable_params=9100,
        macs=trace_pb2.Quantity(value=dim(1_071_000)),
        output_bytes=dim(47_600),
        derivations=[
            trace_pb2.Derivation(
                role=ROLES["steps"], axis=1, before=dim(128), result=dim(119), formula="L - k + 1",
                substitution="128 - 10 + 1", reason="a window of 10 has 119 places",
            ),
            trace_pb2.Derivation(role=ROLES["channels"], axis=2, result=dim(100)),
        ],
        pads=[trace_pb2.AppliedPad(role=ROLES["steps"], before=dim(0), after=dim("T - 1"))],
        unused=[trace_pb2.Unused(role=ROLES["steps"], count=dim(1))],
        weights=[trace_pb2.WeightSpec(name="conv1d/kernel", data_type=FLOAT32, shape=[10, 9, 100], trainable=True)],
        receptive_field=[trace_pb2.ReceptiveField(role=ROLES["steps"], size=10, jump=1, start=4.5)],
        notes=[trace_pb2.Note(severity=trace_pb2.NOTE_SEVERITY_WARNING, reason="SWAPPED", text="1 step only")],
    )  # fmt: skip
    pool = layer("pool", "GlobalAveragePooling1D", "GlobalAveragePooling1D()", spec("pool", features=100))
    pool.how = "mean over 119 steps"
    dense = layer("dense", "Dense", "Dense(6)", spec("dense", features=6), trainable_params=606)
    return trace_pb2.StackTrace(
        layout=options_pb2.LAYOUT_CHANNELS_LAST,
        layers=[layer("input", "Input", "Input((128, 9))", fed), conv, pool, dense],
        inputs=[fed],
        outputs=[dense.outputs[0]],
        params=9706,
        trainable_params=9706,
        macs=dim(1_071_600),
        symbols=[trace_pb2.SymbolRange(name="T", minimum=10)],
    )


def rank_mismatch() -> trace_pb2.Diagnostic:
    """Q2: a convolution over a vector, with a fix for each meaning."""
    reshape = layers_pb2.Layer()
    reshape.reshape.target_shape.dims.extend([dim(68), dim(1)])
    dense = layers_pb2.Layer(name="convLayer", dense=core_pb2.Dense(units=64))
    return trace_pb2.Diagnostic(
        reason="RANK_MISMATCH",
        layer="convLayer",
        kind="Conv1D",
        index=1,
        field="stack.layers[1].conv",
        message="convLayer (Conv1D) needs batch, steps, channels. It gets batch, 68: one axis is missing.",
        got=[spec("input", features=68)],
        expected=[ROLES["batch"], ROLES["steps"], ROLES["channels"]],
        fixes=[
            trace_pb2.Fix(
                title="68 moments of one signal: put Reshape((68, 1)) before it",
                outcome="convLayer: batch, 68, 64",
                stack_edits=[trace_pb2.StackEdit(insert_layer=trace_pb2.InsertLayer(index=1, layer=reshape))],
            ),
            trace_pb2.Fix(
                title="68 features, no order: use Dense(64) instead",
                outcome="convLayer: batch, 64",
                stack_edits=[trace_pb2.StackEdit(replace_layer=trace_pb2.ReplaceLayer(index=1, layer=dense))],
            ),
        ],
    )

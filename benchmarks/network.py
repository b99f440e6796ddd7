"""conv5 of CaffeNet for 32 images: ours, plain torch modules, and onnxruntime.

All start from uint8 images, which our `Preprocessing` prepares.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import torch
from torch import nn

from benchmarks.harness import Absent, Contest, Kernel, Sides
from corrlib.convnet import AlexNet, Preprocessing
from corrlib.convnet.layers import architecture

#: Channels of the five convolutions of Krizhevsky's network.
WIDTHS = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256}
LAYERS = architecture("caffenet").layers[: architecture("caffenet").index("conv5") + 1]
MEAN = (104.0, 117.0, 123.0)
BATCH = 32


@cache
def weights() -> dict[str, np.ndarray]:
    """Random weights that keep activations at one scale."""
    rng, last, arrays = np.random.default_rng(0), 3, {}
    for layer in LAYERS:
        if layer.kind == "conv":
            shape = (WIDTHS[layer.name], last // layer.groups, layer.kernel, layer.kernel)
            scale = (1 / 60 if last == 3 else 1) * np.sqrt(2 / np.prod(shape[1:]))
            arrays[f"{layer.name}.weight"] = (scale * rng.standard_normal(shape)).astype(np.float32)
            arrays[f"{layer.name}.bias"] = np.full(shape[0], 0.1, np.float32)
            last = shape[0]
    return arrays


def images(count: int) -> np.ndarray:
    """Noise, (count, 227, 227, 3) uint8."""
    return np.random.default_rng(1).integers(0, 256, (count, 227, 227, 3), np.uint8)


def as_written() -> nn.Module:
    """The network as plain torch modules."""
    steps: list[nn.Module] = []
    for layer in LAYERS:
        if layer.kind == "conv":
            weight = weights()[f"{layer.name}.weight"]
            inside, side = weight.shape[1] * layer.groups, layer.kernel
            step = nn.Conv2d(inside, len(weight), side, layer.stride, layer.padding, groups=layer.groups)
            step.weight.data = torch.from_numpy(weight)
            step.bias.data = torch.from_numpy(weights()[f"{layer.name}.bias"])
            steps += [step, nn.ReLU()]
        elif layer.kind == "pool":
            steps.append(nn.MaxPool2d(layer.kernel, layer.stride, ceil_mode=layer.ceil))
        else:
            steps.append(nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0))
    return nn.Sequential(*steps).eval()


def session():
    """The same network for onnxruntime, on one thread."""
    try:
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise Absent(f"{error.name} is not installed") from None
    nodes, last = [], "images"

    def add(kind: str, *more: str, **attributes) -> None:
        nonlocal last
        out = f"{len(nodes)}"
        nodes.append(helper.make_node(kind, [last, *more], [out], **attributes))
        last = out

    for layer in LAYERS:
        window = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2}
        if layer.kind == "conv":
            names = (f"{layer.name}.weight", f"{layer.name}.bias")
            add("Conv", *names, **window, group=layer.groups, pads=[layer.padding] * 4)
            add("Relu")
        elif layer.kind == "pool":
            add("MaxPool", **window, ceil_mode=int(layer.ceil))
        else:
            add("LRN", size=5, alpha=1e-4, beta=0.75, bias=1.0)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, list("nchw")) for name in ("images", last)]
    stored = [numpy_helper.from_array(value, name) for name, value in weights().items()]
    graph = helper.make_graph(nodes, "conv5", ends[:1], ends[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])


def forward(other: str, quick: bool) -> Sides:
    """Features of all images."""
    batch = images(4 if quick else BATCH)
    preprocessing = Preprocessing("bgr", MEAN)
    network = AlexNet("caffenet", weights(), preprocessing)

    def inputs() -> torch.Tensor:
        return preprocessing(torch.from_numpy(batch)).contiguous()

    if other == "torch":
        module = as_written()

        def theirs() -> np.ndarray:
            with torch.inference_mode():
                return module(inputs()).numpy()

    else:
        run = session()

        def theirs() -> np.ndarray:
            return run.run(None, {"images": inputs().numpy()})[0]

    def check(a: np.ndarray, b: np.ndarray) -> tuple[bool, str]:
        error = np.abs(a - b.transpose(0, 2, 3, 1)).max() / np.abs(a).max()
        return error <= 1e-4, f"equal to {error:.0e} of the largest"

    return Sides(lambda: network.features(batch, "conv5"), theirs, check, len(batch), work(), "multiply-add")


def work() -> float:
    """Operations of the convolutions for one image."""
    total, side = 0.0, 227
    for layer in LAYERS:
        side = layer.output_side(side)
        if layer.kind == "conv":
            total += 2.0 * side**2 * weights()[f"{layer.name}.weight"].size
    return total


KERNEL = Kernel(
    contests=[
        Contest(f"conv5, {BATCH} images", "torch as written", partial(forward, "torch"), 1.3),
        Contest(f"conv5, {BATCH} images", "onnxruntime", partial(forward, "onnxruntime"), 1 / 1.15),
    ]
)

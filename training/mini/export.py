"""A checkpoint as a model folder in hub layout: ONNX with dynamic batch, parameters of the text features, preprocessing.

    python -m mini.export CHECKPOINT FOLDER [--dtype fp32]

Default: the text table as int8 by row (float16 scales), everything else stored as float16 and computed in float32.
fp32: as trained, for comparison. Inputs and outputs are float32 and int64 either way.
"""
import argparse
import copy
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from . import augment, features
from .towers import DIMENSIONS, Block, ImageTower
from .train import Model

OPSET = 17
SIZE = 64
SMALLEST_AS_HALF = 256
"""Initializers with fewer numbers stay float32: nothing to gain."""


class FoldedBlock(nn.Module):
    """A block as three convolutions: its batch norm and its scale are in their weights."""

    def __init__(self, block: Block):
        super().__init__()
        self.spatial, self.expand, self.shrink = fuse_conv_bn_eval(block.spatial, block.norm), block.expand, block.shrink
        with torch.no_grad():
            self.shrink.weight.mul_(block.scale.unsqueeze(-1))
            self.shrink.bias.mul_(block.scale.flatten())

    def forward(self, x):
        return x + self.shrink(nn.functional.relu(self.expand(self.spatial(x))))


def folded(tower: ImageTower) -> ImageTower:
    """The same function with each batch norm and scale folded into the convolution before it."""
    folded = copy.deepcopy(tower).eval().to(memory_format=torch.contiguous_format)
    layers = list(folded.layers)
    for i, layer in enumerate(layers):
        if isinstance(layer, nn.BatchNorm2d):
            layers[i - 1], layers[i] = fuse_conv_bn_eval(layers[i - 1], layer), nn.Identity()
        elif isinstance(layer, Block):
            layers[i] = FoldedBlock(layer)
    folded.layers = nn.Sequential(*[layer for layer in layers if not isinstance(layer, nn.Identity)])
    return folded


def image_model(tower: ImageTower, half: bool) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.onnx"
        batch = torch.export.Dim("batch", min=1, max=4096)
        torch.onnx.export(folded(tower), (torch.zeros(2, 3, SIZE, SIZE),), path, input_names=["pixel_values"],
                          output_names=["image_embeds"], dynamic_shapes=({0: batch},), opset_version=OPSET + 1, dynamo=True,
                          external_data=False, verbose=False)
        model = onnx.load(path)
    return with_half_weights(model) if half else model


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large float32 initializers stored as float16 behind a Cast, which a runtime folds away when it loads."""
    casts, kept = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALLEST_AS_HALF:
            kept.append(tensor)
            continue
        kept.append(numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}_half"))
        casts.append(helper.make_node("Cast", [f"{tensor.name}_half"], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    return model


def text_model(state: dict[str, np.ndarray], small: bool) -> onnx.ModelProto:
    """input_ids int64 [batch, length], 0 is padding, to text_embeds float32 [batch, DIMENSIONS]; as TextTower.padded."""
    share = np.log1p(np.exp(state["share.weight"]))
    share[0] = 0.0
    table, scale = state["table.weight"], np.ones((len(share), 1), np.float32)
    if small:
        scale = (np.abs(table).max(1, keepdims=True) / 127).astype(np.float16).astype(np.float32)
        table = np.clip(np.rint(table / np.maximum(scale, 1e-12)), -127, 127).astype(np.int8)
    weights = {
        "table": table, "row_share": share.astype(np.float32), "row_scale": (share * scale).astype(np.float32),
        "norm_scale": state["norm.weight"], "norm_bias": state["norm.bias"],
        "up": state["mlp.0.weight"].T, "up_bias": state["mlp.0.bias"], "down": state["mlp.2.weight"].T,
        "skip": state["skip.weight"].T, "out_bias": state["mlp.2.bias"] + state["skip.bias"],
        "least": np.array([1e-6], np.float32), "zero": np.array([0.0], np.float32), "tiny": np.array([1e-12], np.float32),
        "axis": np.array([1], np.int64),
    }
    make = helper.make_node
    gathered = [make("Gather", ["table", "input_ids"], ["rows"]), make("Cast", ["rows"], ["real_rows"], to=TensorProto.FLOAT)]
    nodes = [
        *(gathered if small else [make("Gather", ["table", "input_ids"], ["real_rows"])]),
        make("Gather", ["row_scale", "input_ids"], ["scales"]),
        make("Transpose", ["scales"], ["scales_across"], perm=[0, 2, 1]),
        make("MatMul", ["scales_across", "real_rows"], ["sum_kept"]),
        make("Squeeze", ["sum_kept", "axis"], ["sum"]),
        make("Gather", ["row_share", "input_ids"], ["shares"]),
        make("ReduceSum", ["shares", "axis"], ["total"], keepdims=0),
        make("Max", ["total", "least"], ["divisor"]),
        make("Div", ["sum", "divisor"], ["mean"]),
        make("LayerNormalization", ["mean", "norm_scale", "norm_bias"], ["hidden"], axis=-1, epsilon=1e-5),
        make("MatMul", ["hidden", "up"], ["up_plain"]), make("Add", ["up_plain", "up_bias"], ["up_full"]),
        make("Relu", ["up_full"], ["active"]),
        make("MatMul", ["active", "down"], ["bent"]), make("MatMul", ["hidden", "skip"], ["straight"]),
        make("Add", ["bent", "straight"], ["both"]), make("Add", ["both", "out_bias"], ["full"]),
        make("ReduceL2", ["full"], ["length"], axes=[1], keepdims=1), make("Max", ["length", "tiny"], ["norm"]),
        make("Div", ["full", "norm"], ["text_embeds"]),
    ]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes, "text", [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])],
        [helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["batch", DIMENSIONS])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items() if name in used])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    return with_half_weights(model) if small else model


def export(checkpoint: Path, folder: Path, small: bool):
    state = torch.load(checkpoint, weights_only=False)["model"]
    model = Model(1.0)
    model.load_state_dict(state)
    model.eval()
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    text = {name.removeprefix("text."): value.numpy() for name, value in state.items() if name.startswith("text.")}
    onnx.save(text_model(text, small), folder / f"onnx/text_model{'_quantized' if small else ''}.onnx")
    onnx.save(image_model(model.image, small), folder / f"onnx/vision_model{'_fp16' if small else ''}.onnx")
    shutil.copy(Path(features.__file__).with_name("features.json"), folder / "features.json")
    write(folder / "config.json", {"model_type": "sluice-mini", "projection_dim": DIMENSIONS,
                                   "logit_scale": round(model.scales["cross"].exp().item(), 2)})
    write(folder / "preprocessor_config.json", {
        "do_resize": True, "resample": 2, "size": {"height": SIZE, "width": SIZE}, "do_rescale": True, "rescale_factor": 1 / 255,
        "do_normalize": True, "image_mean": [augment.MEAN] * 3, "image_std": [augment.SPREAD] * 3})


def write(path: Path, value: dict):
    path.write_text(json.dumps(value, indent=2) + "\n", "utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", choices=("small", "fp32"), default="small")
    options = parser.parse_args()
    export(options.checkpoint, options.folder, options.dtype == "small")


if __name__ == "__main__":
    main()

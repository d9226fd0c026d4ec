"""Checkpoint (npz) -> ONNX opset 13 with 8-bit weights, checked against PyTorch through OpenCV.

Every convolution's weights are kept as int8 with one scale per output channel: Cast -> Conv ->
BatchNormalization(scale, bias). OpenCV folds all of it back into one float convolution when it
loads,
so the file is a quarter of the size and the speed is unchanged.
"""
import argparse
import io
import os
import sys

import cv2
import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

import layout
from checksums import list_checksum
from nets import NETS

INPUTS = {
    "locator": (layout.LOCATOR_SIDE, layout.LOCATOR_SIDE),
    "refiner": (layout.REFINER_HEIGHT, layout.REFINER_WIDTH),
    "reader": (layout.READER_HEIGHT, layout.READER_WIDTH),
    "wheel": (layout.WHEEL_HEIGHT, layout.WHEEL_WIDTH),
    "display": (layout.READER_HEIGHT, layout.READER_WIDTH),
}


def quantise(model):
    """Replaces each convolution's float weights; returns how far the weights moved at most,
    relatively."""
    graph = model.graph
    initial = {item.name: item for item in graph.initializer}
    nodes = []
    for node in list(graph.node):
        if node.op_type != "Conv":
            nodes.append(node)
            continue
        weight_name, bias_name, result = node.input[1], node.input[2], node.output[0]
        weight, bias = (numpy_helper.to_array(initial[name]) for name in (weight_name, bias_name))
        scale = (np.abs(weight).max(axis=(1, 2, 3)) / 127 + 1e-12).astype(np.float32)
        whole = np.round(weight / scale[:, None, None, None]).astype(np.int8)
        graph.initializer.remove(initial[weight_name])
        graph.initializer.remove(initial[bias_name])
        extra = {
            ".q": whole,
            ".scale": scale,
            ".bias": bias,
            ".mean": np.zeros_like(scale),
            ".var": np.ones_like(scale),
        }
        for suffix, array in extra.items():
            graph.initializer.append(numpy_helper.from_array(array, weight_name + suffix))
        nodes.append(
            helper.make_node(
                "Cast", [weight_name + ".q"], [weight_name], to=onnx.TensorProto.FLOAT
            )
        )
        bare = helper.make_node("Conv", [node.input[0], weight_name], [result + ".bare"])
        bare.attribute.extend(node.attribute)
        nodes.append(bare)
        names = [weight_name + suffix for suffix in (".scale", ".bias", ".mean", ".var")]
        nodes.append(
            helper.make_node(
                "BatchNormalization", [result + ".bare", *names], [result], epsilon=0.0
            )
        )
    del graph.node[:]
    graph.node.extend(nodes)


def fold(net):
    """Batch norms folded into the convolutions and the weights rounded as quantise() will round
    them."""
    for module in net.modules():
        if isinstance(module, torch.nn.Sequential):
            children = list(module.children())
            for first, second in zip(children, children[1:]):
                if isinstance(first, torch.nn.Conv2d) and isinstance(second, torch.nn.BatchNorm2d):
                    factor = second.weight / torch.sqrt(second.running_var + second.eps)
                    first.weight.data *= factor[:, None, None, None]
                    first.bias = torch.nn.Parameter(second.bias - second.running_mean * factor)
            for name, child in list(module.named_children()):
                if isinstance(child, torch.nn.BatchNorm2d):
                    setattr(module, name, torch.nn.Identity())
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            scale = module.weight.data.abs().amax((1, 2, 3), keepdim=True) / 127 + 1e-12
            module.weight.data = torch.round(module.weight.data / scale) * scale
    return net


def load(name, checkpoint):
    net = NETS[name]().eval()
    state = np.load(checkpoint)
    net.load_state_dict({key: torch.from_numpy(state[key]) for key in state.files})
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", required=True, choices=NETS)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    net = fold(load(args.net, args.checkpoint))
    x = torch.randn(2, 3, *INPUTS[args.net])
    buffer = io.BytesIO()
    torch.onnx.export(
        net,
        x,
        buffer,
        opset_version=13,
        input_names=["picture"],
        output_names=["result"],
        dynamic_axes={"picture": {0: "n"}, "result": {0: "n"}},
    )
    model = onnx.load_from_string(buffer.getvalue())
    quantise(model)
    onnx.save(model, args.out)
    list_checksum(args.out)
    reader = cv2.dnn.readNetFromONNX(args.out)
    reader.setInput(x.numpy())
    with torch.no_grad():
        worst = float(np.abs(reader.forward() - net(x).numpy()).max())
    print(
        f"{args.out}: {os.path.getsize(args.out)} bytes, OpenCV differs from PyTorch "
        f"by {worst:.1e} at most"
    )
    return 0 if worst < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())

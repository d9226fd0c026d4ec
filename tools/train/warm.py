"""A shipped model (ONNX) as a checkpoint (npz), to go on training from it.

The batch norms, folded away in the shipped model, come back as they would stand after training:
they normalise by what the net sees and undo it, so the net computes the same. Where the net in
nets.py has fewer channels inside a residual block, those that carry most are kept; where it has
more channels, the new ones begin as they were drawn and nothing listens to them yet.
"""
import numpy as np
import onnx
import torch
from onnx import numpy_helper


def folded(path):
    """Weights and biases of a model's convolutions, in order."""
    graph = onnx.load(path).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    pairs = []
    for node in graph.node:
        if node.op_type == "Conv":
            name = node.input[1]
            scale = arrays[name + ".scale"][:, None, None, None]
            pairs.append((arrays[name + ".q"].astype(np.float32) * scale, arrays[name + ".bias"]))
    return [tuple(torch.from_numpy(array.copy()) for array in pair) for pair in pairs]


def convolutions(net):
    """Each convolution with the batch norm that follows it, or None; in the order of the graph."""
    found, modules = [], list(net.modules())
    for at, module in enumerate(modules):
        if isinstance(module, torch.nn.Conv2d):
            after = modules[at + 1] if at + 1 < len(modules) else None
            found.append((module, after if isinstance(after, torch.nn.BatchNorm2d) else None))
    return found


def narrow(pairs, net):
    """Leaves out the weakest channels between two convolutions where the net has room for fewer."""
    for at, (conv, _) in enumerate(convolutions(net)):
        weight, bias = pairs[at]
        room = conv.weight.shape[0]
        if weight.shape[0] > room:
            after, after_bias = pairs[at + 1]
            power = weight.flatten(1).norm(dim=1) * after.transpose(0, 1).flatten(1).norm(dim=1)
            keep = power.topk(room).indices.sort().values
            pairs[at] = (weight[keep], bias[keep])
            pairs[at + 1] = (after[:, keep], after_bias)
    return pairs


def widen(pairs, net):
    """Adds channels where the net has room for more."""
    for at, (conv, _) in enumerate(convolutions(net)):
        weight, bias = pairs[at]
        outputs, inputs = weight.shape[:2]
        room = conv.weight.shape[0]
        grown = torch.zeros(max(outputs, room), max(inputs, conv.weight.shape[1]),
                            *weight.shape[2:])
        grown[:outputs, :inputs] = weight
        grown[outputs:] = conv.weight.data[outputs:]
        pairs[at] = (grown, torch.cat([bias, torch.zeros(len(grown) - outputs)]))
    return pairs


def fill(net, pairs):
    for (conv, norm), (weight, bias) in zip(convolutions(net), pairs, strict=True):
        if conv.weight.shape != weight.shape:
            has, wants = tuple(weight.shape), tuple(conv.weight.shape)
            raise SystemExit(f"the model has a layer of shape {has}, the net of {wants}")
        conv.weight.data = weight
        if norm is None:
            conv.bias.data = bias
        else:
            norm.bias.data = bias
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)


def settle(net, pictures):
    """Gives every batch norm the mean and deviation of what it sees, without changing the net."""
    seen = {}

    def note(norm, inputs, _):
        mean, variance = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))
        seen.setdefault(norm, []).append((mean, variance + mean**2))

    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    hooks = [norm.register_forward_hook(note) for norm in norms]
    with torch.no_grad():
        for batch in pictures:
            net(batch)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        mean, square = (torch.stack(part).mean(0) for part in zip(*seen[norm]))
        variance = (square - mean**2).clamp(min=1e-6)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.data = torch.sqrt(variance + norm.eps)
        norm.bias.data = norm.bias.data + mean


def start(net, model, pictures):
    """Fills a net of nets.py from a shipped model. pictures: batches as the net sees them."""
    net.eval()
    fill(net, widen(narrow(folded(model), net), net))
    settle(net, pictures)

"""Picture changes on whole batches, on the device that trains: [n, 3, h, w] float in 0..1."""
import math

import torch
import torch.nn.functional as functional


def uniform(n, low, high, device, shape=(1, 1, 1)):
    return torch.rand(n, *shape, device=device) * (high - low) + low


def chance(n, p, device):
    return (torch.rand(n, 1, 1, 1, device=device) < p).float()


def colour(x):
    """Brightness, contrast, gamma, tint, saturation; a few negatives."""
    n, device = x.shape[0], x.device
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * uniform(n, 0.0, 1.6, device)
    x = x * uniform(n, 0.75, 1.25, device, (3, 1, 1))
    x = x.clamp(1e-4, 1) ** torch.exp(uniform(n, -0.6, 0.6, device))
    level = x.mean((1, 2, 3), keepdim=True)
    x = level + (x - level) * torch.exp(uniform(n, -1.3, 0.35, device))
    x = x * torch.exp(uniform(n, -0.7, 0.35, device))
    flip = chance(n, 0.03, device)
    return flip * (1 - x) + (1 - flip) * x


def blur(x, most):
    """One random Gaussian a picture, long or round, at any angle: defocus and motion."""
    n, _, h, w = x.shape
    device = x.device
    turn = uniform(n, 0, math.pi, device, (1, 1))
    narrow = uniform(n, 0.1, 1.0, device, (1, 1)) ** 1.5 * most + 0.12
    wide = narrow * (1 + chance(n, 0.35, device)[:, :, :, 0] * uniform(n, 0, 2.5, device, (1, 1)))
    reach = 4
    axis = torch.arange(-reach, reach + 1, device=device, dtype=torch.float32)
    v, u = torch.meshgrid(axis, axis, indexing="ij")
    along = u * torch.cos(turn) + v * torch.sin(turn)
    across = -u * torch.sin(turn) + v * torch.cos(turn)
    kernel = torch.exp(-0.5 * ((along / wide) ** 2 + (across / narrow) ** 2))
    kernel = (kernel / kernel.sum((1, 2), keepdim=True)).repeat_interleave(3, 0)[:, None]
    padded = functional.pad(x, (reach,) * 4, mode="replicate").reshape(
        1, n * 3, h + 2 * reach, w + 2 * reach
    )
    return functional.conv2d(padded.to(kernel.dtype), kernel, groups=n * 3).reshape(n, 3, h, w)


def contrast(x):
    return x.std((1, 2, 3), keepdim=True).detach().clamp(0.01, 0.3)


def noise(x):
    n, _, h, w = x.shape
    strength = uniform(n, 0, 1, x.device) ** 3 * 0.55 * contrast(x)
    coarse = torch.randn(n, 3, h // 4, w // 4, device=x.device)
    coarse = functional.interpolate(coarse, size=(h, w), mode="bilinear", align_corners=False)
    return x + torch.randn_like(x) * strength + coarse * strength * 0.6


def dct_matrix(device):
    k = torch.arange(8, device=device, dtype=torch.float32)
    matrix = torch.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) * 0.5
    matrix[0] *= math.sqrt(0.5)
    return matrix


def jpeg(x, p=0.5):
    """Rounds 8x8 frequencies as strong JPEG compression does."""
    n, c, h, w = x.shape
    matrix = dct_matrix(x.device)
    blocks = x.reshape(n, c, h // 8, 8, w // 8, 8).permute(0, 1, 2, 4, 3, 5)
    frequency = matrix @ blocks @ matrix.T
    k = torch.arange(8, device=x.device, dtype=torch.float32)
    step = (1 + k[:, None] + k[None]) * (
        uniform(n, 0, 1, x.device) ** 2 * 0.25 * contrast(x) + 0.002
    )[..., None, None]
    rounded = matrix.T @ (torch.round(frequency / step) * step) @ matrix
    rounded = rounded.permute(0, 1, 2, 4, 3, 5).reshape(n, c, h, w)
    use = chance(n, p, x.device)
    return use * rounded + (1 - use) * x


def glare(x, p=0.3):
    """A soft bright or dark spot and a slope of light."""
    n, _, h, w = x.shape
    device = x.device
    v, u = torch.meshgrid(
        torch.linspace(-1, 1, h, device=device),
        torch.linspace(-1, 1, w, device=device),
        indexing="ij",
    )
    spot = torch.exp(
        -(
            ((u - uniform(n, -1, 1, device)) / uniform(n, 0.05, 0.5, device)) ** 2
            + ((v - uniform(n, -1, 1, device)) / uniform(n, 0.1, 0.9, device)) ** 2
        )
    )
    x = x + chance(n, p, device) * spot * uniform(n, -0.3, 0.7, device)
    slope = u * uniform(n, -1, 1, device) + v * uniform(n, -1, 1, device)
    return x * (1 + slope * uniform(n, 0, 0.6, device))


def coarser(x, low):
    """The whole batch through a smaller size and back, for some of its pictures."""
    n, _, h, w = x.shape
    factor = float(torch.empty(1).uniform_(low, 1.0))
    small = functional.interpolate(
        x,
        size=(max(8, int(h * factor)), max(16, int(w * factor))),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    back = functional.interpolate(small, size=(h, w), mode="bilinear", align_corners=False)
    use = chance(n, 0.5, x.device)
    return use * back + (1 - use) * x


def normalise(x):
    """Zero mean, unit deviation over a whole picture; the reader does the same."""
    mean = x.mean((1, 2, 3), keepdim=True)
    deviation = x.std((1, 2, 3), keepdim=True, unbiased=False)
    return (x - mean) / (deviation + 0.02)


def change(x, blur_most, coarse_low=0.45):
    x = glare(x)
    x = coarser(x, coarse_low)
    x = blur(x, blur_most)
    x = colour(x)
    x = jpeg(noise(x)).clamp(0, 1)
    return normalise(x)

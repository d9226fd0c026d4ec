"""The nets. All are plain convolutions, which is what reader/graph.cpp runs."""
import torch
import torch.nn as nn
import torch.nn.functional as functional

CLASSES = 21  # the CTC blank, then class 1 + c for a wheel nearest to position c / 2


def conv(inputs, outputs, kernel=3, stride=1, padding=None):
    if padding is None:
        padding = tuple(k // 2 for k in kernel) if isinstance(kernel, tuple) else kernel // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    def __init__(self, width, middle=None):
        super().__init__()
        middle = middle or width
        self.body = nn.Sequential(conv(width, middle), conv(middle, width))

    def forward(self, x):
        return x + self.body(x)


class Locator(nn.Module):
    """[n, 3, 320, 320] -> [n, 9, 40, 40]: heat (logit), centre offset x y in cells, log width and
    log height
    in units of 32 px, cos 2t, sin 2t of the axis, cos t, sin t of the reading direction."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, stride=2), conv(16, 24, stride=2))
        self.eight = nn.Sequential(conv(24, 48, stride=2), Residual(48))
        self.sixteen = nn.Sequential(conv(48, 72, stride=2), Residual(72))
        self.deep = nn.Sequential(conv(72, 88, stride=2), Residual(88))
        self.join16 = conv(88 + 72, 64)
        self.join8 = conv(64 + 48, 48, 1)
        self.head = nn.Sequential(conv(48, 48), nn.Conv2d(48, 9, 1))

    def forward(self, x):
        eight = self.eight(self.stem(x))
        sixteen = self.sixteen(eight)
        deep = functional.interpolate(self.deep(sixteen), scale_factor=2.0, mode="nearest")
        middle = self.join16(torch.cat([deep, sixteen], 1))
        fine = self.join8(
            torch.cat([functional.interpolate(middle, scale_factor=2.0, mode="nearest"), eight], 1)
        )
        return self.head(fine)


class Refiner(nn.Module):
    """[n, 3, 80, 160] -> [n, 12]: eight corner offsets (x by width, y by height, from the nominal
    window,
    top-left first as seen) and four logits: upright, upside down, mirrored, no window."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 16, stride=2),
            conv(16, 32, stride=2),
            Residual(32),
            conv(32, 56, stride=2),
            Residual(56),
            conv(56, 80, stride=2),
            Residual(80),
            conv(80, 32, 1),
            conv(32, 112, (5, 10), padding=0),
            nn.Conv2d(112, 12, 1),
        )

    def forward(self, x):
        return self.body(x).flatten(1)


class Reader(nn.Module):
    """[n, 3, 32, 224] -> [n, 26, 1, 56]: 21 CTC logits, cos and sin of the wheel's position, wheel
    centre (logit), to be averaged over the columns whether the strip is a whole upright register
    (logit), and whether the wheel is a decimal (logit)."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 12),
            conv(12, 32, stride=2),
            Residual(32, 16),
            conv(32, 64, stride=2),
            Residual(64, 28),
            conv(64, 104, stride=(2, 1)),
            Residual(104, 44),
            conv(104, 144, (4, 1), padding=0),
            conv(144, 144, (1, 5)),
            conv(144, 144, (1, 3)),
        )
        self.head = nn.Conv2d(144, CLASSES + 3, 1)
        self.wide = nn.Sequential(conv(144, 48, (1, 9)), conv(48, 48, (1, 9)))
        self.valid = nn.Conv2d(48, 1, 1)
        # What makes a wheel a decimal is its colour, or a frame or a point before it.
        self.tint = nn.Sequential(
            conv(3, 16, stride=2), conv(16, 24, stride=2), conv(24, 32, (8, 3), padding=(0, 1))
        )
        self.decimal = nn.Sequential(
            conv(32 + 144 + 48, 32, 1), conv(32, 32, (1, 9)), conv(32, 32, (1, 9)),
            nn.Conv2d(32, 1, 1),
        )

    def forward(self, x):
        features = functional.dropout(self.body(x), 0.1, self.training)
        head, wide = self.head(features), self.wide(features)
        valid = self.valid(wide)
        decimal = self.decimal(torch.cat([self.tint(x), features, wide], 1))
        return torch.cat([head, valid, decimal], 1)


class Wheel(nn.Module):
    """[n, 3, 48, 32] -> [n, 22]: 20 logits (class c = a wheel nearest to position c / 2), then the
    logits of "no wheel here" and of "an LCD's digit"."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 20, 5, stride=2),
            conv(20, 48, stride=2),
            Residual(48, 32),
            conv(48, 96, stride=2),
            Residual(96, 64),
            conv(96, 144, (6, 4), padding=0),
        )
        self.head = nn.Conv2d(144, 22, 1)

    def forward(self, x):
        return self.head(functional.dropout(self.body(x), 0.1, self.training)).flatten(1)


# The display net sees an LCD as the row's net sees wheels, and says the same of it.
NETS = {"locator": Locator, "refiner": Refiner, "reader": Reader, "wheel": Wheel, "display": Reader}

if __name__ == "__main__":
    import time

    torch.set_num_threads(1)
    for name, shape in (
        ("locator", (1, 3, 320, 320)),
        ("refiner", (1, 3, 80, 160)),
        ("reader", (1, 3, 32, 224)),
        ("wheel", (1, 3, 48, 32)),
        ("display", (1, 3, 32, 224)),
    ):
        net = NETS[name]().eval()
        x = torch.zeros(shape)
        with torch.no_grad():
            y = net(x)
            start = time.time()
            for _ in range(5):
                net(x)
        print(
            name,
            sum(p.numel() for p in net.parameters()),
            tuple(y.shape),
            f"{(time.time() - start) * 200:.1f} ms",
        )

"""Pictures as a camera, a page or another artist might show them, on random backgrounds; and plainly, for tests."""
import math

import torch
import torch.nn.functional as F

MEAN, SPREAD = 0.5, 0.25


def plain(pictures, size: int):
    """uint8 [n, s, s, 4] on white, resized: float32 [n, 3, size, size] as the tower takes it."""
    colour, alpha = split(pictures)
    on_white = colour * alpha + (1 - alpha)
    resized = F.interpolate(on_white, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return (resized - MEAN) / SPREAD


def augmented(pictures, size: int):
    """uint8 [n, s, s, 4]: float32 [n, 3, size, size], each turned, scaled, moved, recoloured and put on a background."""
    n = len(pictures)
    colour, alpha = split(pictures)
    premultiplied = torch.cat([colour * alpha, alpha], 1)
    if size * 1.3 < premultiplied.shape[-1]:
        premultiplied = F.interpolate(premultiplied, scale_factor=0.75, mode="bilinear", antialias=True)
    grid = F.affine_grid(placements(n), (n, 4, size, size), align_corners=False)
    moved = F.grid_sample(premultiplied, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return (recoloured(moved[:, :3] + (1 - moved[:, 3:]) * backgrounds(n)) - MEAN) / SPREAD


def split(pictures):
    planes = pictures.permute(0, 3, 1, 2).float() / 255
    return planes[:, :3], planes[:, 3:]


def uniform(n: int, low: float, high: float):
    return torch.empty(n).uniform_(low, high)


def placements(n: int):
    turn = uniform(n, -12, 12) * math.pi / 180
    scale, aspect = uniform(n, 0.85, 1.3), torch.exp(uniform(n, -0.12, 0.12))
    cos, sin = torch.cos(turn) * scale, torch.sin(turn) * scale
    rows = [cos * aspect, -sin / aspect, uniform(n, -0.12, 0.12), sin * aspect, cos / aspect, uniform(n, -0.12, 0.12)]
    return torch.stack(rows, 1).view(n, 2, 3)


def backgrounds(n: int):
    """[n, 3, 1, 1]: white for six in ten, else any light, dark or coloured one."""
    coloured = torch.rand(n, 3)
    grey = torch.rand(n, 1).expand(n, 3)
    kind = torch.rand(n, 1)
    return torch.where(kind < 0.6, torch.ones(n, 3), torch.where(kind < 0.8, grey, coloured)).view(n, 3, 1, 1)


def recoloured(pictures):
    """Gain and offset for each channel, and now and then grey."""
    n = len(pictures)
    gain = uniform(n, 0.8, 1.2).view(n, 1, 1, 1) * torch.empty(n, 3, 1, 1).uniform_(0.92, 1.08)
    offset = torch.empty(n, 3, 1, 1).uniform_(-0.06, 0.06)
    changed = pictures * gain + offset
    grey = changed.mean(1, keepdim=True).expand_as(changed)
    return torch.where((torch.rand(n) < 0.05).view(n, 1, 1, 1), grey, changed).clamp(0, 1)

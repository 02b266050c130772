"""Two towers into one space of 256 dimensions: hashed text, and pictures of any size that is a multiple of 8."""
import torch
import torch.nn.functional as F
from torch import nn

DIMENSIONS = 256


class TextTower(nn.Module):
    """Bags of hashed ids to unit vectors; a learned share for each bucket, weighted mean, MLP beside a linear skip."""

    def __init__(self, buckets: int, width: int = 256, out: int = DIMENSIONS):
        super().__init__()
        self.table = nn.Embedding(buckets, width)
        self.share = nn.Embedding(buckets, 1)
        nn.init.normal_(self.table.weight, std=0.1)
        nn.init.zeros_(self.share.weight)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 512), nn.ReLU(), nn.Linear(512, out))
        self.skip = nn.Linear(width, out)

    def forward(self, ids, offsets):
        """ids int64 [total], offsets int64 [texts]: float32 [texts, out]."""
        share = F.softplus(self.share(ids)).squeeze(-1) * (ids != 0)
        total = F.embedding_bag(ids, self.table.weight, offsets, mode="sum", per_sample_weights=share)
        lengths = torch.diff(offsets, append=offsets.new_tensor([len(ids)]))
        row = torch.repeat_interleave(torch.arange(len(offsets)), lengths)
        shares = torch.zeros(len(offsets)).index_add(0, row, share)
        return self.project(total / shares.clamp(min=1e-6).unsqueeze(-1))

    def padded(self, ids):
        """ids int64 [texts, length], 0 is padding; a row of padding only gives a finite vector. What is exported."""
        share = F.softplus(self.share(ids)) * (ids != 0).unsqueeze(-1)
        return self.project((self.table(ids) * share).sum(1) / share.sum(1).clamp(min=1e-6))

    def project(self, mean):
        hidden = self.norm(mean)
        return F.normalize(self.mlp(hidden) + self.skip(hidden), dim=-1)


class Block(nn.Module):
    """Depthwise 5 x 5, then a bottleneck turned inside out, added at a small learned scale."""

    def __init__(self, width: int):
        super().__init__()
        self.spatial = nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.expand = nn.Conv2d(width, 3 * width, 1)
        self.shrink = nn.Conv2d(3 * width, width, 1)
        self.scale = nn.Parameter(torch.full((width, 1, 1), 0.1))

    def forward(self, x):
        return x + self.scale * self.shrink(F.relu(self.expand(self.norm(self.spatial(x)))))


class ImageTower(nn.Module):
    """float32 [pictures, 3, size, size], (x / 255 - 0.5) / 0.25, to unit vectors [pictures, out]."""

    def __init__(self, widths=(48, 96, 192), depths=(2, 2, 4), out: int = DIMENSIONS):
        super().__init__()
        layers = [nn.Conv2d(3, widths[0], 5, stride=4, padding=2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for stage, (width, depth) in enumerate(zip(widths, depths)):
            if stage > 0:
                layers += [nn.Conv2d(widths[stage - 1], width, 2, stride=2, bias=False), nn.BatchNorm2d(width)]
            layers += [Block(width) for _ in range(depth)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(2 * widths[-1], out)

    def forward(self, pictures):
        maps = self.layers(pictures)
        return F.normalize(self.head(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1)), dim=-1)

"""The text tower: hashed text ids to unit vectors of the 256-d space that pictures will share."""
import torch.nn.functional as F
from torch import nn


class TextTower(nn.Module):
    """ids [batch, length], 0 is padding; a row of padding only gives a finite vector."""

    def __init__(self, buckets: int, width: int = 256, out: int = 256):
        super().__init__()
        self.table = nn.Embedding(buckets, width)
        self.weight = nn.Embedding(buckets, 1)
        nn.init.normal_(self.table.weight, std=0.1)
        nn.init.zeros_(self.weight.weight)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 512), nn.ReLU(), nn.Linear(512, out))
        self.skip = nn.Linear(width, out)

    def forward(self, ids):
        share = F.softplus(self.weight(ids)) * (ids != 0).unsqueeze(-1)
        mean = (self.table(ids) * share).sum(1) / share.sum(1).clamp(min=1e-6)
        hidden = self.norm(mean)
        return F.normalize(self.mlp(hidden) + self.skip(hidden), dim=-1)

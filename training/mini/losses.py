"""In-batch losses over two lists of unit vectors; the positive of row i is column i."""
import torch
import torch.nn.functional as F


def symmetric(left, right, log_scale, margin: float = 0.0, smoothing: float = 0.0):
    """Cross-entropy in both directions; the margin is taken off the positive's cosine before scaling."""
    cosine = left @ right.T
    cosine = cosine - margin * torch.eye(len(left), device=left.device)
    logits = cosine * log_scale.exp().clamp(max=100)
    target = torch.arange(len(left), device=left.device)
    forward = F.cross_entropy(logits, target, label_smoothing=smoothing)
    return (forward + F.cross_entropy(logits.T, target, label_smoothing=smoothing)) / 2


def hardest_negative(left, right, margin: float = 0.2):
    """Hinge against the most similar column that is not the diagonal, in both directions."""
    cosine = left @ right.T
    positive = cosine.diagonal()
    negatives = cosine.masked_fill(torch.eye(len(left), dtype=torch.bool, device=left.device), -2.0)
    rows = F.relu(margin + negatives.max(dim=1).values - positive)
    columns = F.relu(margin + negatives.max(dim=0).values - positive)
    return (rows.mean() + columns.mean()) / 2

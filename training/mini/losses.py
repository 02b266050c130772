"""In-batch losses over two lists of unit vectors; the positive of row i is column i (InfoNCE, van den Oord et al. 2018)."""
import torch
import torch.nn.functional as F


def symmetric(left, right, log_scale, also=None, margin: float = 0.0, smoothing: float = 0.0):
    """Cross-entropy in both directions over cosines times exp(log_scale), at most 100 (Radford et al. 2021).

    also: bool [n, n], pairs off the diagonal that match as well: they are neither positive nor negative.
    margin: taken off the positive's cosine before scaling.
    """
    diagonal = torch.eye(len(left), dtype=torch.bool)
    cosine = left @ right.T - margin * diagonal
    logits = cosine * log_scale.exp().clamp(max=100)
    known = torch.zeros_like(diagonal) if also is None else also & ~diagonal
    return (spread(logits, known, smoothing) + spread(logits.T, known.T, smoothing)) / 2


def spread(logits, left_out, smoothing: float):
    """Cross-entropy with the diagonal as target; smoothing goes evenly to the columns that are not left out."""
    logp = F.log_softmax(logits.masked_fill(left_out, -1e4), 1)
    count = (~left_out).sum(1)
    even = logp.masked_fill(left_out, 0).sum(1) / count
    return -((1 - smoothing) * logp.diagonal() + smoothing * even).mean()


def hardest_negative(left, right, also=None, margin: float = 0.2):
    """Hinge against the most similar column that does not match, in both directions (Faghri et al. 2018)."""
    cosine = left @ right.T
    matching = torch.eye(len(left), dtype=torch.bool) | (torch.zeros(len(left), len(left), dtype=torch.bool) if also is None else also)
    negatives = cosine.masked_fill(matching, -2.0)
    positive = cosine.diagonal()
    rows = F.relu(margin + negatives.amax(1) - positive)
    columns = F.relu(margin + negatives.amax(0) - positive)
    return (rows.mean() + columns.mean()) / 2


def distillation(student, teacher, scale: float = 20.0):
    """Cosine to the teacher's vectors, and the teacher's similarities inside the batch as soft targets."""
    cosine = 1 - (student * teacher).sum(1).mean()
    wanted = F.softmax(scale * teacher @ teacher.T, 1)
    got = F.log_softmax(scale * student @ teacher.T, 1)
    return cosine + F.kl_div(got, wanted, reduction="batchmean")

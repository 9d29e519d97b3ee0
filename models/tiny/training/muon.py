"""Muon: momentum whose update is orthogonalised, for the weight matrices of a transformer.

Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); the update is scaled by
0.2 sqrt(max(rows, columns)) as in Liu et al., "Muon is scalable for LLM training" (arXiv 2502.16982), so that it is as
large as AdamW's and shares its learning rate.
"""
import torch


def orthogonalise(g, steps=5):
    """The nearest semi-orthogonal matrix, roughly: a quintic Newton-Schulz iteration in bfloat16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    x = x / (x.norm() + 1e-7)
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.t()
    for _ in range(steps):
        square = x @ x.t()
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide else x.t()).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, lr, momentum=.95, weight_decay=.01):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalise(p.grad.lerp(buffer, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * .2 * max(p.shape) ** .5)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Trains a model that torch.compile() has compiled, down to graphs of operators (aot_eager needs no
C++ compiler), and ends with all it has.

    compiled.py LEDGER.json

The ledger: bytes of parameters, buffers, gradients and optimizer state at the end.
"""
import json
import os
import sys

import torch

STEPS = 5


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(512, 1024)
        self.norm = torch.nn.BatchNorm1d(1024)
        self.second = torch.nn.Linear(1024, 768)
        self.last = torch.nn.Linear(768, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        return self.last(torch.relu(self.second(x)))


def bytes_of(tensors):
    return sum(t.numel() * t.element_size() for t in tensors)


def main():
    model = Net()
    compiled = torch.compile(model, backend="aot_eager")
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(STEPS):
        optimizer.zero_grad()
        inputs, labels = torch.randn(128, 512), torch.randint(10, (128,))
        torch.nn.functional.cross_entropy(compiled(inputs), labels).backward()
        optimizer.step()
    state = [v for s in optimizer.state.values() for v in s.values() if torch.is_tensor(v)]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"parameters": bytes_of(model.parameters()),
                   "buffers": bytes_of(model.buffers()),
                   "gradients": bytes_of(p.grad for p in model.parameters()),
                   "optimizer state": bytes_of(state), "steps": STEPS}, file)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

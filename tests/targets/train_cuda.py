#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Trains ResNet-18 with random weights on random pictures, and says what PyTorch and the driver count.

    train_cuda.py LEDGER.json [DEVICE]    default: cuda

It ends without taking anything down, so that what the ledger says is there until the process is gone.
"""
import json
import os
import subprocess
import sys

import torch

from train import ResNet18

STEPS = 3
BATCH = 8


def train(device):
    torch.manual_seed(1)
    model = ResNet18().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for _ in range(STEPS):
        images = torch.rand(BATCH, 3, 224, 224, device=device)
        labels = torch.randint(0, 1000, (BATCH,), device=device)
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, optimizer


def by_the_driver():
    """MiB that nvidia-smi says this process has; None if it says nothing of it."""
    command = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    for line in lines.splitlines():
        pid, _, used = line.partition(",")
        if pid.strip() == str(os.getpid()) and used.strip().isdigit():
            return int(used)
    return None


def main():
    device = sys.argv[2] if len(sys.argv) > 2 else "cuda"
    kept = train(device)
    ledger = {"pid": os.getpid(), "torch": torch.__version__, "driver_mib": None}
    if device == "cuda":
        torch.cuda.synchronize()
        stats = torch.cuda.memory_stats()
        for kind in ("allocated", "reserved"):
            for moment in ("peak", "current"):
                ledger[f"{kind}_{moment}"] = stats[f"{kind}_bytes.all.{moment}"]
        ledger["driver_mib"] = by_the_driver()
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(ledger, file)
    sys.stdout.flush()
    os._exit(0 if kept else 1)


if __name__ == "__main__":
    main()

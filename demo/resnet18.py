#!/usr/bin/python3
"""ResNet-18 on the CPU: load it, run it, train it for three steps.

    resnet18.py save FILE    builds the model with random weights, saves its state dict
    resnet18.py run FILE     loads that, runs inference, then three training steps
    resnet18.py time FILE    loads that, then training steps, each with its seconds
    resnet18.py on FILE [BATCH]    loads that, then such steps until it is ended
"""
import itertools
import sys
import time

import torch
import torchvision

BATCH = 8
SIDE = 224
CLASSES = 1000
STEPS = 3


def save(path):
    model = torchvision.models.resnet18(weights=None)
    torch.save(model.state_dict(), path)
    print("saved ResNet-18 with random weights", flush=True)


def load_model(path):
    model = torchvision.models.resnet18(weights=None)
    model.load_state_dict(torch.load(path))
    parameters = sum(p.numel() for p in model.parameters())
    print(f"load: {parameters:,} parameters", flush=True)
    return model


def infer(model):
    model.eval()
    with torch.no_grad():
        best = model(torch.randn(BATCH, 3, SIDE, SIDE)).argmax(1)
    print(f"inference: classes {best.tolist()}", flush=True)


def train(model, steps, timed=False, batch=BATCH):
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for step in itertools.islice(itertools.count(1), steps):
        start = time.perf_counter()
        images = torch.randn(batch, 3, SIDE, SIDE)
        labels = torch.randint(CLASSES, (batch,))
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds = f", {time.perf_counter() - start:.3f} s" if timed else ""
        print(f"step {step}: loss {loss.item():.3f}{seconds}", flush=True)


def main():
    if not 3 <= len(sys.argv) <= 4 or sys.argv[1] not in ("save", "run", "time", "on"):
        sys.exit(__doc__)
    torch.manual_seed(1)
    torch.set_num_threads(2)
    what, path = sys.argv[1:3]
    if what == "save":
        save(path)
        return
    model = load_model(path)
    if what == "on":
        train(model, None, True, int(sys.argv[3]) if len(sys.argv) > 3 else BATCH)
    if what == "run":
        infer(model)
    train(model, STEPS, timed=what == "time")


if __name__ == "__main__":
    main()

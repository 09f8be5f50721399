# SPDX-License-Identifier: GPL-2.0
"""Trains small models and keeps its own ledger of what their tensors are for.

    train.py MODEL OPTIMIZER [OPTION...]

MODEL is mlp, resnet18, transformer or lstm; OPTIMIZER is sgd, momentum, adam, adamw, a class
of torch.optim, or none, which runs inference only; several, with + between them, train a model
each, in turn.  Options: steps=N, accumulate=N, keep (gradients are set to zero, not
to None), checkpoint=reentrant|plain, loader=N (a DataLoader with N workers), twin (a second
model, trained in turn), wait (between the steps, until a file says go on), threads=N,
on (steps on and on after the last one, until a file says that it is enough), foreach, fused,
amsgrad (how the optimizer is made), leak (keeps a loss with its graph from each step), load (the model is read from a file first),
batch=N, side=N.

The ledger, $LEDGER/train.json, has bytes of parameters, buffers, gradients and optimizer state
after the last step, of the tensors saved for the last backward pass, and when stages began and
ended (CLOCK_MONOTONIC): each as two moments, between which the boundary lies.
"""
import gc
import json
import os
import sys
import time

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Residual(nn.Module):
    def __init__(self, inside, outside, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.short = None
        if stride != 1 or inside != outside:
            self.short = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x):
        out = torch.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return torch.relu(out + (x if self.short is None else self.short(x)))


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
            nn.MaxPool2d(3, 2, 1))
        layers, inside = [], 64
        for outside, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1),
                                (512, 2), (512, 1)):
            layers.append(Residual(inside, outside, stride))
            inside = outside
        self.layers = nn.ModuleList(layers)
        self.fc = nn.Linear(512, 1000)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.fc(x.mean((2, 3)))


class Mlp(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.how = how
        self.first = nn.Linear(256, 512)
        self.middle = nn.ModuleList(
            nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.BatchNorm1d(512)) for _ in range(3))
        self.last = nn.Linear(512, 1000)
        self.held = {}  # for recomputing: storages, as checkpoint() keeps them

    def forward(self, x):
        x = torch.relu(self.first(x))
        for number, layer in enumerate(self.middle):
            if self.how:
                self.held["random", number] = torch.get_rng_state().numel()
                if self.how == "plain":
                    self.held.update((storage_of(x),))
                x = checkpoint(layer, x, use_reentrant=self.how == "reentrant")
            else:
                x = layer(x)
        return self.last(x)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(1000, 128)
        layer = nn.TransformerEncoderLayer(128, 4, 256, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.last = nn.Linear(128, 1000)

    def forward(self, x):
        return self.last(self.encoder(self.embedding(x)).mean(1))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(1000, 64)
        self.lstm = nn.LSTM(64, 128, 2, batch_first=True)
        self.last = nn.Linear(128, 1000)

    def forward(self, x):
        return self.last(self.lstm(self.embedding(x))[0][:, -1])


def make_model(name, options):
    if name == "mlp":
        return Mlp(options.get("checkpoint"))
    return {"resnet18": ResNet18, "transformer": Transformer, "lstm": Lstm}[name]()


def make_sample(name, batch, side):
    if name == "mlp":
        return torch.randn(batch, 256)
    if name == "resnet18":
        return torch.randn(batch, 3, side, side)
    return torch.randint(1000, (batch, 32))


def make_optimizer(name, model, options):
    how = {way: True for way in ("foreach", "fused", "amsgrad") if way in options}
    makers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.01, **how),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, **how),
        "adam": lambda p: torch.optim.Adam(p, **how),
        "adamw": lambda p: torch.optim.AdamW(p, **how),
        # from 2.9 on; it takes matrices only, the others stay as they are
        "Muon": lambda p: torch.optim.Muon([one for one in p if one.ndim == 2], **how),
    }
    if name in makers:
        return makers[name](model.parameters())
    return getattr(torch.optim, name)(model.parameters(), **how)


class Samples(torch.utils.data.Dataset):
    def __init__(self, name, side):
        self.name, self.side = name, side

    def __len__(self):
        return 64

    def __getitem__(self, index):
        return make_sample(self.name, 1, self.side)[0], index


def bytes_of(tensors):
    """Of storages, each once."""
    storages = {t.data_ptr(): t.numel() * t.element_size() for t in tensors if t is not None}
    return sum(storages.values())


def storage_of(tensor):
    storage = tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()
    return storage.data_ptr(), storage.nbytes()


class Ledger:
    def __init__(self):
        self.marks = []
        self.saved = {}
        self.numbers = {}

    def mark(self, stage, edge, before, after):
        self.marks.append({"stage": stage, "edge": edge, "from": before, "to": after})

    def pack(self, tensor):
        address, size = storage_of(tensor)
        self.saved[address] = size
        return tensor

    def write(self):
        path = os.environ.get("LEDGER")
        if path:
            with open(os.path.join(path, "train.json"), "w", encoding="utf-8") as file:
                json.dump({"pid": os.getpid(), "torch": torch.__version__, "marks": self.marks,
                           **self.numbers}, file)


def first_times(model):
    """When modules begin, but for the first: that has allocated by then."""
    seen = []
    leaves = [m for m in model.modules() if not list(m.children())]
    for leaf in leaves[1:]:
        leaf.register_forward_pre_hook(lambda *_: seen.append(time.monotonic()))
    return seen


class Trainer:
    def __init__(self, name, optimizer, options, ledger):
        self.name, self.options, self.ledger = name, options, ledger
        self.model = make_model(name, options)
        self.optimizer = make_optimizer(optimizer, self.model, options) if optimizer != "none" else None
        self.seen = first_times(self.model)

    def batch(self):
        batch, side = int(self.options.get("batch", 8)), int(self.options.get("side", 64))
        return make_sample(self.name, batch, side), torch.randint(1000, (batch,))

    def infer(self, inputs):
        with torch.no_grad():
            return self.model(inputs).argmax(1)

    def backward(self, inputs, labels):
        ledger, own = self.ledger, {storage_of(t)[0] for t in (*self.model.parameters(),
                                                               *self.model.buffers())}
        gc.collect()  # what waits for it is saved for nothing
        ledger.saved = getattr(self.model, "held", {})
        ledger.saved.clear()
        before = time.monotonic()
        self.seen.clear()
        with torch.autograd.graph.saved_tensors_hooks(ledger.pack, lambda t: t):
            loss = nn.functional.cross_entropy(self.model(inputs), labels)
        ledger.mark("forward", "start", before, self.seen[0])
        own |= {storage_of(t)[0] for t in (inputs, labels)}
        ledger.numbers["saved"] = sum(n for a, n in ledger.saved.items() if a not in own)
        first, last = [], []
        loss.register_hook(lambda g: first.append(time.monotonic()))
        for p in self.model.parameters():
            p.register_hook(lambda g: last.append(time.monotonic()))
        before = time.monotonic()
        loss.backward()
        after = time.monotonic()
        ledger.mark("backward", "start", before, first[0])
        ledger.mark("backward", "end", last[-1], after)

    def step(self):
        self.step_on([self.batch() for _ in range(int(self.options.get("accumulate", 1)))])

    def step_on(self, batches):
        self.optimizer.zero_grad(set_to_none="keep" not in self.options)
        for inputs, labels in batches:
            self.backward(inputs, labels)
        before = time.monotonic()
        self.optimizer.step()
        after = time.monotonic()
        self.ledger.mark("optimizer step", "start", before, after)
        self.ledger.mark("optimizer step", "end", before, after)

    def count(self):
        state = [v for s in self.optimizer.state.values() for v in s.values()
                 if torch.is_tensor(v)] if self.optimizer else []
        parameters = list(self.model.parameters())
        return {"parameters": bytes_of(parameters),
                "buffers": bytes_of(self.model.buffers()),
                "gradients": bytes_of(p.grad for p in parameters),
                "optimizer state": bytes_of(state)}


def wait_for(name):
    path = os.path.join(os.environ["LEDGER"], name)
    with open(os.path.join(os.environ["LEDGER"], f"ready.{os.getpid()}"), "w",
              encoding="utf-8") as file:
        file.write(name)
    while not os.path.exists(path):
        time.sleep(0.01)


def reload(model):
    path = os.path.join(os.environ["LEDGER"], "model.pt")
    torch.save(model.state_dict(), path)
    model.load_state_dict(torch.load(path))
    os.unlink(path)


def loaded(trainer, workers):
    samples = Samples(trainer.name, int(trainer.options.get("side", 64)))
    loader = torch.utils.data.DataLoader(samples, batch_size=8, num_workers=workers)
    for inputs, labels in loader:
        trainer.step_on([(inputs, labels)])


def main():
    name, optimizer = sys.argv[1:3]
    options = dict(o.split("=") if "=" in o else (o, "") for o in sys.argv[3:])
    torch.manual_seed(1)
    torch.set_num_threads(int(options.get("threads", 1)))
    ledger = Ledger()
    trainers = [Trainer(name, one, options, ledger) for one in optimizer.split("+")
                for _ in range(2 if "twin" in options else 1)]
    if "load" in options:
        for trainer in trainers:
            reload(trainer.model)
            trainer.infer(trainer.batch()[0])
    kept = []
    if "loader" in options:
        loaded(trainers[0], int(options["loader"]))
    for step in range(int(options.get("steps", 3))):
        if "wait" in options and step == 1:
            wait_for("go")
        for trainer in trainers:
            if optimizer == "none":
                trainer.infer(trainer.batch()[0])
                continue
            trainer.step()
            if "leak" in options:
                inputs, labels = trainer.batch()
                kept.append(nn.functional.cross_entropy(trainer.model(inputs), labels))
    while "on" in options and not os.path.exists(os.path.join(os.environ["LEDGER"], "enough")):
        for trainer in trainers:
            trainer.step()
    counts = [t.count() for t in trainers]
    ledger.numbers.update({key: sum(c[key] for c in counts) for key in counts[0]})
    ledger.numbers["steps"] = 0 if optimizer == "none" else len(ledger.marks)
    ledger.write()
    if "wait" in options:
        wait_for("end")


if __name__ == "__main__":
    main()

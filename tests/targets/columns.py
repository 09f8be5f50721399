# A convolution without a library, whose matrix product works on columns: how many bytes they
# take, and what stays for the backward pass, goes to the ledger.
import json
import sys

import torch

N, CHANNELS, OUT, SIDE, KERNEL = 2, 3, 8, 32, 3
OUTSIDE = SIDE - KERNEL + 1

torch.manual_seed(0)
torch.set_num_threads(1)
torch.backends.mkldnn.enabled = False
model = torch.nn.Conv2d(CHANNELS, OUT, KERNEL)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(2):
    inputs = torch.randn(N, CHANNELS, SIDE, SIDE)
    result = model(inputs)
    optimizer.zero_grad()
    result.sum().backward()
    optimizer.step()
with open(sys.argv[1], "w") as ledger:
    json.dump({
        "workspace": N * CHANNELS * KERNEL * KERNEL * OUTSIDE * OUTSIDE * 4,
        # the result, the loss, and what the backward pass begins with
        "activations": (N * OUT * OUTSIDE * OUTSIDE + 2) * 4,
        "parameters": (OUT * CHANNELS * KERNEL * KERNEL + OUT) * 4,
    }, ledger)

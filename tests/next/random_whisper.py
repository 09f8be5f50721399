#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a small speech model of random weights as whisper.cpp loads one, and what it consists of.

    random_whisper.py MODEL.bin LEDGER.json

The format is that of whisper.cpp's models/convert-pt-to-ggml.py: a header, filters, words, and each
tensor with its name and its shape, the innermost dimension first.  The ledger: bytes of all weights.
"""
import json
import struct
import sys

import numpy

MAGIC = 0x67676D6C
WORDS, AUDIO, TEXT, WIDTH, HEADS, LAYERS, BANDS = 51864, 1500, 448, 64, 2, 2, 80
BINS = 201  # of a spectrum, for each band


def layer_norm(name):
    yield f"{name}.weight", (WIDTH,)
    yield f"{name}.bias", (WIDTH,)


def linear(name, outputs, inputs):
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


def attention(name):
    yield from layer_norm(f"{name}_ln")
    for part in ("query", "value", "out"):
        yield from linear(f"{name}.{part}", WIDTH, WIDTH)
    yield f"{name}.key.weight", (WIDTH, WIDTH)


def block(name, parts):
    for part in parts:
        yield from attention(f"{name}.{part}")
    yield from layer_norm(f"{name}.mlp_ln")
    yield from linear(f"{name}.mlp.0", 4 * WIDTH, WIDTH)
    yield from linear(f"{name}.mlp.2", WIDTH, 4 * WIDTH)


def shapes():
    yield "encoder.positional_embedding", (AUDIO, WIDTH)
    for conv, inputs in (("conv1", BANDS), ("conv2", WIDTH)):
        yield f"encoder.{conv}.weight", (WIDTH, inputs, 3)
        yield f"encoder.{conv}.bias", (WIDTH, 1)
    yield from layer_norm("encoder.ln_post")
    yield "decoder.positional_embedding", (TEXT, WIDTH)
    yield "decoder.token_embedding.weight", (WORDS, WIDTH)
    yield from layer_norm("decoder.ln")
    for layer in range(LAYERS):
        yield from block(f"encoder.blocks.{layer}", ("attn",))
        yield from block(f"decoder.blocks.{layer}", ("attn", "cross_attn"))


def main():
    random = numpy.random.default_rng(1)
    total = 0
    with open(sys.argv[1], "wb") as file:
        file.write(struct.pack("<12i", MAGIC, WORDS, AUDIO, WIDTH, HEADS, LAYERS, TEXT, WIDTH, HEADS,
                               LAYERS, BANDS, 0))  # 0: all numbers are float32
        file.write(struct.pack("<2i", BANDS, BINS))
        file.write(random.random((BANDS, BINS), dtype=numpy.float32).tobytes())
        file.write(struct.pack("<i", WORDS))
        for word in range(WORDS):
            text = b"%d" % word
            file.write(struct.pack("<i", len(text)) + text)
        for name, shape in shapes():
            values = random.standard_normal(shape).astype(numpy.float32) * 0.02
            total += values.nbytes
            file.write(struct.pack("<3i", len(shape), len(name), 0))
            file.write(struct.pack(f"<{len(shape)}i", *reversed(shape)))
            file.write(name.encode() + values.tobytes())
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({"weights": total}, file)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a small model of random weights as llama.cpp loads one, and what it consists of.

    random_gguf.py MODEL.gguf LEDGER.json

The ledger: bytes of all weights, of those that llama.cpp leaves in the host's memory where all
layers go to a device (the table of tokens), and of the keys and values of one token in the cache.
"""
import json
import sys

import gguf
import numpy

LAYERS, WIDTH, INNER, TOKENS, HEADS = 4, 512, 1408, 4096, 8
HALF = 2  # bytes of a number in the cache: f16 is the default


def shapes():
    yield "token_embd.weight", (TOKENS, WIDTH)
    yield "output.weight", (TOKENS, WIDTH)
    yield "output_norm.weight", (WIDTH,)
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{layer}.{name}.weight", (WIDTH, WIDTH)
        yield f"blk.{layer}.ffn_gate.weight", (INNER, WIDTH)
        yield f"blk.{layer}.ffn_up.weight", (INNER, WIDTH)
        yield f"blk.{layer}.ffn_down.weight", (WIDTH, INNER)
        yield f"blk.{layer}.attn_norm.weight", (WIDTH,)
        yield f"blk.{layer}.ffn_norm.weight", (WIDTH,)


def main():
    writer = gguf.GGUFWriter(sys.argv[1], "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(TOKENS)
    writer.add_tokenizer_model("no_vocab")
    random = numpy.random.default_rng(1)
    sizes = {}
    for name, shape in shapes():
        weights = (random.standard_normal(shape) * 0.02).astype(numpy.float32)
        sizes[name] = weights.nbytes
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({"weights": sum(sizes.values()), "tokens": sizes["token_embd.weight"],
                   "token_cache": LAYERS * 2 * WIDTH * HALF}, file)


if __name__ == "__main__":
    main()

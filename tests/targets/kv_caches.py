# Functions that are called as those are in which well-known programs make their caches of keys and
# values, in files that are called as theirs; and others beside them.  Each holds as many bytes as
# the ledger says.
import json
import os
import sys

import torch

CACHES = [
    ("transformers/cache_utils.py", "DynamicCache.update"),
    ("vllm/worker/cache_engine.py", "CacheEngine._allocate_kv_cache"),
    ("vllm/v1/worker/gpu_model_runner.py", "GPUModelRunner._allocate_kv_cache_tensors"),
    ("vllm/v1/worker/gpu/attn_utils.py", "_allocate_kv_cache"),
    ("sglang/srt/mem_cache/memory_pool.py", "MHATokenToKVPool._create_buffers"),
    ("sglang/srt/mem_cache/memory_pool.py", "MHATokenToKVPool.__init__"),
    ("sglang/srt/mem_cache/memory_pool.py", "MLATokenToKVPool.__init__"),
    ("text_generation_server/layers/attention/kv_cache.py", "KVCache.__init__"),
    ("torchtune/modules/kv_cache.py", "KVCache.__init__"),
    ("litgpt/model.py", "CausalSelfAttention.build_kv_cache"),
    ("nanochat/engine.py", "KVCache._ensure_cache"),
    ("nanochat/engine.py", "KVCache.insert_kv"),
    ("nanochat/engine.py", "KVCache.prefill"),
    ("gpt-fast/model.py", "KVCache.__init__"),
    ("llama/model.py", "Attention.__init__", "self.cache_k = torch.empty(\n            size,"),
    ("llama/model.py", "Attention.__init__", "self.cache_v = torch.empty(size,"),
]
OTHERS = [
    ("vllm/worker/cache_engine.py", "CacheEngine.swap_in"),
    ("vllm/v1/worker/gpu_model_runner.py", "GPUModelRunner._prepare_inputs"),
    ("sglang/srt/mem_cache/memory_pool.py", "ReqToTokenPool.__init__"),
    ("nanochat/engine.py", "Engine._ensure_cache"),
    ("gpt-fast/model.py", "NoKVCache.__init__"),
    ("llama/model.py", "Attention.__init__", "self.weight = torch.empty(size,"),
    ("mine/worker/cache_engine.py", "CacheEngine._allocate_kv_cache"),
]


def source(name, statement="self.held = torch.empty(size,"):
    lines = [f"    def {name.split('.')[-1]}(self, size):",
             f"        {statement} dtype=torch.uint8)"]
    if "." not in name:
        return "\n".join(line[4:] for line in lines)
    return "\n".join([f"class {name.split('.')[0]}:"] + lines)


class Holder:
    pass


def hold(path, name, size, *statement):
    """Runs the function, out of a file of its own."""
    path = os.path.join(sys.argv[1], str(size), path)
    os.makedirs(os.path.dirname(path))
    with open(path, "w") as file:
        file.write(source(name, *statement) + "\n")
    names = {"torch": torch}
    with open(path) as file:
        exec(compile(file.read(), path, "exec"), names)
    function = names[name.split(".")[0]]
    holder = Holder()
    getattr(function, name.split(".")[-1], function)(holder, size)
    return holder


torch.set_num_threads(1)
held = []
for i, row in enumerate(CACHES + OTHERS):
    held.append(hold(row[0], row[1], 10000 + 100 * i, *row[2:]))
with open(os.path.join(sys.argv[1], "sizes"), "w") as ledger:
    json.dump([10000 + 100 * i for i in range(len(CACHES))], ledger)
os._exit(0)

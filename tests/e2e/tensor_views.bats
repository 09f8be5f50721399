#!/usr/bin/env bats
# What is drawn of tensors: by category, by stage.

load helper

needs_torch()
{
	"$PYTHON" -c 'import torch' 2>/dev/null || skip "no torch"
}

# Four steps of a small model, in a file of its own.
training()
{
	cat >"$TMP/train.py" <<-'END'
		import torch

		torch.manual_seed(0)
		torch.set_num_threads(1)
		model = torch.nn.Sequential(
		    torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
		optimizer = torch.optim.Adam(model.parameters())
		for _ in range(4):
		    inputs, labels = torch.randn(128, 64), torch.randint(0, 10, (128,))
		    loss = torch.nn.functional.cross_entropy(model(inputs), labels)
		    optimizer.zero_grad()
		    loss.backward()
		    optimizer.step()
	END
	echo "$TMP/train.py"
}

folded_sum()
{
	awk '{ sum += $NF } END { printf "%d\n", sum }' "$1"
}

# Sum of the peaks of a layer; not query(), which puts frames into each of many stacks.
peak()
{
	jq "[.processes[].layers.$1.peak_bytes] | add" "$REPORT"
}

@test "--by category: sums to the peak, begins with the category, ends with the shape" {
	needs_torch
	trace --layers tensor --by category -o "$TMP/x.folded" -o "$TMP/x.tensor.svg" \
		--plot "$TMP/t.svg" -- "$PYTHON" "$(training)"
	equal "$status" 0 "exit status"
	equal "$(folded_sum "$TMP/x.folded")" "$(peak tensor)" "sum of the folded stacks"
	grep -q '^python3[^;]*;parameters;.*;float32\[256, 64\] 65536$' "$TMP/x.folded"
	grep -q '^python3[^;]*;optimizer state;' "$TMP/x.folded"
	xmllint --noout --nonet "$TMP/x.tensor.svg"
	grep -q '<title>parameters' "$TMP/x.tensor.svg"
	# the plot: areas, and the stages' strip
	xmllint --noout --nonet "$TMP/t.svg"
	grep -q 'tensors at their peak' "$TMP/t.svg"
	grep -q 'data-name="parameters"' "$TMP/t.svg"
	grep -q '<rect class="strip ' "$TMP/t.svg"
}

@test "a file's name says the layer" {
	needs_torch
	trace --layers vm,tensor --by category -o "$TMP/x.vm.folded" \
		-o "$TMP/x.tensor.folded" -- "$PYTHON" "$(training)"
	equal "$status" 0 "exit status"
	equal "$(folded_sum "$TMP/x.vm.folded")" "$(peak vm)" "sum of mapped memory's stacks"
	equal "$(folded_sum "$TMP/x.tensor.folded")" "$(peak tensor)" "sum of the tensors"
	grep -q ';parameters;' "$TMP/x.tensor.folded"
	if grep ';parameters;' "$TMP/x.vm.folded"; then
		die "mapped memory has categories"
	fi
}

@test "--by category of a program without tensors: one line" {
	trace -q --by category -o "$TMP/x.folded" -- "$T/scripted" 1 200 10
	equal "$status" 0 "exit status"
	grep -q 'x.folded: --by category: no tensors were seen' "$TMP/err"
	[ ! -s "$TMP/x.folded" ] || die "it has something: $(head -1 "$TMP/x.folded")"
}

@test "caches of keys and values, by who makes them" {
	needs_torch
	trace -q --layers tensor -- "$PYTHON" "$REPO/tests/targets/kv_caches.py" "$TMP/kv"
	equal "$status" 0 "exit status"
	equal "$(jq -c '[.tensors[] | select(.category == "KV cache" and .live > 0) | .live_bytes]
		| sort' "$REPORT")" "$(jq -c . "$TMP/kv/sizes")" "bytes of each"
}

@test "--by category is refused where nothing is known by category" {
	bare --by category --metric alloc -- true
	refused 2 'alloc'
	bare --metric count --by category -- true
	refused 2 'count'
	bare --layers heap --by category -- true
	refused 2 'layers'
	bare --by stack -- true
	refused 2 'category'
}

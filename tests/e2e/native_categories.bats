#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Categories by the names of native functions: the user's own, and memory to work in.

load helper

# bytes CATEGORY FIELD: on all devices
bytes()
{
	jq "[.categories[] | select(.name == \"$1\") | .$2] | add" "$REPORT"
}

@test "--category by C functions: of what stays, and of what has ended" {
	trace -q --layers tensor --category 'context=^llama_init_from_model$' \
		--category 'calls=^llama_(decode|process)$' -- "$T/ggml"
	equal "$status" 0 "exit status"
	equal "$(bytes context bytes_at_end)" "$(jq .context "$LEDGER/ggml.json")" "what stays"
	equal "$(bytes calls bytes_at_peak)" "$(jq .scratch "$LEDGER/ggml.json")" "at the peak"
	equal "$(bytes calls bytes_at_end)" 0 "nothing of the calls stays"
	equal "$(bytes "KV cache" bytes_at_end)" 0 "one's own category comes first"
}

@test "--category by C functions, while a table is shown" {
	trace -i 0.1 --layers tensor --category 'mine=^ggml_backend_buft_alloc_buffer$' \
		--category 'calls=ggml\.c:[0-9]+$' -- "$T/ggml"
	equal "$status" 0 "exit status"
	equal "$(bytes mine bytes_at_peak)" "$(jq '.all - .mapped' "$LEDGER/ggml.json")" \
		"by the allocation function"
	equal "$(bytes calls bytes_at_peak)" "$(jq '.scratch + .mapped' "$LEDGER/ggml.json")" \
		"by file and line, what is left"
}

@test "a category that there is already is refused" {
	bare --category buffers=x -- true
	refused 2 "'buffers=x': there is a category of that name"
}

@test "columns of a convolution are workspace, its result is not" {
	trace -q --layers tensor -- "$PYTHON" "$REPO/tests/targets/columns.py" "$LEDGER/columns"
	equal "$status" 0 "exit status"
	for name in workspace activations parameters; do
		equal "$(bytes "$name" bytes_at_peak)" "$(jq ".$name" "$LEDGER/columns")" "$name"
	done
	equal "$(bytes workspace bytes_before_backward)" 0 "between the passes there is none"
	equal "$(bytes activations bytes_before_backward)" "$(jq .activations "$LEDGER/columns")" \
		"activations are"
}

/* SPDX-License-Identifier: GPL-2.0 */
/* The rules of a timeline's style sheet. */
#include "render/timeline_look.h"

#include <stdio.h>
#include <stdlib.h>

#include "render/stage_strip.h"

const struct timeline_look timeline_looks[LAYER_NR] = {
    [LAYER_HEAP] = {"#1f63c8", "#6cb0ff", true},  [LAYER_TENSOR] = {"#c2570c", "#ffa657", true},
    [LAYER_GPU] = {"#2a8045", "#6fdd8b", true},   [LAYER_VM] = {"#6b7280", "#a3acb9", true},
    [LAYER_RSS] = {"#b4245d", "#ff85b3", false},  [LAYER_SLAB] = {"#6f42c1", "#c297ff", true},
    [LAYER_PAGES] = {"#0f766e", "#5eead4", true},
};

static const char style[] = ".grid{stroke:#d8dee4;stroke-width:1;fill:none}\n"
			    ".axis{stroke:#57606a;stroke-width:1.2;fill:none}\n"
			    "text.tick{fill:#57606a;font-size:12px}\n"
			    "text.end{text-anchor:end}\n"
			    "text.mid{text-anchor:middle}\n"
			    "text.key{font-size:13px;fill:#424a53}\n"
			    "text.mark{font-weight:600;font-size:12px}\n"
			    "text.lane{font-size:11px;fill:#424a53}\n"
			    ".halo{fill:#fff;fill-opacity:.8}\n"
			    ".life{fill:#d7e3d4}\n"
			    ".event{stroke:#7d8590;stroke-dasharray:2 3;fill:none}\n"
			    ".dot{stroke:#fff;stroke-width:1.5}\n"
			    ".cursor{stroke:#57606a;stroke-width:1;pointer-events:none}\n"
			    ".part{stroke:#fff;stroke-width:.6;stroke-linejoin:round}\n"
			    ".tip rect.box{fill:#fff;stroke:#b6bec7}\n"
			    "text.row{font-size:12px}\n"
			    ".plane{fill:transparent;outline:none}\n"
			    ".plane:focus{stroke:#0b57d0;stroke-width:2}\n"
			    "@media (prefers-color-scheme:dark){\n"
			    ".grid{stroke:#2a3139}\n"
			    ".axis{stroke:#8b949e}\n"
			    "text.tick{fill:#9aa4ae}\n"
			    "text.key,text.lane{fill:#c0c8d0}\n"
			    ".halo{fill:#0f1419}\n"
			    ".life{fill:#2d3d33}\n"
			    ".dot{stroke:#0f1419}\n"
			    ".cursor{stroke:#c0c8d0}\n"
			    ".part{stroke:#0f1419}\n"
			    ".tip rect.box{fill:#1c2229;stroke:#444c56}\n"
			    ".plane:focus{stroke:#79b8ff}\n"
			    "}\n";

char *timeline_style(const struct category_stack *stack)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	fputs(style, out);
	fputs(stage_strip_style, out);
	categories_put_style(out, stack);
	for (int dark = 0; dark < 2; dark++) {
		fputs(dark ? "@media (prefers-color-scheme:dark){\n" : "", out);
		for (int i = 0; i < LAYER_NR; i++) {
			const char *colour =
			    dark ? timeline_looks[i].dark : timeline_looks[i].light;

			fprintf(
			    out,
			    ".line.%s{stroke:%s;fill:none;stroke-width:2;stroke-linejoin:round}\n"
			    ".area.%s{fill:%s;fill-opacity:.2}\n"
			    ".dot.%s,text.mark.%s{fill:%s}\n",
			    layer_names[i], colour, layer_names[i], colour, layer_names[i],
			    layer_names[i], colour);
		}
		fputs(dark ? "}\n" : "", out);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

#!/bin/bash
# The demo: where the memory of a PyTorch process goes, from loading ResNet-18
# to three training steps.  The traced script knows nothing of memsnoop.
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian's python3-torch belongs to Debian's Python, whichever comes first in PATH.
readonly PYTHON=/usr/bin/python3
readonly FILES=(demo/resnet18.svg demo/resnet18.rss.svg demo/resnet18.folded demo/resnet18.json demo/timeline.svg)

if [ ! -s demo/resnet18.pt ]; then
	$PYTHON demo/resnet18.py save demo/resnet18.pt.new
	mv demo/resnet18.pt.new demo/resnet18.pt
fi

echo "+ ./memsnoop -o demo/resnet18.svg -o demo/resnet18.rss.svg -o demo/resnet18.folded \\"
echo "      -o demo/resnet18.json --plot demo/timeline.svg -- $PYTHON demo/resnet18.py run demo/resnet18.pt"
./memsnoop -o demo/resnet18.svg -o demo/resnet18.rss.svg -o demo/resnet18.folded \
	-o demo/resnet18.json --plot demo/timeline.svg -- $PYTHON demo/resnet18.py run demo/resnet18.pt

echo
echo "left behind:"
for file in "${FILES[@]}"; do
	printf '  %-24s %s\n' "$file" "$(du -h --apparent-size "$file" | cut -f 1)"
done

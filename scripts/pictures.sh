#!/bin/bash
# The README's pictures, from what the demo left behind: the timeline as it is, the
# flame graph as a picture, for it is large.  Needs chromium.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -s demo/resnet18.svg ] || scripts/demo.sh
cp demo/timeline.svg docs/timeline.svg
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1220,1900 \
	--screenshot="$PWD/docs/flame.png" "file://$PWD/demo/resnet18.svg"

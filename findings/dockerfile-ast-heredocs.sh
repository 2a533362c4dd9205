#!/usr/bin/env bash
# dockerfile-ast 0.7.1 takes `<<` inside quotes for the beginning of a heredoc. The instructions below it disappear
# from getInstructions(), without an error. BuildKit only takes a whole unquoted word (see heredocsFromLine in
# frontend/dockerfile/parser/parser.go), and refuses a heredoc that never ends.
#
# Seen with Node 20: `RUN echo 'v <<x'` followed by USER and WORKDIR gives FROM and RUN alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts dockerfile-ast@0.7.1
cat > seen.cjs <<'JS'
const { DockerfileParser } = require('dockerfile-ast');
const keywords = (text) => DockerfileParser.parse(text).getInstructions().map((each) => each.getKeyword()).join(' ');
console.log(keywords("FROM debian\nRUN echo 'v <<x'\nUSER app\nWORKDIR /srv\n"));
console.log(keywords("FROM debian\nRUN echo 'v < x'\nUSER app\nWORKDIR /srv\n"));
JS
diff <(node seen.cjs) - <<'SEEN'
FROM RUN
FROM RUN USER WORKDIR
SEEN
echo 'unchanged: dockerfile-ast 0.7.1 loses the instructions after a quoted <<'

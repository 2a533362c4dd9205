#!/usr/bin/env bash
# @balena/dockerignore 1.0.2 reads .dockerignore differently than Docker's own matcher (moby/patternmatcher):
# it ignores case, takes parentheses and braces as syntax of regular expressions, and throws for `c++`.
# Docker compares case, and escapes . + ( ) | { } $ as literals.
#
# Seen with Node 20:
#   pattern TODO, path todo/a                    -> excluded (Docker: kept)
#   pattern notes (1).txt, path notes (1).txt    -> kept     (Docker: excluded)
#   pattern a{2}, path aa                        -> excluded (Docker: kept)
#   pattern c++                                  -> throws SyntaxError (Docker: a literal name)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @balena/dockerignore@1.0.2
cat > seen.cjs <<'JS'
const ignore = require('@balena/dockerignore');
const cases = [['TODO', 'todo/a'], ['notes (1).txt', 'notes (1).txt'], ['a{2}', 'aa'], ['c++', 'c++/x']];
for (const [pattern, path] of cases) {
  let result;
  try {
    result = ignore().add([pattern]).ignores(path) ? 'excluded' : 'kept';
  } catch (error) {
    result = error.name;
  }
  console.log(`${pattern}: ${result}`);
}
JS
diff <(node seen.cjs) - <<'SEEN'
TODO: excluded
notes (1).txt: kept
a{2}: excluded
c++: SyntaxError
SEEN
echo 'unchanged: @balena/dockerignore 1.0.2 differs from Docker in case and in literal characters'

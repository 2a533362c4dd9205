#!/usr/bin/env bash
# dotenv 17.2.3 (npm) cuts an unquoted value at every `#`, also in the middle of a word. A file that both a Node.js and
# a Python program read therefore gives them different values: python-dotenv takes a `#` for a comment only after a
# blank (https://github.com/theskumar/python-dotenv, the patterns of its parser).
#
# Seen with Node 20:
#   PASS=p@ss#word    -> p@ss       (python-dotenv: p@ss#word)
#   ACCENT=#ff8800    -> (empty)    (python-dotenv: #ff8800)
#   NOTE=one # two    -> one        (python-dotenv: one)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts dotenv@17.2.3
cat > seen.cjs <<'JS'
const { parse } = require('dotenv');
const text = 'PASS=p@ss#word\nACCENT=#ff8800\nNOTE=one # two\n';
for (const [name, value] of Object.entries(parse(text))) console.log(`${name}: ${value || '(empty)'}`);
JS
diff <(node seen.cjs) - <<'SEEN'
PASS: p@ss
ACCENT: (empty)
NOTE: one
SEEN
echo 'unchanged: dotenv 17.2.3 cuts unquoted values at every #'

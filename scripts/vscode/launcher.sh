#!/bin/sh
# The launcher as an executable file. Uses the project's own Node, because the system's may be too old to run TypeScript.
here=$(dirname "$0")
exec "$here/../../node_modules/.bin/node" "$here/launcher.ts" "$@"

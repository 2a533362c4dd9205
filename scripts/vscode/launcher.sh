#!/bin/sh
# The launcher as an executable file. Node is the project's own: the system's may be too old to run TypeScript.
here=$(dirname "$0")
exec "$here/../../node_modules/.bin/node" "$here/launcher.ts" "$@"

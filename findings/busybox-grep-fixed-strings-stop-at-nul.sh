#!/usr/bin/env bash
# BusyBox 1.35.0: `grep -F` looks for a string only up to the first NUL byte of a line, while the same text as a regular
# expression is also found behind it. In /proc/PID/environ, whose entries end with NUL, `grep -F` sees only the first
# variable. A fixed string is expected to match wherever the expression does, as it does with GNU grep.
#
# Seen with Debian 12's busybox-static 1:1.35.0-4+deb12u1, unpacked beside the system.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download --quiet=2 busybox-static=1:1.35.0-4+deb12u1+b1 > /dev/null 2>&1
dpkg-deb --extract busybox-static_*.deb .
printf 'FIRST=1\0MARK=abc\0' > environ
seen() {
  for text in FIRST=1 MARK=abc; do
    for option in -e -F; do
      if "$@" "$option" "$text" environ > /dev/null; then echo "$option $text: found"; else echo "$option $text: not found"; fi
    done
  done
}
diff <(seen bin/busybox grep) - <<'SEEN'
-e FIRST=1: found
-F FIRST=1: found
-e MARK=abc: found
-F MARK=abc: not found
SEEN
diff <(seen grep) - <<'SEEN'
-e FIRST=1: found
-F FIRST=1: found
-e MARK=abc: found
-F MARK=abc: found
SEEN
echo "unchanged: BusyBox's grep -F finds nothing behind a NUL"

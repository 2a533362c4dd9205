#!/usr/bin/env bash
# gVisor (runsc 0.0~20240729.0, the package of Debian 13) with CPython's option -u (or PYTHONUNBUFFERED=1): if stdout is a pipe of
# the host that is full, a write of a program in the sandbox returns how much fitted, although the pipe is a blocking one, for which
# Linux waits until all is written. Unbuffered CPython doesn't write the rest and reports no error: a printed line of 1,000,000
# characters arrives as 65,537 bytes, and the exit code is 0. Without -u, through a pipe within the sandbox, or outside gVisor, it
# arrives whole.
#
# Seen with Python 3.11 and a reader that starts a second later. Requires Linux with Debian's package manager, and
# Python.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p lists/partial cache/archives/partial
touch status
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' > sources
options=(-qq -o "Dir::State=$folder" -o "Dir::State::Lists=$folder/lists" -o "Dir::State::Status=$folder/status" -o "Dir::Cache=$folder/cache"
  -o "Dir::Etc::SourceList=$folder/sources" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null -o "APT::Sandbox::User=$(id -un)")
apt-get "${options[@]}" update
apt-get "${options[@]}" download 'runsc=0.0~20240729.0*'
dpkg-deb --extract runsc_*.deb .

sandbox=(env -u PYTHONUNBUFFERED usr/bin/runsc --rootless --network=none --ignore-cgroups do)
program='print("x" * 1_000_000)'
arrived() { (sleep 1 && wc -c); }
diff <(
  echo "buffered: $("${sandbox[@]}" python3 -c "$program" | arrived)"
  echo "unbuffered: $("${sandbox[@]}" python3 -u -c "$program" | arrived)"
  echo "unbuffered, through a pipe in the sandbox: $("${sandbox[@]}" sh -c "python3 -u -c '$program' | cat" | arrived)"
  echo "unbuffered, outside: $(python3 -u -c "$program" | arrived)"
) - <<'SEEN'
buffered: 1000001
unbuffered: 65537
unbuffered, through a pipe in the sandbox: 1000001
unbuffered, outside: 1000001
SEEN
echo 'unchanged: unbuffered CPython in gVisor loses what does not fit into a pipe of the host'

/**
 * Runs `go test` for all modules of a folder or, line by line of its input, for packages: a folder, names of tests, files of which all
 * tests are run, and a pattern for parts of a test. Its arguments are the folder, what to do, `go`, and arguments for `go test`. All that
 * it prints goes to stderr: what `go test -json` says, and lines after a separator, such as those that say which tests a package has.
 */
export const GO_BOOT = String.raw`exec >&2
root=$1 mode=$2 go=$3 worst=0 ran=
shift 3
tab=$(printf '\t') unit=$(printf '\037')
say() { printf '\036%s\t%s\n' "$1" "$2"; }
describe() {
  say cwd "$PWD"
  "$go" list -e -f '{{.ImportPath}}{{"\t"}}{{.Dir}}' "$1" < /dev/null 2> /dev/null | while IFS=$tab read -r path folder; do
    say package "$path$tab$folder"
    grep -nE '^func (Test|Example|Fuzz)' "$folder"/*_test.go /dev/null 2> /dev/null | while IFS= read -r line; do say func "$line"; done
  done
}
tests() {
  ran=1
  profile=
  if [ "$mode" = coverage ]; then
    profile=$(mktemp) || exit
    set -- "-coverprofile=$profile" "$@"
  fi
  "$go" test -json "$@" < /dev/null
  code=$?
  [ "$code" -le "$worst" ] || worst=$code
  [ -n "$profile" ] || return 0
  while IFS= read -r line; do say cover "$line"; done < "$profile"
  rm -f "$profile"
}
functions_of() {
  (
    IFS=/
    set -f
    for file in $1; do sed -nE 's/^func ((Test|Example|Fuzz)[^(]*)\(.*/\1/p' "./$file"; done
  ) | tr '\n' '|'
}
whole=1
while IFS=$unit read -r folder names files pattern; do
  whole=
  cd "$root/$folder" 2> /dev/null || continue
  describe .
  [ "$mode" = list ] && continue
  [ -n "$pattern" ] || pattern="^($(functions_of "$files")$names)$"
  tests "$@" -run "$pattern" .
done
if [ -n "$whole" ]; then
  modules=$(mktemp) || exit
  cd "$root" || exit
  find . \( -name node_modules -o -name vendor -o -name testdata -o -name '.?*' \) -prune -o -name go.mod -print | sort > "$modules"
  [ -s "$modules" ] || echo ./go.mod > "$modules"
  while IFS= read -r file; do
    cd "$root/$(dirname "$file")" || continue
    describe ./...
    [ "$mode" = list ] && ran=1 && continue
    tests "$@" ./...
  done < "$modules"
  rm -f "$modules"
fi
[ -n "$ran" ] || exit 5
say finish "$worst"
exit "$worst"`;

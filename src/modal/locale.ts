/**
 * A line of shell that makes programs use UTF-8 if neither the image nor the profile sets a locale, as VS Code does in its
 * own terminals. An empty variable counts as none, as for programs. `C.UTF-8` needs no package, and changes neither sorting
 * nor languages. A parameter of the command would replace the image's own.
 */
export const DEFAULT_LOCALE = `[ -n "$LC_ALL$LC_CTYPE$LANG" ] || export LANG=C.UTF-8`;

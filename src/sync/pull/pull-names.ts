import { isActiveName } from '../../base/active-names.ts';
import { ALWAYS_EXCLUDED } from '../rules/builtin.ts';
import { strings } from '../strings.ts';

const MAX_PATH_BYTES = 4096;
/** More names of files that affect what programs on this computer run. */
const SENSITIVE =
  /^(\.git|\.gitmodules|\.gitattributes|\.githooks|\.husky|\.vscode-test|\.idea|\.envrc|\.modalignore)$/;
/** Names of devices, trailing dots and spaces, streams, and short names such as `GIT~1`. */
const WINDOWS_NAME = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$|[. ]$|[<>:"|?*\0-\x1f]|^[^.]{1,6}~\d+(\.[^.]{0,3})?$/i;
/** Characters that the file system of macOS ignores in names. */
const IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** Returns equal texts for names that some file systems don't distinguish. */
export function foldedName(name: string): string {
  return name.normalize('NFC').replace(IGNORED, '').toUpperCase().toLowerCase();
}

/** Returns why nothing is written at a path that a sandbox chose, judging by its names; undefined if nothing is wrong. */
export function nameRefusal(path: string, platform: NodeJS.Platform): string | undefined {
  const parts = path.split('/');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES || parts.some((part) => part === '' || part === '.' || part === '..'))
    return strings.pathOutside();
  if (/^[A-Za-z]:/.test(path) || /[\0\\]/.test(path)) return strings.pathOutside();
  if (platform === 'win32' && parts.some((part) => WINDOWS_NAME.test(part))) return strings.windowsName();
  const isNeverSynced = (name: string) => name !== '.git' && ALWAYS_EXCLUDED.names.has(name);
  return parts.map(foldedName).some(isNeverSynced) ? strings.neverSynced() : undefined;
}

/** Returns true if a file at this path affects what programs on this computer run. */
export function isSensitive(path: string): boolean {
  return path
    .split('/')
    .map(foldedName)
    .some((name) => SENSITIVE.test(name) || isActiveName(name));
}

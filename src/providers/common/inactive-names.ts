/**
 * VS Code mustn't act on files that programs in a sandbox can write, such as its settings and tasks. In the file systems of
 * sandboxes and volumes, they are therefore shown under other names.
 */
import { isActiveName } from '../../base/active-names.ts';

/** Added to a name, once more to one that ends with it. */
const SUFFIX = '.inactive';

/** Returns the name under which a file is shown. */
export function shownName(name: string): string {
  return isActiveName(name.replace(/(\.inactive)+$/, '')) ? name + SUFFIX : name;
}

/** Returns the name of a file that is shown under `name`; undefined if none is, because VS Code would act on it. */
export function nameOfShown(name: string): string | undefined {
  if (isActiveName(name)) return undefined;
  return name === shownName(name) ? name : name.slice(0, -SUFFIX.length);
}

/** Returns the path under which a file is shown. */
export function shownPath(path: string): string {
  return path.split('/').map(shownName).join('/');
}

/** Returns the path of a file that is shown at `path`; undefined if none is. */
export function pathOfShown(path: string): string | undefined {
  const names = path.split('/').map(nameOfShown);
  return names.includes(undefined) ? undefined : names.join('/');
}

/** Returns the first name in a path by which VS Code would act, if there is one. */
export function activeName(path: string): string | undefined {
  return path.split('/').find(isActiveName);
}

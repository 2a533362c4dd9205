import { strings as commonStrings } from '../../providers/common/strings.ts';
import { strings } from './strings.ts';

/** The number of names that a list shows. */
const MAX_NAMES = 3;

/** `“a”, “b”, “c” and 2 more` */
export function nameList(names: readonly string[]): string {
  const list = names
    .slice(0, MAX_NAMES)
    .map((name) => commonStrings.quoted(name))
    .join(', ');
  return names.length > MAX_NAMES ? strings.andMore(list, names.length - MAX_NAMES) : list;
}

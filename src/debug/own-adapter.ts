import type { AdapterLaunch } from './launch.ts';

/** Returns the arguments of the request by which an adapter of the user's choice starts or attaches to the program. */
export function ownAdapterArguments(
  { adapter: _adapter, profile: _profile, ...own }: AdapterLaunch,
  noDebug: boolean,
  remote: (text: string) => string,
): Record<string, unknown> {
  return { ...(mapTexts(own, remote) as object), ...(noDebug && { noDebug }) };
}

/** Returns a value in which all texts are replaced, but for the names of properties. */
function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, map)]));
}

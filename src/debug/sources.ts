/** Replaces the path of a source; undefined for one that isn't there on the other side. */
export type MapPath = (path: string) => string | undefined;

type Values = Readonly<Record<string, unknown>>;

/**
 * Returns the arguments or body of a message with other paths in all of its sources: those of breakpoints, frames, output,
 * and requests. Calls `missing` for a source whose path has no counterpart, and leaves that as it is.
 */
export function mapSources(value: unknown, map: MapPath, missing: (path: string) => void = () => {}): unknown {
  if (Array.isArray(value)) return value.map((each) => mapSources(each, map, missing));
  if (!isValues(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      // That of an instruction is called `location`.
      if ((key === 'source' || key === 'location') && isValues(each)) return [key, mapSource(each, map, missing)];
      if (key === 'sources' && Array.isArray(each))
        return [key, each.map((source) => (isValues(source) ? mapSource(source, map, missing) : source))];
      return [key, mapSources(each, map, missing)];
    }),
  );
}

function mapSource(source: Values, map: MapPath, missing: (path: string) => void): Values {
  const { path, sources } = source;
  const within = sources === undefined ? {} : (mapSources({ sources }, map, missing) as Values);
  // A source without a file, such as `<string>`, is asked for by its reference.
  if (typeof path !== 'string' || path.startsWith('<')) return { ...source, ...within };
  const mapped = map(path);
  if (mapped === undefined) {
    missing(path);
    return source;
  }
  // With a reference, the editor would ask for the source's text instead of opening the file.
  const { sourceReference: _, ...named } = source;
  return { ...named, ...within, path: mapped };
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

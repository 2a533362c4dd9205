import type { App, Image, ModalClient } from 'modal';
import { execWith } from '../modal/exec.ts';
import { startOrDiscard } from './shared-snapshot.ts';

/** The most that the built-in base should weigh, in MB (10⁶ bytes). */
export const SMALL_MB = 800;

/** What was found in an image. */
export interface ImageReport {
  /** Files of the root, in MB (10⁶ bytes). */
  readonly sizeMb: number;
  /** Tools with the first line of what they say of their version; undefined for those that are not there. */
  readonly tools: readonly { readonly name: string; readonly version: string | undefined }[];
  /** Python packages, sorted by name. */
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

const TOOLS = ['git', 'curl', 'wget', 'gcc', 'make', 'jq', 'python3', 'uv', 'pip', 'node', 'npm'];
const TIMEOUT_MS = 600_000;

// Mounts of the system are no part of an image; links such as /bin are counted as links.
const MEASURE = `
set --
for each in /* /.[!.]*; do
  case $each in /proc | /sys | /dev | /run | /tmp | /__modal) ;; *) [ -e "$each" ] && set -- "$@" "$each" ;; esac
done
du -skc "$@" 2> /dev/null | tail -n 1 | cut -f 1`;

const LIST_TOOLS = `
for name in ${TOOLS.join(' ')}; do
  command -v "$name" > /dev/null || continue
  printf '%s\\t%s\\n' "$name" "$("$name" --version 2>&1 < /dev/null | head -n 1)"
done`;

const LIST_PACKAGES = `
python3 -c '
from importlib.metadata import distributions
for name, version in sorted({(each.metadata["Name"], each.version) for each in distributions()}, key=str):
    print(name, version, sep="\\t")
' 2> /dev/null`;

/** Measures an image in a sandbox of it, which is ended. Throws the SDK's errors, and the signal's reason. */
export async function checkImage(
  client: ModalClient,
  app: App,
  image: Image,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ImageReport> {
  const sandbox = await startOrDiscard(client.sandboxes.create(app, image, { timeoutMs: TIMEOUT_MS }), signal);
  try {
    const script = [MEASURE, 'echo', LIST_TOOLS, 'echo', LIST_PACKAGES].join('\n');
    const said = await execWith(sandbox, ['sh', '-c', script], { signal, timeoutMs: TIMEOUT_MS });
    return reportOf(said.toString());
  } finally {
    await sandbox.terminate().catch(() => {});
  }
}

function reportOf(said: string): ImageReport {
  const [size = '', tools = '', packages = ''] = said.split(/^\n/m);
  const rows = (text: string) =>
    text.split('\n').flatMap((line) => {
      const [name = '', version = ''] = line.split('\t');
      return name === '' ? [] : [{ name, version: version.trim() }];
    });
  const found = new Map(rows(tools).map(({ name, version }) => [name, version]));
  return {
    sizeMb: Math.round((Number(size) * 1024) / 1e6),
    tools: TOOLS.map((name) => ({ name, version: found.get(name) })),
    packages: rows(packages),
  };
}

/** The report as lines for people. */
export function reportLines({ sizeMb, tools, packages }: ImageReport): string[] {
  const small = `under ${SMALL_MB} MB, as the base image should be`;
  const large = `${SMALL_MB} MB or more: the first sandbox on a machine may start slowly`;
  return [
    `Size: ${sizeMb} MB (${sizeMb < SMALL_MB ? small : large})`,
    '',
    'Tools:',
    ...tools.map(({ name, version }) => `  ${name.padEnd(10)}${version === undefined ? 'not there' : bare(version)}`),
    '',
    `Python packages: ${packages.length}`,
    ...packages.map(({ name, version }) => `  ${name} ${version}`),
  ];
}

/** `git version 2.39.5` without the words around it. */
function bare(version: string): string {
  return /\d+(\.\d+)+\S*/.exec(version.replace(/\(.*?\)/g, ''))?.[0] ?? version;
}

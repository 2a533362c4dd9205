import type { App, Image, ModalClient } from 'modal';
import { type AnswerLimits, execWith } from '../modal/exec.ts';
import { endSandbox, startNoted } from '../modal/start-notes.ts';
import { startOrDiscard } from './shared-snapshot.ts';
import { strings } from './strings.ts';

/** The recommended maximum size of base images, in MB (10⁶ bytes). */
const RECOMMENDED_MB = 800;

/** The contents of an image. */
export interface ImageReport {
  /** The size of its files, in MB (10⁶ bytes). */
  readonly sizeMb: number;
  /** Common tools, each with the first line of its version output; undefined if it isn't installed. */
  readonly tools: readonly { readonly name: string; readonly version: string | undefined }[];
  /** Python packages, sorted by name. */
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

const TOOLS = ['git', 'curl', 'wget', 'gcc', 'make', 'jq', 'python3', 'uv', 'pip', 'node', 'npm'];
const TIMEOUT_MS = 600_000;
/** Measuring a large image takes minutes, in which the sandbox is quiet. */
const LIMITS: AnswerLimits = { maxBytes: 4_000_000, timeoutMs: TIMEOUT_MS, quietMs: TIMEOUT_MS };

// System mounts aren't part of the image. Links such as /bin count as links.
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

/** Inspects an image in a temporary sandbox. Throws the SDK's errors and the signal's reason. */
export async function checkImage(
  client: ModalClient,
  app: App,
  image: Image,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ImageReport> {
  const sandbox = await startOrDiscard(
    client,
    startNoted(client, app, image, { timeoutMs: TIMEOUT_MS }, { isTemporary: true }),
    signal,
  );
  try {
    const script = [MEASURE, 'echo', LIST_TOOLS, 'echo', LIST_PACKAGES].join('\n');
    const output = await execWith(sandbox, ['sh', '-c', script], { signal, ...LIMITS });
    return parseReport(output.toString());
  } finally {
    await endSandbox(client, sandbox);
  }
}

function parseReport(output: string): ImageReport {
  const [size = '', tools = '', packages = ''] = output.split(/^\n/m);
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

/** Formats a report as lines of text. */
export function reportLines({ sizeMb, tools, packages }: ImageReport): string[] {
  const size = sizeMb < RECOMMENDED_MB ? strings.sizeWithinLimit : strings.sizeAboveLimit;
  return [
    size(sizeMb, RECOMMENDED_MB),
    '',
    strings.tools(),
    ...tools.map(
      ({ name, version }) =>
        `  ${name.padEnd(10)}${version === undefined ? strings.notInstalled() : bareVersion(version)}`,
    ),
    '',
    strings.pythonPackages(packages.length),
    ...packages.map(({ name, version }) => `  ${name} ${version}`),
  ];
}

/** Returns `2.39.5` for `git version 2.39.5`. */
function bareVersion(version: string): string {
  return /\d+(\.\d+)+\S*/.exec(version.replace(/\(.*?\)/g, ''))?.[0] ?? version;
}

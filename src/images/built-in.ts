import { shellJoin } from '../base/shell.ts';
import { HOST_VOLUME_FOLDERS, HOST_VOLUME_PATH } from '../profiles/schema.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { runLine } from './lines.ts';
import { aptStep } from './packages.ts';
import type { Base, Place, Step } from './recipe.ts';

const APT = ['git', 'curl', 'wget', 'build-essential', 'libffi-dev', 'libssl-dev', 'zlib1g-dev', 'jq'];
const PIP = ['uv', 'requests', 'httpx', 'pydantic>=2', 'python-dotenv', 'pyyaml'];
const FOLDERS = [REMOTE_ROOT, ...HOST_VOLUME_FOLDERS.map((name) => `${HOST_VOLUME_PATH}/${name}`)];

/** Debian slim with Python. */
export function builtInBase(python: string): Base {
  return { kind: 'registry', tag: `python:${python}-slim-bookworm` };
}

/** What is installed on top: tools and folders. Without packages where they cannot be installed. */
export function builtInSteps(place: Place, withPackages: boolean): Step[] {
  const common = { kind: 'run', place, secrets: false } as const;
  const packages: Step[] = [
    { ...aptStep(APT, place), title: 'base: system packages', secrets: false },
    // By pip, which the image of Python has; what comes after uses uv.
    {
      ...common,
      title: 'base: Python packages',
      commands: [runLine(`python3 -m pip install --no-cache-dir ${shellJoin(PIP)}`)],
    },
  ];
  const folders: Step = { ...common, title: 'base: folders', commands: [runLine(`mkdir -p ${shellJoin(FOLDERS)}`)] };
  return [...(withPackages ? packages : []), folders];
}

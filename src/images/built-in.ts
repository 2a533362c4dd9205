import { shellJoin } from '../base/shell.ts';
import { HOST_VOLUME_FOLDERS, HOST_VOLUME_PATH } from '../profiles/schema.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { runLine } from './lines.ts';
import { aptStep } from './packages.ts';
import type { Base, Place, Step } from './recipe.ts';
import { strings } from './strings.ts';

const APT = ['git', 'curl', 'wget', 'build-essential', 'libffi-dev', 'libssl-dev', 'zlib1g-dev', 'jq'];
const PIP = ['uv', 'requests', 'httpx', 'pydantic>=2', 'python-dotenv', 'pyyaml'];
const FOLDERS = [REMOTE_ROOT, ...HOST_VOLUME_FOLDERS.map((name) => `${HOST_VOLUME_PATH}/${name}`)];

/** Debian slim with Python. */
export function builtInBase(python: string): Base {
  return { kind: 'registry', tag: `python:${python}-slim-bookworm` };
}

/** Returns the steps that add tools and folders. Without `withPackages`, only folders are added. */
export function builtInSteps(place: Place, withPackages: boolean): Step[] {
  const common = { kind: 'run', place, secrets: false } as const;
  const packages: Step[] = [
    { ...aptStep(APT, place), title: strings.basePackages(), secrets: false },
    // With pip, which Python's image has. Later steps use uv.
    {
      ...common,
      title: strings.basePythonPackages(),
      commands: [runLine(`python3 -m pip install --no-cache-dir ${shellJoin(PIP)}`)],
    },
  ];
  const folders: Step = {
    ...common,
    title: strings.baseFolders(),
    commands: [runLine(`mkdir -p ${shellJoin(FOLDERS)}`)],
  };
  return [...(withPackages ? packages : []), folders];
}

import { shellJoin } from '../base/shell.ts';
import { runLine } from './lines.ts';
import type { Place, RunStep } from './recipe.ts';

/** The major version of Node.js that is installed where an image has no npm. */
const NODE = 24;
const SHOWN = 3;
const AS_ROOT = '-o APT::Sandbox::User=root';

/** The interpreter that packages go to: whatever `python3` is in the image, a virtual environment included. */
const PYTHON = '"$(command -v python3 || command -v python)"';

/**
 * pip for that interpreter. Debian's own refuses to install beside the system's packages unless it is told to; older
 * versions know no such flag, and leave the variable alone.
 */
export const PIP_INSTALL = `PIP_BREAK_SYSTEM_PACKAGES=1 ${PYTHON} -m pip install --no-cache-dir`;

/** Installs system packages of Debian or Ubuntu. */
export function aptStep(packages: readonly string[], place: Place): RunStep {
  // In namespaces of an ordinary user there is no other user that apt could become.
  const install = `DEBIAN_FRONTEND=noninteractive apt-get ${AS_ROOT} install --yes --no-install-recommends ${shellJoin(packages)}`;
  return step('apt', packages, place, [
    runLine(`apt-get ${AS_ROOT} update && ${install} && rm -rf /var/lib/apt/lists/*`),
  ]);
}

/** Installs Python packages, by uv where the image has it. */
export function pipStep(packages: readonly string[], place: Place): RunStep {
  return step('pip', packages, place, [runLine(pipCommand(shellJoin(packages)))]);
}

/** A command that installs what `args` say, quoted already. */
export function pipCommand(args: string): string {
  const uv = `uv pip install --python ${PYTHON} --break-system-packages --no-cache ${args}`;
  return `if command -v uv > /dev/null; then ${uv}; else ${PIP_INSTALL} ${args}; fi`;
}

/** Installs npm packages for all users, and Node.js before them where the image has none. */
export function npmStep(packages: readonly string[], place: Place): RunStep {
  return step('npm', packages, place, [runLine(NODE_COMMAND), runLine(`npm install --global ${shellJoin(packages)}`)]);
}

// From nodejs.org, since Debian's own is old; its list of checksums also tells the newest version's file name.
const NODE_COMMAND = [
  'command -v npm > /dev/null ||',
  `{ cd /tmp && from=https://nodejs.org/dist/latest-v${NODE}.x`,
  '&& arch=$(uname -m | sed s/x86_64/x64/ | sed s/aarch64/arm64/)',
  '&& curl -fsSL $from/SHASUMS256.txt | grep -- "-linux-$arch.tar.gz$" > node.sha256',
  '&& file=$(cut -d " " -f 3 node.sha256) && curl -fsSLO $from/$file && sha256sum -c node.sha256',
  '&& tar -xzf $file -C /usr/local --strip-components=1 --no-same-owner && rm $file node.sha256; }',
].join(' ');

function step(tool: string, packages: readonly string[], place: Place, commands: string[]): RunStep {
  const more = packages.length > SHOWN ? ` and ${packages.length - SHOWN} more` : '';
  return {
    kind: 'run',
    title: `${tool}: ${packages.slice(0, SHOWN).join(', ')}${more}`,
    place,
    commands,
    secrets: true,
  };
}

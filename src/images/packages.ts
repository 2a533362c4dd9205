import { shellJoin } from '../base/shell.ts';
import { runLine } from './lines.ts';
import type { Place, RunStep } from './recipe.ts';
import { strings } from './strings.ts';

/** The major version of Node.js that is installed in images without npm. */
const NODE_VERSION = 24;
const MAX_NAMES = 3;
const AS_ROOT = '-o APT::Sandbox::User=root';

/** The interpreter to install packages for: the image's `python3`, which may be in a virtual environment. */
const PYTHON = '"$(command -v python3 || command -v python)"';

/**
 * pip for that interpreter. Debian's pip refuses to change system packages unless told otherwise. Older versions don't know
 * the flag, but ignore the variable.
 */
export const PIP_INSTALL = `PIP_BREAK_SYSTEM_PACKAGES=1 ${PYTHON} -m pip install --no-cache-dir`;

/** Installs Debian or Ubuntu packages. */
export function aptStep(packages: readonly string[], place: Place): RunStep {
  // In an unprivileged user namespace, there's no other user that apt could switch to.
  const install = `DEBIAN_FRONTEND=noninteractive apt-get ${AS_ROOT} install --yes --no-install-recommends ${shellJoin(packages)}`;
  return step('apt', packages, place, [
    runLine(`apt-get ${AS_ROOT} update && ${install} && rm -rf /var/lib/apt/lists/*`),
  ]);
}

/**
 * A line of shell that installs an SSH server with the image's own package manager, if it has none. The host keys that come
 * with it would be the same in all sandboxes.
 */
export const INSTALL_SSH_SERVER = [
  'PATH=$PATH:/usr/sbin; { command -v sshd && command -v ssh-keygen; } > /dev/null || {',
  `if command -v apt-get > /dev/null; then apt-get ${AS_ROOT} update &&`,
  `DEBIAN_FRONTEND=noninteractive apt-get ${AS_ROOT} install --yes --no-install-recommends openssh-server &&`,
  'rm -rf /var/lib/apt/lists/*;',
  'elif command -v apk > /dev/null; then apk add --no-cache openssh-server openssh-keygen openssh-sftp-server;',
  'elif command -v dnf > /dev/null; then dnf install -y openssh-server;',
  'elif command -v microdnf > /dev/null; then microdnf install -y openssh-server;',
  'elif command -v yum > /dev/null; then yum install -y openssh-server;',
  'else echo "The image has no package manager that is known." >&2; exit 1; fi && rm -f /etc/ssh/ssh_host_*; }',
].join(' ');

/** Installs an SSH server. */
export function sshStep(place: Place): RunStep {
  return { kind: 'run', title: strings.sshServer(), place, commands: [runLine(INSTALL_SSH_SERVER)], secrets: false };
}

/** Installs Python packages, with uv if the image has it. */
export function pipStep(packages: readonly string[], place: Place): RunStep {
  return step('pip', packages, place, [runLine(pipCommand(shellJoin(packages)))]);
}

/** Returns a command that installs packages. `args` must be quoted. */
export function pipCommand(args: string): string {
  const uv = `uv pip install --python ${PYTHON} --break-system-packages --no-cache ${args}`;
  return `if command -v uv > /dev/null; then ${uv}; else ${PIP_INSTALL} ${args}; fi`;
}

/** Installs npm packages globally, and Node.js first if the image doesn't have npm. */
export function npmStep(packages: readonly string[], place: Place): RunStep {
  return step('npm', packages, place, [runLine(NODE_COMMAND), runLine(`npm install --global ${shellJoin(packages)}`)]);
}

// From nodejs.org, because Debian's version is old. The list of checksums also contains the latest version's file name.
const NODE_COMMAND = [
  'command -v npm > /dev/null ||',
  `{ cd /tmp && from=https://nodejs.org/dist/latest-v${NODE_VERSION}.x`,
  '&& arch=$(uname -m | sed s/x86_64/x64/ | sed s/aarch64/arm64/)',
  '&& curl -fsSL $from/SHASUMS256.txt | grep -- "-linux-$arch.tar.gz$" > node.sha256',
  '&& file=$(cut -d " " -f 3 node.sha256) && curl -fsSLO $from/$file && sha256sum -c node.sha256',
  '&& tar -xzf $file -C /usr/local --strip-components=1 --no-same-owner && rm $file node.sha256; }',
].join(' ');

function step(tool: string, packages: readonly string[], place: Place, commands: string[]): RunStep {
  const names = packages.slice(0, MAX_NAMES).join(', ');
  const more = packages.length - MAX_NAMES;
  return {
    kind: 'run',
    title: more > 0 ? strings.packagesAndMore(tool, names, more) : strings.packages(tool, names),
    place,
    commands,
    secrets: true,
  };
}

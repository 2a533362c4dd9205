import * as l10n from '@vscode/l10n';

/** Texts of the Sandboxes view. */
export const strings = {
  thisFolder: () => l10n.t('This Folder'),
  otherWindows: () => l10n.t('Other Windows on This Computer'),
  otherSandboxes: () => l10n.t('Other Sandboxes in the App'),
  stoppedToday: () => l10n.t('Stopped Today'),
  groupWithOne: (label: string) => l10n.t('{0}, 1 sandbox', label),
  groupWithMany: (label: string, count: number) => l10n.t('{0}, {1} sandboxes', label, count),

  starting: () => l10n.t('starting'),
  running: () => l10n.t('running'),
  stopped: () => l10n.t('stopped'),
  notStopped: () => l10n.t("couldn't be stopped"),
  keptRunning: () => l10n.t('kept running'),
  ranFor: (duration: string) => l10n.t('ran for {0}', duration),
  timeLeft: (duration: string) => l10n.t('{0} left', duration),
  sandboxLabel: (name: string, state: string, description: string) =>
    l10n.t('Sandbox {0}, {1}, {2}', name, state, description),
  commandLabel: (command: string) => l10n.t('{0} is running', command),

  startedAt: () => l10n.t('Started'),
  stoppedAt: () => l10n.t('Stopped'),
  stoppedWithReason: (time: string, reason: string) => l10n.t('{0} ({1})', time, reason),
  expires: () => l10n.t('Expires'),
  cost: () => l10n.t('Cost'),
  profile: () => l10n.t('Profile'),
  hardware: () => l10n.t('Hardware'),
  oneCore: () => l10n.t('1 core'),
  cores: (count: number) => l10n.t('{0} cores', count),
  memory: (mib: number) => l10n.t('{0} MiB', mib),
  ssh: () => l10n.t('SSH'),
  sshConnections: (count: number) => (count === 1 ? l10n.t('SSH') : l10n.t('{0} SSH connections', count)),
  keptActiveBy: () => l10n.t('Kept from becoming idle by'),
  connections: (owner: string, reason: string, count: number) =>
    count === 1
      ? l10n.t('{0} ({1}, 1 connection)', owner, reason)
      : l10n.t('{0} ({1}, {2} connections)', owner, reason, count),
  idleTimeout: () => l10n.t('Idle timeout'),
  image: () => l10n.t('Image'),
  tag: (name: string) => l10n.t('Tag {0}', name),
  id: () => l10n.t('ID'),

  port: (port: number) => l10n.t('Port {0}', port),
  copyUrl: () => l10n.t('Copy URL'),
  publicPort: (port: number) => l10n.t('Anyone who knows the URL of port {0} can reach it.', port),
  publicPortDetail: () =>
    l10n.t(
      "Ports of sandboxes on Modal are public on the internet for as long as the sandbox runs. If what it serves isn't meant for everyone, require a password or token. You won't be asked again.",
    ),
  publicPortsOf: (profile: string, ports: string) =>
    l10n.t(
      'Everyone on the internet who knows the URL can reach these ports of the profile “{0}”: {1}. For ports that only your computer can reach, set their visibility to “private”.',
      profile,
      ports,
    ),
  portLabel: (port: number, url: string) => l10n.t('Port {0} at {1}', port, url),
  openInBrowser: () => l10n.t('Open in Browser'),
  localAddress: (port: number) => l10n.t('localhost:{0}', port),
  notForwarded: () => l10n.t('not forwarded'),
  address: () => l10n.t('Address'),
  program: () => l10n.t('Program'),
  openConnections: () => l10n.t('Open connections'),
  access: () => l10n.t('Access'),
  onlyThisComputer: () => l10n.t('Only programs on your computer'),
  privatePortLabel: (name: string, description: string) => l10n.t('Private {0}, {1}', name, description),
  readOnly: (volume: string) => l10n.t('{0} · read-only', volume),
  mountTooltip: (volume: string, path: string) => l10n.t('Volume “{0}” at {1}', volume, path),
  mountLabel: (volume: string, path: string) => l10n.t('Volume {0} at {1}', volume, path),
  readOnlyMountLabel: (volume: string, path: string) => l10n.t('Volume {0} at {1}, read-only', volume, path),
  revealVolume: () => l10n.t('Reveal in Volumes View'),

  listing: () => l10n.t('Listing sandboxes…'),
  noneInFolder: () => l10n.t('No sandboxes are running for this folder.'),
  none: () => l10n.t('No sandboxes are running.'),
  terminate: () => l10n.t('Terminate'),
  terminateOne: (name: string) =>
    l10n.t('Terminate the sandbox for “{0}”? Running programs are stopped and its files are deleted.', name),
  terminateMany: (count: number, names: string) =>
    l10n.t('Terminate {0} sandboxes ({1})? Running programs are stopped and their files are deleted.', count, names),
  terminatingOne: () => l10n.t('Terminating the sandbox…'),
  terminatingMany: (count: number) => l10n.t('Terminating {0} sandboxes…', count),

  rename: () => l10n.t('Rename Sandbox'),
  renamePrompt: () =>
    l10n.t("The name shown in this view on all your computers. Leave empty to use the folder's name."),
  nameTooLong: (max: number) => l10n.t('Names can have up to {0} characters.', max),
  keepRunning: (time: string) =>
    l10n.t(
      'The sandbox keeps running while this window is open, until {0} at the latest. Its maximum lifetime is set when it starts.',
      time,
    ),
  copied: (id: string) => l10n.t('Copied {0}', id),

  emptyLog: () =>
    l10n.t(
      "No output yet. This shows the output of the sandbox's main command. Programs that you run have their own terminals.",
    ),
};

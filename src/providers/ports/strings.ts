import * as l10n from '@vscode/l10n';

/** Messages about ports of sandboxes that only this computer can reach. */
export const strings = {
  portDetection: () => l10n.t('Port detection'),
  programIsRunning: () => l10n.t('a program is running'),

  open: () => l10n.t('Open'),
  preview: () => l10n.t('Preview'),
  copyAddress: () => l10n.t('Copy'),
  dontAsk: () => l10n.t("Don't Ask for This Port"),
  isListening: (program: string, port: number) => l10n.t('{0} is listening on port {1} in the sandbox.', program, port),
  forwarded: (target: string, address: string) =>
    l10n.t('In the sandbox, {0} is now {1} on your computer.', target, address),
  forwarding: () => l10n.t('Forwarding the port…'),
  copied: (address: string) => l10n.t('Copied {0}', address),

  listing: () => l10n.t('Listing sandboxes…'),
  chooseSandbox: () => l10n.t('Choose the sandbox whose port to forward'),
  noSandbox: () => l10n.t('No sandboxes are running. Run a file to start one.'),
  forwardTitle: () => l10n.t('Forward a Port'),
  forwardPrompt: () => l10n.t('The port in the sandbox, such as 8000, or the path of a Unix socket'),
  notATarget: () => l10n.t('Enter a port from 1 to 65535, or the path of a Unix socket, such as /tmp/app.sock.'),
  openLink: () => l10n.t('Open the port of the sandbox'),

  copyLink: () => l10n.t('Copy Link'),
  sharing: () => l10n.t('Creating the link…'),
  shareQuestion: (port: number) => l10n.t('Share port {0} with a link?', port),
  shareDetail: (until: string) =>
    l10n.t(
      "Anyone who has the link can use the HTTP server on this port over the internet. The link works until the sandbox stops, on {0} at the latest, and can't be revoked before.",
      until,
    ),
  shareLocallyDetail: (until: string) =>
    l10n.t(
      'The sandbox runs on your computer, so the link works only there. It works until the sandbox stops, on {0} at the latest.',
      until,
    ),
  linkCopied: (until: string) => l10n.t('The link was copied. It works until {0} at the latest.', until),
  sandboxStopped: () => l10n.t('The sandbox has stopped. Run a file to start another one.'),
};

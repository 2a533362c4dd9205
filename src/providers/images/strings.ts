import * as l10n from '@vscode/l10n';

/** Messages about building and checking images. */
export const strings = {
  buildTerminal: () => l10n.t('Modal: Build Image'),
  building: () => l10n.t('Building the image'),
  buildingInStatusBar: () => l10n.t('Building the image…'),
  step: (index: number, count: number, title: string) => l10n.t('{0}/{1} {2}', index, count, title),
  built: () => l10n.t('Image built'),
  buildFailed: () => l10n.t('The build failed'),
  buildCanceled: () => l10n.t('The build was canceled'),

  rebuilt: (profile: string) => l10n.t('The image for profile “{0}” was rebuilt.', profile),
  rebuiltWhileRunning: (profile: string) =>
    l10n.t('The image for profile “{0}” was rebuilt. Its sandbox still uses the old image.', profile),
  replaceSandbox: () => l10n.t('Replace Sandbox'),

  checking: () => l10n.t('Checking the image…'),
  reportTitle: (profile: string) => l10n.t('Image for {0}', profile),
  reportHeading: (profile: string, imageId: string) => l10n.t('Image for profile “{0}” ({1})', profile, imageId),
  localModalNote: () => l10n.t('Local Modal uses the programs installed on your computer.'),
  reportGone: () => l10n.t('This report is no longer available. Run “Check Image” again.'),
};

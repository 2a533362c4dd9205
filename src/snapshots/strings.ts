import * as l10n from '@vscode/l10n';

/** Messages about snapshots. */
export const strings = {
  expired: (name: string) => l10n.t('Snapshot “{0}” has expired. Delete it from the list.', name),
  deletedElsewhere: (name: string) =>
    l10n.t('Snapshot “{0}” was deleted outside VS Code. Delete it from the list.', name),
};

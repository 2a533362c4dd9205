import * as l10n from '@vscode/l10n';

/** A bundle of translations: its JSON, parsed or as text. */
export type Translations = string | Readonly<Record<string, string | { message: string; comment: string[] }>>;

let translations: Translations | undefined;

/** Sets the translations that `l10n.t` uses in this thread. Call it before the first message is shown. */
export function configureLocalization(contents: Translations | undefined): void {
  translations = contents;
  if (contents !== undefined) l10n.config({ contents });
}

/** Returns what `configureLocalization` set, to be passed on to another thread. */
export function configuredTranslations(): Translations | undefined {
  return translations;
}

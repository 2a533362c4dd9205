import type { Disposable } from 'vscode';

/** One kind of thing on the account: its view, and what can be done with it. */
export interface ResourceModule extends Disposable {
  /** Settings or the account may have changed. */
  update(): void;
  /** The account or the app has changed: nothing that was seen holds any more. */
  reset(): void;
  /** Something that the view shows has changed. */
  refresh(): void;
}

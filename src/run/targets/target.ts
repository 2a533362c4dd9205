/** Something in a file that can be run. Lines start at 0. */
export type Target =
  | { readonly kind: 'file' | 'pythonGuard' | 'pythonMain'; readonly line: number }
  | { readonly kind: 'packageScript' | 'makeTarget' | 'justRecipe'; readonly line: number; readonly name: string };

/** A part of a Python file between `# %%` lines, which is run as a selection. */
export interface Cell {
  readonly kind: 'cell';
  /** The line that begins the cell. */
  readonly line: number;
  /** The lines of its code, both included. */
  readonly first: number;
  readonly last: number;
}

export type TargetKind = (Target | Cell)['kind'];

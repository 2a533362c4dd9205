/** Something in a file that can be run. Lines start at 0. */
export type Target =
  | { readonly kind: 'file' | 'pythonGuard' | 'pythonMain'; readonly line: number }
  | { readonly kind: 'packageScript' | 'makeTarget' | 'justRecipe'; readonly line: number; readonly name: string };

export type TargetKind = Target['kind'];

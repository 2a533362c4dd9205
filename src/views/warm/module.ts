import type * as vscode from 'vscode';
import { type WarmUpsSource, WarmUpsTree } from './warm-ups-tree.ts';

/** The Warm-Ups view. */
export function warmUpsModule({ warmUps }: { readonly warmUps: WarmUpsSource }): vscode.Disposable {
  return new WarmUpsTree(warmUps);
}

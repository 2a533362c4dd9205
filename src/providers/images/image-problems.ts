import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { findNodeAtLocation, type JSONPath, parseTree } from 'jsonc-parser';
import * as vscode from 'vscode';
import type { ImageBuildError } from '../../images/errors.ts';
import { MODAL_FILE, parseModalFile, parseProfile } from '../../profiles/modal-file.ts';
import { type ImageProfile, imageOf } from '../../profiles/schema.ts';
import { newDiagnostic } from '../common/window.ts';

/** Reports why an image couldn't be built, at the line of its Dockerfile or requirements, or at the key in modal.json. */
export class ImageProblems implements vscode.Disposable {
  readonly #diagnostics = vscode.languages.createDiagnosticCollection('modal-image');

  dispose(): void {
    this.#diagnostics.dispose();
  }

  /** Removes the problems of a folder's images. */
  clear(root: string): void {
    for (const [uri] of this.#diagnostics) if (uri.fsPath.startsWith(root)) this.#diagnostics.delete(uri);
  }

  /** Reports an error of an image of the folder at `root`. Resolves with its location, if it is in a file. */
  async show(error: ImageBuildError, image: ImageProfile, root: string): Promise<vscode.Location | undefined> {
    const location = 'file' in error.place ? await lineOf(error.place, root) : await keyOf(error.place, image, root);
    if (!location) return undefined;
    const text = [error.message, ...error.log].join('\n');
    this.#diagnostics.set(location.uri, [newDiagnostic(location.range, text, { source: 'Modal' })]);
    return location;
  }
}

/** Derives the URI from the workspace folder's, so that VS Code recognizes the file as part of the workspace. */
function uriOf(root: string, file: string): vscode.Uri {
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(root));
  return vscode.Uri.joinPath(folder?.uri ?? vscode.Uri.file(root), file);
}

async function lineOf({ file, line }: { file: string; line: number }, root: string): Promise<vscode.Location> {
  const uri = uriOf(root, file);
  const text = (await readFile(uri.fsPath, 'utf8').catch(() => '')).split(/\r?\n/)[line - 1] ?? '';
  const start = text.length - text.trimStart().length;
  return new vscode.Location(uri, new vscode.Range(line - 1, start, line - 1, text.trimEnd().length));
}

/** Locates a key of the first profile with this image in modal.json. Profiles in the settings have no location. */
async function keyOf(
  { key, index }: { key: keyof ImageProfile; index?: number },
  image: ImageProfile,
  root: string,
): Promise<vscode.Location | undefined> {
  const uri = uriOf(root, MODAL_FILE);
  const text = await readFile(uri.fsPath, 'utf8').catch(() => undefined);
  const tree = text === undefined ? undefined : parseTree(text);
  if (text === undefined || !tree) return undefined;
  const name = [...parseModalFile(text).profiles].find(([, raw]) => {
    const profile = parseProfile(raw);
    return typeof profile !== 'string' && isDeepStrictEqual(imageOf(profile), image);
  })?.[0];
  if (name === undefined) return undefined;
  const inProfile = key === 'ssh' ? [key] : ['image', key, ...(index === undefined ? [] : [index])];
  const path: JSONPath = ['profiles', name, ...inProfile];
  for (let length = path.length; length > 1; length -= 1) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (!node) continue;
    const document = await vscode.workspace.openTextDocument(uri);
    const range = new vscode.Range(document.positionAt(node.offset), document.positionAt(node.offset + node.length));
    return new vscode.Location(uri, range);
  }
  return undefined;
}

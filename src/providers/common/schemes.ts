import { posix } from 'node:path';
import * as vscode from 'vscode';
import { pathOfShown, shownPath } from './inactive-names.ts';

/** URI scheme of files on volumes: `modal-volume:/NAME/PATH`. */
export const VOLUME_SCHEME = 'modal-volume';
/** URI scheme of files in sandboxes: `modal-sandbox:/ID/PATH`. */
export const SANDBOX_SCHEME = 'modal-sandbox';

/** A file or folder of a volume or sandbox. */
export interface RemotePlace {
  /** The volume's name, or the sandbox's ID. */
  readonly container: string;
  /** Absolute, inside the container. */
  readonly path: string;
}

/**
 * Returns the URI of a file on a volume or in a sandbox. The container is part of the path, since VS Code lowercases the
 * authority of a URI and IDs are case-sensitive. Names by which VS Code would act are shown as others.
 */
export function remoteUri(scheme: string, { container, path }: RemotePlace): vscode.Uri {
  return vscode.Uri.from({ scheme, path: shownPath(`/${container}${path === '/' ? '' : path}`) });
}

/** Parses the URI of a file on a volume or in a sandbox; undefined if VS Code would act on it, so that it isn't shown. */
export function placeOfRemote(uri: vscode.Uri): RemotePlace | undefined {
  const whole = pathOfShown(posix.normalize(uri.path));
  if (whole === undefined) return undefined;
  const [, container = '', ...rest] = whole.split('/');
  return { container, path: `/${rest.join('/')}`.replace(/(?<=.)\/$/, '') };
}

/** The query of the URI of a file that is shown, but not edited. */
export const READ_ONLY_QUERY = 'readonly';

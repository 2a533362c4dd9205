import * as vscode from 'vscode';
import type { Event } from '../../base/events.ts';
import type { RemoteFiles } from '../../modal/remote-files.ts';
import type { VolumeSummary } from '../../modal/volumes.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import { registerCommands } from '../../providers/common/commands.ts';
import { VOLUME_SCHEME } from '../../providers/common/schemes.ts';
import { window } from '../../providers/common/window.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { rowSelection } from '../common/row-selection.ts';
import { strings } from './strings.ts';
import { VolumeCommands } from './volume-commands.ts';
import { type EntryRow, type MoreRow, type VolumeRow, type VolumesRow, volumesTree } from './volumes-tree.ts';

const URI_LIST = 'text/uri-list';

/** The files on volumes, as the editor sees them. */
export interface VolumeFileSystem {
  uri(place: { readonly container: string; readonly path: string }): vscode.Uri;
  place(uri: vscode.Uri): { readonly container: string; readonly path: string };
  files(volumeName: string): RemoteFiles;
}

export interface VolumesModuleDependencies {
  readonly sessions: Sessions;
  readonly account: AccountState;
  readonly fileSystem: VolumeFileSystem;
  /** Fires after a change made in the editor or the Explorer. */
  readonly onDidChangeFiles: Event<unknown>;
  /** Adds a volume to the folder's profile. */
  readonly mount: (volumeName: string) => Promise<unknown>;
}

/** The Volumes view and its commands. */
export function volumesModule(dependencies: VolumesModuleDependencies): vscode.Disposable {
  const { sessions, account, fileSystem, onDidChangeFiles, mount } = dependencies;
  const client = async () => (await sessions.connection()).client;
  const uriOf = ({ name }: VolumeSummary, path: string) => fileSystem.uri({ container: name, path });
  const dragAndDrop: vscode.TreeDragAndDropController<VolumesRow> = {
    dropMimeTypes: [URI_LIST, 'files'],
    dragMimeTypes: [URI_LIST],
    handleDrag: (rows, data) => {
      const uris = rows.flatMap((row) => (row.kind === 'entry' ? [uriOf(row.volume, row.entry.path).toString()] : []));
      data.set(URI_LIST, new vscode.DataTransferItem(uris.join('\r\n')));
    },
    handleDrop: async (row, data) => {
      if (row) await dropOn(row, await urisIn(data));
    },
  };
  const { tree, store, browser } = volumesTree({ sessions, account, uriOf, dragAndDrop });
  const actions = new VolumeCommands({
    client,
    filesOf: ({ name }) => fileSystem.files(name),
    onChange: (volume) => {
      if (volume) browser.refresh(volume.id);
      else void store.refresh();
    },
  });

  /** Moves entries that are already in the volume, and uploads local files. */
  async function dropOn(row: VolumesRow, uris: readonly vscode.Uri[]): Promise<void> {
    const isOwn = (uri: vscode.Uri) =>
      uri.scheme === VOLUME_SCHEME && fileSystem.place(uri).container === row.volume.name;
    const own = uris.filter(isOwn).map((uri) => fileSystem.place(uri).path);
    const others = uris.filter((uri) => !isOwn(uri));
    if (own.length > 0) await actions.move(row, own);
    if (others.length > 0) await actions.put(row, others);
  }

  const { one, all } = rowSelection(tree.view, isVolumeOrEntry);
  const openFile = (volume: VolumeSummary, path: string) =>
    vscode.commands.executeCommand('vscode.open', uriOf(volume, path));
  /** Reveals a volume in the view, which might be hidden. */
  const showVolume = async (name: string) => {
    await tree.open();
    const volume = store.value?.find((each) => each.name === name);
    if (volume) await tree.reveal({ kind: 'volume', volume });
    else if (!store.error) void window.showInformationMessage(strings.volumeGone(name));
    return volume?.id;
  };
  const refresh = () => {
    browser.refresh();
    return store.refresh();
  };
  return vscode.Disposable.from(
    tree,
    { dispose: () => browser.keep([]) },
    onDidChangeFiles(() => void refresh()),
    registerCommands({
      'modal.refreshVolumes': refresh,
      'modal.showVolume': ({ volume }: { readonly volume: string }) => showVolume(volume),
      'modal.createVolume': () => actions.create(),
      'modal.renameInVolumes': one((row) => actions.rename(row)),
      'modal.copyInVolume': one((row) => row.kind === 'entry' && actions.copy(row)),
      'modal.deleteFromVolumes': all((rows) => actions.delete(rows)),
      'modal.uploadToVolume': one((row) => actions.upload(row)),
      'modal.downloadFromVolume': all((rows) => actions.download(rows)),
      'modal.newFileInVolume': one((row) => actions.newFile(row, openFile)),
      'modal.newFolderInVolume': one((row) => actions.newFolder(row)),
      'modal.mountInProfile': one((row) => mount(row.volume.name)),
      'modal.showMoreOfVolume': ({ volume, path }: MoreRow) => browser.showMore(volume, path),
    }),
  );
}

function isVolumeOrEntry(row: object): row is VolumeRow | EntryRow {
  return 'kind' in row && (row.kind === 'volume' || row.kind === 'entry');
}

/** The dropped files: rows of a tree and files of the Explorer are a list of URIs, files from the desktop are files. */
async function urisIn(data: vscode.DataTransfer): Promise<vscode.Uri[]> {
  const list = await data.get(URI_LIST)?.asString();
  if (list)
    return list
      .split(/\r?\n/)
      .filter(Boolean)
      .map((text) => vscode.Uri.parse(text, true));
  const found: vscode.Uri[] = [];
  for (const [, item] of data) {
    const uri = item.asFile()?.uri;
    if (uri) found.push(uri);
  }
  return found;
}

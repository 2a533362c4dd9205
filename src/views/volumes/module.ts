import * as vscode from 'vscode';
import type { VolumeSummary } from '../../modal/volumes.ts';
import { VOLUME_SCHEME } from '../../providers/common/schemes.ts';
import type { RemoteFileSystem } from '../../providers/files/remote-file-system.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { ResourceModule } from '../common/resource-module.ts';
import type { MountRow } from '../sandboxes/sandbox-rows.ts';
import { VolumeCommands } from './volume-commands.ts';
import { type EntryRow, type MoreRow, type VolumeRow, type VolumesRow, volumesTree } from './volumes-tree.ts';

const URI_LIST = 'text/uri-list';

export interface VolumesModuleOptions {
  readonly sessions: Sessions;
  readonly isAccountChosen: () => boolean;
  readonly fileSystem: RemoteFileSystem;
  /** Writes a volume into the profile of the folder. */
  readonly mount: (volumeName: string) => Promise<unknown>;
}

/** The Volumes view, what can be done in it, and volumes' files for the editor. */
export function volumesModule({ sessions, isAccountChosen, fileSystem, mount }: VolumesModuleOptions): ResourceModule {
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
  const { tree, store, browser } = volumesTree({ sessions, isAccountChosen, uriOf, dragAndDrop });
  const actions = new VolumeCommands({
    client,
    filesOf: ({ name }) => fileSystem.files(name),
    onChange: (volume) => {
      if (volume) browser.refresh(volume.id);
      else void store.refresh();
    },
  });

  /** What lies in the volume already is moved; what comes from this machine is uploaded. */
  async function dropOn(row: VolumesRow, uris: readonly vscode.Uri[]): Promise<void> {
    const isOwn = (uri: vscode.Uri) =>
      uri.scheme === VOLUME_SCHEME && fileSystem.place(uri).container === row.volume.name;
    const own = uris.filter(isOwn).map((uri) => fileSystem.place(uri).path);
    const others = uris.filter((uri) => !isOwn(uri));
    if (own.length > 0) await actions.move(row, own);
    if (others.length > 0) await actions.put(row, others);
  }

  type ChosenRow = VolumeRow | EntryRow;
  const isChosen = (row: object): row is ChosenRow => 'kind' in row && (row.kind === 'volume' || row.kind === 'entry');
  /** The rows an action is for: those that are selected, when the row it was started on is one of them. */
  const chosen = (row: ChosenRow | undefined, rows: readonly object[] = tree.view.selection): ChosenRow[] => {
    const selected = rows.filter(isChosen);
    return row && !selected.includes(row) ? [row] : selected;
  };
  const onRow = (action: (row: ChosenRow) => unknown) => (row?: ChosenRow) => {
    const [first] = row ? [row] : chosen(undefined);
    return first && action(first);
  };
  const onRows = (action: (rows: readonly ChosenRow[]) => unknown) => (row?: ChosenRow, rows?: readonly object[]) => {
    const all = chosen(row, rows);
    return all.length > 0 && action(all);
  };
  const openFile = (volume: VolumeSummary, path: string) =>
    vscode.commands.executeCommand('vscode.open', uriOf(volume, path));
  /** Opens the view, which may have been hidden, at a volume. */
  const showVolume = async (name: string) => {
    await tree.open();
    const volume = store.value?.find((each) => each.name === name);
    if (volume) await tree.reveal({ kind: 'volume', volume });
    else if (!store.error) void vscode.window.showInformationMessage(`There is no volume “${name}” any more.`);
    return volume?.id;
  };
  const command = (id: string, action: (...args: never[]) => unknown) => vscode.commands.registerCommand(id, action);
  const refresh = () => {
    browser.refresh();
    return store.refresh();
  };
  const disposables = [
    tree,
    command('modal.refreshVolumes', refresh),
    command('modal.showVolume', ({ volume }: Pick<MountRow, 'volume'>) => showVolume(volume)),
    command('modal.createVolume', () => actions.create()),
    command(
      'modal.renameInVolumes',
      onRow((row) => actions.rename(row)),
    ),
    command(
      'modal.copyInVolume',
      onRow((row) => row.kind === 'entry' && actions.copy(row)),
    ),
    command(
      'modal.deleteFromVolumes',
      onRows((rows) => actions.delete(rows)),
    ),
    command(
      'modal.uploadToVolume',
      onRow((row) => actions.upload(row)),
    ),
    command(
      'modal.downloadFromVolume',
      onRows((rows) => actions.download(rows)),
    ),
    command(
      'modal.newFileInVolume',
      onRow((row) => actions.newFile(row, openFile)),
    ),
    command(
      'modal.newFolderInVolume',
      onRow((row) => actions.newFolder(row)),
    ),
    command(
      'modal.mountInProfile',
      onRow((row) => mount(row.volume.name)),
    ),
    command('modal.showMoreOfVolume', ({ volume, path }: MoreRow) => browser.showMore(volume, path)),
  ];
  return {
    update: () => tree.update(),
    reset: () => {
      browser.keep([]);
      store.reset();
    },
    refresh: () => void refresh(),
    dispose: () => {
      browser.keep([]);
      for (const each of disposables) each.dispose();
    },
  };
}

/** The files that were dropped: rows of a tree and files of the Explorer come as addresses, files of the system as such. */
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

import { posix } from 'node:path';
import { shellJoin } from '../base/shell.ts';
import { ImageBuildError } from './errors.ts';
import { fileLines, runLine } from './lines.ts';
import { PIP_INSTALL, pipCommand } from './packages.ts';
import type { Place, RunStep } from './recipe.ts';
import { strings } from './strings.ts';

/** The folder of the files during the installation. */
const FOLDER = '/tmp/pip-from';

/** Reads a file in the folder by its path with `/`. Throws `ImageBuildError`. */
export type ReadFile = (path: string, place: Place) => Promise<Buffer>;

/**
 * Installs the packages that a file in the folder lists. The file's text is part of the layer, so a change rebuilds it. The
 * project itself isn't, because it is synced. Throws `ImageBuildError`.
 */
export async function pipFromStep(file: string, read: ReadFile): Promise<RunStep> {
  const path = posix.normalize(file.replaceAll('\\', '/'));
  const place: Place = { key: 'pipFrom' };
  const files = new Map<string, Buffer>();
  let install: string;
  if (posix.basename(path) === 'uv.lock') {
    for (const name of ['pyproject.toml', 'uv.lock'])
      files.set(name, await read(posix.join(posix.dirname(path), name), place));
    const locked = 'uv export --quiet --frozen --no-emit-workspace --output-file requirements.txt';
    install = `${WITH_UV} && ${locked} && ${pipCommand('-r requirements.txt')}`;
  } else if (path.endsWith('.toml')) {
    files.set('pyproject.toml', await read(path, place));
    install = `${WITH_UV} && ${pipCommand('-r pyproject.toml')}`;
  } else {
    await collect(path, read, files);
    install = pipCommand(`-r ${shellJoin([path])}`);
  }
  const folders = new Set([...files.keys()].map((name) => posix.join(FOLDER, posix.dirname(name))));
  return {
    kind: 'run',
    title: `pip: ${path}`,
    place,
    secrets: true,
    commands: [
      runLine(`mkdir -p ${shellJoin([...folders])}`),
      ...[...files].flatMap(([name, content]) => fileLines(posix.join(FOLDER, name), content)),
      runLine(`cd ${FOLDER} && ${install} && cd / && rm -rf ${FOLDER}`),
    ],
  };
}

/** uv can read what pip can't: `pyproject.toml` without the project, and lock files. */
const WITH_UV = `{ command -v uv > /dev/null || ${PIP_INSTALL} uv; }`;

/** Reads a requirements file and the files it includes. */
async function collect(path: string, read: ReadFile, files: Map<string, Buffer>, from?: Place): Promise<void> {
  if (files.has(path)) return;
  const place: Place = from ?? { key: 'pipFrom' };
  if (path.startsWith('../') || posix.isAbsolute(path))
    throw new ImageBuildError(strings.requirementsOutsideFolder(path), {
      title: `pip: ${path}`,
      place,
    });
  const content = await read(path, place);
  files.set(path, content);
  const lines = content.toString().split('\n');
  for (const [index, line] of lines.entries()) {
    const at: Place = { file: path, line: index + 1 };
    const included = /^\s*(?:-r|--requirement|-c|--constraint)(?:\s+|=)(\S+)/.exec(line)?.[1];
    if (included && !/^\w+:\/\//.test(included))
      await collect(posix.join(posix.dirname(path), included), read, files, at);
    else if (isLocalPath(line))
      throw new ImageBuildError(strings.localRequirement(`${path}:${index + 1}`, line.trim()), {
        title: `pip: ${path}`,
        place: at,
      });
  }
}

function isLocalPath(line: string): boolean {
  return /^\s*(?:(?:-e|--editable)(?:\s+|=)(?!\w+\+|\w+:\/\/)\S|\.{1,2}(?:\/|\[|\s|$)|file:)/.test(line);
}

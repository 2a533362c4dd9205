import { posix } from 'node:path';
import { shellJoin } from '../base/shell.ts';
import { ImageBuildError } from './errors.ts';
import { fileLines, runLine } from './lines.ts';
import { PIP_INSTALL, pipCommand } from './packages.ts';
import type { Place, RunStep } from './recipe.ts';

/** Where the files are while packages are installed. */
const FOLDER = '/tmp/pip-from';

/** Reads a file of the folder by its path with `/`. Throws a sentence when it cannot. */
export type ReadFile = (path: string, place: Place) => Promise<Buffer>;

/**
 * Installs the packages that a file of the folder names. Its text goes into the layer, so that another text is another
 * layer; the project itself stays out of the image, as it is synced. Throws `ImageBuildError`.
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

/** uv reads what pip cannot: `pyproject.toml` without the project, and its own lock. */
const WITH_UV = `{ command -v uv > /dev/null || ${PIP_INSTALL} uv; }`;

/** Takes a requirements file with all that it includes. */
async function collect(path: string, read: ReadFile, files: Map<string, Buffer>, from?: Place): Promise<void> {
  if (files.has(path)) return;
  const place: Place = from ?? { key: 'pipFrom' };
  if (path.startsWith('../') || posix.isAbsolute(path))
    throw new ImageBuildError(`${path} is outside of the folder. Include files of the folder only.`, {
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
      throw new ImageBuildError(
        `${path}:${index + 1} names files of this machine (${line.trim()}), which are not there when the image is built. ` +
          'Take the line out; the code itself is synced.',
        { title: `pip: ${path}`, place: at },
      );
  }
}

function isLocalPath(line: string): boolean {
  return /^\s*(?:(?:-e|--editable)(?:\s+|=)(?!\w+\+|\w+:\/\/)\S|\.{1,2}(?:\/|\[|\s|$)|file:)/.test(line);
}

import { posix } from 'node:path';
import { shellJoin } from '../base/shell.ts';
import { decodeText } from '../base/text.ts';
import { ImageBuildError } from './errors.ts';
import { fileLines, runLine } from './lines.ts';
import { PIP_INSTALL, pipCommand } from './packages.ts';
import type { Place, RunStep } from './recipe.ts';
import { readRequirements } from './requirements.ts';
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
  } else if (PYLOCK.test(posix.basename(path))) {
    files.set(path, await read(path, place));
    install = `${WITH_UV} && ${pipCommand(`-r ${shellJoin([path])}`)}`;
  } else if (UNSUPPORTED.test(posix.basename(path))) {
    throw new ImageBuildError(strings.unsupportedPackageFile(posix.basename(path)), { title: `pip: ${path}`, place });
  } else if (posix.basename(path) === 'pyproject.toml') {
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

const PYLOCK = /^pylock(?:\.[^.]+)?\.toml$/;
/** Files of other tools, which neither pip nor uv installs from. */
const UNSUPPORTED =
  /^(?!pyproject\.toml$)(?:Pipfile(?:\.lock)?|environment\.ya?ml|conda-lock\.yml|.*\.(?:lock|toml|ya?ml|cfg|py|json))$/;

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
  for (const { line, text, includes, localPath } of readRequirements(decodeText(content))) {
    const at: Place = { file: path, line };
    const refused = (message: string) => new ImageBuildError(message, { title: `pip: ${path}`, place: at });
    if (includes?.includes('${')) throw refused(strings.variableInRequirements(`${path}:${line}`, text));
    if (includes !== undefined) await collect(posix.join(posix.dirname(path), includes), read, files, at);
    else if (localPath !== undefined) throw refused(strings.localRequirement(`${path}:${line}`, text));
  }
}

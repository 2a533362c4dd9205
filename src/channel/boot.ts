import { createHash } from 'node:crypto';
import { REMOTE_ROOT } from '../sync/options.ts';
import { STATE_FOLDER } from '../sync/rules/builtin.ts';
import { NODE_HELPER } from './helpers/node.ts';
import { PERL_HELPER } from './helpers/perl.ts';
import { PYTHON_HELPER } from './helpers/python.ts';

/** The command's exit code if the image has nothing that can run a helper. */
export const EXIT_NO_LANGUAGE = 90;
/** Next to the sync's state, so that it's never synced or listed, and snapshots include it. */
const FOLDER = `${REMOTE_ROOT}/${STATE_FOLDER}/channel`;

interface Language {
  readonly program: string;
  readonly options: string;
  readonly suffix: string;
  readonly source: string;
  /**
   * Runs the file given as the first argument. If it's missing, asks for its contents with a `need` frame, and keeps them
   * if it can. Reads exactly what it needs, since the frames for the helper follow.
   */
  readonly loader: string;
}

const PYTHON_LOADER = `
import os, sys
def read(count):
    data = b''
    while len(data) < count:
        more = os.read(0, count - len(data))
        if not more: os._exit(0)
        data += more
    return data
def load(path):
    try: return open(path, 'rb').read()
    except OSError: pass
    os.write(1, bytes([0, 0, 0, 0, 12, 0, 0, 0, 0, 6]) + b'python')
    source = read(int.from_bytes(read(10)[6:], 'big'))
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open('%s.%d' % (path, os.getpid()), 'wb') as file: file.write(source)
        os.replace(file.name, path)
    except OSError: pass
    return source
exec(compile(load(sys.argv[1]), 'modal-channel', 'exec'), {'__name__': '__main__'})`;

const NODE_LOADER = `
const fs = require('fs'), path = process.argv[1];
function read(count) {
  const data = Buffer.alloc(count);
  for (let at = 0; at < count; ) {
    const more = fs.readSync(0, data, at, count - at, null);
    if (more === 0) process.exit(0);
    at += more;
  }
  return data;
}
function load() {
  try { return fs.readFileSync(path, 'utf8'); } catch {}
  fs.writeSync(1, Buffer.concat([Buffer.from([0, 0, 0, 0, 12, 0, 0, 0, 0, 4]), Buffer.from('node')]));
  const source = read(read(10).readUInt32BE(6)).toString();
  const temporary = path + '.' + process.pid;
  try {
    fs.mkdirSync(require('path').dirname(path), { recursive: true });
    fs.writeFileSync(temporary, source);
    fs.renameSync(temporary, path);
  } catch {}
  return source;
}
new Function('require', load())(require);`;

const PERL_LOADER = `
use strict;
my $path = $ARGV[0];
sub get {
  my ($count, $data) = (shift, '');
  while (length $data < $count) { sysread(STDIN, $data, $count - length $data, length $data) or exit 0 }
  return $data;
}
sub load {
  if (open my $file, '<', $path) { local $/; return <$file> }
  syswrite STDOUT, pack('NCCN', 0, 12, 0, 4) . 'perl';
  my $source = get(unpack 'N', substr get(10), 6);
  my $folder = '';
  for (split '/', $path =~ s(/[^/]*$)()r) { $folder .= "$_/"; mkdir $folder }
  if (open my $file, '>', "$path.$$") { print $file $source; close $file and rename "$path.$$", $path }
  return $source;
}
eval load();
die $@ if $@;`;

/** The languages that a helper is written in, the best one first. */
const LANGUAGES = {
  // Isolated, so that no module of the user's takes the place of one of the standard library.
  python: { program: 'python3', options: '-I -S -c', suffix: 'py', source: PYTHON_HELPER, loader: PYTHON_LOADER },
  node: { program: 'node', options: '-e', suffix: 'cjs', source: NODE_HELPER, loader: NODE_LOADER },
  perl: { program: 'perl', options: '-e', suffix: 'pl', source: PERL_HELPER, loader: PERL_LOADER },
} as const satisfies Record<string, Language>;

export type LanguageName = keyof typeof LANGUAGES;

export const LANGUAGE_NAMES = Object.keys(LANGUAGES) as [LanguageName, ...LanguageName[]];

/** Returns the program of a language's helper. */
export function helperSource(language: LanguageName): Uint8Array {
  return Buffer.from(LANGUAGES[language].source);
}

/**
 * Returns the command that runs a helper, in the first language that the image has and that works. `lostWindowSeconds`
 * without a word from the window end it.
 */
export function helperCommand(
  lostWindowSeconds: number,
  languages: readonly LanguageName[] = LANGUAGE_NAMES,
): readonly string[] {
  const loaders = languages.map((name) => LANGUAGES[name].loader);
  const tries = languages.map((name, at) => {
    const { program, options, suffix, source } = LANGUAGES[name];
    const hash = createHash('sha256').update(source).digest('hex').slice(0, 16);
    const args = `"\${${at + 1}}" ${FOLDER}/${hash}.${suffix} ${lostWindowSeconds}`;
    return `if command -v ${program} >/dev/null 2>&1; then ${program} ${options} ${args} && exit; fi`;
  });
  return ['sh', '-c', [...tries, `exit ${EXIT_NO_LANGUAGE}`].join('\n'), 'modal-channel', ...loaders];
}

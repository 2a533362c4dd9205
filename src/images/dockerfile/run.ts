import { shellJoin } from '../../base/shell.ts';
import { base64, runLine } from '../lines.ts';
import { strings } from '../strings.ts';
import { fileContent, heredocOf } from './heredoc.ts';
import { type Instruction, refusal } from './parse.ts';
import { jsonWords } from './words.ts';

/** A folder or file of the context or a stage that one `RUN` sees and that isn't part of the image. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  /** A stage or image. Defaults to the build context. */
  readonly from: string | undefined;
}

/** A `RUN` without heredocs and mounts. */
export interface RunCommand {
  readonly line: string;
  readonly binds: readonly Bind[];
  /** The variables of optional secrets that `buildSecrets` doesn't name. */
  readonly missingSecrets: readonly string[];
}

/** The folder with the contents of binds during the `RUN`. The n-th bind is in a folder `n`. */
export const BINDS = '/.dockerfile-binds';

/**
 * Turns a `RUN` into a line that every builder supports. Heredocs become shell text. Secrets become files for the duration of
 * the command, with values of the build's variables. Binds are copied to their targets and removed afterwards. Caches and
 * temporary file systems are empty folders, whose contents don't become part of the image. `expanded` replaces variables in
 * options of mounts. Throws `ImageBuildError` for what isn't supported.
 */
export function runCommand(
  run: Instruction,
  shell: readonly string[],
  buildSecrets: readonly string[],
  expanded: (word: string) => string,
): RunCommand {
  const binds: Bind[] = [];
  const missingSecrets: string[] = [];
  const before: string[] = [];
  const after: string[] = [];
  for (const [flag, value] of run.flags) {
    if (flag === 'mount')
      mount(run, mountOptions(run, value, expanded), buildSecrets, { binds, missingSecrets, before, after });
    else if (flag === 'network' && /^(default|host)$/.test(value)) continue;
    else if (flag === 'security' && value === 'sandbox') continue;
    else throw refusal(run, strings.unsupportedRunFlag(flag, value));
  }
  after.reverse();
  if (binds.length > 0) after.push(`rm -rf ${BINDS}`);
  const command = shellText(run);
  if (before.length === 0) return { line: lineFor(command, run, shell), binds, missingSecrets };
  const argv = jsonWords(command);
  // In a subshell, so that an `exit` in it doesn't skip the cleanup.
  const inner = argv ? shellJoin(argv) : `eval "$(echo ${base64(command)} | base64 -d)"`;
  const lines = [...before, `( ${inner} )`, 'status=$?', ...after, 'exit $status'];
  return { line: lineFor(lines.join('\n'), run, shell), binds, missingSecrets };
}

/** Returns the command with its heredocs, as a shell reads it. A single heredoc is the script itself. */
function shellText({ text, heredocs }: Instruction): string {
  const [first] = heredocs;
  if (!first) return text;
  if (heredocOf(text.trim())) {
    const content = fileContent(first);
    if (!content.startsWith('#!')) return content;
    return `f=$(mktemp) && echo ${base64(content)} | base64 -d > $f && chmod +x $f && $f; s=$?; rm -f $f; exit $s`;
  }
  return [text, ...heredocs.map(({ content, name }) => `${content}${name}`)].join('\n');
}

/** Returns a line for the current shell. Text that must be encoded requires one with `eval`. */
function lineFor(command: string, run: Instruction, shell: readonly string[]): string {
  if (jsonWords(command)) return `RUN ${command}`;
  const line = runLine(command);
  if (line === `RUN ${command.trim()}` || /\b(ba|da|a|z|k)?sh$/.test(shell[0] ?? '')) return line;
  throw refusal(run, strings.multilineWithoutShell(shell[0] ?? ''));
}

/** Shell lines around the command, and the files it needs. */
interface MountScript {
  readonly binds: Bind[];
  readonly missingSecrets: string[];
  readonly before: string[];
  readonly after: string[];
}

const MOUNT_OPTION =
  /^(?:(?:type|from|source|src|target|dst|destination|id|sharing|size|mode|uid|gid|env|required|readonly|ro|readwrite|rw)=|(?:required|readonly|ro|readwrite|rw)$)/;

type MountOptions = ReadonlyMap<string, string>;

function mountOptions(run: Instruction, value: string, expanded: (word: string) => string): MountOptions {
  return new Map(
    value.split(',').map((option): [string, string] => {
      const [name = '', ...rest] = option.split('=');
      const key = name.toLowerCase();
      if (!MOUNT_OPTION.test(option.replace(name, key))) throw refusal(run, strings.unknownMountOption(option));
      return [key, expanded(rest.join('='))];
    }),
  );
}

function mount(run: Instruction, options: MountOptions, buildSecrets: readonly string[], to: MountScript): void {
  const option = (...names: string[]) => names.map((name) => options.get(name)).find((found) => found !== undefined);
  switch (options.get('type')?.toLowerCase() ?? 'bind') {
    case 'cache':
    case 'tmpfs': {
      const quoted = shellJoin([requiredTarget(run, option('target', 'dst', 'destination'))]);
      const kept = `kept${to.after.length}`;
      // A user who can't replace the folder can't fill it either.
      to.before.push(
        `${kept}=$(mktemp -d /.kept.XXXXXX 2> /dev/null || mktemp -d)`,
        `if [ -e ${quoted} ]; then mv ${quoted} $${kept}/saved; fi 2> /dev/null && mkdir -p ${quoted} || ${kept}=`,
      );
      to.after.push(
        `if [ -n "$${kept}" ]; then rm -rf ${quoted}; mv $${kept}/saved ${quoted} 2> /dev/null; rm -rf $${kept}; fi`,
      );
      return;
    }
    case 'secret':
      secret(
        run,
        { id: option('id') ?? '', target: option('target', 'dst', 'destination'), env: option('env') },
        options,
        buildSecrets,
        to,
      );
      return;
    case 'bind': {
      const target = requiredTarget(run, option('target', 'dst', 'destination'));
      to.binds.push({ source: option('source', 'src') ?? '.', target, from: option('from') });
      const kept = `${BINDS}/${to.binds.length - 1}`;
      const [quoted, saved] = [shellJoin([target]), `${kept}/saved`];
      to.before.push(
        `mkdir -p "$(dirname ${quoted})" ${kept} && if [ -e ${quoted} ]; then mv ${quoted} ${saved}; fi || exit 1`,
        `if [ -d ${kept}/tree ]; then cp -a ${kept}/tree ${quoted}; else cp -a ${kept}/files/* ${quoted}; fi || exit 1`,
      );
      to.after.push(`rm -rf ${quoted}; if [ -e ${saved} ]; then mv ${saved} ${quoted}; fi`);
      return;
    }
    default:
      throw refusal(run, strings.unsupportedMount(options.get('type') ?? ''));
  }
}

function requiredTarget(run: Instruction, target: string | undefined): string {
  if (!target) throw refusal(run, strings.mountWithoutTarget());
  if (/^[./]*$/.test(target)) throw refusal(run, strings.mountTargetTooBroad(target));
  return target;
}

function secret(
  run: Instruction,
  { id, target, env }: { id: string; target: string | undefined; env: string | undefined },
  options: MountOptions,
  buildSecrets: readonly string[],
  to: MountScript,
): void {
  const plainId = id || target?.split('/').at(-1) || '';
  const name = [plainId, plainId.toUpperCase().replace(/\W/g, '_')].find((each) => buildSecrets.includes(each));
  if (!name) {
    const wanted = plainId.toUpperCase().replace(/\W/g, '_');
    if (!/^(true|1)?$/.test(options.get('required') ?? 'false')) {
      to.missingSecrets.push(wanted);
      return;
    }
    throw refusal(run, strings.secretMissing(plainId, wanted));
  }
  if (env) to.before.push(`export ${env}="$${name}"`);
  if (env && !target) return;
  const file = shellJoin([target ?? `/run/secrets/${plainId}`]);
  const mode = /^[0-7]{3,4}$/.test(options.get('mode') ?? '') ? options.get('mode') : '400';
  to.before.push(
    `mkdir -p "$(dirname ${file})" && (umask 077; printf %s "$${name}" > ${file}) && chmod ${mode} ${file} || exit 1`,
  );
  to.after.push(`rm -f ${file}`);
}

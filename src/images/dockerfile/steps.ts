import { posix } from 'node:path';
import { assignment, envLine, runLine, shortened } from '../lines.ts';
import type { Chain, CopiedEntry, Copy, CopyStep, Place, Step } from '../recipe.ts';
import { strings } from '../strings.ts';
import { type DockerContext, heredocEntry } from './context.ts';
import { downloadCommand } from './download.ts';
import { fileContent, heredocOf } from './heredoc.ts';
import { type Instruction, refusal } from './parse.ts';
import { BINDS, runCommand } from './run.ts';
import { atLine, type Stage, stageNamed } from './stages.ts';
import { assignments, expand, jsonWords, splitPaths, splitWords, UnknownVariable } from './words.ts';

/** The state that the stages of one Dockerfile share. */
export interface DockerfileBuild {
  readonly stages: readonly Stage[];
  readonly context: DockerContext;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly buildSecrets: readonly string[];
  /** Builds on Local Modal, which uses no registry. */
  readonly isLocal: boolean;
  /** Lines for the log. */
  readonly notes: Set<string>;
}

/** Instructions that don't affect what a sandbox runs. */
const WITHOUT_EFFECT = /^(LABEL|MAINTAINER|EXPOSE|VOLUME|STOPSIGNAL|HEALTHCHECK|ONBUILD)$/;
const DEFAULT_SHELL = ['/bin/sh', '-c'];
/** What only recent builders replace, so it isn't left to them. */
const WITH_PATTERN = /\$\{\w+[#%/]/;
/** A destination that is a folder, whether or not it exists. */
const FOLDER = /(^|\/)\.{0,2}$/;
const MAX_TITLE_CHARS = 60;

/** Turns stages into layers and copies, each stage once. */
export class StageReader {
  readonly #build: DockerfileBuild;
  readonly #stages = new Map<Stage, Promise<StageEnd>>();

  constructor(build: DockerfileBuild) {
    this.#build = build;
  }

  /** Returns the steps of a stage. Throws `ImageBuildError` with the line of what can't be built. */
  async chain(stage: Stage): Promise<Chain> {
    return (await this.#end(stage)).chain;
  }

  #end(stage: Stage): Promise<StageEnd> {
    const known = this.#stages.get(stage) ?? this.#read(stage);
    this.#stages.set(stage, known);
    return known;
  }

  async #read(stage: Stage): Promise<StageEnd> {
    const { from, base } = stage;
    const basePlace: Place = { file: from.file, line: from.line };
    if (base === 'scratch') throw refusal(from, strings.fromScratch());
    const below = typeof base === 'string' ? undefined : await this.#end(base);
    const state = new StageState(stage, this.#build, below?.state);
    for (const each of stage.instructions) await state.take(each, (other) => this.#end(other));
    state.flush();
    const tag = { kind: 'registry', tag: String(base) } as const;
    return {
      chain: { base: below ? { kind: 'stage', stage: below.chain } : tag, basePlace, steps: state.steps },
      state,
    };
  }
}

interface StageEnd {
  readonly chain: Chain;
  readonly state: StageState;
}

type EndOf = (stage: Stage) => Promise<StageEnd>;

/** The state of a stage while its instructions are read. */
class StageState {
  readonly steps: Step[] = [];
  readonly #stage: Stage;
  readonly #build: DockerfileBuild;
  /** Variables set by ENV; undefined if the value depends on the base image. */
  readonly #env = new Map<string, string | undefined>();
  /** The names of those that earlier layers set. */
  readonly #built = new Set<string>();
  readonly #args = new Map<string, string | undefined>();
  #workdir: string | undefined;
  #user: string | undefined;
  #shell: readonly string[] = DEFAULT_SHELL;
  /** ENV, WORKDIR, and USER that wait for the next layer. */
  #pending: { first: Instruction; lines: string[] } | undefined;

  constructor(stage: Stage, build: DockerfileBuild, below: StageState | undefined) {
    this.#stage = stage;
    this.#build = build;
    if (!below) return;
    for (const [name, value] of below.#env) this.#env.set(name, value);
    for (const name of below.#built) this.#built.add(name);
    this.#workdir = below.#workdir;
    this.#user = below.#user;
    this.#shell = below.#shell;
  }

  get user(): string | undefined {
    return this.#user;
  }

  async take(each: Instruction, endOf: EndOf): Promise<void> {
    switch (each.keyword) {
      case 'ARG':
        return this.#arg(each);
      case 'ENV':
        return this.#setEnv(each);
      case 'WORKDIR':
        return this.#setWorkdir(each);
      case 'USER':
        this.#user = this.#expanded(each, each.text);
        if (splitWords(each.text).length > 1) throw refusal(each, strings.oneUser());
        return this.#wait(each, `USER ${this.#user}`);
      case 'SHELL': {
        const shell = jsonWords(each.text);
        if (!shell?.length) throw refusal(each, strings.shellSyntax());
        this.#shell = shell;
        return;
      }
      case 'RUN':
        return this.#run(each, endOf);
      case 'COPY':
      case 'ADD':
        return this.#copy(each, endOf);
      case 'CMD':
      case 'ENTRYPOINT':
        this.#build.notes.add(strings.entrypointIgnored());
        return;
      default:
        if (!WITHOUT_EFFECT.test(each.keyword)) throw refusal(each, strings.instructionNotAllowed(each.keyword));
    }
  }

  /** Adds a layer for pending lines. */
  flush(): void {
    if (!this.#pending) return;
    const { first, lines } = this.#pending;
    this.#layer(first, titleOf(first), lines);
  }

  #lookup = (name: string): string | undefined => {
    if (this.#env.has(name)) {
      const value = this.#env.get(name);
      if (value === undefined) throw new UnknownVariable(name);
      return value;
    }
    if (this.#args.has(name)) return this.#args.get(name);
    throw new UnknownVariable(name);
  };

  #expanded(at: Instruction, word: string): string {
    return atLine(at, () => expand(word, this.#lookup));
  }

  #arg(each: Instruction): void {
    for (const [name, written] of atLine(each, () => assignments('ARG', each.text))) {
      const given = this.#build.buildArgs[name];
      const value = written === undefined ? this.#stage.globals.get(name) : this.#expanded(each, written);
      this.#args.set(name, given ?? value);
    }
  }

  #setEnv(each: Instruction): void {
    const pairs = atLine(each, () => assignments('ENV', each.text));
    const values = pairs.map(([name, written = '']) => [name, written, this.#knownValue(each, written)] as const);
    // No value sees another of the same line.
    for (const [name, , value] of values) this.#env.set(name, value);
    // A value that depends on the base image is passed to the builder as written.
    const words = values.map(([name, written, value]) => {
      if (value !== undefined) return assignment(name, value);
      return splitWords(written).length > 1 ? `${name} ${written}` : `${name}=${written}`;
    });
    this.#wait(each, `ENV ${words.join(' ')}`);
  }

  #knownValue(at: Instruction, word: string): string | undefined {
    try {
      return expand(word, this.#lookup);
    } catch (error) {
      if (error instanceof UnknownVariable && !WITH_PATTERN.test(word)) return undefined;
      return atLine(at, () => {
        throw error;
      });
    }
  }

  #setWorkdir(each: Instruction): void {
    const path = this.#expanded(each, each.text);
    if (posix.isAbsolute(path)) this.#workdir = posix.normalize(path);
    else if (this.#workdir !== undefined) this.#workdir = posix.join(this.#workdir, path);
    this.#wait(each, `WORKDIR ${this.#workdir ?? path}`);
  }

  #wait(first: Instruction, ...lines: string[]): void {
    this.#pending ??= { first, lines: [] };
    this.#pending.lines.push(...lines);
  }

  async #run(each: Instruction, endOf: EndOf): Promise<void> {
    const { line, binds, missingSecrets } = runCommand(each, this.#shell, this.#build.buildSecrets, (word) =>
      this.#expanded(each, word),
    );
    if (each.flags.some(([flag, value]) => flag === 'mount' && value.includes('type=cache')))
      this.#build.notes.add(strings.cacheMountsIgnored());
    for (const name of missingSecrets) this.#build.notes.add(strings.optionalSecretMissing(name));
    for (const [index, { source, from }] of binds.entries()) {
      const copies =
        from === undefined ? this.#fromContext(each, [source]) : this.#fromStage(each, from, [source], endOf);
      this.#addCopy(each, { from: await copies, to: `${BINDS}/${index}/`, keepsLayout: true });
    }
    this.#layer(each, titleOf(each), [...(this.#pending?.lines ?? []), line]);
  }

  /** Adds a layer of lines, preceded by what a builder forgets between layers. */
  #layer(at: Instruction, title: string, lines: readonly string[]): void {
    const args = [...this.#args].flatMap(([name, value]) =>
      value === undefined ? [] : [envLine(name, value).replace('ENV', 'ARG')],
    );
    const shell = this.#shell === DEFAULT_SHELL ? [] : [`SHELL ${JSON.stringify(this.#shell)}`];
    const place: Place = { file: at.file, line: at.line };
    const hasRun = lines.some((line) => line.startsWith('RUN '));
    this.steps.push({
      kind: 'run',
      title,
      place,
      commands: [...(hasRun ? [...args, ...shell] : []), ...lines],
      secrets: hasRun,
    });
    this.#pending = undefined;
    for (const name of this.#env.keys()) this.#built.add(name);
  }

  async #copy(each: Instruction, endOf: EndOf): Promise<void> {
    const flag = (name: string) => each.flags.find(([found]) => found === name)?.[1];
    const written = jsonWords(each.text) ?? splitPaths(each.text);
    const to = written.length < 2 ? undefined : this.#expanded(each, written.at(-1) ?? '');
    if (to === undefined) throw refusal(each, strings.copySyntax(each.keyword));
    const isFolder = FOLDER.test(to);
    if (written.length > 2 && !isFolder) throw refusal(each, strings.copyToFolder(each.keyword, to));
    const isHeredoc = (word: string) => each.heredocs.length > 0 && heredocOf(word) !== undefined;
    const sources = written
      .slice(0, -1)
      .filter((word) => !isHeredoc(word))
      .map((word) => this.#expanded(each, word));
    const owner = flag('chown') && this.#expanded(each, flag('chown') ?? '');
    const mode = flag('chmod') && this.#expanded(each, flag('chmod') ?? '');
    const [urls, paths] = [sources.filter(isUrl), sources.filter((source) => !isUrl(source))];
    if (urls.length > 0 && flag('unpack') !== undefined && flag('unpack') !== 'false')
      throw refusal(each, strings.unsupportedFlag(each.keyword, 'unpack'));
    for (const url of urls) {
      const command = atLine(each, () => downloadCommand(url, to, { owner, mode, checksum: flag('checksum') }));
      this.#layer(each, titleOf(each), [...(this.#pending?.lines ?? []), runLine(command)]);
    }
    if (paths.length === 0 && each.heredocs.length === 0) return;
    const from = flag('from') && this.#expanded(each, flag('from') ?? '');
    if (from && !stageNamed(from, this.#build.stages)) return this.#copyFromImage(each, from, [...sources, to]);
    const found = from
      ? await this.#fromStage(each, from, paths, endOf)
      : await this.#fromContext(each, paths, {
          exclude: each.flags.filter(([name]) => name === 'exclude').map(([, value]) => value),
          parents: flag('parents') !== undefined && flag('parents') !== 'false',
        });
    const texts = each.heredocs.map((heredoc) => {
      const content = fileContent(heredoc);
      const text = heredoc.expands ? this.#expandedText(each, content) : content;
      return heredocEntry(isFolder ? heredoc.name : posix.basename(to), text);
    });
    const everything = 'entries' in found ? { entries: [...found.entries, ...texts] } : found;
    const unpack = each.keyword === 'ADD' && flag('unpack') !== 'false';
    this.#addCopy(each, { from: everything, to, owner, mode, unpack });
  }

  /** Expands a heredoc, in which quotes have no meaning. */
  #expandedText(at: Instruction, text: string): string {
    return this.#expanded(at, text.replace(/["']/g, '\\$&'));
  }

  async #fromContext(
    at: Instruction,
    paths: readonly string[],
    options: { exclude: readonly string[]; parents: boolean } = { exclude: [], parents: false },
  ): Promise<{ entries: readonly CopiedEntry[] }> {
    try {
      const { entries, unmatched } = await this.#build.context.select(paths, options);
      for (const pattern of unmatched) this.#build.notes.add(strings.nothingMatches(pattern, at.keyword, at.line));
      return { entries };
    } catch (error) {
      throw refusal(at, (error as Error).message);
    }
  }

  async #fromStage(at: Instruction, name: string, paths: readonly string[], endOf: EndOf) {
    const before = this.#build.stages.slice(0, this.#build.stages.indexOf(this.#stage));
    const stage = stageNamed(name, before);
    if (!stage) throw refusal(at, strings.noStageBefore(name));
    const refused = at.flags.find(([flag]) => /^(parents|exclude)$/.test(flag));
    if (refused) throw refusal(at, strings.unsupportedFlagWithFrom(refused[0]));
    const { chain, state } = await endOf(stage);
    return { stage: chain, user: state.user, paths: paths.map((path) => posix.join('/', path)) };
  }

  /** Copies from a registry image, which Modal fetches. */
  #copyFromImage(each: Instruction, from: string, words: readonly string[]): void {
    if (this.#build.isLocal) throw refusal(each, strings.copyFromImageLocally(from));
    const flags = each.flags.map(([name, value]) => {
      const expanded = name === 'from' ? from : this.#expanded(each, value);
      return `--${name}${expanded === '' ? '' : `=${expanded}`}`;
    });
    const paths = words.every((word) => /^[\w./:@*?-]+$/.test(word)) ? words.join(' ') : JSON.stringify(words);
    const line = [each.keyword, ...flags, paths].join(' ');
    this.#layer(each, titleOf(each), [...(this.#pending?.lines ?? []), line]);
  }

  #addCopy(
    each: Instruction,
    what: Pick<Copy, 'from' | 'to' | 'owner' | 'mode'> & Partial<Pick<Copy, 'unpack' | 'keepsLayout'>>,
  ): void {
    const place: Place = { file: each.file, line: each.line };
    // A sandbox's working directory follows from the base image and a relative WORKDIR.
    const isRelative = this.#workdir === undefined && !posix.isAbsolute(what.to);
    if (isRelative && this.#pending?.lines.some((line) => line.startsWith('WORKDIR'))) this.flush();
    const placed = posix.resolve('/', this.#workdir ?? '', what.to);
    const isFolder = FOLDER.test(what.to) && placed !== '/';
    const to = `${isRelative ? posix.normalize(what.to).replace(/\/$/, '') : placed}${isFolder ? '/' : ''}`;
    const title = titleOf(each);
    const copy: Copy = { unpack: false, keepsLayout: false, ...what, title, place, to };
    const last = this.steps.at(-1);
    if (last?.kind === 'copy') {
      this.steps[this.steps.length - 1] = { ...last, copies: [...last.copies, copy] };
      return;
    }
    const restore: CopyStep['restore'] = { env: [...this.#built].sort(), user: this.#user };
    this.steps.push({ kind: 'copy', title, place, copies: [copy], restore });
  }
}

function isUrl(source: string): boolean {
  return /^(https?:\/\/|git@|git:|ssh:)/.test(source);
}

function titleOf({ keyword, text, flags }: Instruction): string {
  const shown = flags.filter(([name]) => name !== 'mount').map(([name, value]) => `--${name}=${value} `);
  return shortened(`${keyword} ${shown.join('')}${text.replaceAll(/\s+/g, ' ')}`, MAX_TITLE_CHARS);
}

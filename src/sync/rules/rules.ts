import { realpathSync } from 'node:fs';
import { basename, join, normalize, relative, sep } from 'node:path';
import { parentOf } from '../index/entries.ts';
import { strings } from '../strings.ts';
import {
  ALWAYS_EXCLUDED,
  BULK,
  builtInRule,
  CREDENTIALS,
  credentialFolder,
  GIT_DATA,
  namesOnPurpose,
  TEMPORARY_FILES,
  VIRTUAL_ENVIRONMENT,
} from './builtin.ts';
import { namedBy } from './credentials.ts';
import { type FolderMarkers, readMarkers, readRules, statOf, UnreadableRules } from './folder-markers.ts';
import { GitRepos, isGitData, noRepo } from './git-repo.ts';
import { type GitPattern, type GitRules, gitAbove, lastGitPattern, withGitignore } from './git-rules.ts';
import { type Pattern, PatternList } from './gitignore.ts';
import { explainLink, firstLink } from './links.ts';
import { type Explanation, type Rule, type RuleKind, ruleOf } from './rule.ts';
import { settingPatterns } from './setting-patterns.ts';

/** The decision about one name. `enter` means that a folder must be scanned, even if it is excluded itself. */
export interface Verdict {
  readonly rule: Rule;
  readonly enter: boolean;
}

/** Rules that come from settings. */
export interface RuleSettings {
  /** The path of the synced folder in the workspace folder. Defaults to the workspace folder itself. */
  readonly root?: string;
  /** Patterns of files to sync even if Git ignores them. */
  readonly include?: readonly string[];
  /** Patterns in the user's own settings. They name credentials to send without a question. */
  readonly userInclude?: readonly string[];
  /** Patterns of files to exclude. */
  readonly exclude?: readonly string[];
}

const DEFAULT = builtInRule('default', true, strings.includedByDefault);
const TRACKED = builtInRule('tracked', true, strings.tracked);

/**
 * The matcher behind scan, live sync, pull, mirror, and decorations. Reads each rule file once: those of the root when
 * it is created, others when their folder is entered.
 */
export class Rules {
  readonly root: string;
  readonly include: PatternList;
  readonly exclude: PatternList;
  readonly git: GitRepos;
  /** Credentials are recognized by the folders that contain them, which may be above the root. */
  readonly #credentialFolder: Pattern | undefined;
  readonly #rootName: string;
  /** Checks if the user's own settings name a path on purpose. */
  readonly isNamedByUser: (path: string) => boolean;
  readonly #matched = new Set<string>();
  readonly #opened = new Map<string, FolderRules | Explanation>();
  readonly #verdicts = new Map<Pattern | Rule, readonly [Verdict, Verdict]>();

  /** Throws the file system's error if the root can't be read. */
  constructor(root: string, settings: RuleSettings = {}, git = new GitRepos()) {
    this.root = realpathSync(root);
    this.git = git;
    this.include = settingPatterns('modal.sync.include', settings.include ?? []);
    this.exclude = settingPatterns('modal.sync.exclude', settings.exclude ?? []);
    const steps = normalize(settings.root || '.')
      .split(sep)
      .filter((part) => part !== '' && part !== '.');
    const workspace = realpathSync(join(root, ...steps.map(() => '..')));
    const withSlashes = (path: string) => path.split(sep).join('/');
    this.#credentialFolder = credentialFolder(withSlashes(this.root), withSlashes(relative(workspace, this.root)));
    this.#rootName = basename(this.root);
    this.isNamedByUser = namedBy(settings.userInclude ?? []);
  }

  /** Returns the pattern by which a path looks like a credential, if any does. */
  credential(path: string, name: string, isFolder: boolean): Pattern | undefined {
    if (this.#credentialFolder) return this.#credentialFolder;
    const pattern = CREDENTIALS.last(`${this.#rootName}/${path}`, name, isFolder);
    return pattern?.negated ? undefined : pattern;
  }

  /** Returns those of the paths that look like credentials, by their own names or by a folder's. */
  credentialsAmong(paths: readonly string[]): string[] {
    const folders = new Map<string, boolean>([['', this.#credentialFolder !== undefined]]);
    const isCredential = (path: string, isFolder: boolean): boolean =>
      isInCredentialFolder(parentOf(path)) ||
      this.credential(path, path.slice(path.lastIndexOf('/') + 1), isFolder) !== undefined;
    const isInCredentialFolder = (folder: string): boolean => {
      const known = folders.get(folder) ?? isCredential(folder, true);
      folders.set(folder, known);
      return known;
    };
    return paths.filter((path) => isCredential(path, false));
  }

  /** Records which patterns of settings match something. */
  noteMatches(path: string, name: string, isFolder: boolean, ...deciding: readonly (Pattern | undefined)[]): void {
    for (const list of [this.include, this.exclude])
      if (deciding.some((pattern) => pattern && list.patterns.includes(pattern)))
        for (const { text } of list.allMatching(path, name, isFolder)) this.#matched.add(text);
  }

  /** Returns the patterns of a setting that have matched nothing so far. */
  unmatched(list: PatternList): string[] {
    const texts = new Set(list.patterns.filter(({ negated }) => !negated).map(({ text }) => text));
    return [...texts].filter((text) => !this.#matched.has(text));
  }

  /** Returns the rules for the root folder. Throws `UnreadableRules`. */
  top(markers = readMarkers(this.root)): FolderRules {
    const repo = this.git.around(this.root) ?? noRepo(this.root);
    const state = {
      path: '',
      git: gitAbove(repo, this.root),
      modalignore: [],
      excludedBy: undefined,
      includedBy: undefined,
      isGitData: false,
    };
    return new FolderRules(this, state).withOwn(markers);
  }

  /** Explains a local path, also one that goes through links. One that doesn't exist counts as a file. */
  explain(path: string, links = 0): Explanation {
    const link = firstLink(this.root, path);
    const found = this.#explain(link ?? path, undefined);
    return link === undefined || !found.included ? found : explainLink(this, found, path, links);
  }

  /** Explains a path in the sandbox, which may not exist locally. */
  explainName(path: string, isFolder: boolean): Explanation {
    return this.#explain(path, isFolder);
  }

  #explain(path: string, isFolder: boolean | undefined): Explanation {
    if (path === '') return { ...DEFAULT, path };
    const folder = this.#open(parentOf(path));
    if (!(folder instanceof FolderRules)) return folder;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const stat = isFolder === undefined ? statOf(join(this.root, path)) : undefined;
    if (stat && !stat.isDirectory() && !stat.isFile() && !stat.isSymbolicLink())
      return { ...ALWAYS_EXCLUDED.special, path };
    const { rule, enter } = folder.judge(name, isFolder ?? stat?.isDirectory() ?? false);
    return { ...rule, path, ...(enter && !rule.included && { isScanned: true }) };
  }

  /** Returns the rules for a folder, or the rule that excludes all of it. Cached, so that each folder is read once. */
  #open(path: string): FolderRules | Explanation {
    const cached = this.#opened.get(path);
    if (cached) return cached;
    const opened = this.#read(path);
    this.#opened.set(path, opened);
    return opened;
  }

  #read(path: string): FolderRules | Explanation {
    try {
      return path === '' ? this.top() : this.#openBelow(path);
    } catch (error) {
      if (!(error instanceof UnreadableRules)) throw error;
      return { ...builtInRule('unreadable', false, () => error.message), path };
    }
  }

  #openBelow(path: string): FolderRules | Explanation {
    const parent = this.#open(parentOf(path));
    if (!(parent instanceof FolderRules)) return parent;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const { rule, enter } = parent.judge(name, true);
    return enter ? parent.enter(name, readMarkers(join(this.root, path))) : { ...rule, path };
  }

  /**
   * Returns the verdict for a pattern or rule. Cached, so that there is one object for each pattern and not for each
   * file.
   */
  verdict(key: Pattern | Rule, enter: boolean, make: () => Rule): Verdict {
    let pair = this.#verdicts.get(key);
    if (!pair) {
      const rule = make();
      pair = [
        { rule, enter: false },
        { rule, enter: true },
      ];
      this.#verdicts.set(key, pair);
    }
    return pair[enter ? 1 : 0];
  }
}

interface FolderState {
  /** The folder's path, relative to the root. */
  readonly path: string;
  readonly git: GitRules;
  readonly modalignore: readonly { readonly base: string; readonly list: PatternList }[];
  /** Set in an excluded folder that is scanned only for exceptions. */
  readonly excludedBy: Rule | undefined;
  /** Set below a folder that a rule includes. */
  readonly includedBy: Rule | undefined;
  /** True in a Git repository's own folder. */
  readonly isGitData: boolean;
}

/** The rules that apply to the names in one folder. */
export class FolderRules {
  readonly #rules: Rules;
  readonly #state: FolderState;

  constructor(rules: Rules, state: FolderState) {
    this.#rules = rules;
    this.#state = state;
  }

  /** True if the folder itself is excluded, and scanned only for exceptions. */
  get isExcluded(): boolean {
    return this.#state.excludedBy !== undefined;
  }

  /** Adds the folder's own ignore files. Throws `UnreadableRules`. */
  withOwn(markers: FolderMarkers): FolderRules {
    const { path, git, modalignore, includedBy, excludedBy } = this.#state;
    const base = path === '' ? '' : `${path}/`;
    const folder = join(this.#rules.root, path);
    const file = `${base}.modalignore`;
    const isData = markers.gitData && isGitData(folder);
    const isEnvironment = markers.virtualEnvironment && path !== '' && !includedBy;
    return new FolderRules(this.#rules, {
      path,
      git: withGitignore(git, folder, markers.gitignore),
      modalignore: markers.modalignore
        ? [...modalignore, { base, list: new PatternList(file, readRules(join(folder, '.modalignore'))) }]
        : modalignore,
      includedBy,
      excludedBy: isData ? GIT_DATA : (excludedBy ?? (isEnvironment ? VIRTUAL_ENVIRONMENT : undefined)),
      isGitData: isData,
    });
  }

  /** Returns the rules for a subfolder, after `judge` returned `enter` for it. Throws `UnreadableRules`. */
  enter(name: string, markers: FolderMarkers): FolderRules {
    const { path, git, modalignore, includedBy } = this.#state;
    const below = path === '' ? name : `${path}/${name}`;
    const { rule } = this.judge(name, true);
    const own = markers.git ? this.#rules.git.open(join(this.#rules.root, below)) : undefined;
    return new FolderRules(this.#rules, {
      path: below,
      // A nested repository has only its own rules.
      git: own ? { repo: own, prefix: '', files: [] } : { ...git, prefix: `${git.prefix}${name}/` },
      modalignore,
      includedBy: rule.kind === 'include' || (rule.kind === 'modalignore' && rule.included) ? rule : includedBy,
      excludedBy: rule.included ? undefined : rule,
      isGitData: false,
    }).withOwn(markers);
  }

  /** Decides if a name in this folder is synced, by which rule, and if it must be entered. */
  judge(name: string, isFolder: boolean): Verdict {
    const hard =
      ALWAYS_EXCLUDED.names.get(name) ??
      (name.includes(ALWAYS_EXCLUDED.temporary) ? ALWAYS_EXCLUDED.ownTemporary : undefined);
    if (hard) return this.#rules.verdict(hard, false, () => hard);
    if (this.#state.isGitData) return this.#rules.verdict(GIT_DATA, false, () => GIT_DATA);
    const { include } = this.#rules;
    const path = this.#state.path === '' ? name : `${this.#state.path}/${name}`;
    const named = include.last(path, name, isFolder);
    const own = this.#modalPattern(path, name, isFolder);
    this.#rules.noteMatches(path, name, isFolder, named, own?.[0]);
    const credential = this.#rules.credential(path, name, isFolder);
    if (credential) {
      const purpose = [named?.negated ? undefined : named, own?.[0].negated ? own[0] : undefined].find(
        (pattern) => pattern && namesOnPurpose(pattern),
      );
      if (!purpose) return this.#excluded(credential, 'credential', '', path, isFolder);
    }
    if (named && !named.negated) return this.#included(named, 'include', include.source, isFolder);
    const { includedBy } = this.#state;
    if (includedBy?.kind === 'include') return this.#rules.verdict(includedBy, isFolder, () => includedBy);
    if (own) {
      const kind = own[1] === this.#rules.exclude.source ? 'exclude' : 'modalignore';
      if (!own[0].negated) return this.#excluded(own[0], kind, own[1], path, isFolder);
      return this.#included(own[0], 'modalignore', own[1], isFolder);
    }
    if (includedBy) return this.#rules.verdict(includedBy, isFolder, () => includedBy);
    return this.#byContent(path, name, isFolder);
  }

  /** Returns true if Git ignores a name in this folder, too. */
  isIgnoredByGit(name: string, isFolder: boolean): boolean {
    return lastGitPattern(this.#state.git, name, isFolder)?.[0].negated === false;
  }

  /** Applies the built-in list of generated files, and Git's rules. */
  #byContent(path: string, name: string, isFolder: boolean): Verdict {
    const { git, excludedBy } = this.#state;
    const bulk = BULK.last(path, name, isFolder) ?? (isFolder ? undefined : TEMPORARY_FILES.last(path, name, false));
    const ignored = !bulk && !excludedBy ? lastGitPattern(git, name, isFolder) : undefined;
    const isIgnored = ignored && !ignored[0].negated;
    if (!bulk && !excludedBy && !isIgnored) return this.#rules.verdict(DEFAULT, isFolder, () => DEFAULT);
    const { tracked } = git.repo;
    const repoPath = git.prefix + name;
    if (isFolder ? tracked.hasBelow(repoPath) : tracked.has(repoPath)) {
      if (!isFolder) return this.#rules.verdict(TRACKED, false, () => TRACKED);
      const rule = bulk ? ruleOf(bulk, 'bulk', '') : (excludedBy ?? ruleOf(...(ignored as GitPattern)));
      return { rule, enter: true };
    }
    if (bulk) return this.#excluded(bulk, 'bulk', '', path, isFolder);
    if (excludedBy) return this.#rules.verdict(excludedBy, isFolder && this.#mayIncludeBelow(path), () => excludedBy);
    const [pattern, , source] = ignored as GitPattern;
    return this.#excluded(pattern, 'git', source, path, isFolder);
  }

  /** Returns the deciding line of `.modalignore` files, the nearest one first, and then of `modal.sync.exclude`. */
  #modalPattern(path: string, name: string, isFolder: boolean): [Pattern, string] | undefined {
    const { modalignore } = this.#state;
    for (let at = modalignore.length - 1; at >= 0; at -= 1) {
      const { base, list } = modalignore[at] as { base: string; list: PatternList };
      const pattern = list.last(path.slice(base.length), name, isFolder);
      if (pattern) return [pattern, list.source];
    }
    const { exclude } = this.#rules;
    const pattern = exclude.last(path, name, isFolder);
    return pattern && [pattern, exclude.source];
  }

  #included(pattern: Pattern, kind: RuleKind, source: string, isFolder: boolean): Verdict {
    return this.#rules.verdict(pattern, isFolder, () => ({ ...ruleOf(pattern, kind, source), included: true }));
  }

  #excluded(pattern: Pattern, kind: RuleKind, source: string, path: string, isFolder: boolean): Verdict {
    return this.#rules.verdict(pattern, isFolder && this.#mayIncludeBelow(path), () => ruleOf(pattern, kind, source));
  }

  /** Returns true if a rule may include something below an excluded folder. */
  #mayIncludeBelow(folder: string): boolean {
    if (this.#rules.include.mayMatchBelow(folder, false)) return true;
    return this.#state.modalignore.some(({ base, list }) => list.mayMatchBelow(folder.slice(base.length), true));
  }
}

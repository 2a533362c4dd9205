import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { parentOf } from '../index/entries.ts';
import { ALWAYS_EXCLUDED, BULK, CREDENTIALS, isVirtualEnvironment, namesOnPurpose } from './builtin.ts';
import { type FolderMarkers, readMarkers, readText, statOf } from './folder-markers.ts';
import { noRepo, openRepo, repoAround } from './git-repo.ts';
import { type GitPattern, type GitRules, gitAbove, lastGitPattern, withGitignore } from './git-rules.ts';
import { type Pattern, PatternList } from './gitignore.ts';
import type { Rule, RuleKind } from './rule.ts';

/** The answer for one name. `enter` tells of a folder that it must be looked into, included or not. */
export interface Verdict {
  readonly rule: Rule;
  readonly enter: boolean;
}

/** Rules that come from settings. */
export interface RuleSettings {
  /** Patterns of what is sent although git ignores it. */
  readonly include?: readonly string[];
  /** Patterns of what is not sent. */
  readonly exclude?: readonly string[];
}

/** Why a path is synced or not. */
export interface Explanation extends Rule {
  /** The path the rule decided about: the one asked for, or a folder above it. */
  readonly path: string;
}

const IN: Rule = { kind: 'default', included: true, text: 'no rule leaves it out', source: '', line: 0 };
const TRACKED: Rule = { kind: 'tracked', included: true, text: 'git tracks it', source: '', line: 0 };

/**
 * The one matcher behind scan, live sync, pull, mirror and decorations. Rules are read from disk once, when it is
 * loaded and when a folder is entered.
 */
export class Rules {
  readonly root: string;
  readonly include: PatternList;
  readonly exclude: PatternList;
  readonly #opened = new Map<string, FolderRules | Explanation>();
  readonly #verdicts = new Map<Pattern | Rule, readonly [Verdict, Verdict]>();

  /** Throws the file system's error when the root cannot be read. */
  constructor(root: string, settings: RuleSettings = {}) {
    this.root = realpathSync(root);
    this.include = new PatternList('modal.sync.include', (settings.include ?? []).join('\n'));
    this.exclude = new PatternList('modal.sync.exclude', (settings.exclude ?? []).join('\n'));
  }

  /** The rules inside the root folder. */
  top(markers = readMarkers(this.root)): FolderRules {
    const repo = repoAround(this.root) ?? noRepo(this.root);
    const state = {
      path: '',
      git: gitAbove(repo, this.root),
      modalignore: [],
      excludedBy: undefined,
      includedBy: undefined,
    };
    return new FolderRules(this, state).withOwn(markers);
  }

  /** Answers for a path below the root by going down to it; what is not there counts as a file. */
  explain(path: string): Explanation {
    return this.#explain(path, undefined);
  }

  /** Answers for a path of the sandbox, which need not be there locally. */
  explainName(path: string, isFolder: boolean): Explanation {
    return this.#explain(path, isFolder);
  }

  #explain(path: string, isFolder: boolean | undefined): Explanation {
    if (path === '') return { ...IN, path };
    const folder = this.#open(parentOf(path));
    if (!(folder instanceof FolderRules)) return folder;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const stat = isFolder === undefined ? statOf(join(this.root, path)) : undefined;
    if (stat && !stat.isDirectory() && !stat.isFile() && !stat.isSymbolicLink())
      return { ...ALWAYS_EXCLUDED.special, path };
    return { ...folder.judge(name, isFolder ?? stat?.isDirectory() ?? false).rule, path };
  }

  /** The rules inside a folder, or the rule that closes it. Kept, so that many questions read each folder once. */
  #open(path: string): FolderRules | Explanation {
    const kept = this.#opened.get(path);
    if (kept) return kept;
    const opened = path === '' ? this.top() : this.#openBelow(path);
    this.#opened.set(path, opened);
    return opened;
  }

  #openBelow(path: string): FolderRules | Explanation {
    const parent = this.#open(parentOf(path));
    if (!(parent instanceof FolderRules)) return parent;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const { rule, enter } = parent.judge(name, true);
    return enter ? parent.enter(name, readMarkers(join(this.root, path))) : { ...rule, path };
  }

  /** The kept verdicts of a pattern or rule: one made for each, not for each file. */
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
  /** Relative to the root. */
  readonly path: string;
  readonly git: GitRules;
  readonly modalignore: readonly { readonly base: string; readonly list: PatternList }[];
  /** Set in a folder that is left out and only looked through for exceptions. */
  readonly excludedBy: Rule | undefined;
  /** Set below a folder that was named to be in. */
  readonly includedBy: Rule | undefined;
}

/** The rules in force for the names in one folder. */
export class FolderRules {
  readonly #rules: Rules;
  readonly #state: FolderState;

  constructor(rules: Rules, state: FolderState) {
    this.#rules = rules;
    this.#state = state;
  }

  /** Whether the folder itself is left out, and looked through for exceptions only. */
  get isExcluded(): boolean {
    return this.#state.excludedBy !== undefined;
  }

  /** Adds the ignore files that lie in this folder. */
  withOwn(markers: FolderMarkers): FolderRules {
    const { path, git, modalignore, includedBy, excludedBy } = this.#state;
    const base = path === '' ? '' : `${path}/`;
    const folder = join(this.#rules.root, path);
    const file = `${base}.modalignore`;
    const isEnvironment = markers.virtualEnvironment && path !== '' && !includedBy;
    return new FolderRules(this.#rules, {
      path,
      git: withGitignore(git, folder, markers.gitignore),
      modalignore: markers.modalignore
        ? [...modalignore, { base, list: new PatternList(file, readText(join(folder, '.modalignore'))) }]
        : modalignore,
      includedBy,
      excludedBy: excludedBy ?? (isEnvironment ? isVirtualEnvironment : undefined),
    });
  }

  /** The rules of a folder in this one, which `judge` said to enter. */
  enter(name: string, markers: FolderMarkers): FolderRules {
    const { path, git, modalignore, includedBy } = this.#state;
    const below = path === '' ? name : `${path}/${name}`;
    const { rule } = this.judge(name, true);
    const own = markers.git ? openRepo(join(this.#rules.root, below)) : undefined;
    return new FolderRules(this.#rules, {
      path: below,
      // A repository inside of another has its own rules only.
      git: own ? { repo: own, prefix: '', files: [] } : { ...git, prefix: `${git.prefix}${name}/` },
      modalignore,
      includedBy: rule.kind === 'include' || (rule.kind === 'modalignore' && rule.included) ? rule : includedBy,
      excludedBy: rule.included ? undefined : rule,
    }).withOwn(markers);
  }

  /** Whether a name in this folder is synced, by which rule, and whether to look into it. */
  judge(name: string, isFolder: boolean): Verdict {
    const hard =
      ALWAYS_EXCLUDED.names.get(name) ??
      (name.includes(ALWAYS_EXCLUDED.temporary) ? ALWAYS_EXCLUDED.ownTemporary : undefined);
    if (hard) return this.#rules.verdict(hard, false, () => hard);
    const { include } = this.#rules;
    const path = this.#state.path === '' ? name : `${this.#state.path}/${name}`;
    const named = include.last(path, name, isFolder);
    const own = this.#ownPattern(path, name, isFolder);
    const credential = CREDENTIALS.last(path, name, isFolder);
    if (credential && !credential.negated) {
      const purpose = [named, own?.[0].negated ? own[0] : undefined].find(
        (pattern) => pattern && namesOnPurpose(pattern),
      );
      if (!purpose) return this.#excluded(credential, 'credential', '', path, isFolder);
    }
    if (named && !named.negated) return this.#taken(named, 'include', include.source, isFolder);
    const { includedBy } = this.#state;
    if (includedBy?.kind === 'include') return this.#rules.verdict(includedBy, isFolder, () => includedBy);
    if (own) {
      const kind = own[1] === this.#rules.exclude.source ? 'exclude' : 'modalignore';
      if (!own[0].negated) return this.#excluded(own[0], kind, own[1], path, isFolder);
      return this.#taken(own[0], 'modalignore', own[1], isFolder);
    }
    if (includedBy) return this.#rules.verdict(includedBy, isFolder, () => includedBy);
    return this.#byContent(path, name, isFolder);
  }

  /** What is left to the built-in list of bulk, and to git. */
  #byContent(path: string, name: string, isFolder: boolean): Verdict {
    const { git, excludedBy } = this.#state;
    const bulk = BULK.last(path, name, isFolder);
    const ignored = !bulk && !excludedBy ? lastGitPattern(git, name, isFolder) : undefined;
    const isIgnored = ignored && !ignored[0].negated;
    if (!bulk && !excludedBy && !isIgnored) return this.#rules.verdict(IN, isFolder, () => IN);
    const { tracked } = git.repo;
    const repoPath = git.prefix + name;
    if (isFolder ? tracked.hasBelow(repoPath) : tracked.has(repoPath)) {
      if (!isFolder) return this.#rules.verdict(TRACKED, false, () => TRACKED);
      const rule = bulk ? ruleOf(bulk, 'bulk', '') : (excludedBy ?? ruleOf(...(ignored as GitPattern)));
      return { rule, enter: true };
    }
    if (bulk) return this.#excluded(bulk, 'bulk', '', path, isFolder);
    if (excludedBy) return this.#rules.verdict(excludedBy, isFolder && this.#mayReturn(path), () => excludedBy);
    const [pattern, , source] = ignored as GitPattern;
    return this.#excluded(pattern, 'git', source, path, isFolder);
  }

  /** The deciding line of `sync.exclude` and `.modalignore`: the nearest file's first, the setting's last. */
  #ownPattern(path: string, name: string, isFolder: boolean): [Pattern, string] | undefined {
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

  #taken(pattern: Pattern, kind: RuleKind, source: string, isFolder: boolean): Verdict {
    return this.#rules.verdict(pattern, isFolder, () => ({ ...ruleOf(pattern, kind, source), included: true }));
  }

  #excluded(pattern: Pattern, kind: RuleKind, source: string, path: string, isFolder: boolean): Verdict {
    return this.#rules.verdict(pattern, isFolder && this.#mayReturn(path), () => ruleOf(pattern, kind, source));
  }

  /** Whether something below a folder that is left out may still be named to be in. */
  #mayReturn(folder: string): boolean {
    if (this.#rules.include.mayMatchBelow(folder, false)) return true;
    return this.#state.modalignore.some(({ base, list }) => list.mayMatchBelow(folder.slice(base.length), true));
  }
}

function ruleOf(pattern: Pattern, kind: RuleKind, source: string): Rule {
  const builtIn = source === '';
  return { kind, included: false, text: pattern.text, source, line: builtIn ? 0 : pattern.line };
}

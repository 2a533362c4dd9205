import { strings } from '../strings.ts';
import { type Pattern, PatternList } from './gitignore.ts';
import type { Rule, RuleKind } from './rule.ts';

/** The folder with the sync's own state in the sandbox. It is inside the synced folder so that snapshots include it. */
export const STATE_FOLDER = '.modal-sync';

/** The folder in a sandbox that a local folder is synced to. */
export const REMOTE_ROOT = '/workspace';

/** A rule that no file contains. Its text is looked up when it is read, after translations have been loaded. */
export function builtInRule(kind: RuleKind, included: boolean, textOf: () => string): Rule {
  return {
    kind,
    included,
    get text() {
      return textOf();
    },
    source: '',
    line: 0,
  };
}

const VERSION_CONTROL = builtInRule('hard', false, strings.versionControl);

/** Names that are never synced, regardless of settings. */
export const ALWAYS_EXCLUDED = {
  names: new Map<string, Rule>([
    ['.git', VERSION_CONTROL],
    ['.hg', VERSION_CONTROL],
    ['.svn', VERSION_CONTROL],
    ['.jj', VERSION_CONTROL],
    [STATE_FOLDER, builtInRule('hard', false, strings.ownState)],
  ]),
  /** Part of the names of files that are being pulled. */
  temporary: '.modal-pull-',
  ownTemporary: builtInRule('hard', false, strings.beingPulled),
  special: builtInRule('hard', false, strings.notSyncableKind),
} as const;

/** Files that look like credentials. They are sent only if a rule names them. Templates don't count. */
export const CREDENTIALS = new PatternList(
  '',
  `.env*
!.env.example
!.env.sample
!.env.template
*.pem
*.key
*.p12
*.pfx
*.keystore
*.jks
*.kdbx
*.ppk
id_rsa
id_dsa
id_ecdsa
id_ed25519
.netrc
_netrc
.pgpass
.pypirc
.npmrc
.git-credentials
.htpasswd
.modal.toml
.aws/
.ssh/
.gnupg/
.kube/
.azure/
**/.docker/config.json
**/.config/gcloud/
application_default_credentials.json
service-account*.json
service_account*.json`,
);

/** Returns true if a file looks like a credential, by its name or by the name of a folder that contains it. */
export function looksLikeCredential(path: string): boolean {
  const parts = path.split('/').filter(Boolean);
  return parts.some((name, at) => {
    const pattern = CREDENTIALS.last(parts.slice(0, at + 1).join('/'), name, at < parts.length - 1);
    return pattern !== undefined && !pattern.negated;
  });
}

/**
 * Returns the pattern by which everything in a folder is a credential: the folder, or one that contains it, is one such as
 * `.aws`. `subfolder` is its path in the workspace folder. Above that, only names that say nothing else count: a project
 * may well be in a folder such as `.envs`. All paths are real ones, with `/`.
 */
export function credentialFolder(path: string, subfolder: string): Pattern | undefined {
  const parts = path.split('/');
  const first = parts.length - subfolder.split('/').filter(Boolean).length;
  for (const [at, name] of parts.entries()) {
    const pattern = CREDENTIALS.last(parts.slice(0, at + 1).join('/'), name, true);
    if (pattern && !pattern.negated && (at >= first || pattern.folderOnly)) return pattern;
  }
  return undefined;
}

/** Files that programs can recreate. Tracked files don't count. */
export const BULK = new PatternList(
  '',
  `node_modules/
.venv/
__pycache__/
.mypy_cache/
.pytest_cache/
.ruff_cache/
.tox/
.nox/
.ipynb_checkpoints/
.terraform/
.gradle/`,
);

/** Files that editors and file managers leave behind. Folders with such names may be anything. */
export const TEMPORARY_FILES = new PatternList(
  '',
  `.DS_Store
Thumbs.db
desktop.ini
4913
*~
.*.sw[a-p]
.#*
\\#*#`,
);

const HARDLY_DATA = new Set([
  '__pycache__/',
  '.mypy_cache/',
  '.pytest_cache/',
  '.ruff_cache/',
  '.ipynb_checkpoints/',
  '.DS_Store',
  'Thumbs.db',
  'desktop.ini',
  '.*.sw[a-p]',
  '.#*',
]);

/** Returns true for a line of `BULK` or `TEMPORARY_FILES` that no one would miss. */
export function isHardlyData(line: string): boolean {
  return HARDLY_DATA.has(line);
}

/** A folder with a `pyvenv.cfg` is a Python environment for this computer, whatever its name. */
export const VIRTUAL_ENVIRONMENT = builtInRule('bulk', false, strings.virtualEnvironment);

/** The data of a Git repository, whatever its folder's name: its configuration may contain tokens. */
export const GIT_DATA = VERSION_CONTROL;

/** Returns true if a pattern names a file specifically: its last part isn't only wildcards. */
export function namesOnPurpose({ body, folderOnly }: Pattern): boolean {
  return !folderOnly && /[^*?]/.test(body.slice(body.lastIndexOf('/') + 1));
}

const RULE_FILES = new Set(['.gitignore', '.modalignore', '.git']);

/** Returns true if a change of this path can affect what is synced elsewhere. */
export function changesRules(path: string): boolean {
  return path.split('/').some((part) => RULE_FILES.has(part));
}

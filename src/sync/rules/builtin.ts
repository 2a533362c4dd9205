import { type Pattern, PatternList } from './gitignore.ts';
import type { Rule } from './rule.ts';

/** Where our own state lies in the sandbox, inside the synced folder so that snapshots carry it. */
export const STATE_FOLDER = '.modal-sync';

function hard(text: string): Rule {
  return { kind: 'hard', included: false, text, source: '', line: 0 };
}

const VERSION_CONTROL = hard('version control’s own data is never synced');

/** What is never synced, whatever the settings say. */
export const ALWAYS_EXCLUDED = {
  names: new Map<string, Rule>([
    ['.git', VERSION_CONTROL],
    ['.hg', VERSION_CONTROL],
    ['.svn', VERSION_CONTROL],
    ['.jj', VERSION_CONTROL],
    [STATE_FOLDER, hard('the sync’s own state')],
  ]),
  /** Part of the names that pulled files have until they are whole. */
  temporary: '.modal-pull-',
  ownTemporary: hard('a file that is being pulled'),
  special: hard('not a file, folder or link'),
} as const;

/** What looks like a credential: sent only when a rule names it. Templates for it hold none. */
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

/** Whether a file looks like a credential, by its own name or by that of a folder it is in. */
export function looksLikeCredential(path: string): boolean {
  const parts = path.split('/').filter(Boolean);
  return parts.some((name, at) => {
    const pattern = CREDENTIALS.last(parts.slice(0, at + 1).join('/'), name, at < parts.length - 1);
    return pattern !== undefined && !pattern.negated;
  });
}

/** What programs make again by themselves, and what editors write for a moment. Tracked files are not meant. */
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
.gradle/
.DS_Store
Thumbs.db
desktop.ini
4913
*~
.*.sw[a-p]
.#*
\\#*#`,
);

/** A folder with a `pyvenv.cfg` is a Python environment of this machine, whatever its name. */
export const isVirtualEnvironment: Rule = {
  kind: 'bulk',
  included: false,
  text: 'a Python environment (it has a pyvenv.cfg)',
  source: '',
  line: 0,
};

/** Whether a pattern names a file on purpose: its last part is more than wildcards. */
export function namesOnPurpose({ body, folderOnly }: Pattern): boolean {
  return !folderOnly && /[^*?]/.test(body.slice(body.lastIndexOf('/') + 1));
}

const RULE_FILES = new Set(['.gitignore', '.modalignore', '.git']);

/** Whether a change of this path can change what is synced elsewhere. */
export function changesRules(path: string): boolean {
  return path.split('/').some((part) => RULE_FILES.has(part));
}

/** The doctor's report: Markdown for an issue, without secrets and names. */
import type { ActionId } from '../base/errors.ts';
import { withoutSecrets } from '../base/secrets.ts';
import { cleanLine } from '../base/text.ts';
import type { Account } from '../modal/accounts.ts';
import type { Checked } from './examine.ts';
import type { Result } from './finding.ts';
import type { Sources } from './sources.ts';
import { strings } from './strings.ts';

const MARKS: Readonly<Record<Result, string>> = { passed: '✓', warning: '⚠', failed: '✗', skipped: '–' };

/** A line of the report below which the next steps are offered. */
export interface Place {
  /** Zero-based. */
  readonly line: number;
  readonly actions: readonly ActionId[];
}

export interface Report {
  readonly text: string;
  readonly places: readonly Place[];
  /** What has failed, and then what there is a warning about. */
  readonly problems: readonly Checked[];
}

/** Writes the report of an examination. `secrets` are replaced wherever they are. */
export function reportOf(
  checked: readonly Checked[],
  { clock, home }: Pick<Sources, 'clock' | 'home'>,
  secrets: readonly string[],
): Report {
  const problems = (['failed', 'warning'] as const).flatMap((wanted) =>
    checked.filter(({ result }) => result === wanted),
  );
  const lines = [
    `# ${strings.reportTitle()}`,
    '',
    strings.summary(new Date(clock.now()).toISOString().slice(0, 16).replace('T', ' '), problems.length),
  ];
  const places: Place[] = [];
  for (const { id, result, message, duration, actions } of checked) {
    lines.push('');
    if (result !== 'passed' && actions.length > 0) places.push({ line: lines.length, actions });
    lines.push(`## ${MARKS[result]} ${strings.check(id)}${duration === undefined ? '' : ` (${duration})`}`);
    lines.push('', concealed(cleanLine(message), secrets, home));
  }
  return { text: `${lines.join('\n')}\n`, places, problems };
}

function concealed(text: string, secrets: readonly string[], home: string): string {
  const known = secrets.reduce((result, secret) => result.replaceAll(secret, '…'), text);
  return withoutSecrets(home.length > 1 ? known.replaceAll(home, '~') : known);
}

/** A variable whose value isn't for others. */
const SECRET_NAME = /token|secret|password|passwd|credential|key|auth/i;
/** Shorter ones would take words away. */
const MIN_SECRET_CHARS = 6;

/** Returns the secrets that this computer knows. */
export function knownSecrets(account: Account | undefined, env: Sources['env'], proxy: URL | undefined): string[] {
  const { tokenId, tokenSecret, oauth, owner } = account ?? {};
  const ofEnvironment = Object.entries(env).map(([name, value]) => (SECRET_NAME.test(name) ? value : undefined));
  const ofProxy = [proxy?.password, proxy && decodeURIComponent(proxy.password), proxy?.username];
  const ofAccount = [tokenId, tokenSecret, ...Object.values(oauth ?? {}), owner?.user, owner?.workspace];
  return [...ofAccount, ...ofEnvironment, ...ofProxy]
    .filter((value): value is string => value !== undefined && value.length >= MIN_SECRET_CHARS)
    .sort((one, other) => other.length - one.length);
}

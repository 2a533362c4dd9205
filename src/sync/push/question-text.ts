import { basename } from 'node:path';
import { strings as formats } from '../../base/strings.ts';
import { cleanLine, formatBytes, visibleName } from '../../base/text.ts';
import type { Exclusion } from '../scan/scan.ts';
import { strings } from '../strings.ts';
import type { PreparedPush } from './prepared.ts';
import { MAX_NAMED, type SyncQuestion } from './questions.ts';

/** The texts of a question. */
export interface QuestionText {
  readonly message: string;
  readonly detail: string;
  /** The button that confirms. */
  readonly yes: string;
  /** The button that says no, if that has another effect than to cancel. */
  readonly no?: string;
}

/** Returns the texts that ask a sync's question. */
export function questionText(question: SyncQuestion): QuestionText {
  switch (question.kind) {
    case 'first-sync':
    case 'huge-sync': {
      const { puts, putBytes } = question.plan;
      const credentials = question.kind === 'first-sync' ? question.credentials : [];
      return {
        message: strings.confirmSync(formats.files(puts), formatBytes(putBytes)),
        detail: [...planLines(question.plan), ...credentialLines(credentials)].join('\n'),
        yes: strings.sync(),
      };
    }
    case 'credentials':
      return {
        message: strings.confirmCredentials(),
        detail: [...listed(question.paths), '', strings.credentialsExplanation()].join('\n'),
        yes: strings.send(),
        no: strings.dontSend(),
      };
    case 'huge-file':
      return {
        message: strings.confirmLargeFiles(),
        detail: question.files
          .map(({ path, bytes }) => strings.largeFileLine(visibleName(path), formatBytes(bytes)))
          .join('\n'),
        yes: strings.send(),
      };
    case 'mass-deletion':
      return {
        message: strings.confirmDeletions(question.deletes, question.syncedCount),
        detail: strings.deletionExamples(question.examples.slice(0, 5).map(visibleName).join(', ')),
        yes: strings.deleteInSandbox(),
      };
    case 'remote-changes':
      return {
        message: strings.confirmOverwrite(),
        detail: listed(question.paths).join('\n'),
        yes: strings.overwrite(),
      };
    case 'mirror':
      return {
        message: strings.confirmMirror(question.extras.length),
        detail: listed(question.extras).join('\n'),
        yes: strings.deleteInSandbox(),
      };
    case 'huge-pull':
      return {
        message: strings.confirmHugePull(formats.files(question.files), formatBytes(question.bytes)),
        detail: strings.hugePullDetail(),
        yes: strings.pullRest(),
      };
    case 'sensitive-pull':
      return {
        message: strings.confirmSensitivePull(),
        detail: listed(question.paths).join('\n'),
        yes: strings.pull(),
      };
  }
}

/** Lists what a push sends by folder, and what it excludes. */
function planLines({ folders, crowded, excluded, credentials }: PreparedPush): string[] {
  const others = excluded.filter(({ rule }) => rule.kind !== 'credential');
  return [
    ...folders
      .slice(0, 5)
      .map(({ path, files, bytes }) =>
        strings.folderLine(visibleName(path) || strings.thisFolder(), formats.files(files), formatBytes(bytes)),
      ),
    ...(crowded ? ['', strings.crowded(formats.files(crowded.files), visibleName(crowded.path))] : []),
    ...(others.length > 0 ? ['', strings.excluded(), ...others.slice(0, 6).map(exclusionLine)] : []),
    ...(credentials.length > 0
      ? ['', strings.credentialsNotSent(credentials.slice(0, 5).map(visibleName).join(', '))]
      : []),
  ];
}

function exclusionLine({ rule, count, examples }: Exclusion): string {
  const paths = examples.slice(0, 3).map(visibleName).join(', ');
  return strings.excludedLine(
    count > 3 ? strings.andMore(paths, count - 3) : paths,
    rule.source ? strings.ruleInFile(rule.text, basename(rule.source)) : rule.text,
  );
}

/** Names credentials that will be sent. */
function credentialLines(credentials: readonly string[]): string[] {
  return credentials.length === 0 ? [] : ['', strings.credentialsSent(), ...listed(credentials)];
}

function listed(paths: readonly string[]): string[] {
  const more = paths.length > MAX_NAMED ? [strings.andMoreFiles(paths.length - MAX_NAMED)] : [];
  return [...paths.slice(0, MAX_NAMED).map((path) => cleanLine(visibleName(path))), ...more];
}

import { QUESTION_KINDS } from '../service/question-kinds.ts';
import { COMMANDS } from './commands.ts';
import { strings } from './strings.ts';

/** Returns the list of all commands. */
export function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary()}`);
  return [strings.overviewUsage(), '', ...lines, '', strings.overviewEnd(), ''].join('\n');
}

/** Returns the help of a command. */
export function helpFor(name: string): string {
  const command = COMMANDS[name];
  if (!command) return overview();
  const { usage, summary, details, flags } = command;
  const rows = Object.entries(flags).map(([flag, { type, short }]) => {
    const text = strings.flags[flag as keyof typeof strings.flags];
    const value = type === 'string' ? ` ${strings.flagValues[flag as keyof typeof strings.flagValues] ?? 'VALUE'}` : '';
    return [`  ${short ? `-${short}, ` : '    '}--${flag}${value}`, text()] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, text]) => `${left.padEnd(width)}  ${text}`);
  return [
    strings.usage(usage),
    '',
    summary(),
    '',
    ...lines,
    '',
    strings.questionKinds(QUESTION_KINDS.join(', ')),
    ...(details ? ['', details()] : []),
    '',
  ].join('\n');
}

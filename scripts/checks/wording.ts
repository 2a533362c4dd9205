/**
 * Checks that no text reads as translated: phrases that a native writer would put differently, and British spelling.
 */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../paths.ts';

/** Each phrase with what to write instead. Only phrases that have no right use here. */
const PHRASES: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\banew\b/i, 'again, from scratch'],
  [/\ball the same\b/i, 'anyway'],
  [/\bin (?:the|its|their) places? of\b/i, 'instead of'],
  [/\bgo(?:es)? on (?:with|where|until|while|as)\b/i, 'continues, keeps running, resumes'],
  [/\bby (?:itself|themselves)\b/i, 'automatically, alone'],
  [/\bso many (?:minutes|hours|days|milliseconds|bytes|files|times)\b/i, 'this many'],
  [/\bis not there\b|\bare not there\b/i, "doesn't exist"],
  [/\bwhen absent\b/i, 'Defaults to …'],
  [/\bbeside\b/i, 'next to, in addition to'],
  [/\bwith all in it\b/i, 'and its contents'],
  [/\bfor good\b/i, 'permanently'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\b(?:somebody|nobody|whoever)\b/i, 'you, the user, no one'],
  [/\bother way round\b/i, 'vice versa'],
  [/\bas it stands\b/i, 'unchanged'],
  [/\bcarr(?:y|ies|ied) over\b/i, 'move to a new sandbox'],
  [/\b(?:left|leaves?|leaving) out\b/i, 'excluded, skipped, omit'],
  [/\bunfold(?:s|ed|ing)?\b/i, 'expand'],
  [/\btime-outs?\b/i, 'timeout'],
  [/\bthe local Modal\b/, 'Local Modal'],
  [/\b(?:of|on) this machine\b/i, 'on this computer, local'],
  [/\ba person\b/i, 'you, the user'],
  [/(?<![.'/])\bcancell(?:ed|ing)\b(?!['"]?\s*:)/, 'canceled, canceling'],
  [/\b(?:licence|colours?|behaviours?|favourites?|misspelt)\b/i, 'American spelling'],
];

const FILES = ['package.json', 'package.nls.json', '*.md', 'docs/**/*.md', '{src,local,scripts,bench}/**/*.{ts,md}'];

/** Lists the phrases itself. */
const EXEMPT = 'scripts/checks/wording.ts';

/** Returns one line for each phrase found. */
export async function wording(root = projectFolder): Promise<string[]> {
  const problems = await Promise.all(
    globSync(FILES, { cwd: root })
      .filter((path) => path !== EXEMPT)
      .sort()
      .map(async (path) => problemsIn(path, await readFile(join(root, path), 'utf8'))),
  );
  return problems.flat();
}

function problemsIn(path: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) =>
    PHRASES.flatMap(([pattern, instead]) => {
      const found = line.match(pattern)?.[0];
      return found === undefined ? [] : [`${path}:${index + 1}: “${found}” → ${instead}`];
    }),
  );
}

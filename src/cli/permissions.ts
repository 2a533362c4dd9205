import type { Context } from './context.ts';
import { table } from './output.ts';
import { strings } from './strings.ts';

/** `sandboxes permissions`: lists the user's answers about the folder and account, or forgets them. */
export async function permissions({ flags, output, service }: Context): Promise<number> {
  const opened = await service();
  if (flags.forget === true) {
    const count = await opened.forgetAnswers();
    output.result({ forgotten: count }, strings.forgotten(count));
    return 0;
  }
  const answers = await opened.answers();
  const rows = answers.map(({ allowed, text }) => [allowed ? strings.allowed() : strings.denied(), text]);
  output.result(answers, rows.length === 0 ? '' : table(rows));
  if (rows.length === 0) output.status(strings.noAnswers(opened.parts.root.name));
  return 0;
}

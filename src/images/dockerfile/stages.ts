import { ImageBuildError } from '../errors.ts';
import { type Instruction, refusal } from './parse.ts';
import { assignments, expand, splitWords, UnknownVariable } from './words.ts';

/** A stage of a Dockerfile: `FROM` and all that follows it. */
export interface Stage {
  readonly from: Instruction;
  /** A registry tag, or the stage that it goes on from. */
  readonly base: string | Stage;
  readonly name: string;
  /** With the `ONBUILD` triggers of the stage that it goes on from at the beginning. */
  readonly instructions: readonly Instruction[];
  /** `ARG`s before the first `FROM`, which a stage sees when it names them. */
  readonly globals: ReadonlyMap<string, string>;
}

/** Values that every build knows once an `ARG` names them; Modal runs on x86-64. */
const PLATFORM: Readonly<Record<string, string>> = Object.fromEntries(
  ['TARGET', 'BUILD'].flatMap((side) => [
    [`${side}PLATFORM`, 'linux/amd64'],
    [`${side}OS`, 'linux'],
    [`${side}ARCH`, 'amd64'],
    [`${side}VARIANT`, ''],
  ]),
);

/** The stages of a Dockerfile in their order. Throws `ImageBuildError` with the line. */
export function stagesOf(instructions: readonly Instruction[], buildArgs: Readonly<Record<string, string>>): Stage[] {
  const globals = new Map(Object.entries(PLATFORM));
  const lookup = (name: string) => globals.get(name);
  const stages: Stage[] = [];
  let body: Instruction[] = [];
  for (const each of instructions) {
    if (each.keyword === 'FROM') {
      body = [];
      stages.push(stageFrom(each, body, stages, globals));
    } else if (stages.length > 0) body.push(each);
    else if (each.keyword === 'ARG') {
      for (const [name, value] of assignments('ARG', each.text)) {
        const set = buildArgs[name] ?? (value === undefined ? undefined : atLine(each, () => expand(value, lookup)));
        if (set !== undefined) globals.set(name, set);
      }
    } else throw refusal(each, `${each.keyword} comes before the first FROM, where only ARG may.`);
  }
  return stages;
}

function stageFrom(
  from: Instruction,
  body: Instruction[],
  stages: readonly Stage[],
  globals: ReadonlyMap<string, string>,
): Stage {
  const [written = '', as, name = String(stages.length), ...rest] = splitWords(from.text);
  if ((as !== undefined && as.toUpperCase() !== 'AS') || rest.length > 0)
    throw refusal(from, 'FROM takes an image, and a name after AS.');
  const lookup = (variable: string) => globals.get(variable);
  const tag = atLine(from, () => expand(written, lookup));
  if (tag === '') throw refusal(from, `${written} has no value. Give it one with ARG before FROM, or in “buildArgs”.`);
  const platform = expand(from.flags.find(([flag]) => flag === 'platform')?.[1] ?? '', lookup);
  if (platform !== '' && !platform.startsWith('linux/amd64'))
    throw refusal(from, `Modal runs on linux/amd64 only, not on ${platform}.`);
  const base = stageNamed(tag, stages) ?? tag;
  const instructions = body;
  if (typeof base !== 'string') for (const { trigger } of base.instructions) if (trigger) instructions.push(trigger);
  return { from, base, name: name.toLowerCase(), instructions, globals };
}

/** The stage of a name, or of a number from 0. */
export function stageNamed(name: string, stages: readonly Stage[]): Stage | undefined {
  return (
    stages.find((stage) => stage.name === name.toLowerCase()) ?? (/^\d+$/.test(name) ? stages[Number(name)] : undefined)
  );
}

/** Runs `work`, whose errors about variables become refusals with a line. */
export function atLine<T>(instruction: Instruction, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnknownVariable)
      throw refusal(
        instruction,
        `${instruction.keyword} uses $${error.variable}, which only the base image could set. Set it with ENV or ARG, or write its value.`,
      );
    if (error instanceof ImageBuildError || !(error instanceof Error)) throw error;
    throw refusal(instruction, `${error.message}.`);
  }
}

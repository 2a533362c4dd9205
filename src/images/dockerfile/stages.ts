import { ImageBuildError } from '../errors.ts';
import { strings } from '../strings.ts';
import { type Instruction, refusal } from './parse.ts';
import { assignments, expand, splitWords, UnknownVariable } from './words.ts';

/** A stage of a Dockerfile: `FROM` and the instructions after it. */
export interface Stage {
  readonly from: Instruction;
  /** A registry tag, or the stage that it builds on. */
  readonly base: string | Stage;
  readonly name: string;
  /** They begin with the `ONBUILD` triggers of the stage that it builds on. */
  readonly instructions: readonly Instruction[];
  /** `ARG`s before the first `FROM`, which a stage must declare to use. */
  readonly globals: ReadonlyMap<string, string>;
}

/** Predefined variables that an `ARG` can declare. Modal runs on x86-64. */
const PLATFORM: Readonly<Record<string, string>> = Object.fromEntries(
  ['TARGET', 'BUILD'].flatMap((side) => [
    [`${side}PLATFORM`, 'linux/amd64'],
    [`${side}OS`, 'linux'],
    [`${side}ARCH`, 'amd64'],
    [`${side}VARIANT`, ''],
  ]),
);

/** Returns the stages of a Dockerfile in order. Throws `ImageBuildError` with the line. */
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
      for (const [name, value] of atLine(each, () => assignments('ARG', each.text))) {
        const set = buildArgs[name] ?? (value === undefined ? undefined : atLine(each, () => expand(value, lookup)));
        if (set !== undefined) globals.set(name, set);
      }
    } else throw refusal(each, strings.instructionBeforeFrom(each.keyword));
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
  if ((as !== undefined && as.toUpperCase() !== 'AS') || rest.length > 0) throw refusal(from, strings.fromSyntax());
  if (as !== undefined && !/^[a-z][a-z0-9_.-]*$/i.test(name)) throw refusal(from, strings.stageName(name));
  const lookup = (variable: string) => globals.get(variable);
  const tag = atLine(from, () => expand(written, lookup));
  if (tag === '') throw refusal(from, strings.fromUnset(written));
  const platform = expand(from.flags.find(([flag]) => flag === 'platform')?.[1] ?? '', lookup);
  if (platform !== '' && !platform.startsWith('linux/amd64'))
    throw refusal(from, strings.unsupportedPlatform(platform));
  const base = stageNamed(tag, stages) ?? tag;
  const instructions = body;
  if (typeof base !== 'string') for (const { trigger } of base.instructions) if (trigger) instructions.push(trigger);
  return { from, base, name: name.toLowerCase(), instructions, globals };
}

/** Returns the stage with a name, or with a number from 0. */
export function stageNamed(name: string, stages: readonly Stage[]): Stage | undefined {
  return (
    stages.find((stage) => stage.name === name.toLowerCase()) ?? (/^\d+$/.test(name) ? stages[Number(name)] : undefined)
  );
}

/** Runs `work`, and turns its errors into refusals with a line. */
export function atLine<T>(instruction: Instruction, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnknownVariable)
      throw refusal(instruction, strings.valueOfBaseImage(instruction.keyword, error.variable));
    if (error instanceof ImageBuildError || !(error instanceof Error)) throw error;
    throw refusal(instruction, error.message);
  }
}

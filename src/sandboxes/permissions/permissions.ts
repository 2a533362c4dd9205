import { readFile } from 'node:fs/promises';
import { DeclinedError, UserError } from '../../base/errors.ts';
import { Emitter, type Event } from '../../base/events.ts';
import { resolveInFolder } from '../../base/inside-folder.ts';
import type { Prices } from '../../modal/prices.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import { imageOf } from '../../profiles/schema.ts';
import { isWithinApproval } from '../../sync/push/consent.ts';
import {
  carryOverEffects,
  type Effect,
  envFileEffects,
  fileEffects,
  profileEffects,
  type SentFile,
  taskEffects,
} from './effects.ts';
import type { Answer, AnswerScope, PermissionStore } from './store.ts';
import { strings } from './strings.ts';

/** A folder's profile that is about to be used in an account. */
export interface PermissionRequest extends AnswerScope {
  readonly named: NamedProfile;
  readonly isLocal: boolean;
  readonly prices: Prices;
}

/** What asks for permission: a profile or a task of a folder. */
export interface Asker extends AnswerScope {
  readonly kind: 'profile' | 'task';
  readonly name: string;
}

/** Asks the user about effects that they haven't decided about. Resolves with undefined if they cancel. */
export type AskPermission = (asker: Asker, effects: readonly Effect[]) => Promise<boolean | undefined>;

export interface RequireOptions {
  /** Finds the files that the build and setup send. */
  files(): Promise<readonly SentFile[]>;
  /** False if a snapshot replaces the profile's image and setup. */
  readonly usesImage?: boolean;
  /** The user waits for this, so they can be asked. Otherwise, what they haven't allowed yet is refused. */
  readonly mayAsk: boolean;
}

/** What a question is about. */
export type Asked = Pick<Effect, 'key' | 'text' | 'bytes'>;

/** Something that was asked or that will be, and whether it is allowed. */
export type Reviewed = Asked & Pick<Answer, 'allowed'>;

/** A profile as it may be used. */
export interface Permitted {
  readonly named: NamedProfile;
  /** The files that look like credentials and that may be sent, relative to the workspace folder. */
  readonly credentials: ReadonlySet<string>;
}

/** Lets through what the user has allowed. */
export interface StartGate {
  /**
   * Returns a profile as it may be used, after asking about what is new. Throws `NotAllowedError` if something that it
   * needs isn't allowed, and `DeclinedError` if the user cancels.
   */
  require(request: PermissionRequest, options: RequireOptions): Promise<Permitted>;
}

/** The user hasn't allowed what a profile needs. Trying again doesn't help. */
export class NotAllowedError extends UserError {}

/** The number of effects in one question. Each is named, so more take another question. */
const MAX_ASKED = 12;

/** What the user allows a folder's profiles to cause: asked once, before the first effect, and remembered. */
export class Permissions implements StartGate {
  readonly #store: PermissionStore;
  readonly #ask: AskPermission;
  readonly #didAnswer = new Emitter<void>();
  /** Fires when an answer was remembered. */
  readonly onDidAnswer: Event<void> = this.#didAnswer.event;
  /** One question at a time, so that a second run waits for the answer that the first one gets. */
  #asking: Promise<unknown> = Promise.resolve();

  constructor(store: PermissionStore, ask: AskPermission) {
    this.#store = store;
    this.#ask = ask;
  }

  async require(request: PermissionRequest, { files, mayAsk, usesImage = true }: RequireOptions): Promise<Permitted> {
    const sent = await files();
    const used = usesImage ? request : { ...request, named: withoutImage(request.named) };
    const effects = [...(await effectsOf(used)), ...fileEffects(sent, request)];
    const asker = profileAsker(request);
    if (!mayAsk && (await this.#undecided(request, effects)).length > 0)
      throw new NotAllowedError(strings.notAllowedYet(asker.name));
    const answers = await this.#requireAnswers(asker, effects);
    return { named: reduced(request.named, answers), credentials: new Set(sent.map(({ path }) => path)) };
  }

  /** Asks what is new about a task that the user starts. Throws as `require` does. */
  async requireTask(scope: AnswerScope, task: string, variables: readonly string[]): Promise<void> {
    await this.#requireAnswers({ ...scope, kind: 'task', name: task }, taskEffects(variables));
  }

  /** Asks what is undecided. Resolves with all answers. */
  async #requireAnswers(asker: Asker, effects: readonly Effect[]): Promise<Map<string, Answer>> {
    if ((await this.#undecided(asker, effects)).length > 0) await this.#askInTurn(asker, effects);
    const answers = await this.#store.answers(asker);
    const refused = effects.filter((each) => each.neededFor === 'run' && !isAllowed(each, answers));
    if (refused.length === 0) return answers;
    const message = asker.kind === 'task' ? strings.taskRefused : strings.refused;
    throw new NotAllowedError(message(asker.name, refused.map(({ text }) => text).join('; ')));
  }

  /** Asks what is still undecided once earlier questions are answered. Throws `DeclinedError` if the user cancels. */
  #askInTurn(asker: Asker, effects: readonly Effect[]): Promise<void> {
    const turn = this.#asking.then(async () => {
      if (!(await this.#askAbout(asker, await this.#undecided(asker, effects))))
        throw new DeclinedError(strings.canceled());
    });
    this.#asking = turn.catch(() => {});
    return turn;
  }

  /** Asks about effects of a profile, and remembers the answers. If the user cancels, remembers nothing. */
  async askAbout(request: PermissionRequest, effects: readonly Effect[]): Promise<void> {
    await this.#askAbout(profileAsker(request), effects);
  }

  /** Resolves with false if the user cancels. */
  async #askAbout(asker: Asker, effects: readonly Effect[]): Promise<boolean> {
    const answered: [effects: readonly Effect[], isAllowed: boolean][] = [];
    for (let at = 0; at < effects.length; at += MAX_ASKED) {
      const part = effects.slice(at, at + MAX_ASKED);
      const isAllowed = await this.#ask(asker, part);
      if (isAllowed === undefined) return false;
      answered.push([part, isAllowed]);
    }
    for (const [part, isAllowed] of answered) await this.answer(asker, part, isAllowed);
    return true;
  }

  /** Returns true if sandboxes of the profile may be started while no one waits for them. */
  async allowsWarmUps(request: PermissionRequest): Promise<boolean> {
    const answers = await this.#store.answers(request);
    return (await effectsOf(request)).every((each) => isAllowed(each, answers));
  }

  /** Returns what a profile causes that the user hasn't decided about. `files` are those that it sends, if they matter. */
  async undecided(request: PermissionRequest, files: readonly SentFile[] = []): Promise<Effect[]> {
    return this.#undecided(request, [...(await effectsOf(request)), ...fileEffects(files, request)]);
  }

  /** Returns a profile without what the user has refused and a run can do without. */
  async applied({ named, ...scope }: AnswerScope & Pick<PermissionRequest, 'named'>): Promise<NamedProfile> {
    if (envFileEffects(named).length + carryOverEffects(named).length === 0) return named;
    return reduced(named, await this.#store.answers(scope));
  }

  /** Returns what a profile causes, decided or not, and all other answers for its folder and account. */
  async review(request: PermissionRequest): Promise<Reviewed[]> {
    const answers = await this.#store.answers(request);
    const current = (await effectsOf(request)).map((effect) => ({ ...effect, allowed: isAllowed(effect, answers) }));
    const known = new Set(current.map(({ key }) => key));
    return [...current, ...[...answers.values()].filter(({ key }) => !known.has(key))];
  }

  /** Returns the answers for a folder and account, by key. */
  answers(scope: AnswerScope): Promise<Map<string, Answer>> {
    return this.#store.answers(scope);
  }

  /** Remembers an answer that the user gave. */
  async answer(scope: AnswerScope, effects: readonly Asked[], isAllowed: boolean): Promise<void> {
    await this.#store.remember(
      scope,
      effects.map(({ key, text, bytes }) => ({ key, text, allowed: isAllowed, ...(bytes !== undefined && { bytes }) })),
    );
    this.#didAnswer.fire();
  }

  async #undecided(scope: AnswerScope, effects: readonly Effect[]): Promise<Effect[]> {
    if (effects.length === 0) return [];
    const answers = await this.#store.answers(scope);
    return effects.filter((effect) => !covers(answers.get(effect.key), effect));
  }
}

function profileAsker({ root, accountId, named: { name } }: PermissionRequest): Asker {
  return { root, accountId, kind: 'profile', name };
}

async function effectsOf({ root, named, ...context }: PermissionRequest): Promise<Effect[]> {
  const { dockerfile } = imageOf(named.profile);
  return profileEffects(named, {
    ...context,
    ...(dockerfile !== undefined && { dockerfile: await textOf(root, dockerfile) }),
  });
}

/** Reads a file that decides which question is asked; empty if it can't be read, as nothing is built from it then. */
async function textOf(root: string, path: string): Promise<string> {
  try {
    return await readFile(resolveInFolder(root, path), 'utf8');
  } catch {
    return '';
  }
}

/** Returns true if an answer, yes or no, is about the same and, for files, about a similar size. */
function covers(answer: Answer | undefined, { bytes }: Effect): answer is Answer {
  if (!answer) return false;
  return bytes === undefined || isWithinApproval(bytes, answer.bytes ?? 0);
}

function isAllowed(effect: Effect, answers: ReadonlyMap<string, Answer>): boolean {
  const answer = answers.get(effect.key);
  return covers(answer, effect) && answer.allowed;
}

/** Removes what the user has refused and a run can do without: the environment file, and moving to a new sandbox. */
function reduced(named: NamedProfile, answers: ReadonlyMap<string, Answer>): NamedProfile {
  const isRefused = ({ key }: Effect) => answers.get(key)?.allowed === false;
  const carryOver = named.profile.carryOver && !carryOverEffects(named).some(isRefused);
  if (!envFileEffects(named).some(isRefused)) return { ...named, profile: { ...named.profile, carryOver } };
  const { envFile, ...profile } = named.profile;
  return { ...named, profile: { ...profile, carryOver }, ...(envFile !== undefined && { refusedEnvFile: envFile }) };
}

function withoutImage(named: NamedProfile): NamedProfile {
  const { image: _, setup: __, ...profile } = named.profile;
  return { ...named, profile };
}

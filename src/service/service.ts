import { realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from 'modal';
import type { ExecuteResult, SandboxProvider, SpawnedCommand } from '../api/api.ts';
import { execute, spawn } from '../api/execute.ts';
import { type ApiServices, sandboxProvider } from '../api/sandbox-provider.ts';
import { DAY_MS } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { logError, setLog } from '../base/log.ts';
import { isSandboxGone } from '../modal/errors.ts';
import { useNetwork } from '../modal/network.ts';
import { listSandboxes, type SandboxSummary } from '../modal/sandbox-list.ts';
import { deleteImage } from '../modal/snapshots.ts';
import { hardwareOf } from '../profiles/hardware.ts';
import type { NamedProfile, Profiles } from '../profiles/profiles.ts';
import { idleTimeoutOf } from '../profiles/schema.ts';
import type { TerminalSize } from '../run/control.ts';
import type { RunRecords } from '../run/records/run-records.ts';
import type { RunOutput, RunRequest } from '../run/request.ts';
import { runRequest } from '../run/request.ts';
import { Run } from '../run/run.ts';
import type { Folder } from '../sandboxes/folder.ts';
import type { Answer, AnswerScope } from '../sandboxes/permissions/store.ts';
import { billing } from '../sandboxes/session.ts';
import { DEFAULT_TTL_MS } from '../snapshots/snapshots.ts';
import { takeOrDiscard } from '../snapshots/take.ts';
import type { PushOptions, PushResult } from '../sync/engine.ts';
import type { PullRequest, PullResult } from '../sync/pull/puller.ts';
import { defaultChoice } from './account.ts';
import { fileLog } from './file-log.ts';
import { createParts, type Parts } from './parts.ts';
import { Questions } from './questions.ts';
import { commandRequest, requestForFile } from './requests.ts';
import { readFolderSettings } from './settings.ts';
import { stateFolders } from './state-folders.ts';
import { strings } from './strings.ts';
import type { CommandOptions, Question, ServiceOptions, ServiceStatus } from './types.ts';

/** The longest time that a program waits at its end for what is done in the background. */
const SETTLE_MS = 3_000;
/** The image between a sandbox and its fork is needed only to start the fork. */
const FORK_TTL_MS = DAY_MS;

/** The options, and where this project is. */
export interface CreateOptions extends ServiceOptions {
  /** The folder with the bundles of this project. Defaults to where this code is. */
  readonly distFolder?: string;
}

/**
 * The product without a window, for one folder: the sandbox of the folder and a profile, which processes share and which
 * outlives them, and everything that runs in it. All methods throw errors that `explain` turns into messages for users.
 */
export class Service {
  readonly parts: Parts;
  readonly #questions: Questions;
  /** Any sandboxes, as in the API for extensions. */
  readonly sandboxes: SandboxProvider;

  /** The file with what went wrong, in full. */
  readonly logPath: string;

  constructor(parts: Parts, questions: Questions, logPath: string) {
    this.parts = parts;
    this.logPath = logPath;
    this.#questions = questions;
    const services: ApiServices = parts;
    this.sandboxes = sandboxProvider(
      services,
      () => {},
      () => parts.folder,
    );
  }

  /** The part of the folder that is synced. */
  get folder(): Folder {
    return this.parts.folder;
  }

  /** The records of runs without a window. */
  get records(): RunRecords {
    return this.parts.records;
  }

  /** The last question that no one could answer. */
  get unanswered(): Question | undefined {
    return this.#questions.unanswered;
  }

  /** Builds the request for a command line. `cwd` is a path on this computer or, outside the folder, ignored. */
  commandRequest(command: readonly string[], cwd: string = this.folder.path): RunRequest {
    return commandRequest({ folder: this.folder, profile: undefined }, command, cwd);
  }

  /** Builds the request for a file, with the command line that the editor runs it with. */
  fileRequest(file: string, args: readonly string[] = []): Promise<RunRequest> {
    const { folder, syncs, settings } = this.parts;
    return requestForFile({ folder, syncs, runners: settings.runners, profile: undefined }, file, args);
  }

  /** Starts a run whose output goes to a terminal or another receiver. */
  start(request: RunRequest, output: RunOutput, size?: TerminalSize): Run {
    return new Run(request, this.parts, output, size);
  }

  /** Runs a command in the folder's sandbox, which is synced first, to its end. Text is run by `sh`. */
  execute(command: string | readonly string[], options: CommandOptions = {}): Promise<ExecuteResult> {
    return execute(this.#requestFor(command, options), this.parts, options);
  }

  /** Starts a command like `execute`, without waiting for it. */
  spawn(command: string | readonly string[], options: CommandOptions = {}): SpawnedCommand {
    return spawn(this.#requestFor(command, options), this.parts, options);
  }

  #requestFor(command: string | readonly string[], options: CommandOptions): RunRequest {
    const { profile, cwd = '', env = {}, sandboxId, sync = sandboxId === undefined } = options;
    const [program, ...args] = typeof command === 'string' ? ['sh', '-c', command] : command;
    if (!program) throw new UserError(strings.commandEmpty());
    const label = typeof command === 'string' ? command : command.join(' ');
    const programs = [{ argv: [program] as const }];
    return runRequest({ folder: this.folder, label, programs, args, cwd, env, profile, sandboxId, sync, pty: false });
  }

  /** Sends the folder's changes to its sandbox, which is started if necessary. */
  async sync(options: Pick<PushOptions, 'signal' | 'onProgress'> = {}): Promise<PushResult> {
    const { sessions, syncs, ask } = this.parts;
    const session = await sessions.acquire(this.folder, undefined, options.signal);
    const consent = syncs.consent(this.folder, session);
    const push = () => syncs.of(this.folder).push(session.sandbox, { ...options, fresh: session.isNew, ask, consent });
    return push().catch(async (error) => {
      if (session.isNew || !isSandboxGone(error)) throw error;
      await sessions.drop(session);
      return this.sync(options);
    });
  }

  /** Brings files back from the folder's sandbox. */
  async pull(request: Omit<PullRequest, 'ask' | 'dirty'>): Promise<PullResult> {
    const { syncs, ask } = this.parts;
    return syncs.of(this.folder).pull(await this.requireSandbox(), { ...request, ask });
  }

  /** Lists the sandboxes of the account, and those that ended in the last `endedMs`. */
  async list(endedMs = 0): Promise<SandboxSummary[]> {
    const { client, app } = await this.parts.sessions.connection();
    const all = await listSandboxes(client, app, new Date(Date.now() - endedMs));
    return endedMs === 0 ? all.filter(({ state }) => state !== 'ended') : all;
  }

  /** Returns the running sandbox of the folder and profile; undefined if there is none. Starts nothing. */
  async sandbox(): Promise<Sandbox | undefined> {
    const { sessions, starter, folder } = this.parts;
    const connection = await sessions.connection();
    const named = await this.profile();
    const own = await sessions.sandboxOf(folder, named.name);
    const sandbox = own ?? (await starter.adopt(connection, folder, named));
    if (!sandbox) return undefined;
    const isRunning = await sandbox.poll().then(
      (exitCode) => exitCode === null,
      (error) => {
        if (isSandboxGone(error)) return false;
        throw error;
      },
    );
    if (isRunning) return sandbox;
    await sessions.noteEnd(sandbox.sandboxId, 'found');
    return undefined;
  }

  /** Returns a running sandbox: the one with this ID, or else the folder's. Throws `UserError` if there is none. */
  async requireSandbox(sandboxId?: string): Promise<Sandbox> {
    const sandbox = sandboxId === undefined ? await this.sandbox() : await this.parts.sessions.find(sandboxId);
    if (!sandbox) throw new UserError(strings.noSandbox(this.folder.name, (await this.profile()).name));
    return sandbox;
  }

  /** Takes a snapshot of a sandbox's files. Resolves with its ID. */
  async snapshot(
    name: string,
    { sandboxId, signal }: { sandboxId?: string | undefined; signal?: AbortSignal } = {},
  ): Promise<string> {
    const sandbox = await this.requireSandbox(sandboxId);
    return this.parts.snapshots.create(sandbox, { name, ttlMs: DEFAULT_TTL_MS, ...(signal && { signal }) });
  }

  /** Starts a second sandbox with the files of the first, which keeps running. Resolves with the second one's ID. */
  async fork({ sandboxId, signal }: { sandboxId?: string | undefined; signal?: AbortSignal } = {}): Promise<string> {
    const { sessions, folder } = this.parts;
    const sandbox = await this.requireSandbox(sandboxId);
    const named = await this.profile();
    const { client } = await sessions.connection();
    const imageId = await takeOrDiscard(client, sandbox, { ttlMs: FORK_TTL_MS, signal });
    try {
      const fork = await sessions.create(named, { folder, snapshot: { imageId }, signal });
      return fork.sandboxId;
    } catch (error) {
      await deleteImage(client, imageId).catch(logError);
      throw error;
    }
  }

  /** Terminates a sandbox: the one with this ID, or else the folder's. Resolves with its ID; undefined if none was running. */
  async terminate(sandboxId?: string): Promise<string | undefined> {
    const sandbox = sandboxId === undefined ? await this.sandbox() : await this.requireSandbox(sandboxId);
    if (!sandbox) return undefined;
    await this.parts.sessions.terminate(sandbox);
    return sandbox.sandboxId;
  }

  /** Returns the user's answers about the folder and account. */
  async answers(): Promise<Answer[]> {
    return [...(await this.parts.answers.answers(await this.#scope())).values()];
  }

  /** Forgets the answers about the folder and account, so that all is asked again. Resolves with their number. */
  async forgetAnswers(): Promise<number> {
    return this.parts.answers.forget(await this.#scope());
  }

  async #scope(): Promise<AnswerScope> {
    const { root, account } = this.parts;
    return { root: root.path, accountId: await account.id() };
  }

  /** Returns all profiles that the folder can use. */
  profiles(): Promise<Profiles> {
    return this.parts.profiles();
  }

  /** Returns the profile in use. */
  profile(): Promise<NamedProfile> {
    return this.parts.profile(this.folder);
  }

  /** Returns the estimated price of a profile in US dollars per hour; undefined if nothing is billed or it's unknown. */
  priceOf({ profile }: Pick<NamedProfile, 'profile'>): number | undefined {
    const { account, starter } = this.parts;
    return account.isLocal ? undefined : starter.prices.perHourUsd(hardwareOf(profile));
  }

  /** Describes the folder's sandbox and what was spent. Starts nothing but, if that is the account, Local Modal. */
  async status(): Promise<ServiceStatus> {
    const { root, account, sessions, starter, spend } = this.parts;
    const named = await this.profile();
    const sandbox = await this.sandbox();
    const connection = await sessions.connection();
    const { accountLabel, pricePerHourUsd } = billing(connection, named.profile);
    const times = sandbox && starter.timesOf(sandbox);
    return {
      folder: root.path,
      account: accountLabel,
      isLocal: account.isLocal,
      profile: named.name,
      sandbox: sandbox &&
        times && {
          sandboxId: sandbox.sandboxId,
          startedAt: times.startedAt,
          endsAt: times.startedAt + named.profile.timeoutMs,
          idleTimeoutMs: idleTimeoutOf(named.profile),
          ...(pricePerHourUsd !== undefined && { pricePerHourUsd }),
        },
      spentTodayUsd: await spend.usdToday(),
    };
  }

  /** Ends what this process does. Sandboxes keep running until their idle timeout. */
  async dispose(): Promise<void> {
    const { starter, syncs, records, machine, localModal, channels } = this.parts;
    await Promise.all([
      records.flush(),
      Promise.race([starter.kept?.settled(), sleep(SETTLE_MS, undefined, { ref: false })]),
    ]);
    starter.kept?.dispose();
    starter.endings?.dispose();
    channels.dispose();
    await syncs.dispose();
    await machine.leave();
    localModal.dispose();
  }
}

/** Creates the service of a folder. Makes no call. Throws `UserError` and `AccountError`. */
export async function createService(options: CreateOptions): Promise<Service> {
  const { profile, build = {}, folders = stateFolders(), onBuildLog } = options;
  const path = await realpath(options.folder).catch(() => options.folder);
  if (!(await stat(path).catch(() => undefined))?.isDirectory())
    throw new UserError(strings.folderMissing(options.folder));
  const settings = await readFolderSettings(path, folders.config);
  const account = options.account ?? (settings.settings.account || (await defaultChoice()));
  const questions = new Questions(options);
  const logPath = join(folders.state, 'sandboxes.log');
  setLog(fileLog(logPath));
  useNetwork({ proxy: '', noProxy: [], verify: true, systemCertificates: true });
  const parts = createParts({
    root: { name: basename(path), path },
    settings,
    stateFolder: folders.state,
    distFolder: options.distFolder ?? bundles(),
    account,
    profile,
    build,
    questions,
    ...(onBuildLog && { onBuildLog }),
  });
  await parts.machine.join();
  return new Service(parts, questions, logPath);
}

/** Returns the folder with the bundles, also when this code isn't bundled. */
function bundles(): string {
  const folder: string | undefined = typeof __dirname === 'string' ? __dirname : undefined;
  return folder ?? join(import.meta.dirname, '..', '..', 'dist');
}

import type { Image } from 'modal';
import * as vscode from 'vscode';
import { z } from 'zod';
import { UserError } from '../../base/errors.ts';
import { buildImage, ImageBuildError } from '../../images/build.ts';
import type { BuildContext, ImageStore } from '../../images/build-context.ts';
import type { ImageProfile } from '../../profiles/schema.ts';
import type { FinishImage } from '../../sandboxes/sandbox-spec.ts';
import type { Activity } from '../common/activity.ts';
import { BuildTerminal } from './build-terminal.ts';
import { ImageProblems } from './image-problems.ts';

/** A build that ends well sooner disturbs nobody. */
const PATIENCE_MS = 1500;
/** Images that are remembered on this machine. */
const MAX_KEPT = 100;
const KEPT_KEY = 'images';

/**
 * Builds images where the user sees it: a terminal with the log, a notification that can cancel, and what failed among the
 * problems. An image that is there already shows nothing of that.
 */
export class ImageBuilds implements vscode.Disposable {
  readonly #store: ImageStore;
  readonly #problems = new ImageProblems();
  /** The terminal of the last build; the next one takes its place. */
  #terminal: BuildTerminal | undefined;

  readonly #activity: Activity;

  constructor(state: vscode.Memento, activity: Activity) {
    this.#activity = activity;
    this.#store = storeIn(state);
  }

  dispose(): void {
    this.#problems.dispose();
    this.#terminal?.dispose();
  }

  /** As `buildImage` of the images. */
  async build(profile: ImageProfile, context: BuildContext, finish?: FinishImage): Promise<Image> {
    const ended = Promise.withResolvers<void>();
    const shown = new ShownBuild(context.signal, {
      onFirstWord: () => void this.#activity.showWhile('Building the image…', ended.promise),
      openTerminal: () => this.#newTerminal(() => shown.cancel()),
    });
    try {
      const watch = {
        signal: shown.signal,
        onLog: (text: string) => shown.log(text),
        onProgress: (step: { index: number; count: number; title: string }) => shown.progress(step),
      };
      const image = await buildImage(profile, { store: this.#store, ...context, ...watch });
      const built = finish ? await finish(image, watch) : image;
      this.#problems.clear(context.folderPath);
      shown.end('The image is built', true);
      return built;
    } catch (error) {
      if (error instanceof ImageBuildError) {
        this.#problems.clear(context.folderPath);
        await this.#problems.show(error, profile, context.folderPath);
      }
      const why = error instanceof UserError ? error.message : 'The build has ended without an image';
      shown.end(shown.signal.aborted ? 'The build was cancelled' : why, false);
      throw error;
    } finally {
      ended.resolve();
    }
  }

  #newTerminal(cancel: () => void): BuildTerminal {
    if (this.#terminal?.isDone) this.#terminal.dispose();
    this.#terminal = new BuildTerminal('Modal: Build Image', cancel);
    return this.#terminal;
  }
}

interface ShownBuildOptions {
  /** There is something to build. */
  readonly onFirstWord: () => void;
  readonly openTerminal: () => BuildTerminal;
}

/** What is seen of one build that takes its time, or fails: a terminal with its log from the beginning. */
class ShownBuild {
  readonly #cancel = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #options: ShownBuildOptions;
  readonly #timer = setTimeout(() => this.#notify(), PATIENCE_MS);
  /** What was in front before; it comes back when all went well. */
  #before: vscode.Terminal | undefined;
  #terminal: BuildTerminal | undefined;
  #hasBegun = false;
  /** What no terminal shows yet. */
  #log = '';
  #notification: vscode.Progress<{ message: string; increment: number }> | undefined;
  #isNotified = false;
  #step = { index: 0, count: 0, title: '' };
  #reported = 0;
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal | undefined, options: ShownBuildOptions) {
    this.signal = signal ? AbortSignal.any([signal, this.#cancel.signal]) : this.#cancel.signal;
    this.#options = options;
  }

  cancel(): void {
    this.#cancel.abort();
  }

  log(text: string): void {
    if (!this.#hasBegun) this.#options.onFirstWord();
    this.#hasBegun = true;
    this.#log += text;
    if (this.#isNotified) this.#reveal();
  }

  progress(step: { index: number; count: number; title: string }): void {
    this.#step = step;
    const { index, count, title } = step;
    const done = ((index - 1) / count) * 100;
    this.#notification?.report({ message: `${index}/${count} ${title}`, increment: done - this.#reported });
    if (this.#notification) this.#reported = done;
  }

  end(line: string, isFine: boolean): void {
    clearTimeout(this.#timer);
    this.#ended.resolve();
    if (!isFine && !this.signal.aborted) this.#reveal();
    this.#terminal?.end(line, isFine);
    if (isFine) this.#before?.show(true);
  }

  /** Shows what the log has not shown yet. A build that said nothing has no terminal. */
  #reveal(): void {
    if (this.#log === '') return;
    if (!this.#terminal) {
      this.#before = vscode.window.activeTerminal;
      this.#terminal = this.#options.openTerminal();
      this.#terminal.show();
    }
    this.#terminal.log(this.#log);
    this.#log = '';
  }

  #notify(): void {
    this.#isNotified = true;
    this.#reveal();
    const options = { location: vscode.ProgressLocation.Notification, title: 'Building the image', cancellable: true };
    void vscode.window.withProgress(options, (progress, token) => {
      token.onCancellationRequested(() => this.cancel());
      this.#notification = progress;
      if (this.#step.count > 0) this.progress(this.#step);
      return this.#ended.promise;
    });
  }
}

const KeptSchema = z
  .record(z.string(), z.object({ imageId: z.string(), usableUntilMs: z.number().optional() }))
  .catch({});

/** Images kept with VS Code's own state of the machine; the oldest are forgotten. */
function storeIn(state: vscode.Memento): ImageStore {
  const all = () => KeptSchema.parse(state.get(KEPT_KEY, {}));
  return {
    get: (key) => all()[key],
    set: (key, image) => {
      const others = Object.entries(all()).filter(([other]) => other !== key);
      const kept = image === undefined ? others : [...others, [key, image] as const];
      void state.update(KEPT_KEY, Object.fromEntries(kept.slice(-MAX_KEPT)));
    },
  };
}

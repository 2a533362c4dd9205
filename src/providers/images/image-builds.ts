import type { Image } from 'modal';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { buildImage, ImageBuildError } from '../../images/build.ts';
import type { BuildContext, ImageStore } from '../../images/build-context.ts';
import { StoredImages } from '../../images/stored-images.ts';
import type { ImageProfile } from '../../profiles/schema.ts';
import type { FinishImage } from '../../sandboxes/sandbox-spec.ts';
import type { Activity } from '../common/activity.ts';
import { window } from '../common/window.ts';
import { BuildTerminal } from './build-terminal.ts';
import { ImageProblems } from './image-problems.ts';
import { strings } from './strings.ts';

/** A build that succeeds sooner isn't shown. */
const SHOW_AFTER_MS = 1500;
const IMAGES_KEY = 'images';

/**
 * Builds images, with a terminal for the log, a notification that can cancel the build, and an entry in the Problems view if
 * it fails. Shows nothing for an image that exists already.
 */
export class ImageBuilds implements vscode.Disposable {
  readonly #store: ImageStore;
  readonly #problems = new ImageProblems();
  /** The terminal of the last build; the next one replaces it. */
  #terminal: BuildTerminal | undefined;

  readonly #activity: Activity;

  constructor(state: vscode.Memento, activity: Activity) {
    this.#activity = activity;
    this.#store = new StoredImages({
      read: () => state.get(IMAGES_KEY),
      write: (images) => void state.update(IMAGES_KEY, images),
    });
  }

  dispose(): void {
    this.#problems.dispose();
    this.#terminal?.dispose();
  }

  /** Builds an image like `buildImage`, and finishes it. Throws the same errors. */
  async build(profile: ImageProfile, context: BuildContext, finish?: FinishImage): Promise<Image> {
    const ended = Promise.withResolvers<void>();
    const shown = new ShownBuild(context.signal, {
      onStart: () => void this.#activity.showWhile(strings.buildingInStatusBar(), ended.promise),
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
      shown.end(strings.built(), true);
      return built;
    } catch (error) {
      if (error instanceof ImageBuildError) {
        this.#problems.clear(context.folderPath);
        await this.#problems.show(error, profile, context.folderPath);
      }
      const reason = error instanceof UserError ? error.message : strings.buildFailed();
      shown.end(shown.signal.aborted ? strings.buildCanceled() : reason, false);
      throw error;
    } finally {
      ended.resolve();
    }
  }

  #newTerminal(cancel: () => void): BuildTerminal {
    if (this.#terminal?.isDone) this.#terminal.dispose();
    this.#terminal = new BuildTerminal(strings.buildTerminal(), cancel);
    return this.#terminal;
  }
}

interface ShownBuildOptions {
  /** Called when the build logs its first text, so the image isn't an existing one. */
  readonly onStart: () => void;
  readonly openTerminal: () => BuildTerminal;
}

/** Shows one build once it takes long or fails: a terminal with its complete log, and a notification. */
class ShownBuild {
  readonly #cancel = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #options: ShownBuildOptions;
  readonly #timer = setTimeout(() => this.#notify(), SHOW_AFTER_MS);
  #terminal: BuildTerminal | undefined;
  #hasStarted = false;
  /** The part of the log that isn't in the terminal yet. */
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
    if (!this.#hasStarted) this.#options.onStart();
    this.#hasStarted = true;
    this.#log += text;
    if (this.#isNotified) this.#reveal();
  }

  progress(step: { index: number; count: number; title: string }): void {
    this.#step = step;
    const { index, count, title } = step;
    const done = ((index - 1) / count) * 100;
    this.#notification?.report({ message: strings.step(index, count, title), increment: done - this.#reported });
    if (this.#notification) this.#reported = done;
  }

  end(line: string, isSuccess: boolean): void {
    clearTimeout(this.#timer);
    this.#ended.resolve();
    if (!isSuccess && !this.signal.aborted) this.#reveal();
    this.#terminal?.end(line, isSuccess);
    if (isSuccess) void this.#terminal?.showPrevious();
  }

  /** Writes the rest of the log to the terminal. A build without a log has no terminal. */
  #reveal(): void {
    if (this.#log === '') return;
    if (!this.#terminal) {
      this.#terminal = this.#options.openTerminal();
      this.#terminal.show();
    }
    this.#terminal.log(this.#log);
    this.#log = '';
  }

  #notify(): void {
    this.#isNotified = true;
    this.#reveal();
    const options = { location: vscode.ProgressLocation.Notification, title: strings.building(), cancellable: true };
    void window.withProgress(options, (progress, token) => {
      token.onCancellationRequested(() => this.cancel());
      this.#notification = progress;
      if (this.#step.count > 0) this.progress(this.#step);
      return this.#ended.promise;
    });
  }
}

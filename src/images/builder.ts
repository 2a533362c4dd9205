import { buildLayer, ephemeralSecret, LayerError } from '../modal/images.ts';
import type { ImageProfile } from '../profiles/schema.ts';
import type { BuildContext, BuiltImage } from './build-context.ts';
import { copyInto } from './copy-step.ts';
import { ImageBuildError, lookUp, placeName } from './errors.ts';
import { shortened } from './lines.ts';
import type { Chain, Place, Recipe, Step } from './recipe.ts';
import { strings } from './strings.ts';

/** The number of lines from the end of a log that an error quotes. */
const MAX_LOG_LINES = 20;
/** The maximum length of Modal's message in an error. */
const MAX_REASON_CHARS = 160;

/** One build, from the base to the last layer, including the stages it needs. */
export class Build {
  readonly #image: ImageProfile;
  readonly #recipe: Recipe;
  readonly #context: BuildContext;
  readonly #count: number;
  readonly #stages = new Map<Chain, Promise<string>>();
  /** Headings and notes that aren't logged yet. */
  readonly #headings: string[];
  #index = 0;
  /** The time when the first of the copied layers expires. */
  #usableUntilMs: number | undefined;
  #secretIds: Promise<string[]> | undefined;

  constructor(image: ImageProfile, recipe: Recipe, context: BuildContext) {
    this.#image = image;
    this.#recipe = recipe;
    this.#context = context;
    this.#count = countSteps(recipe, new Set());
    this.#headings = recipe.notes.map((note) => `${note}\n`);
  }

  async run(): Promise<BuiltImage> {
    const image = await this.#context.client.images.fromId(await this.#chain(this.#recipe));
    return { image, usableUntilMs: this.#usableUntilMs };
  }

  async #chain({ base, basePlace, steps }: Chain): Promise<string> {
    let imageId = await this.#base(base, basePlace);
    for (const step of steps) imageId = await this.#step(step, imageId);
    return imageId;
  }

  /** Builds a stage once, however many steps use it. */
  #stage(chain: Chain): Promise<string> {
    const building = this.#stages.get(chain) ?? this.#chain(chain);
    this.#stages.set(chain, building);
    return building;
  }

  async #base(base: Chain['base'], place: Place): Promise<string> {
    const { client, app } = this.#context;
    switch (base.kind) {
      case 'stage':
        return this.#stage(base.stage);
      case 'registry': {
        this.#begin(base.tag);
        const registry = base.secret && {
          kind: base.secret.kind,
          secretId: await lookUp(base.secret.name, { key: 'registrySecret' }, async (name) => {
            return (await client.secrets.fromName(name, { environment: app.environmentName })).secretId;
          }),
        };
        // An entrypoint would replace the sandbox's own, which waits for commands.
        return this.#layer(base.tag, place, { base: { tag: base.tag, registry }, commands: ['ENTRYPOINT []'] });
      }
      case 'name':
        this.#begin(base.name);
        return lookUp(base.name, place, async (name) => (await client.images.fromName(name)).imageId);
      case 'snapshot':
        this.#begin(base.id);
        return lookUp(base.id, place, async (id) => (await client.images.fromId(id)).imageId);
    }
  }

  async #step(step: Step, imageId: string): Promise<string> {
    // Stages that files are copied from are built first.
    if (step.kind === 'copy') for (const { from } of step.copies) if ('stage' in from) await this.#stage(from.stage);
    this.#begin(step.title);
    if (step.kind === 'run') {
      const secretIds = step.secrets ? await this.#secrets() : [];
      return this.#layer(step.title, step.place, { base: { imageId }, commands: step.commands, secretIds });
    }
    const { client, app, signal, force = false } = this.#context;
    const copied = await copyInto(step, imageId, {
      client,
      app,
      signal,
      force,
      onLog: (text) => this.#log(text),
      stage: (chain) => this.#stage(chain),
      layer: ({ title, place }, base, commands) => this.#layer(title, place, { base: { imageId: base }, commands }),
    });
    this.#usableUntilMs = Math.min(this.#usableUntilMs ?? copied.usableUntilMs, copied.usableUntilMs);
    return copied.imageId;
  }

  #begin(title: string): void {
    const { signal, onProgress } = this.#context;
    signal?.throwIfAborted();
    this.#index += 1;
    onProgress?.({ index: this.#index, count: this.#count, title });
    this.#headings.push(`==> ${this.#index}/${this.#count} ${title}\n`);
  }

  /** Logs a text along with pending headings. Headings of layers that Modal already has are thus never logged alone. */
  #log(text: string): void {
    this.#context.onLog?.(`${this.#headings.splice(0).join('')}${text}`);
  }

  async #layer(title: string, place: Place, request: Parameters<typeof buildLayer>[2]): Promise<string> {
    const { client, app, signal, force } = this.#context;
    const lastLines = new LastLines(MAX_LOG_LINES);
    const onLog = (text: string) => {
      lastLines.add(text);
      this.#log(text);
    };
    try {
      return await buildLayer(client, app, { ...request, ...(force && { force }) }, { signal, onLog });
    } catch (error) {
      if (!(error instanceof LayerError)) throw error;
      const said = lastLines.lines.findLast((line) => TELLING.test(line)) ?? error.message.split('\n')[0] ?? '';
      const reason = shortened(said.trim().replace(/\.$/, ''), MAX_REASON_CHARS);
      throw new ImageBuildError(strings.layerFailed(title, placeName(place), reason), {
        title,
        place,
        log: lastLines.lines,
        cause: error,
      });
    }
  }

  /** Returns the build secrets as one Modal secret, created for the first layer that needs it. */
  #secrets(): Promise<string[]> {
    this.#secretIds ??= this.#createSecret();
    return this.#secretIds;
  }

  async #createSecret(): Promise<string[]> {
    const { client, app, variables } = this.#context;
    const names = this.#image.buildSecrets;
    if (names.length === 0) return [];
    const missing = names.findIndex((name) => variables[name] === undefined);
    if (missing >= 0)
      throw new ImageBuildError(strings.buildSecretUnset(names[missing] ?? ''), {
        title: 'build secrets',
        place: { key: 'buildSecrets', index: missing },
      });
    const values = Object.fromEntries(names.map((name) => [name, variables[name] ?? '']));
    return [await ephemeralSecret(client, app, values)];
  }
}

/** A line of a log in which pip, uv, apt, or npm says why it failed, which is seldom the last one. */
const TELLING = /^\s*(?:ERROR|error|E|npm (?:error|ERR!)):? (?!.*(?:A complete log|can be found in))|^\s*×/;

/** Counts the steps and bases of a chain and of the stages it needs, each once. */
function countSteps(chain: Chain, counted: Set<Chain>): number {
  if (counted.has(chain)) return 0;
  counted.add(chain);
  const used = chain.steps.flatMap((step) =>
    step.kind === 'copy' ? step.copies.flatMap(({ from }) => ('stage' in from ? [from.stage] : [])) : [],
  );
  const base = chain.base.kind === 'stage' ? countSteps(chain.base.stage, counted) : 1;
  return used.reduce((sum, stage) => sum + countSteps(stage, counted), base + chain.steps.length);
}

/** Keeps the last lines of a text that arrives in pieces. */
class LastLines {
  readonly #limit: number;
  #text = '';

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(text: string): void {
    this.#text = `${this.#text}${text}`
      .split('\n')
      .slice(-this.#limit - 1)
      .join('\n');
  }

  get lines(): string[] {
    return this.#text
      .replace(/\n$/, '')
      .split('\n')
      .filter((line) => line !== '');
  }
}

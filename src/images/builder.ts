import { buildLayer, ephemeralSecret, LayerError } from '../modal/images.ts';
import type { ImageProfile } from '../profiles/schema.ts';
import type { BuildContext, BuiltImage } from './build-context.ts';
import { copyInto } from './copy-step.ts';
import { ImageBuildError, lookUp, placeName } from './errors.ts';
import { shortened } from './lines.ts';
import type { Chain, Place, Recipe, Step } from './recipe.ts';

/** The last lines of a log that an error carries. */
const LOG_LINES = 20;
/** Characters of what Modal says that go into a sentence. */
const REASON_LENGTH = 160;

/** One build, from the base to the last layer, with the stages that it needs. */
export class Build {
  readonly #image: ImageProfile;
  readonly #recipe: Recipe;
  readonly #context: BuildContext;
  readonly #count: number;
  readonly #stages = new Map<Chain, Promise<string>>();
  /** Of the log, not said yet. */
  readonly #headings: string[];
  #index = 0;
  /** The first of the copied layers to go. */
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

  /** A stage is built once, however many use it. */
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
        // An entrypoint would run in place of the sandbox's own, which waits for commands.
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
    // Stages that a copy takes from are built before it begins.
    if (step.kind === 'copy') for (const { from } of step.copies) if ('stage' in from) await this.#stage(from.stage);
    this.#begin(step.title);
    if (step.kind === 'run') {
      const secretIds = step.secrets ? await this.#secrets() : [];
      return this.#layer(step.title, step.place, { base: { imageId }, commands: step.commands, secretIds });
    }
    const { client, app, signal, force = false } = this.#context;
    const made = await copyInto(step, imageId, {
      client,
      app,
      signal,
      force,
      onLog: (text) => this.#log(text),
      stage: (chain) => this.#stage(chain),
      layer: ({ title, place }, base, commands) => this.#layer(title, place, { base: { imageId: base }, commands }),
    });
    this.#usableUntilMs = Math.min(this.#usableUntilMs ?? made.usableUntilMs, made.usableUntilMs);
    return made.imageId;
  }

  #begin(title: string): void {
    const { signal, onProgress } = this.#context;
    signal?.throwIfAborted();
    this.#index += 1;
    onProgress?.({ index: this.#index, count: this.#count, title });
    this.#headings.push(`==> ${this.#index}/${this.#count} ${title}\n`);
  }

  /** Headings wait for what is below them: of layers that Modal has already, the log says nothing. */
  #log(text: string): void {
    this.#context.onLog?.(`${this.#headings.splice(0).join('')}${text}`);
  }

  async #layer(title: string, place: Place, request: Parameters<typeof buildLayer>[2]): Promise<string> {
    const { client, app, signal, force } = this.#context;
    const tail = new Tail(LOG_LINES);
    const onLog = (text: string) => {
      tail.add(text);
      this.#log(text);
    };
    try {
      return await buildLayer(client, app, { ...request, ...(force && { force }) }, { signal, onLog });
    } catch (error) {
      if (!(error instanceof LayerError)) throw error;
      const why = shortened(error.message.split('\n')[0]?.replace(/\.$/, '') ?? '', REASON_LENGTH);
      const message = `The image could not be built: “${title}” (${placeName(place)}) failed: ${why}.`;
      throw new ImageBuildError(message, { title, place, log: tail.lines, cause: error });
    }
  }

  /** The build secrets as one secret of Modal's, made at the first layer that needs it. */
  #secrets(): Promise<string[]> {
    this.#secretIds ??= this.#makeSecret();
    return this.#secretIds;
  }

  async #makeSecret(): Promise<string[]> {
    const { client, app, variables } = this.#context;
    const names = this.#image.buildSecrets;
    if (names.length === 0) return [];
    const missing = names.findIndex((name) => variables[name] === undefined);
    if (missing >= 0)
      throw new ImageBuildError(
        `image.buildSecrets names ${names[missing]}, which has no value. Set it on this machine or in the profile’s envFile.`,
        { title: 'build secrets', place: { key: 'buildSecrets', index: missing } },
      );
    const values = Object.fromEntries(names.map((name) => [name, variables[name] ?? '']));
    return [await ephemeralSecret(client, app, values)];
  }
}

/** Steps and bases of a chain and of the stages that it needs, each counted once. */
function countSteps(chain: Chain, counted: Set<Chain>): number {
  if (counted.has(chain)) return 0;
  counted.add(chain);
  const used = chain.steps.flatMap((step) =>
    step.kind === 'copy' ? step.copies.flatMap(({ from }) => ('stage' in from ? [from.stage] : [])) : [],
  );
  const base = chain.base.kind === 'stage' ? countSteps(chain.base.stage, counted) : 1;
  return used.reduce((sum, stage) => sum + countSteps(stage, counted), base + chain.steps.length);
}

/** The last lines of a text that comes in pieces. */
class Tail {
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

/** Something that must be released: a listener, a timer, a registration. */
export interface Disposable {
  dispose(): void;
}

/** Subscribes a listener. Has the shape of VS Code's `Event`, so that either side can listen to the other's events. */
export type Event<T> = (listener: (event: T) => unknown) => Disposable;

/** The source of an event. Listeners run in the order in which they subscribed; one that throws doesn't stop the others. */
export class Emitter<T> implements Disposable {
  readonly #listeners = new Set<{ readonly call: (event: T) => unknown }>();

  readonly event: Event<T> = (listener) => {
    const entry = { call: listener };
    this.#listeners.add(entry);
    return { dispose: () => void this.#listeners.delete(entry) };
  };

  /** Calls every listener. Throws the first listener's error after all have been called. */
  fire(event: T): void {
    const errors: unknown[] = [];
    for (const { call } of [...this.#listeners]) {
      try {
        call(event);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  dispose(): void {
    this.#listeners.clear();
  }
}

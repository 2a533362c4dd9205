/// <reference lib="dom" />
/**
 * Waits until elements of a page show something. A page is drawn some time after the event that changes it, so tests read
 * it only with these functions, which a lint rule (scripts/checks/one-shot-reads.grit) enforces.
 */
import type { Locator, Page } from 'playwright-core';
import { waitFor } from './wait-for.ts';

export const stepTimeoutMs = 40_000;

/** Waits until `holds` accepts the texts of the elements, and returns them. */
export function waitForTexts(
  what: string,
  elements: Locator,
  holds: (texts: readonly string[]) => boolean,
  timeoutMs = stepTimeoutMs,
): Promise<string[]> {
  const read = () => whileLoaded(elements.allTextContents());
  return waitFor(what, timeoutMs, read, holds);
}

/** Waits until one of the elements has a text that matches, and returns that text. */
export async function waitForText(elements: Locator, pattern: RegExp, timeoutMs = stepTimeoutMs): Promise<string> {
  const matches = (text: string) => pattern.test(text);
  const texts = await waitForTexts(`a text like ${pattern}`, elements, (all) => all.some(matches), timeoutMs);
  return texts.find(matches) ?? '';
}

/** Waits until there are `count` elements. */
export async function waitForCount(what: string, elements: Locator, count: number): Promise<void> {
  await waitForTexts(`${count} ${what}`, elements, ({ length }) => length === count);
}

/** Waits until one of the elements has an attribute that matches, and returns its value. */
export async function waitForAttribute(
  elements: Locator,
  name: string,
  pattern: RegExp,
  timeoutMs = stepTimeoutMs,
): Promise<string> {
  const read = () =>
    whileLoaded(elements.evaluateAll((all, attribute) => all.map((each) => each.getAttribute(attribute) ?? ''), name));
  const matches = (value: string) => pattern.test(value);
  const values = await waitFor(`a ${name} like ${pattern}`, timeoutMs, read, (all) => all.some(matches));
  return values.find(matches) ?? '';
}

/** Waits until `holds` accepts the text color of the last element. Color values are 0 to 255. */
export async function waitForTextColor(
  what: string,
  elements: Locator,
  holds: (red: number, green: number, blue: number) => boolean,
): Promise<void> {
  const read = () => whileLoaded(elements.evaluateAll((all) => all.map((each) => getComputedStyle(each).color)));
  await waitFor(what, stepTimeoutMs, read, (colors) => {
    const [red, green, blue] = (/(\d+), (\d+), (\d+)/.exec(colors.at(-1) ?? '') ?? []).slice(1).map(Number);
    return red !== undefined && green !== undefined && blue !== undefined && holds(red, green, blue);
  });
}

/** Waits until VS Code's image preview, which is in a separate frame, shows an image of this width in pixels. */
export async function waitForPicture(page: Page, width: number): Promise<void> {
  const widthsIn = (images: Element[]) => images.map((image) => (image as HTMLImageElement).naturalWidth);
  const read = async () => {
    const widths = page.frames().map((frame) => whileLoaded(frame.locator('img').evaluateAll(widthsIn)));
    return (await Promise.all(widths)).flat();
  };
  await waitFor(`a picture of ${width} pixels`, stepTimeoutMs, read, (widths) => widths.includes(width));
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Waits until the first element, or a text in it, has stopped moving, and returns its position. */
export async function waitForStillBox(elements: Locator, text = ''): Promise<Box> {
  const seen: (Box | undefined)[] = [];
  const read = async () => {
    const [box] = await whileLoaded(elements.evaluateAll(boxes, text));
    seen.push(box);
    return seen.slice(-stillReads);
  };
  const isStill = (last: (Box | undefined)[]) =>
    last.length === stillReads && last[0] !== undefined && new Set(last.map((box) => JSON.stringify(box))).size === 1;
  const [box] = await waitFor('an element that has stopped moving', stepTimeoutMs, read, isStill);
  return box as Box;
}

/** Returns the positions of elements, or of a text in each. Runs in the page. */
function boxes(elements: Element[], text: string): Box[] {
  return elements.flatMap((element) => {
    let place: Element | Range = element;
    if (text) {
      const range = document.createRange();
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      let start = element.textContent?.indexOf(text) ?? -1;
      let node = walker.nextNode();
      for (; node?.textContent && start >= node.textContent.length; node = walker.nextNode())
        start -= node.textContent.length;
      if (start < 0 || !node?.textContent) return [];
      range.setStart(node, start);
      range.setEnd(node, Math.min(start + text.length, node.textContent.length));
      place = range;
    }
    const { x, y, width, height } = place.getBoundingClientRect();
    return width > 0 && height > 0 ? [{ x, y, width, height }] : [];
  });
}

/** The number of equal reads in a row, 100 ms apart, after which something counts as still. */
const stillReads = 4;

/** Waits until the first element is visible. Returns false after the timeout. */
export function comesIntoSight(elements: Locator, timeoutMs: number): Promise<boolean> {
  const first = elements.first();
  return first.waitFor({ timeout: timeoutMs }).then(
    () => true,
    () => false,
  );
}

/** Returns what is read from a page, or nothing while the page is reloading. */
function whileLoaded<T>(reading: Promise<T[]>): Promise<T[]> {
  return reading.catch((error: Error) => {
    if (/Execution context was destroyed|navigation|Frame was detached/.test(error.message)) return [];
    throw error;
  });
}

/** Counts the presses of mouse buttons in a page from now on. Returns a function that reads the count. */
export async function countClicks(page: Page): Promise<() => Promise<number>> {
  let count = 0;
  const name = 'countClick';
  await page.exposeFunction(name, () => {
    count += 1;
  });
  await page.evaluate((each) => {
    const counter = (window as unknown as Record<string, () => void>)[each];
    window.addEventListener('mousedown', () => counter?.(), true);
  }, name);
  // A call from the page arrives before the answer to a later question to it.
  return () => page.evaluate(() => {}).then(() => count);
}

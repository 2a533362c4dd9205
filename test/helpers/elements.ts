/// <reference lib="dom" />
/**
 * Waits for what elements of a page show. A page draws later than whatever made it draw, so tests read it only through
 * these, and a lint rule (scripts/checks/one-shot-reads.grit) holds them to it.
 */
import type { Locator, Page } from 'playwright-core';
import { waitFor } from './wait-for.ts';

export const stepTimeoutMs = 40_000;

/** Waits until the texts of the elements are as wanted, and returns them. */
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

/** Waits until there are so many of the elements. */
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

/** Waits until the text of the last of the elements is painted in a color (0 to 255 each) that is as wanted. */
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

/** Waits until VS Code's own preview shows an image of this many pixels' width: it is an element of a frame in the editor. */
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

/** Waits until the first of the elements, or a text in it, has stayed where it is for a while, and returns where. */
export async function waitForStillBox(elements: Locator, text = ''): Promise<Box> {
  const seen: (Box | undefined)[] = [];
  const read = async () => {
    const [box] = await whileLoaded(elements.evaluateAll(boxes, text));
    seen.push(box);
    return seen.slice(-stillReads);
  };
  const isStill = (last: (Box | undefined)[]) =>
    last.length === stillReads && last[0] !== undefined && new Set(last.map((box) => JSON.stringify(box))).size === 1;
  const [box] = await waitFor('an element that stays where it is', stepTimeoutMs, read, isStill);
  return box as Box;
}

/** Runs in the page: where elements are, or where a text begins in each. */
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

/** How many reads in succession, a tenth of a second apart, have to agree before something counts as still. */
const stillReads = 4;

/** Returns whether the first of the elements comes into sight within a time. */
export function comesIntoSight(elements: Locator, timeoutMs: number): Promise<boolean> {
  const first = elements.first();
  return first.waitFor({ timeout: timeoutMs }).then(
    () => true,
    () => false,
  );
}

/** What is read of a page; nothing while the page is being loaded anew. */
function whileLoaded<T>(reading: Promise<T[]>): Promise<T[]> {
  return reading.catch((error: Error) => {
    if (/Execution context was destroyed|navigation|Frame was detached/.test(error.message)) return [];
    throw error;
  });
}

import assert from 'node:assert/strict';
import { ANY_BUT_SLASH, ANY_CHAR, ANY_FOLDERS, compileGlob, type GlobNode, literal } from '../../../src/base/glob.ts';
import { pick, random } from '../sync/temporary.ts';

const ANY: GlobNode = { kind: 'many', set: ANY_BUT_SLASH };
const ONE: GlobNode = { kind: 'one', set: ANY_BUT_SLASH };
const EVERYTHING: GlobNode = { kind: 'many', set: ANY_CHAR };
const letters = (text: string) => [...text].map(literal);

/** The same pattern as an expression of JavaScript, which may take exponential time. */
function expression(parts: readonly (readonly GlobNode[])[]): RegExp {
  const sources = parts.map((part) => {
    if (part === ANY_FOLDERS) return '(?:.*/)?';
    return part
      .map((node) => {
        if (node === ANY) return '[^/]*';
        if (node === ONE) return '[^/]';
        if (node === EVERYTHING) return '.*';
        return node.kind === 'one' ? String.fromCodePoint(node.set.ranges[0]?.[0] ?? 0) : '';
      })
      .join('');
  });
  return new RegExp(`^${sources.join('')}$`, 'su');
}

describe('compileGlob', () => {
  it('agrees with regular expressions on 2,000 generated patterns', () => {
    const next = random(7);
    const pieces = [[ANY], [ONE], [EVERYTHING], ANY_FOLDERS, letters('a'), letters('b/'), letters('ab'), letters('😀')];
    for (let round = 0; round < 2000; round += 1) {
      const parts = Array.from({ length: 1 + Math.floor(next() * 6) }, () => pick(next, pieces));
      const text = Array.from({ length: Math.floor(next() * 8) }, () => pick(next, ['a', 'b', '/', 'ab', '😀'])).join(
        '',
      );
      const matches = compileGlob(parts.flat());
      assert.equal(matches(text), expression(parts).test(text), `${expression(parts)} and ${text}`);
    }
  });

  it('matches in time proportional to the lengths of pattern and text', () => {
    let compared = 0;
    const set = {
      negated: true,
      get ranges() {
        compared += 1;
        return [];
      },
    };
    const stars = 12;
    const nodes = Array.from({ length: stars }, (): GlobNode[] => [{ kind: 'many', set }, literal('a')]).flat();
    const text = 'a'.repeat(2_000);
    assert.equal(compileGlob([...nodes, literal('b'), ANY])(text), false);
    assert.ok(compared <= (stars + 1) * text.length, `${compared} comparisons`);
  });
});

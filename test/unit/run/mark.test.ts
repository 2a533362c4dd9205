import assert from 'node:assert/strict';
import { MarkReader } from '../../../src/run/selection/mark.ts';

describe('MarkReader', () => {
  it('removes marks, however they are split, and reports them after the text before them', () => {
    for (const chunks of [['a\u001b]7770;id;3;0\u0007b'], [...'a\u001b]7770;id;3;0\u0007b']]) {
      let text = '';
      const reader = new MarkReader('id', (number, status) => (text += `<${number} ${status}>`));
      for (const chunk of chunks) reader.feed(chunk, (part) => (text += part));
      assert.equal(text + reader.end(), 'a<3 0>b');
    }
  });

  it("doesn't hold back a mark that never ends", () => {
    const written: string[] = [];
    const reader = new MarkReader('id', () => assert.fail('There is no mark.'));
    reader.feed('\u001b]7770;id;', (part) => written.push(part));
    for (let count = 0; count < 1000; count += 1) reader.feed('x'.repeat(1000), (part) => written.push(part));
    assert.equal(written.join(''), 'x'.repeat(1_000_000));
    assert.equal(reader.end(), '');
  });
});

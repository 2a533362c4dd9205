import assert from 'node:assert/strict';
import { nameList } from '../../../src/views/common/name-list.ts';
import { rowSelection } from '../../../src/views/common/row-selection.ts';

interface Row {
  readonly name: string;
}

describe('rowSelection', () => {
  const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
  const detail = { detail: 'has no commands' };
  const isRow = (row: object): row is Row => 'name' in row;
  const { one, all } = rowSelection({ selection: [detail, a, b] }, isRow);
  const nameOne = one(({ name }) => name);
  const nameAll = all((rows) => rows.map(({ name }) => name).join());

  it('runs a command on the row that it was invoked on', () => {
    assert.equal(nameOne(c), 'c');
    assert.equal(nameAll(c, [c]), 'c');
  });

  it('runs a command on all selected rows if it was invoked on one of them', () => {
    assert.equal(nameAll(b, [a, b, detail]), 'a,b');
  });

  it("runs a command only on the row that it was invoked on if that row isn't selected", () => {
    assert.equal(nameAll(c), 'c');
  });

  it('runs a command on the selection of the view if a key invoked it', () => {
    assert.equal(nameOne(), 'a');
    assert.equal(nameAll(), 'a,b');
  });

  it('runs no command if no row is selected', () => {
    const empty = rowSelection({ selection: [detail] }, isRow);
    const fails = () => assert.fail('There is no row to run it on.');
    empty.one(fails)();
    empty.all(fails)();
  });
});

describe('nameList', () => {
  it('lists at most three names', () => {
    assert.equal(nameList(['a', 'b', 'c']), '“a”, “b”, “c”');
    assert.equal(nameList(['a', 'b', 'c', 'd', 'e']), '“a”, “b”, “c” and 2 more');
  });
});

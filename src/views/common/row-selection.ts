/** The arguments of a row command: the row it was invoked on, and all selected rows. A keybinding gives neither. */
export interface RowSelection<Row> {
  /** A command for one row: the one it was invoked on, or the first one that is selected. */
  one(action: (row: Row) => unknown): (row?: Row) => unknown;
  /** A command for all selected rows, or for the row it was invoked on if that isn't among them. */
  all(action: (rows: readonly Row[]) => unknown): (row?: Row, rows?: readonly object[]) => unknown;
}

/** Chooses the rows that the commands of a view act on. `isRow` accepts the rows that have commands. */
export function rowSelection<Row extends object>(
  view: { readonly selection: readonly object[] },
  isRow: (row: object) => row is Row,
): RowSelection<Row> {
  const chosen = (row?: Row, rows: readonly object[] = view.selection): Row[] => {
    const selected = rows.filter(isRow);
    return row && !selected.includes(row) ? [row] : selected;
  };
  return {
    one: (action) => (row) => {
      const target = row ?? chosen()[0];
      return target && action(target);
    },
    all: (action) => (row, rows) => {
      const targets = chosen(row, rows);
      return targets.length > 0 && action(targets);
    },
  };
}

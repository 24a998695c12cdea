import { reshape } from '../arithmetic.ts';
import { fixed, GraphError, type Value } from '../graph.ts';

/**
 * A row of the table for each index. An index outside of the table fails the run.
 *
 * @param indices int64 [batch, steps]
 * @param table [n, d]
 * @returns [batch, steps, d]
 */
export function embedding(indices: Value, table: Value): Value {
  if (indices.type !== 'int64') throw new GraphError(`expected int64 indices, ${indices.name} is ${indices.type}`);
  const width = fixed(table.shape[1]);
  const rows = 'rows';
  const flat = (dy: Value) => reshape(dy, [rows, width]);
  const positions = () =>
    table.graph.emit('Reshape', [indices, table.graph.integers([-1, 1])], { shape: [rows, 1], type: 'int64' });
  return table.graph.emit('Gather', [table, indices], {
    shape: [...indices.shape, width],
    attributes: { axis: { int: 0 } },
    gradients: [(dy) => addRows(table, positions(), flat(dy))],
  });
}

/** Zeros of the table's shape, to whose rows `positions` [rows, 1] the rows of `values` are added. */
function addRows(table: Value, positions: Value, values: Value): Value {
  const { graph, shape } = table;
  const zeros = graph.emit('Expand', [graph.scalar(0), graph.integers(shape.map(fixed))], { shape });
  return graph.emit('ScatterND', [zeros, positions, values], { shape, attributes: { reduction: { text: 'add' } } });
}

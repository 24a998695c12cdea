import { reshape } from '../arithmetic.ts';
import { fixed, GraphError, type Value } from '../graph.ts';
import { reshapeIndices, scatterAdd } from './scatter.ts';

/**
 * A row of the table for each index. A negative index counts from the end; one outside of the table fails the run.
 *
 * @param indices int64 [batch, steps]
 * @param table [n, d]
 * @returns [batch, steps, d]
 */
export function embedding(indices: Value, table: Value): Value {
  if (indices.type !== 'int64') throw new GraphError(`expected int64 indices, ${indices.name} is ${indices.type}`);
  const width = fixed(table.shape[1]);
  return table.graph.emit('Gather', [table, indices], {
    shape: [...indices.shape, width],
    attributes: { axis: { int: 0 } },
    gradients: [(dy) => addRows(table, indices, dy)],
  });
}

/** The rows of `values` [batch, steps, d], added to zeros of the table's shape. */
function addRows({ graph, shape }: Value, indices: Value, values: Value): Value {
  const width = fixed(shape[1]);
  const zeros = graph.emit('Expand', [graph.scalar(0), graph.integers(shape.map(fixed))], { shape });
  const column = reshapeIndices(indices, ['rows', 1]);
  const wide = graph.emit('Expand', [column, graph.integers([1, width])], { shape: ['rows', width], type: 'int64' });
  return scatterAdd(zeros, wide, reshape(values, ['rows', width]));
}

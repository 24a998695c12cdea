import { GraphError, type Operation, type Value } from './graph.ts';

/**
 * Adds the nodes that compute the gradient of a scalar with respect to each of `wrt`, by reverse accumulation.
 *
 * @returns the gradients, of the shapes of `wrt`
 * @throws GraphError if the loss isn't a scalar or doesn't depend on one of `wrt`
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  const { graph } = loss;
  if (loss.shape.length > 0) throw new GraphError(`expected a scalar loss, got shape [${loss.shape.join()}]`);
  const operations = [...graph.operations];
  const dependent = dependents(operations, wrt);
  const found = new Map<Value, Value>([[loss, graph.scalar(1)]]);
  for (const { inputs, outputs, rules } of operations.reverse()) {
    const upstreams = outputs.map((output) => found.get(output));
    if (upstreams.every((upstream) => upstream === undefined)) continue;
    for (const [index, input] of inputs.entries()) {
      const rule = rules[index];
      if (rule === undefined || !dependent.has(input)) continue;
      const gradient = rule(upstreams);
      assertSameShape(gradient, input);
      const earlier = found.get(input);
      found.set(input, earlier === undefined ? gradient : accumulate(earlier, gradient));
    }
  }
  return wrt.map((value) => {
    const gradient = found.get(value);
    if (gradient === undefined) throw new GraphError(`the loss doesn't depend on ${value.name}`);
    return gradient;
  });
}

/** The values that depend on `wrt`; the others need no gradient. */
function dependents(operations: readonly Operation[], wrt: readonly Value[]): ReadonlySet<Value> {
  const dependent = new Set(wrt);
  for (const { inputs, outputs, rules } of operations) {
    if (!inputs.some((input, index) => rules[index] !== undefined && dependent.has(input))) continue;
    for (const output of outputs) dependent.add(output);
  }
  return dependent;
}

function accumulate(a: Value, b: Value): Value {
  return a.graph.emit('Add', [a, b], { shape: a.shape });
}

function assertSameShape(gradient: Value, value: Value): void {
  if (gradient.shape.join() === value.shape.join()) return;
  throw new GraphError(`gradient [${gradient.shape.join()}] for ${value.name} [${value.shape.join()}]`);
}

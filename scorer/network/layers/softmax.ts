import { exp } from '../activations.ts';
import { mul, neg, sub } from '../arithmetic.ts';
import { fixed, GraphError, type Value } from '../graph.ts';
import { sumLast } from '../reductions.ts';
import { unsqueeze } from '../shaping.ts';

/** Shares that sum to 1 along the last axis. */
export function softmax(x: Value): Value {
  const y: Value = x.graph.emit('Softmax', [x], {
    shape: x.shape,
    attributes: { axis: { int: -1 } },
    gradients: [(dy) => mul(y, sub(dy, keptSum(mul(dy, y))))],
  });
  return y;
}

/** The logarithm of `softmax`; finite even if a share is too small for a float32. */
export function logSoftmax(x: Value): Value {
  const y: Value = x.graph.emit('LogSoftmax', [x], {
    shape: x.shape,
    attributes: { axis: { int: -1 } },
    gradients: [(dy) => sub(dy, mul(exp(y), keptSum(dy)))],
  });
  return y;
}

/**
 * The cross-entropy of each row's true class, [batch]; its `mean` is PyTorch's default.
 *
 * @param logits [batch, classes]
 * @param labels the class as int64 [batch], or shares (one-hot) [batch, classes]
 */
export function softmaxCrossEntropy(logits: Value, labels: Value): Value {
  const [batch, classes] = logits.shape;
  const expected = labels.type === 'int64' ? [batch] : [batch, classes];
  if (labels.shape.join() !== expected.join()) {
    throw new GraphError(`${labels.name} has shape [${labels.shape.join()}], expected [${expected.join()}]`);
  }
  const shares = labels.type === 'int64' ? oneHot(labels, fixed(classes)) : labels;
  return neg(sumLast(mul(shares, logSoftmax(logits))));
}

/** int64 [batch] -> [batch, classes], 1 at the index and 0 elsewhere. */
export function oneHot(indices: Value, classes: number): Value {
  const { graph } = indices;
  const offOn = graph.constant('off_on', Float32Array.of(0, 1), [2]);
  return graph.emit('OneHot', [indices, graph.integers([classes]), offOn], {
    shape: [...indices.shape, classes],
    attributes: { axis: { int: -1 } },
  });
}

function keptSum(x: Value): Value {
  return unsqueeze(sumLast(x), x.shape.length - 1);
}

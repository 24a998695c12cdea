/** A service's scores with labels of its faults. */
export interface LabelledScores {
  readonly scores: ArrayLike<number>;
  /** 1 during a fault, else 0; as long as `scores`. */
  readonly labels: ArrayLike<number>;
}

interface Labelled {
  readonly score: number;
  readonly label: number;
  /** Index of the fault whose label, buffer included, covers this point; else -1. */
  readonly event: number;
}

/**
 * Volume under the surface of precision and recall (Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin, "Volume
 * Under the Surface", PVLDB 15(11), 2022): the area under the precision-recall curve, averaged over buffers around
 * the faults of 0 to `maxBuffer` steps. In a buffer of length l, labels decay as sqrt(1 - distance / l) up to l/2 steps
 * away, and recall is multiplied by the share of the faults with any detected point. There is no point adjustment.
 * Missing scores are ignored. NaN if no fault was scored.
 */
export function vusPr(series: readonly LabelledScores[], maxBuffer: number): number {
  let sum = 0;
  for (let buffer = 0; buffer <= maxBuffer; buffer++) sum += rangePrArea(series, buffer);
  return sum / (maxBuffer + 1);
}

/** The area under the precision-recall curve for one buffer length, steps. */
export function rangePrArea(series: readonly LabelledScores[], buffer: number): number {
  let events = 0;
  const points = series.flatMap(({ scores, labels }) => {
    const soft = softLabels(labels, buffer);
    const own: Labelled[] = [];
    for (let index = 0; index < labels.length; index++) {
      const label = soft[index] ?? 0;
      if (label > 0 && (index === 0 || soft[index - 1] === 0)) events++;
      const score = scores[index] ?? NaN;
      if (Number.isFinite(score)) own.push({ score, label, event: label > 0 ? events - 1 : -1 });
    }
    return own;
  });
  points.sort((a, b) => b.score - a.score);
  const hard = series.reduce((sum, { labels }) => sum + Array.from(labels).filter((label) => label > 0).length, 0);
  const softSum = points.reduce((sum, { label }) => sum + label, 0);
  // The mean of both sums, so that the buffer makes recall neither trivial nor unreachable.
  return events === 0 || softSum === 0 ? NaN : prArea(points, (hard + softSum) / 2, events);
}

/** Labels in 0..1 that decay within half a buffer around each run of ones. */
export function softLabels(labels: ArrayLike<number>, buffer: number): Float64Array {
  const soft = Float64Array.from(labels);
  const half = Math.floor(buffer / 2);
  for (let index = 0; index < labels.length; index++) {
    if (labels[index] !== 1) continue;
    for (let away = 1; away <= half; away++) {
      const label = Math.sqrt(1 - away / buffer);
      for (const at of [index - away, index + away]) {
        if (at >= 0 && at < soft.length) soft[at] = Math.max(soft[at] ?? 0, label);
      }
    }
  }
  return soft;
}

/** The area under the curve of `points`, in order of descending scores; equal scores are one point of the curve. */
function prArea(points: readonly Labelled[], positives: number, events: number): number {
  const touched = new Set<number>();
  let [truePositives, area, recallBefore] = [0, 0, 0];
  for (const [index, point] of points.entries()) {
    truePositives += point.label;
    if (point.event >= 0) touched.add(point.event);
    if (points[index + 1]?.score === point.score) continue;
    const recall = Math.min(1, truePositives / positives) * (touched.size / events);
    area += (recall - recallBefore) * (truePositives / (index + 1));
    recallBefore = recall;
  }
  return area;
}

import { InferenceSession } from 'onnxruntime-node';
import type { Graph } from './graph.ts';
import { encodeModel } from './onnx.ts';

// onnxruntime would keep an id of this machine below the home directory, and send events to its makers. It reads this when
// the first session opens.
process.env['ORT_DISABLE_TELEMETRY'] = '1';

/**
 * Options for low CPU and memory use: threads sleep between runs instead of spinning, and the arena has no memory
 * patterns, which would hold memory for each batch size. Over 1,000 runs of 1,000 windows in batches of 64, the arena's
 * peak was 15 MB below that of plain malloc, whose heap fragments. The arena never shrinks, so batches must be bounded.
 */
export function sessionOptions(threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableCpuMemArena: true,
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

/** Compiles a graph. The caller has to release the session. */
export function openGraph(graph: Graph, name: string, threads = 1): Promise<InferenceSession> {
  return InferenceSession.create(encodeModel(graph.toModel(name)), sessionOptions(threads));
}

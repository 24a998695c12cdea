import type { Case } from '../case.ts';
import { NODE_PACKAGES, pathOf, PYTHON_PACKAGES } from '../tools.ts';
import { ask, serve } from './programs.ts';

const WORK_MS = 50;

function grpcCase(name: string, options: object, workMs = WORK_MS): Case {
  return {
    name: `${name}, grpcio`,
    protocol: 'gRPC',
    needs: [PYTHON_PACKAGES],
    expected: 'exact',
    workMs,
    async serve(stage) {
      const python = pathOf(PYTHON_PACKAGES);
      await serve(stage.server, 'grpc-server.py', { workMs: WORK_MS }, python);
    },
    ask(stage) {
      const python = pathOf(PYTHON_PACKAGES);
      return ask(stage, 'grpc-client.py', options, python);
    },
  };
}

export const GRPC: readonly Case[] = [
  grpcCase('8 calls, one a second', { method: 'Ask', calls: 8, idleMs: 1000 - WORK_MS }),
  grpcCase('50 calls by ten threads on one channel', { method: 'Ask', calls: 5, threads: 10 }),
  grpcCase('8 calls that fail, 0.2 s apart', { method: 'Fail', calls: 8, idleMs: 200 }),
  grpcCase('3 streams of 5 messages', { method: 'Stream', calls: 3 }),
  grpcCase('6 calls of 200 KB, 0.5 s apart', { method: 'Ask', calls: 6, idleMs: 500, bytes: 200_000 }),
  {
    name: '40 calls, ten at a time on one channel, @grpc/grpc-js and grpcio',
    protocol: 'gRPC',
    needs: [PYTHON_PACKAGES, NODE_PACKAGES],
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.server, 'grpc-server.py', { workMs: WORK_MS }, pathOf(PYTHON_PACKAGES));
    },
    ask(stage) {
      return ask(stage, 'grpc-client.mjs', { calls: 4, parallel: 10, packages: pathOf(NODE_PACKAGES) });
    },
  },
];

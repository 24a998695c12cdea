import type { Case } from '../case.ts';
import { GRPC } from './grpc.ts';
import { HTTP } from './http.ts';
import { HTTP2 } from './http2.ts';
import { KAFKA_CASES } from './kafka.ts';
import { MESSAGES } from './messages.ts';
import { STORES } from './stores.ts';
import { TCP } from './tcp.ts';
import { TLS } from './tls.ts';

export const CASES: readonly Case[] = [
  ...HTTP,
  ...TLS,
  ...HTTP2,
  ...GRPC,
  ...STORES,
  ...KAFKA_CASES,
  ...MESSAGES,
  ...TCP,
];

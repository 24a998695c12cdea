import type { Check } from './check.ts';
import { files } from './own/files.ts';
import { stateDirectory } from './own/state-directory.ts';
import { traces } from './own/traces.ts';
import { detectors } from './series/detectors.ts';
import { features } from './series/features.ts';
import { intervals } from './series/intervals.ts';
import { labels } from './series/labels.ts';
import { lateness } from './series/lateness.ts';
import { rules } from './series/rules.ts';
import { sources } from './series/sources.ts';
import { alerts } from './server/alerts.ts';
import { expected, maintenance } from './server/announcements.ts';
import { clock } from './server/clock.ts';
import { limits } from './server/limits.ts';
import { prometheus } from './server/prometheus.ts';
import { receiver } from './server/receiver.ts';
import { replicas } from './server/replicas.ts';

/** All checks, in the order of the report: a cause precedes what follows from it. */
export const CHECKS: readonly Check[] = [
  files,
  stateDirectory,
  traces,
  prometheus,
  clock,
  replicas,
  receiver,
  sources,
  rules,
  intervals,
  features,
  detectors,
  labels,
  lateness,
  limits,
  maintenance,
  expected,
  alerts,
];

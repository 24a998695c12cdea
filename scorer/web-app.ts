import { createExpressApp } from '../daemon/http-server/express-app.ts';
import type { Logger } from '../daemon/logger.ts';
import type { WebConfigFile } from '../daemon/web-config/web-config-file.ts';
import type { ScorerConfig } from './config.ts';
import type { FeatureSet } from './features/features.ts';
import type { Fleet } from './fleet/fleet.ts';
import { serviceKey, type ServiceName } from './identity/service-key.ts';
import type { KnowledgeInUse } from './learning/knowledge-in-use.ts';
import type { FleetScores } from './scoring/score-fleet.ts';
import { tensorPages, TENSORS_PATH } from './tensor-pages/pages.ts';
import { pictureOf } from './tensor-pages/picture.ts';
import type { Image } from './tensor-pages/png.ts';
import { allocateWindows, encodeWindow, shapeOf } from './tensor/tensor.ts';

/** The state of a scorer that its web pages show. */
export interface ScorerView {
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly fleet: Fleet;
  readonly knowledge: KnowledgeInUse;
  /** Step and scores of the last complete cycle. */
  readonly last: () => { readonly step: number; readonly scores: FleetScores['scores'] };
  /** /metrics, in Prometheus' text format. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  readonly ready: () => true | string;
}

export interface ScorerWebOptions {
  readonly enableLifecycle?: boolean;
  readonly probesWithoutPassword?: boolean;
  readonly reload?: () => void | Promise<void>;
  /** TLS and basic auth. Default: neither. */
  readonly web?: WebConfigFile | undefined;
  readonly logger: Logger;
}

/** /metrics, probes, lifecycle endpoints and the tensor pages of a scorer. */
export function createScorerWebApp(view: ScorerView, options: ScorerWebOptions) {
  const { enableLifecycle = false, probesWithoutPassword = false, reload, web, logger } = options;
  return createExpressApp({
    name: 'lorikeet-scorer',
    description: 'Anomaly scores and root causes for services, from their series in Prometheus.',
    metrics: view.metrics,
    ready: view.ready,
    links: { [TENSORS_PATH]: 'Tensors' },
    routers: [
      tensorPages({
        identity: view.config.identity,
        last: view.last,
        picture: (name) => drawService(view, name),
        features: view.set.features,
      }),
    ],
    enableLifecycle,
    probesWithoutPassword,
    ...(reload !== undefined && { reload }),
    ...(web !== undefined && { before: [web.before] }),
    logger,
  });
}

/** Draws a service's window of the last cycle, on request only. Returns the reason where there is nothing to draw. */
async function drawService(
  { config, set, fleet, knowledge, last }: ScorerView,
  name: ServiceName | undefined,
): Promise<Image | string> {
  const { model, profiles } = knowledge.current;
  const key = name === undefined ? '' : serviceKey(name);
  const history = fleet.services.get(key);
  const profile = profiles?.services.get(key);
  if (history === undefined) return 'No such service in this scorer.';
  if (profile === undefined || model === undefined) return 'The service has not been learned yet.';
  const shape = shapeOf(set, config.steps);
  const window = allocateWindows(shape, 1);
  encodeWindow(shape, history, last().step, profile.scalings, window, 0);
  return pictureOf(shape, window.data, await model.autoencoder.reconstruct(window.data, window.mask, 1));
}

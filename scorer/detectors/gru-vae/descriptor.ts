import { sequenceDescriptor } from '../sequence/descriptor.ts';
import type { GruVaeSettings } from '../settings.ts';
import { gruVaeInference, gruVaeNetwork } from './network.ts';

export const gruVae = sequenceDescriptor<GruVaeSettings>({
  name: 'gru_vae',
  summary: 'Reconstructs response times by a variational autoencoder of gated recurrent units.',
  features: ({ subjects }) =>
    Object.fromEntries(
      Object.entries(subjects).map(([kind, feature]) => [kind, feature === undefined ? [] : [feature]]),
    ),
  network: (settings) => gruVaeNetwork(settings),
  inference: (settings, _columns, weights) => gruVaeInference(settings, weights),
  shape: ({ window, smoothing, hidden, latent }) => ({ window, smoothing, hidden, latent }),
});

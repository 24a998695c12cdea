import { sequenceDescriptor } from '../sequence/descriptor.ts';
import type { LstmAutoencoderSettings } from '../settings.ts';
import { lstmAutoencoderInference, lstmAutoencoderNetwork } from './network.ts';

export const lstmAutoencoder = sequenceDescriptor<LstmAutoencoderSettings>({
  name: 'lstm_autoencoder',
  summary: 'Reconstructs the container metrics of each pod by an LSTM autoencoder.',
  features: ({ features }) => ({ pod: features }),
  network: ({ window, hidden }, columns) => lstmAutoencoderNetwork({ window, hidden, columns }),
  inference: ({ window, hidden }, columns, weights) => lstmAutoencoderInference({ window, hidden, columns }, weights),
  shape: ({ window, smoothing, hidden }) => ({ window, smoothing, hidden }),
});

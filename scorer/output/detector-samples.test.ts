import { expect, test } from 'vitest';
import { edgeKey, instanceKey, serviceKey } from '../identity/service-key.ts';
import { detectorSamples } from './detector-samples.ts';

const cart = { namespace: 'shop', service: 'cart', cluster: 'a', environment: 'prod' };
const db = { ...cart, service: 'db' };
const verdict = { score: 2, shares: [{ feature: 'cpu', share: 1 }] };

test('what is found has the further labels of its service', () => {
  const samples = detectorSamples(
    {
      others: [
        {
          detector: 'x',
          verdicts: [
            { ...verdict, kind: 'service', key: serviceKey(cart) },
            { ...verdict, kind: 'pod', key: instanceKey(cart, 'cart-0') },
            { ...verdict, kind: 'endpoint', key: instanceKey(cart, 'GET /') },
            { ...verdict, kind: 'edge', key: edgeKey(cart, db) },
          ],
        },
      ],
      versions: [{ service: serviceKey(cart), version: 'v2', score: 2 }],
      unexpected: [],
      agreed: new Map([[serviceKey(cart), 2]]),
      patterns: [{ service: serviceKey(cart), feature: 'cpu', pattern: 'gradual', direction: 'up' }],
    },
    { timestampMs: 1, intervalMs: 1 },
  );
  const further = { cluster: 'a', environment: 'prod' };
  expect(samples.map(({ labels }) => labels)).toEqual(samples.map(() => expect.objectContaining(further)));
  expect(
    samples.filter(({ name }) => name !== 'anomaly_feature_share').map(({ name, labels }) => [name, labels]),
  ).toEqual([
    ['anomaly_score', { ...cart, detector: 'x' }],
    ['anomaly_score', { ...cart, pod: 'cart-0', detector: 'x' }],
    ['anomaly_score', { ...cart, endpoint: 'GET /', detector: 'x' }],
    [
      'anomaly_edge_score',
      {
        ...further,
        client_namespace: 'shop',
        client_service: 'cart',
        server_namespace: 'shop',
        server_service: 'db',
        detector: 'x',
      },
    ],
    ['anomaly_version_score', { ...cart, version: 'v2' }],
    ['anomaly_score', { ...cart, detector: 'agreement' }],
    ['anomaly_pattern', { ...cart, feature: 'cpu', pattern: 'gradual', direction: 'up' }],
  ]);
});

import { expect, it } from 'vitest';
import { clientNames } from './client-names.ts';

it.each([
  [undefined, []],
  ['', []],
  ['DNS:prometheus.example', ['prometheus.example']],
  [
    'DNS:a, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:5, email:ops@example.org, URI:spiffe://c/ns/x',
    ['a', '10.0.0.1', 'fd00::5', 'ops@example.org', 'spiffe://c/ns/x'],
  ],
  ['URI:"https://a/?x=1\\u002c DNS:evil", DNS:b', ['https://a/?x=1, DNS:evil', 'b']],
  ['othername:<unsupported>, DNS:c', ['c']],
])('%j has the names %j', (text, names) => expect(clientNames(text)).toEqual(names));

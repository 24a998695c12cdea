import { Machine } from '../../../scripts/cluster/machine/machine.ts';

/* Owns a machine with a program on each node until it is killed. Arguments: the folder of clusters. */
const [, , parent] = process.argv;
const machine = await Machine.start(['one', 'two'], parent);
for (const node of ['one', 'two']) machine.daemon(node, node, ['sleep', '1000']);
await machine.run('one', ['mount', '-t', 'tmpfs', 'tmpfs', '/var/lib/volumes']);
process.stdout.write(`${machine.name}\n`);
setInterval(() => undefined, 1000);

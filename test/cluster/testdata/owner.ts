import { Cluster } from '../../../scripts/cluster/cluster.ts';

/* Owns a cluster until it is killed. */
const cluster = await Cluster.start();
await cluster.kubectl(['create', 'deployment', 'idle', '--image=localhost/pause:1', '--replicas=4']);
await cluster.kubectl(['rollout', 'status', 'deployment/idle', '--timeout=180s']);
process.stdout.write(`${cluster.machine.folder}\n`);
setInterval(() => undefined, 1000);

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from '../case.ts';
import type { Stage } from '../lab.ts';
import { MOSQUITTO, NATS, NODE_PACKAGES, pathOf, PYTHON_PACKAGES, RABBITMQ } from '../tools.ts';
import { ask, PORT, serve } from './programs.ts';

const IDLE = 'the time between messages counts as latency';

/** RabbitMQ with a user `lab`, its data in the server's folder. */
async function serveRabbit({ server }: Stage): Promise<void> {
  const definitions = {
    users: [{ name: 'lab', password: 'lab', tags: 'administrator' }],
    vhosts: [{ name: '/' }],
    permissions: [{ user: 'lab', vhost: '/', configure: '.*', write: '.*', read: '.*' }],
  };
  const file = join(server.folder, 'definitions.json');
  writeFileSync(file, JSON.stringify(definitions));
  const configuration = [`listeners.tcp.1 = ${server.address}:${PORT}`, `load_definitions = ${file}`];
  writeFileSync(join(server.folder, 'rabbitmq.conf'), `${configuration.join('\n')}\n`);
  const folders = ['MNESIA_BASE', 'LOG_BASE', 'GENERATED_CONFIG_DIR', 'SCHEMA_DIR', 'FEATURE_FLAGS_FILE'];
  const environment = [
    `HOME=${server.folder}`,
    `RABBITMQ_CONFIG_FILE=${join(server.folder, 'rabbitmq')}`,
    `RABBITMQ_ENABLED_PLUGINS_FILE=${join(server.folder, 'enabled_plugins')}`,
    'RABBITMQ_NODENAME=lab@localhost',
    ...folders.map((name) => `RABBITMQ_${name}=${join(server.folder, name.toLowerCase())}`),
  ];
  await server.serve(['env', ...environment, pathOf(RABBITMQ)], PORT);
}

function amqpCase(messages: number, everyMs: number): Case {
  return {
    name: `a consumer with 5 ms of work, ${messages} messages, one each ${everyMs / 1000} s`,
    protocol: 'AMQP 0-9-1',
    needs: [RABBITMQ, NODE_PACKAGES],
    expected: 'absent',
    serve: serveRabbit,
    ask(stage) {
      const options = { messages, everyMs, workMs: 5, packages: pathOf(NODE_PACKAGES) };
      return ask(stage, 'amqp-consumer.mjs', options);
    },
  };
}

const MQTT: Case = {
  name: 'publisher and subscriber with QoS 1, 6 messages, one each 0.5 s',
  protocol: 'MQTT',
  needs: [MOSQUITTO, NODE_PACKAGES],
  expected: 'absent',
  known: 'a request that is written in pieces of one call is not recognised',
  async serve(stage) {
    const { folder, address } = stage.server;
    const file = join(folder, 'mosquitto.conf');
    writeFileSync(file, `user root\nlistener ${PORT} ${address}\nallow_anonymous true\n`);
    await stage.server.serve([pathOf(MOSQUITTO), '-c', file], PORT);
  },
  ask(stage) {
    return ask(stage, 'mqtt-subscriber.mjs', { messages: 6, everyMs: 500, packages: pathOf(NODE_PACKAGES) });
  },
};

function natsCase(name: string, options: object, configuration = ''): Case {
  return {
    name,
    protocol: 'NATS',
    needs: [NATS],
    expected: 'absent',
    async serve({ server }) {
      const file = join(server.folder, 'nats.conf');
      writeFileSync(file, `listen: "${server.address}:${PORT}"\n${configuration}\n`);
      await server.serve([pathOf(NATS), '-c', file], PORT);
    },
    ask(stage) {
      return ask(stage, 'dialogue.mjs', { greeting: 'INFO .*?\r\n', ...options });
    },
  };
}

const NATS_HELLO = {
  send: 'CONNECT {"verbose":false,"pedantic":false}\r\nSUB lab 1\r\nPING\r\n',
  until: 'PONG\r\n',
  counts: false,
};
/** The subscriber is also the publisher, so that its clock is the truth. */
const NATS_PUBLISH = { send: 'PUB lab 9\r\na message\r\n', until: 'MSG lab 1 9\r\na message\r\n', idleMs: 500 };

function websocketCase(name: string, pushes: number, echoes: number, everyMs: number): Case {
  return {
    name,
    protocol: 'WebSocket',
    always: true,
    expected: 'exact or absent',
    async serve(stage) {
      await serve(stage.server, 'websocket-server.mjs', { pushes, everyMs });
    },
    ask(stage) {
      return ask(stage, 'websocket-client.mjs', { pushes, echoes, everyMs });
    },
  };
}

export const MESSAGES: readonly Case[] = [
  amqpCase(20, 100),
  amqpCase(5, 1000),
  MQTT,
  natsCase('a subscriber of its own messages, 6, one each 0.5 s', {
    steps: [NATS_HELLO, ...Array.from({ length: 6 }, () => NATS_PUBLISH)],
  }),
  natsCase(
    'an idle subscriber that answers 4 heartbeats, one each 0.5 s',
    { steps: [NATS_HELLO], pushed: 4, push: 'PING\r\n', onPush: 'PONG\r\n' },
    'ping_interval: "0.5s"',
  ),
  websocketCase('the upgrade, then 6 messages of the server, one each 0.3 s', 6, 0, 300),
  websocketCase('the upgrade, then 6 echoes, one each 0.3 s', 0, 6, 300),
  {
    name: 'the upgrade, then 4 echoes, one each 0.5 s, with a ping each 0.2 s',
    protocol: 'WebSocket',
    needs: [PYTHON_PACKAGES],
    expected: 'exact or absent',
    async serve(stage) {
      await serve(stage.server, 'websockets-server.py', { pingMs: 200 }, pathOf(PYTHON_PACKAGES));
    },
    ask(stage) {
      return ask(stage, 'websocket-client.mjs', { echoes: 4, everyMs: 500 });
    },
  },
  {
    name: 'a server that sends a line each 0.5 s, acknowledged by the client',
    protocol: 'unknown',
    always: true,
    expected: 'exact or absent',
    known: IDLE,
    async serve(stage) {
      await serve(stage.server, 'line-server.mjs', { pushMs: 500, answer: '' });
    },
    ask(stage) {
      return ask(stage, 'dialogue.mjs', { pushed: 6, push: 'a push\r\n', onPush: 'fine\r\n' });
    },
  },
];

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from '../case.ts';
import type { Stage } from '../lab.ts';
import { MOSQUITTO, NATS, pathOf, PYTHON_PACKAGES, RABBITMQ } from '../tools.ts';
import { ask, PORT, serve } from './programs.ts';

const IDLE = 'the time between messages counts as latency';

/** RabbitMQ with a user `lab`, its data in the server's folder. */
async function serveRabbit({ server }: Stage): Promise<void> {
  const definitions = {
    users: [{ name: 'lab', password: 'lab', tags: 'administrator' }],
    vhosts: [{ name: '/' }],
    permissions: [{ user: 'lab', vhost: '/', configure: '.*', write: '.*', read: '.*' }],
  };
  writeFileSync(join(server.folder, 'definitions.json'), JSON.stringify(definitions));
  const configuration = [`listeners.tcp.1 = ${server.address}:${PORT}`, 'load_definitions = definitions.json'];
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
    needs: [RABBITMQ, PYTHON_PACKAGES],
    expected: 'absent',
    known: IDLE,
    async traffic(stage) {
      await serveRabbit(stage);
      const options = { messages, everyMs, workMs: 5 };
      return ask(stage, 'amqp-consumer.py', options, pathOf(PYTHON_PACKAGES));
    },
  };
}

const MQTT: Case = {
  name: 'publisher and subscriber with QoS 1, 6 messages, one each 0.5 s',
  protocol: 'MQTT',
  needs: [MOSQUITTO, PYTHON_PACKAGES],
  expected: 'absent',
  known: IDLE,
  async traffic(stage) {
    const { folder, address } = stage.server;
    const file = join(folder, 'mosquitto.conf');
    writeFileSync(file, `user root\nlistener ${PORT} ${address}\nallow_anonymous true\n`);
    await stage.server.serve([pathOf(MOSQUITTO), '-c', file], PORT);
    return ask(stage, 'mqtt-subscriber.py', { messages: 6, everyMs: 500 }, pathOf(PYTHON_PACKAGES));
  },
};

const NATS_CASE: Case = {
  name: 'a subscriber of its own messages, 6, one each 0.5 s',
  protocol: 'NATS',
  needs: [NATS],
  expected: 'absent',
  known: IDLE,
  async traffic(stage) {
    await stage.server.serve([pathOf(NATS), '-a', stage.server.address, '-p', String(PORT)], PORT);
    const hello = 'CONNECT {"verbose":false,"pedantic":false}\r\nSUB lab 1\r\nPING\r\n';
    return ask(stage, 'dialogue.mjs', {
      greeting: 'INFO .*?\r\n',
      steps: [{ send: hello, until: 'PONG\r\n', counts: false }, ...publish(6)],
    });
  },
};

/** A message is not a request, but the subscriber is also the publisher here, so that its clock is the truth. */
function publish(messages: number) {
  return Array.from({ length: messages }, () => ({
    send: 'PUB lab 9\r\na message\r\n',
    until: 'MSG lab 1 9\r\na message\r\n',
    idleMs: 500,
  }));
}

function websocketCase(name: string, pushes: number, echoes: number, everyMs: number): Case {
  return {
    name,
    protocol: 'WebSocket',
    always: true,
    expected: 'exact or absent',
    known: IDLE,
    async traffic(stage) {
      await serve(stage.server, 'websocket-server.mjs', { pushes, everyMs });
      return ask(stage, 'websocket-client.mjs', { pushes, echoes, everyMs });
    },
  };
}

export const MESSAGES: readonly Case[] = [
  amqpCase(20, 100),
  amqpCase(5, 1000),
  MQTT,
  NATS_CASE,
  websocketCase('the upgrade, then 6 messages of the server, one each 0.3 s', 6, 0, 300),
  websocketCase('the upgrade, then 6 echoes, one each 0.3 s', 0, 6, 300),
  {
    name: 'the upgrade, then 4 echoes, one each 0.5 s, with a ping each 0.2 s',
    protocol: 'WebSocket',
    needs: [PYTHON_PACKAGES],
    expected: 'exact or absent',
    known: IDLE,
    async traffic(stage) {
      await serve(stage.server, 'websockets-server.py', { pingMs: 200 }, pathOf(PYTHON_PACKAGES));
      return ask(stage, 'websocket-client.mjs', { echoes: 4, everyMs: 500 });
    },
  },
  {
    name: 'a server that sends a line each 0.5 s, acknowledged by the client',
    protocol: 'unknown',
    always: true,
    expected: 'exact or absent',
    known: IDLE,
    async traffic(stage) {
      await serve(stage.server, 'line-server.mjs', { pushMs: 500, answer: '' });
      return ask(stage, 'dialogue.mjs', { pushed: 6, push: 'a push\r\n', onPush: 'fine\r\n' });
    },
  },
];

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { freePort } from '../../scripts/free-port.ts';
import { readRequestBody, serve } from './http.ts';
import { startProgram } from './prometheus.ts';

/** The configuration that is shipped. */
export const SHIPPED_ALERTMANAGER = 'manifests/prometheus/alertmanager.yaml';

export type Labels = Readonly<Record<string, string>>;

/** A notification: the receiver and its alerts. */
export interface Notification {
  readonly receiver: string;
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: Labels;
    readonly annotations: Labels;
  }[];
}

export interface RunningAlertmanager {
  readonly url: string;
  /** What the receivers got. May be emptied. */
  readonly notifications: Notification[];
  /** Receiver and labels of each alert that a receiver got as firing: `on-call: ServiceAnomalous warning cart`. */
  readonly firing: () => string[];
  /** The descriptions of the alerts with a name, sent or suppressed. */
  readonly descriptions: (alertname: string) => Promise<string[]>;
  /** Kills the process, keeping its data; a silence is not on disk until Alertmanager saves it. */
  crash(): Promise<void>;
  /** Restarts it after `crash`, with the same address and data. */
  restart(): Promise<void>;
  /** Stops the process and removes its data. */
  stop(): Promise<void>;
}

interface Listed {
  readonly labels: Labels;
  readonly annotations: Labels;
}

interface Shipped {
  readonly route: object;
  readonly receivers: readonly { readonly name: string }[];
}

/** Name, severity and service of an alert. */
export function alertName({ alertname, severity, service }: Labels): string {
  return [alertname, severity, service].filter(Boolean).join(' ');
}

/** Starts a real Alertmanager with the shipped configuration, a webhook for each receiver, and short waits. */
export async function startAlertmanager(
  program: string,
  { wait = '1s' }: { readonly wait?: string } = {},
): Promise<RunningAlertmanager> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-alertmanager-'));
  const notifications: Notification[] = [];
  const webhook = await serve((request, response) => {
    void readRequestBody(request).then((body) => {
      notifications.push(JSON.parse(body.toString()) as Notification);
      response.end();
    });
  });
  const clean = async () => {
    await webhook.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const shipped = load(readFileSync(SHIPPED_ALERTMANAGER, 'utf8')) as Shipped;
    const receivers = shipped.receivers.map(({ name }) => ({ name, webhook_configs: [{ url: webhook.url }] }));
    const route = { ...shipped.route, group_wait: wait, group_interval: '1s' };
    writeFileSync(join(folder, 'alertmanager.yml'), dump({ ...shipped, route, receivers }));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const launch = () =>
      startProgram(
        program,
        [
          `--config.file=${join(folder, 'alertmanager.yml')}`,
          `--storage.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
          '--cluster.listen-address=',
        ],
        `${url}/-/ready`,
      );
    let running = await launch();
    const firing = () =>
      notifications.flatMap(({ receiver, alerts }) =>
        alerts.filter(({ status }) => status === 'firing').map(({ labels }) => `${receiver}: ${alertName(labels)}`),
      );
    const descriptions = async (alertname: string) => {
      const listed = (await (await fetch(`${url}/api/v2/alerts`)).json()) as Listed[];
      const named = listed.filter(({ labels }) => labels['alertname'] === alertname);
      return named.map(({ annotations }) => annotations['description'] ?? '');
    };
    const restart = async () => {
      running = await launch();
    };
    const stop = async () => {
      await running.kill();
      await clean();
    };
    return { url, notifications, firing, descriptions, crash: () => running.kill(), restart, stop };
  } catch (error) {
    await clean();
    throw error;
  }
}

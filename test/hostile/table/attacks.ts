/** A row of the table of attacks and faults. */
export interface Attack {
  /** What is done to the programs. */
  readonly attack: string;
  /** What was seen before the product was mended. */
  readonly before: string;
  /** What is seen now. `{name}` stands for the largest figure of that name that its tests recorded. */
  readonly now: string;
}

const UNTRIED = 'not tried';

/** The rows in their order. A test that keeps one names it with `keeps`. */
export const ATTACKS = {
  pictures: {
    attack: '1,000 requests for a picture of a tensor on one connection, 2,000 on a hundred',
    before: 'the scorer answered nothing for 14 to 34 s',
    now: 'pictures or 503; health within {health_ms} ms, {skipped} cycles skipped',
  },
  pipelined: {
    attack: '20,000 requests on one connection that waits for no answer',
    before: UNTRIED,
    now: '{answered} answered, the connection closed; health within {health_ms} ms',
  },
  malformed: {
    attack: 'headers, bodies and upgrades that are endless, contradictory, or trickle',
    before: UNTRIED,
    now: 'each gets its status, and the connection is closed',
  },
  reloads: {
    attack: 'two POST /-/reload at once, then a hundred with signals between them; files that are broken',
    before: 'the scorer ended, 4 times of 4',
    now: '100 requests are {reloads} reloads; what fails leaves the old configuration running',
  },
  idle_connections: {
    attack: '512 connections kept alive and idle, 600 silent ones, 1,000 of one client',
    before: 'exporter and scorer unreachable, for the liveness probe too',
    now: 'the longest idle one gives way; health within {health_ms} ms, {unhealthy} failures',
  },
  slow_readers: {
    attack: '30 clients that read nothing of a page of 7 MB',
    before: '503 for everybody after five; 533 MB with pages of 70 MB',
    now: 'everybody else gets the page; the unread ones are cut; health within {health_ms} ms',
  },
  slow_requests: {
    attack: 'clients of a monitored service that send the last bytes of their headers one after the other',
    before: "another one's latency was 398 s",
    now: 'durations of {mean_ms} ms as before; the latency that the features read is {without_ms} ms',
  },
  passwords: {
    attack: 'wrong passwords without a pause on 48 connections; a client above the rate limit',
    before: 'a right password that was not cached was locked out',
    now: 'a right password of another client is accepted after {accepted_ms} ms',
  },
  secrets: {
    attack: 'a secret in a wrong place of a configuration or of a command line',
    before: 'printed',
    now: 'printed nowhere, in {places} places',
  },
  yaml_aliases: {
    attack: '447 bytes of nested YAML aliases in each kind of file',
    before: 'more than 105 s without an end',
    now: 'refused after {seconds} s',
  },
  state_files: {
    attack: 'a file of the state that is a directory, a loop, a pipe, of 3 GB, not permitted, or not JSON',
    before: 'the scorer ended',
    now: 'named in one line, set aside; the shipped model is used',
  },
  onnx: {
    attack: 'a model that is no model, or whose weights are in another file or a device',
    before: UNTRIED,
    now: 'refused in one line, and nothing is read',
  },
  full_disk: {
    attack: 'no space for the state, for standard error, or while learning',
    before: 'the scorer ended, or named no file',
    now: 'the programs work; one line names the file',
  },
  few_files: {
    attack: 'a limit of 19 to 26 open files at the start',
    before: 'the scorer ended, and named no file',
    now: 'one line names the file or the limit; the state stays',
  },
  logged_names: {
    attack: 'control characters and 60 KB in a name that is logged',
    before: 'raw in logfmt',
    now: 'escaped; the longest line has {longest_line} characters',
  },
  kubernetes_retry: {
    attack: 'the API server asks to be asked again in 31 years, before now, or at no time',
    before: '310 to 450 requests a second from each exporter',
    now: '{requests_per_second} requests a second at first, then fewer',
  },
  kubernetes_expired: {
    attack: 'the API server finds every version expired',
    before: UNTRIED,
    now: '{requests_per_second} requests a second at first, then fewer; counted as failures',
  },
  kubernetes_pages: {
    attack: 'the API server has always another page of a list',
    before: 'no bound',
    now: '{pages} pages of a list, then a failure and a pause',
  },
  kubernetes_endless: {
    attack: 'a line of a watch, an item, a list, a nesting or an error of the API server without end',
    before: '930 MB and growing',
    now: 'hung up on after {sent_megabytes} MB',
  },
  annotations: {
    attack: 'an annotation of 200 KB of a pod that changes every 0.1 s',
    before: '9 GB of logs a day at a change every 2 s',
    now: 'lines of {longest_line} characters',
  },
  prometheus_endless: {
    attack: 'Prometheus answers with 50 MB of `[`, or a series, head, label, end or error without end',
    before: '2.3 GB, health after 12 s',
    now: 'hung up on after {sent_megabytes} MB; health within {health_ms} ms',
  },
  new_services: {
    attack: 'Prometheus answers with 300,000 services that were never seen',
    before: 'no bound',
    now: '50,000 are taken, the others counted; health within {health_ms} ms',
  },
  prometheus_away: {
    attack: 'Prometheus answers 4xx, 5xx, half of its JSON, or too late',
    before: UNTRIED,
    now: 'counted and logged once; scores go on afterwards',
  },
  prometheus_killed: {
    attack: 'Prometheus is killed twice and restarted with its data',
    before: UNTRIED,
    now: 'a score {seconds} s after it is back; none is out of order',
  },
  prometheus_full: {
    attack: 'the disk of Prometheus is full for a while',
    before: UNTRIED,
    now: 'a score {seconds} s after there is space; those of the time in between are written too',
  },
  two_scorers: {
    attack: 'two scorers of one shard write to one Prometheus',
    before: UNTRIED,
    now: 'a score for each time; {conflicts} samples refused as duplicates, and counted',
  },
  retry_after: {
    attack: 'the receiver answers one 503 with a Retry-After of three years',
    before: 'no writes for ten minutes',
    now: 'sent again after {seconds} s at an interval of 1 s',
  },
  bodies_of_2xx: {
    attack: 'the receiver answers 2xx with a body that is large, endless, broken, or never comes',
    before: 'sent again',
    now: 'sent once: {requests_per_write} request for each write',
  },
  clock: {
    attack: "the scorer's clock is set an hour ahead and back",
    before: 'every sample dropped as out of order for an hour',
    now: '{dropped} samples dropped; scores {seconds} s after it is back',
  },
  exporter_memory: {
    attack:
      'a memory limit for the exporter: that of the chart with 30 slow readers of a page of 7 MB, and smaller ones',
    before: UNTRIED,
    now: '{peak} of {limit} MiB are used; {smallest} MiB are enough to start',
  },
  scorer_memory: {
    attack: 'a memory limit for the scorer that learns three services: that of the chart, and smaller ones',
    before: UNTRIED,
    now: '{peak} of {limit} MiB are used; {smallest} MiB are enough; with less its state stays whole',
  },
  upgrade: {
    attack: 'the new exporter or scorer is started while the old one runs, at its port and at another one',
    before: UNTRIED,
    now: 'at its port it ends in one line; at another one both count and score the same',
  },
  restart: {
    attack: 'the scorer is restarted in the middle of a cycle, while Prometheus answers after 0.4 s',
    before: UNTRIED,
    now: '{restarts} restarts; it stops within {stop_seconds} s, and the next score comes within {seconds} s',
  },
  exporter_killed: {
    attack: 'kill -9 of the exporter while it starts, counts or is scraped',
    before: UNTRIED,
    now: '{kills} kills; none of its {objects} links, programs and maps is left, and the next one counts exactly',
  },
  scorer_killed: {
    attack: 'kill -9 of the scorer while it runs, learns or saves, and of the learning process alone',
    before: UNTRIED,
    now: '{kills} kills; its state is whole each time, the next score comes within {seconds} s',
  },
  alertmanager_killed: {
    attack: 'kill -9 of Alertmanager, whose silences say which anomalies are expected',
    before: UNTRIED,
    now: '{kills} kills; the last silences stay in use, one line each; no cycle fails',
  },
} as const satisfies Readonly<Record<string, Attack>>;

export type AttackName = keyof typeof ATTACKS;

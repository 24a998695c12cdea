import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromNezha } from '../../../bench/recorded/nezha/convert.ts';
import { readFolder } from '../../../bench/recorded/nezha/folder.ts';
import { edgeSeries, podSeries, snakeCase } from '../../../bench/recorded/nezha/open-metrics.ts';
import { workloadOf } from '../../../bench/recorded/nezha/pod-name.ts';
import { parseTime } from '../../../bench/recorded/nezha/table.ts';
import { readRecording } from '../../../bench/recorded/recording.ts';
import { trainingTime } from '../../../bench/recorded/training-time.ts';
import { writeRecording } from '../../../bench/recorded/write-recording.ts';
import { metricsOf } from './metrics-of.ts';

const ROWS = [
  'Time,TimeStamp,PodName,CpuUsage(m),Rate(%)',
  '2024-02-03 01:00:19.573905004 +0000 UTC m=+0.07,1806922819,x,1.5,',
  '2024-02-03 01:01:19.5 +0000 UTC,1806922879,x,2,NaN',
  '',
].join('\n');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-folder-'));
  mkdirSync(join(folder, 'metric'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (file: string, content: string | Uint8Array) => writeFileSync(join(folder, file), content);
const fault = (time: string, timestamp: number) => ({
  inject_time: time,
  inject_timestamp: `${timestamp}`,
  inject_pod: 'ts-order-service-7d9f8c6b5-x2x4z',
  inject_type: 'return',
});

describe('readFolder', () => {
  it('reads plain and gzipped files, without edges, with a list named by the day', () => {
    put('metric/ts-order-service-7d9f8c6b5-x2x4z_metric.csv', ROWS);
    put('metric/mongo-0_metric.csv.gz', gzipSync(ROWS));
    put('2024-02-03-fault_list.json', JSON.stringify({ '01': [fault('2024-02-03 01:00:30', 1)] }));
    const read = readFolder(folder);
    expect(read.pods.map(({ service }) => service)).toEqual(['mongo', 'ts-order-service']);
    expect(read.edges).toEqual([]);
    expect(read.faults).toEqual([
      {
        startMs: Date.UTC(2024, 1, 3, 1, 0, 30),
        service: 'ts-order-service',
        pod: 'ts-order-service-7d9f8c6b5-x2x4z',
        type: 'return',
      },
    ]);
    const text = [...podSeries(read)].join('');
    expect(text).toContain('pod_cpu_usage_m{namespace="default",service="mongo",pod="mongo-0"} 1.5 1706922019.573\n');
    expect(text).not.toContain('NaN');
  });

  it('uses the timestamp of a fault if its time is in another time zone', () => {
    put('metric/a-1_metric.csv', ROWS);
    put('faults.json', JSON.stringify([fault('2024-02-03 09:00:30', Date.UTC(2024, 1, 3, 1, 0, 30) / 1000)]));
    expect(readFolder(folder).faults[0]?.startMs).toBe(Date.UTC(2024, 1, 3, 1, 0, 30));
  });

  it('reads edges from both ends', () => {
    put('metric/a-1_metric.csv', ROWS);
    put('metric/source_50.csv', 'time,timestamp,a_b\n2024-02-03 01:00:19,1,0.25\n');
    put('faults.json', '{}');
    expect([...edgeSeries(readFolder(folder))].join('')).toContain(
      'edge_latency_seconds{client_namespace="default",client_service="a",server_namespace="default",server_service="b",side="source",percentile="50"} 0.25 1706922019\n',
    );
  });

  it('names missing files and columns', () => {
    expect(() => readFolder(folder)).toThrow('expected files named <pod>_metric.csv');
    put('metric/a-1_metric.csv', 'a,b\n1,2\n');
    expect(() => readFolder(folder)).toThrow('expected a column Time');
  });
});

describe('fromNezha', () => {
  const convert = async () => {
    const to = join(folder, 'converted');
    await writeRecording(to, fromNezha(folder));
    return { recording: readRecording(to), all: await metricsOf(to), services: await metricsOf(to, true) };
  };

  it('takes the call graph from traces where the edges have no figures', async () => {
    put('metric/a-1_metric.csv', ROWS);
    put('metric/b-1_metric.csv', ROWS);
    put('faults.json', JSON.stringify([fault('2024-02-03 01:00:30', 1)]));
    mkdirSync(join(folder, 'trace'));
    const spans = [
      '1,r,root,a-1,GET,1000000,9000000,8',
      '1,s,r,a-1,call,2000000,8000000,6',
      '1,t,s,b-1,GET,3000000,7000000,4',
    ];
    const head = 'TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration';
    put('trace/01_00_trace.csv', [head, ...spans, ''].join('\n'));
    const { recording, all, services } = await convert();
    const calls = all.filter((line) => line.startsWith('calls{'));
    expect(calls).toEqual(
      [1706922019.573, 1706922079.5].map((time) => {
        return `calls{client_namespace="default",client_service="a",server_namespace="default",server_service="b"} 1 ${time}`;
      }),
    );
    expect(services).toEqual(all.filter((line) => !line.includes('calls')));
    expect(all.at(-1)).toBe('# EOF');
    expect(recording).toMatchObject({ intervalMs: 60_000, faults: [{ key: '["default","ts-order-service"]' }] });
    expect(recording.set.edges.map(({ name }) => name)).toContain('answer_latency');
  });

  it('has the latencies of edge files and no further graph', async () => {
    put('metric/a-1_metric.csv', ROWS);
    put('metric/source_50.csv', 'time,timestamp,a_b\n2024-02-03 01:00:19,1,0.25\n');
    put('faults.json', '{}');
    const { all } = await convert();
    expect(all.filter((line) => line.startsWith('edge_latency_seconds{'))).toHaveLength(1);
    expect(all.join('\n')).not.toContain('calls');
  });
});

describe('names and times', () => {
  it.each([
    ['frontend-579b9bff58-t2dbm', 'frontend'],
    ['cart-service-9cdb6588f-554sm', 'cart-service'],
    ['redis-0', 'redis'],
    ['lonely', 'lonely'],
  ])('%s belongs to %s', (pod, service) => {
    expect(workloadOf(pod)).toBe(service);
  });

  it('converts columns to metric names and reads times as UTC', () => {
    expect(snakeCase('PodClientLatencyP90(s)')).toBe('pod_client_latency_p90_s');
    expect(snakeCase('CpuUsageRate(%)')).toBe('cpu_usage_rate_percent');
    expect(parseTime('2024-02-03 01:00:19.573905004 +0000 UTC')).toBe(Date.UTC(2024, 1, 3, 1, 0, 19, 573));
    expect(parseTime('soon')).toBeNaN();
  });
});

describe('trainingTime', () => {
  it('ends when two thirds of the fault-free time have passed', () => {
    const faults = [{ startMs: 10, endMs: 19, key: 'a', type: 't' }];
    // Without faults: 0 to 9 and 30 to 99, 80 steps; two thirds are 53.
    expect(trainingTime({ fromMs: 0, toMs: 99 }, faults, 2 / 3, 10, 1)).toEqual({ fromMs: 0, toMs: 73 });
  });
});

import { z } from 'zod';
import { durationSchema, readConfigFile } from '../../daemon/config-file.ts';
import { MAX_RATE, type LoadSettings } from '../protocol/load-pattern.ts';
import { ROUTE_LIMITS, type Route } from '../protocol/route.ts';
import { RUNTIMES } from '../protocol/runtime.ts';
import { replicasOf } from './replicas.ts';

const name = (what: string) =>
  z
    .string(`expected ${what}`)
    .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, `expected ${what} of lower-case letters, digits and hyphens`);

const between = (min: number, max: number) => {
  const message = `expected a number from ${min} to ${max}`;
  return z.number(message).min(min, message).max(max, message);
};

const whole = (min: number, max: number) => {
  const message = `expected a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
};

const faultSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('latency'), args: z.strictObject({ delay: between(0, ROUTE_LIMITS.delay) }) }),
  z.strictObject({
    type: z.literal('memory-leak'),
    args: z.strictObject({ size: between(0, ROUTE_LIMITS.size), duration: between(0, ROUTE_LIMITS.duration) }),
  }),
  z.strictObject({ type: z.literal('error'), args: z.strictObject({}) }),
]);

const routeSchema: z.ZodType<Route> = z.lazy(() =>
  z.strictObject({
    designation: z.string('expected a service'),
    probability: between(0, 100).default(100),
    parallel: z.boolean().default(false),
    faults: z
      .strictObject({ before: z.array(faultSchema).default([]), after: z.array(faultSchema).default([]) })
      .default({ before: [], after: [] }),
    routes: z.array(routeSchema).default([]),
  }),
);

const serviceSchema = z.strictObject({
  /** Processes; callers take turns. */
  replicas: whole(1, 20).default(1),
  /** Wait of a request, log-normal: median in ms and spread of the logarithm. */
  wait_ms: between(0, 10_000).default(2),
  wait_spread: between(0, 2).default(0.4),
  /** CPU time of a request, in milliseconds. */
  cpu_ms: between(0, 100).default(0.3),
  response_bytes: whole(0, 1_000_000).default(1000),
  /** Timeout for calls. */
  timeout_ms: whole(10, 60_000).default(1000),
  /** Maximum number of concurrent requests; more are rejected with 503. */
  max_concurrent: whole(1, 10_000).default(64),
});

const waveSchema = z.strictObject({ period: durationSchema, amplitude: between(0, 1) });
const burstsSchema = z.strictObject({ every: durationSchema, factor: between(0, 20), lasting: durationSchema });

/** The load section of a topology; durations become milliseconds. */
export const loadSchema = z.strictObject({
  level: between(0, MAX_RATE),
  noise: between(0, 1),
  wave: waveSchema,
  bursts: burstsSchema,
});

/** A change of the load: any part of it. */
export const loadChangeSchema = z.strictObject({
  level: loadSchema.shape.level.optional(),
  noise: loadSchema.shape.noise.optional(),
  wave: waveSchema.partial().optional(),
  bursts: burstsSchema.partial().optional(),
});
export type LoadChange = z.input<typeof loadChangeSchema>;

/** `settings` with `change` applied. */
export function changeLoad(settings: LoadSettings, change: z.output<typeof loadChangeSchema>): LoadSettings {
  return {
    level: change.level ?? settings.level,
    noise: change.noise ?? settings.noise,
    wave: {
      period: change.wave?.period ?? settings.wave.period,
      amplitude: change.wave?.amplitude ?? settings.wave.amplitude,
    },
    bursts: {
      every: change.bursts?.every ?? settings.bursts.every,
      factor: change.bursts?.factor ?? settings.bursts.factor,
      lasting: change.bursts?.lasting ?? settings.bursts.lasting,
    },
  };
}

const PRIVATE_NETWORK = /^(10\.\d{1,3}|172\.(1[6-9]|2\d|3[01])|192\.168)\.\d{1,3}\.0\/24$/;

/** A private /24, used only inside the network namespaces of the simulation. */
export const networkSchema = z
  .string('expected a private network such as 10.88.0.0/24')
  .refine((text) => PRIVATE_NETWORK.test(text) && text.split(/[./]/).every((part) => Number(part) <= 255), {
    message: 'expected a private network such as 10.88.0.0/24',
  });

/** Where the services send spans: OTLP over HTTP. */
export const tracesSchema = z.strictObject({
  /** The base, as in `OTEL_EXPORTER_OTLP_ENDPOINT`: `/v1/traces` is appended. */
  endpoint: z.url({ protocol: /^https?$/, message: 'expected a URL such as http://127.0.0.1:4318' }),
  /** Share of the traces that are sampled. */
  share: between(0, 1).default(1),
});

/** They share a /24. */
const MAX_PROCESSES = 200;

const topologySchema = z
  .strictObject({
    namespace: name('a namespace'),
    network: networkSchema,
    port: whole(1, 65_535).default(8080),
    /** Language of the services. */
    runtime: z.enum(RUNTIMES, `expected one of ${RUNTIMES.join(', ')}`).default('typescript'),
    services: z
      .record(name('a service'), serviceSchema)
      .refine((services) => Object.keys(services).length >= 1 && Object.keys(services).length <= 200, {
        message: 'expected 1 to 200 services',
      }),
    load: loadSchema,
    traces: tracesSchema.optional(),
    requests: z
      .array(z.strictObject({ name: name('a name'), weight: between(0, 1e6), route: routeSchema }))
      .refine((requests) => requests.some((request) => request.weight > 0), {
        message: 'expected at least one request with a weight above 0',
      }),
  })
  .superRefine((topology, context) => {
    const names = replicasOf(topology.services).map((replica) => replica.name);
    const twice = names.find((replica, index) => names.indexOf(replica) !== index);
    const refuse = (message: string) =>
      context.addIssue({ code: 'custom', path: ['services'], message, input: topology.services });
    if (names.length > MAX_PROCESSES) refuse(`expected at most ${MAX_PROCESSES} replicas of all services together`);
    if (twice !== undefined) refuse(`expected no service with the name of a replica, ${twice}`);
    const check = (route: Route, path: PropertyKey[]) => {
      if (!Object.hasOwn(topology.services, route.designation)) {
        const known = Object.keys(topology.services).join(', ');
        context.addIssue({
          code: 'custom',
          path: [...path, 'designation'],
          message: `expected one of ${known}`,
          input: route.designation,
        });
      }
      route.routes.forEach((child, index) => check(child, [...path, 'routes', index]));
    };
    topology.requests.forEach((request, index) => check(request.route, ['requests', index, 'route']));
  });

/** A system to simulate: services, their calls, and the load. */
export type Topology = z.output<typeof topologySchema>;

/** @throws ConfigError, for example `web-shop.yaml: requests[0].route.designation: expected one of ...` */
export function readTopology(path: string): Topology {
  return readConfigFile(path, topologySchema);
}

/** The service of the simulated shop that is broken, and how. */
const BROKEN = 'catalog-db';
const FAULT = 'latency';
const LEARNING_SECONDS = 120;

/** How the demo plays the scene. */
export const DEMO_FLAGS = [
  `--fault=${FAULT}`,
  `--service=${BROKEN}`,
  `--learning=${LEARNING_SECONDS}`,
  '--keep',
  '--hold=600',
];

/** How long the fault lasts before the pictures are taken. */
export const SETTLED_SECONDS = 60;
/** The time range of the dashboards. */
export const SHOWN_SECONDS = 210;

/** A dashboard of the documentation, `docs/images/<name>.png`. */
export interface Picture {
  readonly name: string;
  readonly dashboard: string;
  /** Values of the dashboard's variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** Pixels. */
  readonly height: number;
}

/** Pixels. */
export const WIDTH = 1600;
export const PICTURES: readonly Picture[] = [
  { name: 'overview', dashboard: 'lorikeet-overview', variables: {}, height: 1176 },
  { name: 'service', dashboard: 'lorikeet-service', variables: { namespace: 'shop', service: BROKEN }, height: 1440 },
];

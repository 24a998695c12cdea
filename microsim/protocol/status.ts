import type { Fault, FaultArgs, FaultType } from './fault.ts';
import type { LoadSettings } from './load-pattern.ts';

/** Counts since the start of the process, and means over the last 10 seconds. */
export interface TrafficStats {
  readonly requests: number;
  readonly failures: number;
  /** Sum of the durations, in seconds. */
  readonly seconds: number;
  /** Requests per second over the last 10 seconds. */
  readonly rate: number;
  /** Mean duration over the last 10 seconds; 0 without requests. */
  readonly latency_ms: number;
}

/** Stats of a service. `requests` does not include rejected ones. */
export interface ServiceStats extends TrafficStats {
  readonly service: string;
  readonly listening: boolean;
  readonly fault: Fault | null;
  /** Requests in progress. */
  readonly active: number;
  /** Rejected with 503. */
  readonly rejected: number;
  readonly cpu_seconds: number;
  readonly rss_mb: number;
  readonly leaked_mb: number;
  /** By callee. */
  readonly calls: Readonly<Record<string, TrafficStats>>;
}

/** Stats of the load generator. */
export interface LoadStats extends TrafficStats {
  readonly settings: LoadSettings;
  /** Current rate of the pattern, in requests per second. */
  readonly target_rate: number;
  readonly active: number;
  /** Not sent because too many were in progress. */
  readonly dropped: number;
  readonly cpu_seconds: number;
  readonly rss_mb: number;
  /** Requests sent, by name of the route. */
  readonly by_name: Readonly<Record<string, number>>;
}

export type ServiceState = 'starting' | 'running' | 'paused' | 'crashed' | 'restarting';

export interface ServiceStatus {
  /** The service, if it has several replicas. */
  readonly replica_of?: string;
  readonly state: ServiceState;
  readonly address: string;
  /** Absent while there is no process. */
  readonly pid?: number;
  /** Number of restarts after an unexpected exit. */
  readonly restarts: number;
  /** Absent while the process does not answer. */
  readonly stats?: ServiceStats;
}

export interface ActiveFault {
  readonly service: string;
  readonly type: FaultType;
  readonly args: FaultArgs;
  readonly callee?: string;
  /** RFC 3339. */
  readonly since: string;
}

/** `GET /status` of the controller. */
export interface SimStatus {
  readonly name: string;
  readonly namespace: string;
  readonly ready: boolean;
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
  /** Path of the simulation's cgroup below the cgroup2 mount. */
  readonly cgroup: string;
  readonly targets_file: string;
  readonly fault: ActiveFault | null;
  /** Absent while the load generator does not answer. */
  readonly load?: LoadStats;
  /** By name; of a service with replicas, each of them by its own. */
  readonly services: Readonly<Record<string, ServiceStatus>>;
}

import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, labelsVariable } from './board.ts';
import { rows, single, timeSeries } from './panels.ts';
import { countScored } from './queries.ts';

const CHOSEN = 'instance=~"$instance"';
const PROCESS = `job="lorikeet-scorer", ${CHOSEN}`;

/** The mean of a histogram's observations. */
const mean = (histogram: string, by: string): string =>
  `sum by (${by}) (rate(${histogram}_sum{${CHOSEN}}[$__rate_interval])) / (sum by (${by}) (rate(${histogram}_count{${CHOSEN}}[$__rate_interval])) > 0)`;

const perSecond = (counter: string, by: string): string =>
  `sum by (${by}) (rate(${counter}{${CHOSEN}}[$__rate_interval]))`;

/** Do the scorers keep up, of how many services, and what have they learned? */
export function scorer(): DashboardBuilder {
  const dashboard = board({
    uid: 'lorikeet-scorer',
    description: 'The scorers: whether they keep up, what they can say of how many services, and how learning goes.',
    from: 'now-6h',
    alerts: 'alertname=~"LorikeetScorer.+|LorikeetServices.+"',
    alertText: '{{instance}}',
  }).withVariable(labelsVariable('instance', 'Instance', 'label_values(up{job="lorikeet-scorer"}, instance)'));
  addState(dashboard);
  addCycles(dashboard);
  addLearning(dashboard);
  return dashboard;
}

function addState(dashboard: DashboardBuilder): void {
  dashboard
    .withPanel(
      single({
        title: 'Last cycle',
        description: 'Age of the data of the oldest last complete cycle.',
        unit: 's',
        span: 4,
        expr: `max(time() - lorikeet_scorer_last_cycle_timestamp_seconds{${CHOSEN}})`,
      }),
    )
    .withPanel(
      single({
        title: 'Scored',
        description: 'Services that have a score, whichever scorer it comes from.',
        unit: 'short',
        span: 4,
        expr: countScored(),
      }),
    )
    .withPanel(
      single({
        title: 'Learning',
        description: 'Services without a score because what is normal for them is not yet learned.',
        unit: 'short',
        span: 4,
        expr: `sum(lorikeet_scorer_services{${CHOSEN}, state="learning"})`,
      }),
    )
    .withPanel(
      single({
        title: 'Without data',
        description: 'Services with too few features to be scored.',
        unit: 'short',
        span: 4,
        expr: `sum(lorikeet_scorer_services{${CHOSEN}, state="no_data"})`,
      }),
    )
    .withPanel(
      single({
        title: 'Learning left',
        description: 'Until the last service without a score has been there for the least time of learning.',
        unit: 's',
        span: 4,
        expr: `max(lorikeet_scorer_learning_seconds_left{${CHOSEN}})`,
      }),
    )
    .withPanel(
      single({
        title: 'Failures',
        description: 'Cycles, queries, writes and learning runs that failed in the last hour.',
        unit: 'short',
        span: 4,
        expr: ['cycles_failed', 'query_failures', 'write_failures', 'training_failures']
          .map((name) => `(sum(increase(lorikeet_scorer_${name}_total{${CHOSEN}}[1h])) or vector(0))`)
          .join(' + '),
        colours: 'none wanted',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Services by state',
        description: 'What the scorers can say of the services.',
        unit: 'short',
        span: 12,
        stacked: true,
        min: 0,
        queries: { '{{state}}': `sum by (state) (lorikeet_scorer_services{${CHOSEN}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Missing values',
        description: 'Values that were missing in the last cycle and taken as neutral.',
        unit: 'short',
        span: 12,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (lorikeet_scorer_missing_values{${CHOSEN}})` },
      }),
    );
}

function addCycles(dashboard: DashboardBuilder): void {
  dashboard
    .withPanel(
      timeSeries({
        title: 'Duration of a cycle',
        description: 'Mean duration of each phase of a cycle.',
        unit: 's',
        span: 8,
        stacked: true,
        min: 0,
        queries: { '{{phase}}': mean('lorikeet_scorer_cycle_duration_seconds', 'phase') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Duration of a query',
        description: 'Mean time until Prometheus had answered.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{query}}': mean('lorikeet_scorer_query_duration_seconds', 'query') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Cycles not completed',
        description: 'Cycles left out because the one before was not done, and cycles that failed.',
        unit: 'cps',
        span: 8,
        min: 0,
        queries: {
          skipped: perSecond('lorikeet_scorer_cycles_skipped_total', ''),
          failed: perSecond('lorikeet_scorer_cycles_failed_total', ''),
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Samples written',
        description: 'Samples that the remote-write receiver accepted, and those given up.',
        unit: 'cps',
        span: 6,
        min: 0,
        queries: {
          written: perSecond('lorikeet_scorer_samples_written_total', ''),
          'dropped: {{reason}}': perSecond('lorikeet_scorer_samples_dropped_total', 'reason'),
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Failed requests',
        description: 'Queries and remote writes that failed, by code.',
        unit: 'reqps',
        span: 6,
        min: 0,
        queries: {
          'query {{code}}': perSecond('lorikeet_scorer_query_failures_total', 'code'),
          'write {{code}}': perSecond('lorikeet_scorer_write_failures_total', 'code'),
        },
        noValue: 'none has ever failed',
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Processor time',
        description: 'Cores of each scorer; a learning run is a process of its own and not in it.',
        unit: 'short',
        span: 6,
        min: 0,
        queries: {
          '{{instance}}': `sum by (instance) (rate(process_cpu_seconds_total{${PROCESS}}[$__rate_interval]))`,
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Memory',
        description: 'Resident memory of each scorer, without that of a learning run.',
        unit: 'bytes',
        span: 6,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (process_resident_memory_bytes{${PROCESS}})` },
      }),
    );
}

function addLearning(dashboard: DashboardBuilder): void {
  dashboard
    .withPanel(
      timeSeries({
        title: 'Age of what was learned',
        description: 'Time since the services in use were last learned.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (lorikeet_scorer_model_age_seconds{${CHOSEN}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Learning under way',
        description: 'How far each phase of the learning under way is, or of the last one.',
        unit: 'percentunit',
        span: 8,
        min: 0,
        queries: {
          '{{instance}} {{phase}}': `max by (instance, phase) (lorikeet_scorer_training_progress_ratio{${CHOSEN}})`,
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Duration of learning',
        description: 'How long the last learning run took.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (lorikeet_scorer_training_duration_seconds{${CHOSEN}})` },
      }),
    )
    .withPanel(
      rows({
        title: 'Scorers',
        description: 'Each scorer with its version, shard, and whether its models and its configuration are in use.',
        span: 24,
        labels: { instance: 'Instance', version: 'Version', index: 'Shard' },
        columns: [
          { header: 'Running', expr: `max by (instance, version) (lorikeet_scorer_build_info{${CHOSEN}})` },
          { header: 'Of the fleet', expr: `max by (instance, index) (lorikeet_scorer_shard{${CHOSEN}})` },
          { header: 'Model damaged', expr: `max by (instance) (lorikeet_scorer_model_damaged{${CHOSEN}})` },
          {
            header: 'Configuration in use',
            expr: `min by (instance) (lorikeet_scorer_config_last_reload_successful{${CHOSEN}})`,
          },
        ],
        sortBy: 'Instance',
        sortDescending: false,
      }),
    );
}

import type { DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, labelsVariable } from './board.ts';
import { rows, single, timeSeries } from './panels.ts';
import { processCpu, processMemory } from './process-panels.ts';
import { countScored } from './queries.ts';

const CHOSEN = 'instance=~"$instance"';
const PROCESS = `job="lorikeet-scorer", ${CHOSEN}`;

/** The mean of a histogram's observations. */
const mean = (histogram: string, by: string): string =>
  `sum by (${by}) (rate(${histogram}_sum{${CHOSEN}}[$__rate_interval])) / (sum by (${by}) (rate(${histogram}_count{${CHOSEN}}[$__rate_interval])) > 0)`;

const perSecond = (counter: string, by: string): string =>
  `sum by (${by}) (rate(${counter}{${CHOSEN}}[$__rate_interval]))`;

/** Health of the scorers: duration of cycles, number of services with a score, and training. */
export function scorer(): DashboardBuilder {
  const dashboard = board({
    uid: 'lorikeet-scorer',
    description: 'Health of the scorers: cycles, services by state, and training.',
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
        description: 'Time since the last completed cycle, of the scorer where it is longest ago.',
        unit: 's',
        span: 4,
        expr: `max(time() - lorikeet_scorer_last_cycle_timestamp_seconds{${CHOSEN}})`,
      }),
    )
    .withPanel(
      single({
        title: 'Scored',
        description: 'Services that have a score from any scorer.',
        unit: 'short',
        span: 4,
        expr: countScored(),
      }),
    )
    .withPanel(
      single({
        title: 'Learning',
        description: 'Services without a score because they are still learning.',
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
        title: 'Learning time left',
        description: 'Time until every service has been observed for the minimum learning time.',
        unit: 's',
        span: 4,
        expr: `max(lorikeet_scorer_learning_seconds_left{${CHOSEN}})`,
      }),
    )
    .withPanel(
      single({
        title: 'Failures',
        description: 'Cycles, queries, writes and training runs that failed in the last hour.',
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
        description: 'Number of services in each state.',
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
        description:
          'Values missing in the last cycle, which count as normal, and series that cannot be used within 5 minutes, by reason.',
        unit: 'short',
        span: 12,
        min: 0,
        queries: {
          '{{instance}}': `max by (instance) (lorikeet_scorer_missing_values{${CHOSEN}})`,
          'rejected: {{reason}}': `sum by (reason) (increase(lorikeet_scorer_series_rejected_total{${CHOSEN}}[5m])) > 0`,
        },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Problems',
        description:
          'Problems around the scorer that its checks find: the number of scorers that have each. `lorikeet-scorer doctor` says what to do.',
        unit: 'short',
        span: 24,
        min: 0,
        noValue: 'none',
        queries: {
          '{{check}} ({{severity}})': `sum by (check, severity) (lorikeet_scorer_problem{${CHOSEN}}) > 0`,
        },
      }),
    );
}

function addCycles(dashboard: DashboardBuilder): void {
  dashboard
    .withPanel(
      timeSeries({
        title: 'Cycle duration',
        description: 'Mean duration of a cycle, by phase.',
        unit: 's',
        span: 8,
        stacked: true,
        min: 0,
        queries: { '{{phase}}': mean('lorikeet_scorer_cycle_duration_seconds', 'phase') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Query duration',
        description: 'Mean duration of queries to Prometheus.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{query}}': mean('lorikeet_scorer_query_duration_seconds', 'query') },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Skipped and failed cycles',
        description: 'Cycles skipped because the previous one was still running, and cycles that failed.',
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
        description: 'Samples accepted by the remote-write receiver, and samples dropped, by reason.',
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
        noValue: 'no failures',
      }),
    )
    .withPanel(
      processCpu({
        description: 'CPU cores used by each scorer, without training runs, which are separate processes.',
        span: 6,
        matchers: PROCESS,
      }),
    )
    .withPanel(
      processMemory({
        description: 'Resident memory of each scorer, without training runs.',
        span: 6,
        matchers: PROCESS,
      }),
    );
}

function addLearning(dashboard: DashboardBuilder): void {
  dashboard
    .withPanel(
      timeSeries({
        title: 'Model age',
        description: 'Time since the last successful training.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (lorikeet_scorer_model_age_seconds{${CHOSEN}})` },
      }),
    )
    .withPanel(
      timeSeries({
        title: 'Training progress',
        description: 'Progress of each phase of the current training run, or of the last one.',
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
        title: 'Training duration',
        description: 'Duration of the last training run.',
        unit: 's',
        span: 8,
        min: 0,
        queries: { '{{instance}}': `max by (instance) (lorikeet_scorer_training_duration_seconds{${CHOSEN}})` },
      }),
    )
    .withPanel(
      rows({
        title: 'Scorers',
        description: 'Version, shard, and state of model and configuration of each scorer.',
        span: 24,
        labels: { instance: 'Instance', version: 'Version', index: 'Shard' },
        columns: [
          { header: 'Running', expr: `max by (instance, version) (lorikeet_scorer_build_info{${CHOSEN}})` },
          { header: 'Share of the fleet', expr: `max by (instance, index) (lorikeet_scorer_shard{${CHOSEN}})` },
          { header: 'Model damaged', expr: `max by (instance) (lorikeet_scorer_model_damaged{${CHOSEN}})` },
          {
            header: 'Configuration valid',
            expr: `min by (instance) (lorikeet_scorer_config_last_reload_successful{${CHOSEN}})`,
          },
        ],
        sortBy: 'Instance',
        sortDescending: false,
      }),
    );
}

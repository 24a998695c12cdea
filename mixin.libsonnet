// The rules and dashboards for those who build theirs with jsonnet: kubernetes-mixin's three keys, nothing of its own.
local rules = import 'manifests/generated/rules.json';
{
  grafanaDashboards+:: {
    'lorikeet-overview.json': import 'dashboards/generated/lorikeet-overview.json',
    'lorikeet-service.json': import 'dashboards/generated/lorikeet-service.json',
    'lorikeet-exporter.json': import 'dashboards/generated/lorikeet-exporter.json',
    'lorikeet-scorer.json': import 'dashboards/generated/lorikeet-scorer.json',
  },
  prometheusRules+:: { groups+: rules.recording },
  prometheusAlerts+:: { groups+: rules.alerting },
}

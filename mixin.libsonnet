// The rules and dashboards for those who build theirs with jsonnet: kubernetes-mixin's three keys.
local rules = import 'manifests/generated/rules.json';
{
  // true: with the rules of the detectors beside the autoencoder (docs/detectors.md).
  _config+:: { lorikeetDetectors: false },
  grafanaDashboards+:: {
    'lorikeet-overview.json': import 'dashboards/generated/lorikeet-overview.json',
    'lorikeet-service.json': import 'dashboards/generated/lorikeet-service.json',
    'lorikeet-exporter.json': import 'dashboards/generated/lorikeet-exporter.json',
    'lorikeet-scorer.json': import 'dashboards/generated/lorikeet-scorer.json',
  },
  prometheusRules+:: { groups+: rules.recording + (if $._config.lorikeetDetectors then rules.detectors.recording else []) },
  prometheusAlerts+:: { groups+: rules.alerting + (if $._config.lorikeetDetectors then rules.detectors.alerting else []) },
}

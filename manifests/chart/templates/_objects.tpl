{{/*
The objects of a generated file, with the user's labels. Keys of the argument: root, file, labels, without (names of
objects to leave out), render (a template that renders an object; its arguments are the root and the object).
*/}}
{{- define "lorikeet.objects" -}}
{{- $root := .root -}}
{{- $detector := $root.Values.rules.detector -}}
{{- $explaining := ternary ".+" $detector (eq $detector "agreement") -}}
{{- range $text := rest (splitList "\n---\n" ($root.Files.Get .file)) }}
{{- $text = $text | replace `detector="autoencoder"` (printf "detector=%q" $detector) | replace `detector=~"autoencoder"` (printf "detector=~%q" $explaining) }}
{{- $text = $text | replace `detector=~"autoencoder|gone"` (printf `detector=~"%s|gone"` $detector) | replace `"detector", "autoencoder"` (printf `"detector", %q` $detector) }}
{{- $object := fromYaml $text }}
{{- $_ := set $object.metadata "labels" (merge (dict) ($.labels | default dict) $object.metadata.labels) }}
{{- with $root.Values.namespaceOverride }}{{ $_ := set $object.metadata "namespace" . }}{{ end }}
{{- if not (has $object.metadata.name ($.without | default list)) }}
---
{{ include ($.render | default "lorikeet.asIs") (list $root $object) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "lorikeet.asIs" -}}
{{ toYaml (index . 1) }}
{{- end }}

{{/* A PodMonitor with the user's settings. Arguments: the root and the object. */}}
{{- define "lorikeet.podMonitor" -}}
{{- $root := index . 0 -}}
{{- $monitor := index . 1 -}}
{{- $values := $root.Values.operator.podMonitor -}}
{{- $endpoint := first $monitor.spec.podMetricsEndpoints -}}
{{- with $values.interval }}{{ $_ := set $endpoint "interval" . }}{{ end -}}
{{- with $values.scrapeTimeout }}{{ $_ := set $endpoint "scrapeTimeout" . }}{{ end -}}
{{- with $values.relabelings }}{{ $_ := set $endpoint "relabelings" (concat $endpoint.relabelings .) }}{{ end -}}
{{- with $values.metricRelabelings }}{{ $_ := set $endpoint "metricRelabelings" . }}{{ end -}}
{{- with $values.sampleLimit }}{{ $_ := set $monitor.spec "sampleLimit" (int .) }}{{ end -}}
{{- with $root.Values.web.tls }}
{{- if .secretName }}
{{- $tls := dict "serverName" (include "lorikeet.serverName" (list $root (trimPrefix "lorikeet-" $monitor.metadata.name))) }}
{{- if .caKey }}{{ $_ := set $tls "ca" (dict "secret" (dict "name" .secretName "key" .caKey)) }}{{ end }}
{{- $_ := set $endpoint "scheme" "https" }}
{{- $_ := set $endpoint "tlsConfig" $tls }}
{{- end }}
{{- end }}
{{- if include "lorikeet.hasPasswords" $root }}
{{- $secret := $root.Values.web.auth.scrapeSecretName }}
{{- if not $secret }}
{{- fail "web.auth.scrapeSecretName: missing, expected a Secret with username and password, by which the PodMonitors scrape" }}
{{- end }}
{{- $_ := set $endpoint "basicAuth" (dict "username" (dict "name" $secret "key" "username") "password" (dict "name" $secret "key" "password")) }}
{{- end }}
{{- toYaml $monitor }}
{{- end }}

{{/*
A ConfigMap for a Prometheus without the operator: scrape configurations with the user's settings, rules without those of
the shipped features if there are others. Arguments: the root and the object.
*/}}
{{- define "lorikeet.prometheusConfigMap" -}}
{{- $root := index . 0 -}}
{{- $map := index . 1 -}}
{{- if $root.Values.scorer.features }}
{{- $_ := set $map "data" (omit $map.data "lorikeet.rules.yaml" "lorikeet-instances.rules.yaml") }}
{{- end }}
{{- $user := $root.Values.prometheus.scrapeConfig -}}
{{- if and (hasKey $map.data "scrape-configs.yaml") (or $user (include "lorikeet.hasWebConfig" $root)) }}
{{- if and (include "lorikeet.hasPasswords" $root) (not (or $user.basic_auth $user.authorization)) }}
{{- fail "prometheus.scrapeConfig.basic_auth: missing, expected the user and password by which Prometheus scrapes, because web.auth is set" }}
{{- end }}
{{- $file := get $map.data "scrape-configs.yaml" | fromYaml }}
{{- range $config := $file.scrape_configs }}
{{- range $key, $value := $user }}{{ $_ := set $config $key $value }}{{ end }}
{{- if $root.Values.web.tls.secretName }}
{{- $name := include "lorikeet.serverName" (list $root (trimPrefix "lorikeet-" $config.job_name)) }}
{{- $_ := set $config "scheme" "https" }}
{{- $_ := set $config "tls_config" (merge (dict) ($user.tls_config | default dict) (dict "server_name" $name)) }}
{{- end }}
{{- end }}
{{- $_ := set $map.data "scrape-configs.yaml" (toYaml $file) }}
{{- end }}
{{- toYaml $map }}
{{- end }}

{{/* scorer.yaml: the user's configuration, with the shard and state directory that the chart sets. */}}
{{- define "lorikeet.scorerConfig" -}}
{{- $config := .Values.scorer.config -}}
{{- if eq (get $config "output") "metrics" }}{{ $config = omit $config "remote_write" }}{{ end -}}
{{- toYaml (merge (dict "shard" (dict "count" (int .Values.scorer.shards)) "state_dir" "/var/lib/lorikeet") $config) }}
{{- end }}

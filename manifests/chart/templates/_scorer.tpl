{{/* scorer.yaml: the user's configuration, with what the chart sets: shard, state directory and features file. */}}
{{- define "lorikeet.scorerConfig" -}}
{{- $config := .Values.scorer.config -}}
{{- if eq (get $config "output") "metrics" }}{{ $config = omit $config "remote_write" }}{{ end -}}
{{- $own := dict "shard" (dict "count" (int .Values.scorer.shards)) "state_dir" "/var/lib/lorikeet" -}}
{{- if .Values.scorer.features }}
{{- if $config.features_file }}
{{- fail "scorer.config.features_file: expected this or scorer.features, not both" }}
{{- end }}
{{- $_ := set $own "features_file" "features.yaml" }}
{{- end }}
{{- toYaml (merge $own $config) }}
{{- end }}

{{/* Names of the scorer's detectors beside the autoencoder; empty without them. Argument: the root. */}}
{{- define "lorikeet.detectors" -}}
{{- range $name, $_ := .Values.scorer.config.detectors }}{{ if ne $name "autoencoder" }}{{ $name }} {{ end }}{{ end }}
{{- end }}

{{/* Security contexts of the scorer: those that the Pod Security level restricted requires. Argument: its values. */}}
{{- define "lorikeet.scorerPodSecurity" -}}
{{- $context := dict "runAsNonRoot" true "runAsUser" 65532 "runAsGroup" 65532 "fsGroup" 65532 "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- include "lorikeet.replaced" (list $context .podSecurityContext) }}
{{- end }}

{{- define "lorikeet.scorerSecurity" -}}
{{- $context := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) -}}
{{- include "lorikeet.replaced" (list $context .securityContext) }}
{{- end }}

{{/* A constraint without a selector would count no pods. Argument: the root. */}}
{{- define "lorikeet.spread" -}}
{{- $selector := dict "matchLabels" (include "lorikeet.selector" (list . "scorer") | fromYaml) -}}
{{- range .Values.scorer.topologySpreadConstraints }}
- {{ hasKey . "labelSelector" | ternary . (set (deepCopy .) "labelSelector" $selector) | toYaml | nindent 2 | trim }}
{{- end }}
{{- end }}

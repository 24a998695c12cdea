{{/* The release's name, with the chart's appended unless it contains it, so that two releases do not collide. */}}
{{- define "lorikeet.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The immutable labels of a program. Arguments: the root and the program's name. */}}
{{- define "lorikeet.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: lorikeet-{{ index . 1 }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- end }}

{{- define "lorikeet.labels" -}}
{{- $root := index . 0 -}}
{{ include "lorikeet.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: lorikeet
{{- end }}

{{- define "lorikeet.image" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
lorikeet-{{ index . 1 }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end }}

{{- define "lorikeet.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Scheduling of a pod. Argument: the values of a program. */}}
{{- define "lorikeet.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
A pod's annotations. Fails on an unknown annotation below lorikeet.dev/: it is misspelt and would silently do nothing.
Arguments: the path of the annotations in the values, and the annotations.
*/}}
{{- define "lorikeet.annotations" -}}
{{- $path := index . 0 -}}
{{- range $name, $_ := index . 1 }}
{{- if and (hasPrefix "lorikeet.dev/" $name) (not (has $name (list "lorikeet.dev/monitor" "lorikeet.dev/service"))) }}
{{- fail (printf "%s.%s: unknown, expected lorikeet.dev/monitor or lorikeet.dev/service" $path $name) }}
{{- end }}
{{- end }}
{{- toYaml (index . 1) }}
{{- end }}

{{/* Names of the scorer's detectors beside the autoencoder; empty without them. Argument: the root. */}}
{{- define "lorikeet.detectors" -}}
{{- range $name, $_ := .Values.scorer.config.detectors }}{{ if ne $name "autoencoder" }}{{ $name }} {{ end }}{{ end }}
{{- end }}

{{/* The objects of a generated file, with the user's labels. Arguments: the root, the file and the labels. */}}
{{- define "lorikeet.objects" -}}
{{- $labels := index . 2 -}}
{{- $detector := (index . 0).Values.rules.detector -}}
{{- $explaining := ternary ".+" $detector (eq $detector "agreement") -}}
{{- range $text := rest (splitList "\n---\n" ((index . 0).Files.Get (index . 1))) }}
{{- $text = $text | replace `detector="autoencoder"` (printf "detector=%q" $detector) | replace `detector=~"autoencoder"` (printf "detector=~%q" $explaining) }}
{{- $text = $text | replace `detector=~"autoencoder|gone"` (printf `detector=~"%s|gone"` $detector) | replace `"detector", "autoencoder"` (printf `"detector", %q` $detector) }}
{{- $object := fromYaml $text }}
{{- $_ := set $object.metadata "labels" (merge (dict) $labels $object.metadata.labels) }}
---
{{ toYaml $object }}
{{- end }}
{{- end }}

{{/* The peers that may scrape a program. */}}
{{- define "lorikeet.fromPrometheus" -}}
{{- with .Values.networkPolicy.prometheus -}}
- namespaceSelector: {{ toJson .namespaceSelector }}
  podSelector: {{ toJson .podSelector }}
{{- end }}
{{- end }}

{{/* DNS on any address: where a cluster runs its DNS is unknown. */}}
{{- define "lorikeet.toDns" -}}
- ports:
    - { port: 53, protocol: UDP }
    - { port: 53, protocol: TCP }
{{- end }}

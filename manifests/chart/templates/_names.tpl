{{/* The release's name, with the chart's appended unless it contains it, so that two releases do not collide. */}}
{{- define "lorikeet.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "lorikeet.namespace" -}}
{{ .Values.namespaceOverride | default .Release.Namespace }}
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

{{/* Name, namespace and labels of a program's object. Helm itself adds the namespace of the release. Arguments: as above. */}}
{{- define "lorikeet.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "lorikeet.fullname" $root }}-{{ index . 1 }}
{{- with $root.Values.namespaceOverride }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "lorikeet.labels" . | nindent 2 }}
{{- end }}

{{/* The service account of a program's pods. Arguments: as above. */}}
{{- define "lorikeet.serviceAccount" -}}
{{- $root := index . 0 -}}
{{- $account := (index $root.Values (index . 1)).serviceAccount -}}
{{- if $account.name }}{{ $account.name }}
{{- else if $account.create }}{{ include "lorikeet.fullname" $root }}-{{ index . 1 }}
{{- else }}default
{{- end }}
{{- end }}

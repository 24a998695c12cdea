{{/*
A program's image. Fails without a registry, because the runtime would ask a public one for the name. Arguments: the root
and the program's name.
*/}}
{{- define "lorikeet.image" -}}
{{- $root := index . 0 -}}
{{- $program := index . 1 -}}
{{- $image := (index $root.Values $program).image -}}
{{- $registry := ($root.Values.global | default dict).imageRegistry | default $root.Values.image.registry -}}
{{- if not (or $image.repository $registry) }}
{{- fail (printf "image.registry: missing, expected the registry of the image lorikeet-%s, such as registry.example/monitoring, or all of its name in %s.image.repository" $program $program) }}
{{- end }}
{{- $image.repository | default (printf "%s/lorikeet-%s" (trimSuffix "/" $registry) $program) }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}{{ end }}
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

{{/* An object with some of its keys replaced. Sprig's merge would keep a user's false and 0 out. Arguments: both. */}}
{{- define "lorikeet.replaced" -}}
{{- $object := index . 0 -}}
{{- range $key, $value := index . 1 }}{{ $_ := set $object $key $value }}{{ end -}}
{{- toYaml $object }}
{{- end }}

{{/* A probe. Arguments: the root and the path. */}}
{{- define "lorikeet.probe" -}}
httpGet:
  path: {{ index . 1 }}
  port: metrics
  {{- if (index . 0).Values.web.tls.secretName }}
  scheme: HTTPS
  {{- end }}
{{- end }}

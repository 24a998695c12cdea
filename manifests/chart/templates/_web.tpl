{{/* True if the programs ask for passwords. Argument: the root, as below. */}}
{{- define "lorikeet.hasPasswords" -}}
{{- with .Values.web.auth }}{{ if or .users .secretName }}true{{ end }}{{ end }}
{{- end }}

{{- define "lorikeet.hasWebConfig" -}}
{{- if or .Values.web.tls.secretName (include "lorikeet.hasPasswords" .) }}true{{ end }}
{{- end }}

{{/* web.yaml, unless the user has a Secret with it. */}}
{{- define "lorikeet.webConfig" -}}
{{- $config := dict -}}
{{- if .Values.web.tls.secretName }}
{{- $_ := set $config "tls_server_config" (dict "cert_file" "tls.crt" "key_file" "tls.key") }}
{{- end }}
{{- with .Values.web.auth.users }}{{ $_ := set $config "basic_auth_users" . }}{{ end -}}
{{- toYaml $config }}
{{- end }}

{{/* Flags, mount and volume of a program. Probes have no password, and kubelets check no certificate. */}}
{{- define "lorikeet.webArgs" -}}
{{- if include "lorikeet.hasWebConfig" . }}
- --web.config.file=/etc/lorikeet-web/web.yaml
{{- end }}
{{- if include "lorikeet.hasPasswords" . }}
- --web.probes-without-password
{{- end }}
{{- end }}

{{- define "lorikeet.webMount" -}}
{{- if include "lorikeet.hasWebConfig" . }}
- name: web
  mountPath: /etc/lorikeet-web
  readOnly: true
{{- end }}
{{- end }}

{{- define "lorikeet.webVolume" -}}
{{- if include "lorikeet.hasWebConfig" . }}
- name: web
  projected:
    sources:
      - secret:
          name: {{ .Values.web.auth.secretName | default (printf "%s-web" (include "lorikeet.fullname" .)) }}
          items: [{ key: web.yaml, path: web.yaml }]
      {{- with .Values.web.tls.secretName }}
      - secret:
          name: {{ . }}
      {{- end }}
{{- end }}
{{- end }}

{{/* The name in a program's certificate: scrapes go to addresses. Arguments: the root and the program's name. */}}
{{- define "lorikeet.serverName" -}}
{{- $root := index . 0 -}}
{{- $service := printf "%s-%s" (include "lorikeet.fullname" $root) (index . 1) -}}
{{- $root.Values.web.tls.serverName | default (printf "%s.%s.svc" $service (include "lorikeet.namespace" $root)) }}
{{- end }}

{{/* Arguments of a program by the user. Fails if they set what the probes must follow. Arguments: the root and the program's name. */}}
{{- define "lorikeet.extraArgs" -}}
{{- $program := index . 1 -}}
{{- with (index (index . 0).Values $program).extraArgs }}
{{- range . }}
{{- if hasPrefix "--web.config.file" . }}
{{- fail (printf "%s.extraArgs: expected web.tls and web.auth in place of --web.config.file, so that the probes follow" $program) }}
{{- end }}
{{- end }}
{{- toYaml . }}
{{- end }}
{{- end }}

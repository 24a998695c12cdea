{{/* Security contexts of the exporter. Argument: its values. */}}
{{- define "lorikeet.exporterPodSecurity" -}}
{{- $user := ternary 0 65532 .runAsRoot -}}
{{- $context := dict "runAsNonRoot" (not .runAsRoot) "runAsUser" $user "runAsGroup" $user "seccompProfile" .seccompProfile -}}
{{- with .seLinuxOptions }}{{ $_ := set $context "seLinuxOptions" . }}{{ end -}}
{{- include "lorikeet.replaced" (list $context .podSecurityContext) }}
{{- end }}

{{- define "lorikeet.exporterSecurity" -}}
{{- $capabilities := dict "drop" (list "ALL") "add" (list "BPF" "PERFMON") -}}
{{- $context := dict "allowPrivilegeEscalation" (not .runAsRoot) "readOnlyRootFilesystem" true "capabilities" $capabilities -}}
{{- include "lorikeet.replaced" (list $context .securityContext) }}
{{- end }}

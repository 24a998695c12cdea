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

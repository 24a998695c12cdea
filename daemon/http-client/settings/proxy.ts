import * as z from 'zod';
import { urlSchema } from '../../config-file.ts';
import { connectHeaderSchema } from './headers.ts';
import { flagSchema } from './text.ts';

/** Prometheus' settings of a proxy, for `withProxyRules`. */
export const proxyKeys = {
  /** An http or https proxy; the URL may contain user and password. */
  proxy_url: urlSchema.optional(),
  /** Hosts, domains, addresses and networks to reach without the proxy, separated by commas. */
  no_proxy: z.string('expected a list of hosts, separated by commas').optional(),
  /** Use the proxies of HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
  proxy_from_environment: flagSchema.default(false),
  /** Headers of CONNECT requests to the proxy. */
  proxy_connect_header: connectHeaderSchema.optional(),
} as const;

export type ProxySettings = z.output<z.ZodObject<typeof proxyKeys>>;

/** The contradictions that Prometheus refuses. */
export function refuseProxyContradictions(settings: ProxySettings, context: z.RefinementCtx): void {
  const {
    proxy_url: url,
    no_proxy: none,
    proxy_from_environment: environment,
    proxy_connect_header: header,
  } = settings;
  const refuse = (key: keyof ProxySettings, message: string, input: unknown) =>
    context.addIssue({ code: 'custom', path: [key], message, input });
  if (environment && url !== undefined)
    refuse('proxy_from_environment', 'expected false, because proxy_url is set', true);
  if (none !== undefined && url === undefined) refuse('no_proxy', 'expected proxy_url with it', none);
  if (header !== undefined && url === undefined && !environment) {
    refuse('proxy_connect_header', 'expected proxy_url or proxy_from_environment with it', header);
  }
}

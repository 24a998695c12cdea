import type { Flags } from '../../daemon/flags.ts';
import { UsageError } from '../../daemon/flags.ts';
import { renderText } from '../../daemon/secrets/redact.ts';
import { readScorerConfig, type ScorerConfig } from '../config.ts';
import { identitySchema } from '../identity/identity.ts';

/** Flags of the commands that render what is configured outside of the scorer. */
export const IDENTITY_FLAGS = {
  'config.file': {
    type: 'string',
    help: 'Configuration file of the scorer, for its identity.labels and features_file. Default: none.',
  },
  'identity.labels': {
    type: 'string',
    help: 'Further labels of services beside namespace and service, separated by commas. Default: identity.labels in --config.file.',
  },
} as const satisfies Flags;

export interface IdentityChoice {
  readonly labels: readonly string[];
  /** The configuration, if its file is given. */
  readonly config: ScorerConfig | undefined;
}

/** @throws UsageError, ConfigError */
export function readIdentity(values: {
  readonly 'config.file': string | undefined;
  readonly 'identity.labels': string | undefined;
}): IdentityChoice {
  const { 'config.file': path, 'identity.labels': text } = values;
  const config = path === undefined ? undefined : readScorerConfig(path);
  if (text === undefined) return { labels: config?.identity.labels ?? [], config };
  const labels = text === '' ? [] : text.split(',').map((label) => label.trim());
  const parsed = identitySchema.safeParse({ labels });
  if (parsed.success) return { labels, config };
  throw new UsageError(
    `--identity.labels: ${parsed.error.issues[0]?.message ?? 'expected labels'}, got ${renderText(text)}`,
  );
}

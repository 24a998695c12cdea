import type { BuildOptions } from 'esbuild';

export interface BundleOptions {
  /** Default: `dist`. */
  readonly outdir?: string;
  /** Version of the programs. Default: that of the package. */
  readonly version?: string;
}

export declare const PROGRAMS: Readonly<Record<string, string>>;
export declare const APART: Readonly<Record<string, string>>;
export declare function bundle(entryPoints: Readonly<Record<string, string>>, options?: BundleOptions): Promise<void>;
export declare function bundleOptions(
  entryPoints: Readonly<Record<string, string>>,
  options?: BundleOptions,
): BuildOptions;
